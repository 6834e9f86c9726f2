// A thread that draws screens, as it is started: with the memory in which it tells whose turn it is.
import type { Worker } from "node:worker_threads";
import { EndableWorker } from "../../base/endable-worker.ts";
import { TurnMark } from "./turn-mark.ts";

export interface ScreenThread {
  worker: Worker;
  mark: TurnMark;
}

/**
 * @param file the worker's program.
 * @param addon file of the native addon, which it loads on its own.
 * @throws Error where the limit of threads leaves none.
 */
export function startScreenThread(file: string | URL, addon: string | undefined): ScreenThread {
  const mark = new TurnMark();
  // the thread's program is whole in its file: what Node was told to load for the process is not for it
  return { worker: new EndableWorker(file, { execArgv: [], workerData: { addon, turns: mark.memory } }), mark };
}
