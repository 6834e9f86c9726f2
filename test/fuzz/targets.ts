// All targets that run in Node, with the file that each is in. A file that cannot be loaded stops the run: it
// would not be tested.
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { Target } from "./target.ts";

/** A target with where a worker finds it. */
export type LoadedTarget = Target & { file: string };

export async function loadTargets(): Promise<LoadedTarget[]> {
  const folder = path.join(import.meta.dirname, "targets");
  const loaded: LoadedTarget[] = [];
  for (const name of fs.readdirSync(folder).sort()) {
    const file = pathToFileURL(path.join(folder, name)).href;
    const { targets } = (await import(file)) as { targets: readonly Target[] };
    for (const target of targets) loaded.push({ ...target, file });
  }
  return loaded;
}
