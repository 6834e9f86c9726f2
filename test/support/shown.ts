// A run that is watched, as lists show it.
import type { ShownRun } from "../../src/presentation/shown-run.ts";
import { shownRun } from "../../src/presentation/summary.ts";
import type { RunWatch } from "../../src/trainers/trainer.ts";

/** What is known of it now, with its summary and trends. @throws Error where nothing is known. */
export async function readShown(watch: Pick<RunWatch, "read" | "losses">, alive?: boolean): Promise<ShownRun> {
  const run = await watch.read(alive);
  if (run === null) throw new Error("nothing is known of this run");
  return shownRun(run, watch.losses());
}
