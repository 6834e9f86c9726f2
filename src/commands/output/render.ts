// What is drawn or packed in a thread of its own, within a time.
import { Failure } from "../../base/failure.ts";
import type { ExportJob } from "../../export/worker.ts";
import { JobTooLong } from "../../logs/worker-pool.ts";
import type { Context } from "../dispatch/call.ts";

/**
 * A picture takes a fraction of a second, a million values as arrays some ten seconds; this long (ms) means
 * that the machine stands still, or that it is too much for this format.
 */
const longest = 300_000;

/** @param transfer buffers of the job that are handed over instead of copied. @throws Failure past it */
export async function render(context: Context, job: ExportJob, transfer: ArrayBuffer[] = []): Promise<Uint8Array> {
  try {
    return await context.archive.workers.run<Uint8Array>(job, longest, transfer);
  } catch (error) {
    if (!(error instanceof JobTooLong)) throw error;
    throw new Failure(`this was not done within ${longest / 60_000} minutes and was given up: ask for less of it, or for csv`);
  }
}
