// The thread that works on lines and makes exports: one job at a time, each bounded by whoever asks for it.
import { parentPort } from "node:worker_threads";
import { sentence } from "../base/failure.ts";
import type { NpzArray } from "../compare/npz-writer.ts";
import { type LineJob, packLines, readLines, unpackLines } from "../logs/line-job.ts";
import type { JobMessage, JobReply } from "../logs/worker-pool.ts";
import type { ComparisonTurn, FigureTurn, LinesTurn, ScreenTurn } from "./render.ts";

/** Everything known of a run as NPZ. */
export interface ArraysTurn {
  do: "arrays";
  arrays: ReadonlyMap<string, NpzArray>;
}

export type ExportJob = ScreenTurn | LinesTurn | FigureTurn | ComparisonTurn | ArraysTurn;

async function work(job: LineJob | ExportJob): Promise<unknown> {
  switch (job.do) {
    case "read":
      return readLines(job);
    case "pack":
      return packLines(job);
    case "unpack":
      return unpackLines(job);
    // the terminal and the drawing are loaded only by a thread that is asked for them
    case "screen":
      return (await import("./render.ts")).renderScreen(job);
    case "lines":
      return (await import("./render.ts")).renderLines(job);
    case "comparison":
      return (await import("./render.ts")).renderComparison(job);
    case "figure":
      return (await import("./render.ts")).renderFigure(job);
    case "arrays":
      return (await import("../compare/npz-writer.ts")).npzOf(job.arrays);
  }
}

parentPort?.on("message", async ({ job }: JobMessage) => {
  let reply: JobReply;
  try {
    reply = { answer: await work(job as LineJob | ExportJob) };
  } catch (error) {
    reply = { failed: sentence(error) };
  }
  parentPort?.postMessage(reply);
});
