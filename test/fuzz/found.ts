// The inputs that once broke a promise: one file each in test/fuzz/found/<target>/, tried first by every run
// and by `npm test`.
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";

const folder = path.join(import.meta.dirname, "found");

/** The found inputs of a target, by name. */
export function foundInputs(target: string): { name: string; bytes: Buffer }[] {
  return readFolder(path.join(folder, target));
}

/** Keeps an input; answers its path. */
export function keepFound(target: string, input: Uint8Array): string {
  const file = path.join(folder, target, createHash("sha256").update(input).digest("hex").slice(0, 12));
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, input);
  return file;
}

/** The plain files of a folder, by name; none where there is no folder. */
export function readFolder(from: string): { name: string; bytes: Buffer }[] {
  if (!fs.existsSync(from)) return [];
  return fs
    .readdirSync(from)
    .filter((name) => !name.startsWith("."))
    .sort()
    .map((name) => ({ name, bytes: fs.readFileSync(path.join(from, name)) }));
}
