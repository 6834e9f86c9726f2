// A version that was released, built from its commit: kept in the cache outside the clone, for the tests of
// upgrades.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { root } from "../paths.ts";

/** What users have had: the first is what 0.1.0 was before this folder of tests began. */
export const released: readonly { version: string; commit: string }[] = [
  { version: "0.1.0", commit: "f47123936d74db57fba27c72f5fb3b1468514318" },
];

/** Why a commit cannot be built here; undefined: its tree is there. */
export function lacking(commit: string): string | undefined {
  const known = spawnSync("git", ["cat-file", "-e", `${commit}^{commit}`], { cwd: root }).status === 0;
  return known || fs.existsSync(path.join(folderOf(commit), "complete")) ? undefined : `${commit} is not in this clone`;
}

/**
 * The built tree of a commit, made by `npm ci` where the cache has none: two minutes, once.
 * @throws Error with npm's words.
 */
export function builtTree(commit: string): string {
  const folder = folderOf(commit);
  if (fs.existsSync(path.join(folder, "complete"))) return folder;
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  run("sh", ["-c", `git archive ${commit} | tar x -C '${folder}'`], root);
  run("npm", ["ci"], folder);
  fs.writeFileSync(path.join(folder, "complete"), "");
  return folder;
}

/** One for each Node, whose interface its database is compiled for. */
function folderOf(commit: string): string {
  const cache = process.env.XDG_CACHE_HOME ?? path.join(os.homedir(), ".cache");
  return path.join(cache, "falcon-sessions-ci", `released-${commit.slice(0, 12)}-${process.versions.modules}`);
}

function run(file: string, args: string[], cwd: string): void {
  const done = spawnSync(file, args, { cwd, encoding: "utf8", maxBuffer: 64 << 20 });
  if (done.status !== 0) throw new Error(`${file} ${args.join(" ")} in ${cwd}: ${done.stdout}${done.stderr}`);
}
