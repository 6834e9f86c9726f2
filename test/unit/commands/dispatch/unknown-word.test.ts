// Near misses of our commands, and words that are none.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { CommandSpec } from "../../../../src/commands/dispatch/command.ts";
import { nearest } from "../../../../src/commands/dispatch/unknown-word.ts";
import { commandsIn } from "../../../../src/trainers/falcon/launch/usage.ts";

const names = [
  "launch",
  "run",
  "attach",
  "sessions",
  "show",
  "logs",
  "export",
  "replay",
  "stop",
  "kill",
  "wait",
  "send",
  "relaunch",
  "rename",
  "remove",
  "prune",
  "server",
  "doctor",
  "init",
  "install-shim",
];
const commands = names.map((name) => ({ name, ...(name === "sessions" ? { aliases: ["ls"] } : {}) })) as unknown as CommandSpec[];

test("typing errors and other programs' words", () => {
  const meant = {
    atach: "attach",
    attahc: "attach",
    status: "sessions",
    statu: "sessions",
    cancle: "stop",
    list: "sessions",
    ps: "sessions",
    log: "logs",
    session: "sessions",
    lgos: "logs",
    luanch: "launch",
    relanch: "relaunch",
    docter: "doctor",
    stpo: "stop",
    shwo: "show",
    "install-shin": "install-shim",
  };
  for (const [word, name] of Object.entries(meant)) assert.equal(nearest(word, commands), name, word);
  for (const word of ["sample", "graph", "frobnicate", "x", "constructor", "toString", ""])
    assert.equal(nearest(word, commands), undefined, word);
});

test("the commands that a usage names", () => {
  const usage =
    "falcon v0.5.1\n\nUsage:\n  falcon launch [--output DIR]\n  falcon sample prior|posterior\n  falcon graph\n\nOptions:\n  -o, --output DIR\n";
  assert.deepEqual(commandsIn(usage), ["launch", "sample", "graph"]);
});
