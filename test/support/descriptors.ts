// A test's process without descriptors: its limit is lowered, and what is left is taken.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";

/** Takes all descriptors that this process may have, but for `room`; the answer gives them back. */
export function takeDescriptors(room = 0): () => void {
  const limit = (soft: string) => execFileSync("prlimit", ["--pid", String(process.pid), `--nofile=${soft}:`]);
  const soft = /^Max open files\s+(\d+)/m.exec(fs.readFileSync("/proc/self/limits", "utf8"))?.[1] ?? "1024";
  limit(String(Math.max(...fs.readdirSync("/proc/self/fd").map(Number)) + 30));
  const taken: number[] = [];
  try {
    for (;;) taken.push(fs.openSync("/dev/null", "r"));
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, "EMFILE");
  }
  for (const fd of taken.splice(0, room)) fs.closeSync(fd);
  return () => {
    for (const fd of taken.splice(0)) fs.closeSync(fd);
    limit(soft);
  };
}
