// What is written to a terminal is prose, which is escaped, or comes from the few that may say that their
// bytes can be shown. They are named here.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { printable, printableColoured, printableLines, printableProse } from "../../src/base/text/printable.ts";
import { root } from "../support/paths.ts";

const source = path.join(root, "src");
const files = fs.readdirSync(source, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
const having = (pattern: RegExp) => files.filter((file) => pattern.test(fs.readFileSync(path.join(source, file), "utf8"))).sort();

test("who may say that bytes can be shown", () => {
  assert.deepEqual(having(/\bshowable\(|return showable;/), [
    // says it
    "base/text/terminal-bytes.ts",
    // lines of a log, and a file or pipe
    "commands/output/log-output.ts",
    "commands/output/passed-output.ts",
    // what draws
    "commands/output/replay.ts",
    "commands/watch/watch.ts",
    "logs/history-view.ts",
    // the filter
    "platform/stream-filter.ts",
    // what was filtered, in ASCII
    "session/viewers/ascii-terminal.ts",
    // questions of ours and the sequence that a person said yes to, our own words in the viewer's terminal,
    // entering and leaving
    "session/viewers/leave-hint.ts",
    "session/viewers/notification.ts",
    "session/viewers/viewer-input.ts",
    "session/viewers/viewer-terminal.ts",
    "session/viewers/viewer.ts",
  ]);
  assert.deepEqual(having(/\bas (\w+ & )?TerminalBytes/), [
    "base/text/terminal-bytes.ts",
    "platform/stream-filter.ts",
    "session/viewers/viewer-terminal.ts",
  ]);
  // nothing else writes to the standard streams: the server's are its log, the web's processes escape what
  // they say
  assert.deepEqual(having(/process\.std(out|err)\b|console\.\w+\(/), ["server/main.ts", "server/serve.ts", "web/server/say.ts"]);
});

test("prose: controls, marks of direction and what has no shape are escaped, on stdout but for attributes", () => {
  for (const [text, all] of [
    ["a\x1b]0;x\x07b", "a\\x1b]0;x\\x07b"],
    ["a\u009b5nb\x7f", "a\\u009b5nb\\u007f"],
    ["\u202egnp.exe", "\\u202egnp.exe"],
    ["zero\u200bwidth\ufeff\u2066", "zero\\u200bwidth\\ufeff\\u2066"],
    ["tag\u{e0041}", "tag\\udb40\\udc41"],
    ["line\u2028end\u3164", "line\\u2028end\\u3164"],
    ["漢字 é \u0301 😀 ─ ·", "漢字 é \u0301 😀 ─ ·"],
  ] as const) {
    for (const by of [printable, printableLines, printableColoured, printableProse]) assert.equal(by(text), all);
    assert.deepEqual(JSON.parse(printableProse(JSON.stringify({ text }))), { text }, "JSON says the same");
  }
  assert.equal(printable("a\n\tb"), "a\\n\\tb");
  assert.equal(printableLines("a\n\tb\x1b[1mc"), "a\n\tb\\x1b[1mc");
  assert.equal(printableProse("a\n\tb\x1b[1mc\r"), "a\n\tb\x1b[1mc\\x0d");
  assert.equal(printableColoured("a\n\x1b[38;5;1mb"), "a\\n\x1b[38;5;1mb");
});
