// The server's log: one line an event, cut at its length, never in the way.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, test } from "node:test";
import { fileLog } from "../../../src/base/log.ts";

const folder = fs.mkdtempSync("/tmp/fs-");
after(() => fs.rmSync(folder, { recursive: true, force: true }));
const clock = () => new Date(0);

test("one line an event; whatever a fact holds, it stays one line; for the owner alone", () => {
  const file = path.join(folder, "a.log");
  fileLog(file, clock)("session.changed", { id: "abc234", reason: "two\nlines \x1b[31m", count: 3, none: undefined });
  const text = fs.readFileSync(file, "utf8");
  assert.equal(
    text,
    '1970-01-01T00:00:00.000Z session.changed id=abc234 reason="two\\nlines \\u001b[31m" count=3 none=undefined\n',
  );
  assert.equal(fs.statSync(file).mode & 0o777, 0o600);
});

test("past 4 MiB it is begun anew beside the old one, for ever", () => {
  const file = path.join(folder, "b.log");
  const log = fileLog(file, clock);
  const line = "x".repeat(64 << 10);
  for (let i = 0; i < 300; i++) log("event.lost", { line });
  const sizes = [file, `${file}.old`].map((f) => fs.statSync(f).size);
  for (const size of sizes) assert.ok(size > 0 && size <= (4 << 20) + (65 << 10), `${size}`);
  assert.deepEqual(
    fs
      .readdirSync(folder)
      .filter((name) => name.startsWith("b.log"))
      .sort(),
    ["b.log", "b.log.old"],
  );
});

test("a log that was removed before it is begun anew loses a line, and goes on", () => {
  const file = path.join(folder, "d.log");
  const log = fileLog(file, clock);
  log("event.lost", { line: "x".repeat(5 << 20) });
  fs.rmSync(file);
  log("event.lost");
  log("event.kept");
  assert.match(fs.readFileSync(file, "utf8"), /event\.kept\n$/);
});

test("a log that cannot be written stops nothing", () => {
  const log = fileLog(path.join(folder, "no such folder", "c.log"), clock);
  assert.doesNotThrow(() => log("event.lost"));
});
