// The end of a node's log under the watch's table: what is shown of it, and what looking at it costs.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { operationOf, useAside } from "../../../../src/base/aside/aside.ts";
import { LogTail } from "../../../../src/commands/watch/watch-log.ts";
import { lookTogether } from "../../../../src/trainers/reading/foreign-files.ts";

test("a log that is followed while runs are looked at is one question with theirs", async (t) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "watch-log-"));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  const log = path.join(folder, "output.log");
  fs.writeFileSync(log, "one\n");
  const asked: string[] = [];
  useAside(async (name, _file, args) => {
    asked.push(name);
    return operationOf(name)?.(...(args as never[]));
  });
  t.after(() => useAside(undefined));
  const runs = ["a", "b"].map((name) => [{ file: path.join(folder, name), from: 0, known: 0 }]);
  const tail = new LogTail();
  const look = () => Promise.all([...runs.map((files) => lookTogether(files)), tail.follow(log)]);
  await look();
  asked.length = 0;
  for (const more of ["", "two\n", "three\n"]) {
    fs.appendFileSync(log, more);
    await look();
  }
  assert.deepEqual(asked, ["looks", "looks", "looks"]);
  assert.deepEqual(tail.lines(log, 2), ["two", "three"]);
});

test("a line is shown as a terminal shows it in the end: a bar, a tab, nothing that turns the text", async (t) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "watch-log-"));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  const log = path.join(folder, "output.log");
  fs.writeFileSync(log, "steps\t12\t34\r\n 10%\r 20%\r\x1b[32m 30%\x1b[0m\nbell\x07 \u202eturned\n");
  const tail = new LogTail();
  await tail.follow(log);
  assert.deepEqual(tail.lines(log, 3), ["steps  12  34", " 30%", "bell \\u202eturned"]);
});
