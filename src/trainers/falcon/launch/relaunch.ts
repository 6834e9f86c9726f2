// What it takes to resume a run that has ended: its arguments, and what there is to resume from.

import fs from "node:fs";
import path from "node:path";
import { aside } from "../../../base/aside/aside.ts";
import { namesIn } from "../../../base/names-in.ts";
import { onDisk } from "../../../base/text/bytes.ts";
import type { ResumePlan } from "../../trainer.ts";
import { readRunConfig } from "../config/run-config.ts";
import { isModelFile } from "../run/model-files.ts";
import { parseLaunch } from "./arguments.ts";

/**
 * The plan for a run that was launched with `args` in `directory` and trained in `run` (undefined: it never
 * got that far). falcon
 * resumes where RUN/config.yml exists, and loads the networks where any node has a saved one.
 */
export const relaunchPlan = aside("relaunchPlan", planHere, ([, directory, run]) => run ?? directory);

async function planHere(args: readonly string[], directory: string, run: string | undefined): Promise<ResumePlan> {
  if (run === undefined || !fs.existsSync(onDisk(path.join(run, "config.yml")))) {
    return { args: [...args], from: "nothing", sentence: "nothing was written by the first launch: it begins anew" };
  }
  const read = parseLaunch(args);
  const again = read.output === undefined ? ["-o", run, ...args] : [...args];
  const { graph, nodes } = await readRunConfig(run, directory, read.graph);
  if (!nodes.some(({ name }) => namesIn(path.join(graph, name)).some(isModelFile)))
    return { args: again, from: "config", sentence: `no model was saved in ${run}: it begins anew with the same configuration` };
  return { args: again, from: "model", sentence: `resumes ${run} from the saved model` };
}
