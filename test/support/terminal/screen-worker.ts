// The screens' worker as tests of its thread start it: built from the source as it is now.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before } from "node:test";
import { buildSync } from "esbuild";
import { root } from "../paths.ts";

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

/** Has it there for a file's tests; answers its file, which is there once they run. */
export function screenWorker(): () => string {
  let folder = "";
  before(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "fs-"));
    buildScreenWorker(folder);
  });
  after(() => fs.rmSync(folder, { recursive: true, force: true }));
  return () => path.join(folder, "worker.cjs");
}

/** What a screen is to be fed alone, so that the thread of a `standingWorker` stands in its turn. */
export const standing = "STANDING";

/** A worker whose thread stands where it cuts off this word, until it is told to go on. */
export function standingWorker(worker: string): { file: string; goOn(): void } {
  const folder = fs.mkdtempSync(path.join(path.dirname(worker), "standing-"));
  const [file, release] = ["worker.cjs", "go-on"].map((name) => path.join(folder, name)) as [string, string];
  fs.writeFileSync(
    file,
    `const fs = require("node:fs");
     const cut = Uint8Array.prototype.subarray;
     Uint8Array.prototype.subarray = function (...at) {
       const part = cut.apply(this, at);
       if (part.length === ${standing.length} && String.fromCharCode(...part) === ${JSON.stringify(standing)})
         while (!fs.existsSync(${JSON.stringify(release)}));
       return part;
     };
     require(${JSON.stringify(worker)});`,
  );
  return { file, goOn: () => fs.writeFileSync(release, "") };
}
