// The screens' worker as tests of its thread start it: built from the source as it is now.
import path from "node:path";
import { buildSync } from "esbuild";
import { root } from "./paths.ts";

/** Bundles it into a folder; answers its file. */
export function buildScreenWorker(folder: string): string {
  const outfile = path.join(folder, "worker.cjs");
  buildSync({
    entryPoints: [path.join(root, "src/terminal/worker/worker.ts")],
    outfile,
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node20",
  });
  return outfile;
}
