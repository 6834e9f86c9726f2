// What is drawn or packed in a thread of its own, within a time.
import { Failure } from "../../base/failure.ts";
import type { ExportJob } from "../../export/worker.ts";
import { JobTooLong } from "../../logs/worker-pool.ts";
import type { Context } from "../dispatch/call.ts";

/** A picture takes a fraction of a second; this long (ms) means that the machine stands still. */
const longest = 60_000;
/** A million values take some ten seconds to pack (ms). */
const longestArrays = 300_000;

/** @param transfer buffers of the job that are handed over instead of copied. @throws Failure in the end */
export async function render(context: Context, job: ExportJob, transfer: ArrayBuffer[] = []): Promise<Uint8Array> {
  const limit = job.do === "arrays" ? longestArrays : longest;
  try {
    return await context.archive.workers.run<Uint8Array>(job, limit, transfer);
  } catch (error) {
    if (!(error instanceof JobTooLong)) throw error;
    const instead = job.do === "arrays" ? "--format csv has the same" : "try again when the machine has less to do";
    throw new Failure(`this was not done within ${limit / 1000} seconds and was given up: ${instead}`);
  }
}
