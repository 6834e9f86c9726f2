// Where the package lies, and its native programs.
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Failure } from "../base/failure.ts";

/** The folder of package.json: the same from src/ and from the bundle in dist/. */
export const packageRoot: string = findRoot(
  typeof __dirname === "string" ? __dirname : path.dirname(fileURLToPath(import.meta.url)),
);

/**
 * Where the built programs lie. FALCON_SESSIONS_NATIVE names another folder than the release build's: the
 * test suites run with the sanitized build that way.
 */
export const nativeFolder: string = process.env.FALCON_SESSIONS_NATIVE ?? path.join(packageRoot, "native/build/Release");

/** The addon's file, for a worker thread that loads it on its own. */
export const addonFile: string = path.join(nativeFolder, "sys.node");

function findRoot(start: string): string {
  for (let folder = start; ; folder = path.dirname(folder)) {
    if (fs.existsSync(path.join(folder, "package.json"))) return folder;
    if (folder === path.dirname(folder)) throw new Failure(`no package.json above ${start}: this installation is not whole`);
  }
}
