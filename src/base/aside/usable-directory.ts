// The folder in which a program of the user's is started: asked aside, since the start of a program waits for
// it.
import fs from "node:fs";
import { onDisk } from "../text/bytes.ts";
import { aside, NoAnswer } from "./aside.ts";

const exists = aside(
  "exists",
  (folder: string) => fs.existsSync(onDisk(folder)),
  ([folder]) => folder,
);

/** The folder, or / where it is not there or does not answer. */
export async function usableDirectory(folder: string): Promise<string> {
  try {
    return (await exists(folder)) ? folder : "/";
  } catch (error) {
    if (error instanceof NoAnswer) return "/";
    throw error;
  }
}
