// The threads that draw screens, as a server has them: so many as its machine and its limits have room for.
import os from "node:os";
import type { Log } from "../base/log.ts";
import { roomFor } from "../platform/native.ts";
import { addonFile } from "../platform/native-files.ts";
import { ScreenPool, workersFor } from "../terminal/worker/screen-pool.ts";
import type { ScreenThread } from "../terminal/worker/screen-thread.ts";
import { Screens } from "../terminal/worker/screens.ts";
import { screenProgram } from "./screen-program.ts";

/**
 * @param root folder of the program.
 * @param first a thread that was started just now.
 */
export function screenThreads(root: string, log: Log, first: ScreenThread | undefined): ScreenPool {
  const pool = new ScreenPool(
    workersFor(os.availableParallelism()),
    (elsewhere) => new Screens(screenProgram(root), log, addonFile, elsewhere),
    () => roomFor(1),
  );
  if (first !== undefined) pool.begin(first);
  return pool;
}
