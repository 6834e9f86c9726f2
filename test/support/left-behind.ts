// A process that a program leaves behind, which holds its stderr, as an older ssh's master connection does.
import fs from "node:fs";
import path from "node:path";
import type { TestContext } from "node:test";
import { untilFile, wholeLines } from "./events.ts";

/** A command of sh that leaves one behind; it is ended with the test. */
export function leftBehind(t: TestContext): string {
  const folder = fs.mkdtempSync("/tmp/fs-left-");
  const file = path.join(folder, "pid");
  t.after(async () => {
    process.kill(Number(await untilFile(file, wholeLines)));
    fs.rmSync(folder, { recursive: true });
  });
  return `setsid sh -c 'echo $$ > ${file}; exec sleep 600' </dev/null >/dev/null &`;
}
