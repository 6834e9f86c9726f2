// The program of the threads that draw screens.
import path from "node:path";

/** @param root folder of the program. */
export function screenProgram(root: string): string {
  return path.join(root, "dist", "screen-worker.cjs");
}
