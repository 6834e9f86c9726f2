// The threads that draw screens, as a server has them: so many as its machine and its limits have room for.
import os from "node:os";
import path from "node:path";
import type { Log } from "../base/log.ts";
import { addonFile, roomFor } from "../platform/native.ts";
import { ScreenPool, workersFor } from "../terminal/worker/screen-pool.ts";
import { Screens } from "../terminal/worker/screens.ts";

/** @param root folder of the program. */
export function screenThreads(root: string, log: Log): ScreenPool {
  const worker = path.join(root, "dist", "screen-worker.cjs");
  return new ScreenPool(
    workersFor(os.availableParallelism()),
    (elsewhere) => new Screens(worker, log, addonFile, elsewhere),
    () => roomFor(1),
  );
}
