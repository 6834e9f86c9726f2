// The version that is installed, and which of two is newer.
import fs from "node:fs";
import path from "node:path";
import { Failure } from "../base/failure.ts";

/** The version in `root`'s package.json. @throws Failure when the installation is damaged. */
export function installedVersion(root: string): string {
  try {
    return JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8")).version;
  } catch (error) {
    throw new Failure(`the installation in ${root} is damaged: ${String(error)}; install it again`);
  }
}

/**
 * Whether `a` is newer than `b`, both of the form 1.2.3 with an optional -suffix (a suffix is older than
 * none).
 */
export function isNewer(a: string, b: string): boolean {
  const [left, right] = [parse(a), parse(b)];
  if (left === undefined || right === undefined) return false;
  for (let i = 0; i < 3; i++) {
    const [l, r] = [left.numbers[i] ?? 0, right.numbers[i] ?? 0];
    if (l !== r) return l > r;
  }
  if (left.suffix === right.suffix) return false;
  if (left.suffix === "" || right.suffix === "") return left.suffix === "";
  return left.suffix > right.suffix;
}

function parse(version: string): { numbers: number[]; suffix: string } | undefined {
  const found = /^(\d+)\.(\d+)\.(\d+)(?:-(.+))?$/.exec(version);
  if (found === null) return undefined;
  return { numbers: [Number(found[1]), Number(found[2]), Number(found[3])], suffix: found[4] ?? "" };
}
