// Completion: what may stand at the cursor, for every kind of place.
import assert from "node:assert/strict";
import { test } from "node:test";
import { candidates, type Named } from "../../../../src/commands/dispatch/completion.ts";
import { commands } from "../../../../src/commands/dispatch/dispatch.ts";

const sessions: Named[] = [
  { id: "abc234", name: "gaussian", live: true, about: "running, /data/gaussian" },
  { id: "gee567", name: "two nodes", live: true, about: "running, /data/two" },
  { id: "old234", name: "gaussian", live: false, about: "exited, /data/old" },
];
const words = (...line: string[]) => candidates(commands, line, sessions).map(({ word }) => word);

test("commands, the Python falcon's among them, and not the deprecated name", () => {
  assert.deepEqual(words("sho"), ["show"]);
  assert.deepEqual(words("sa"), ["sample"]);
  assert.ok(words("").includes("launch") && words("").includes("graph") && words("").includes("--version"));
  assert.ok(!words("").includes("monitor"));
  assert.ok(!words("").some((word) => word.startsWith("@")), "hidden commands stay hidden");
  assert.deepEqual(words("help", "att"), ["attach"]);
});

test("options of a command, each offered once; the Python falcon's with launch", () => {
  assert.deepEqual(words("attach", "--r"), ["--run-dir", "--read-only"]);
  assert.deepEqual(words("attach", "--read-only", "--r"), ["--run-dir"]);
  assert.deepEqual(words("launch", "--no-i"), ["--no-interactive"]);
  assert.ok(words("sessions", "-").includes("--help"));
});

test("values of options: fixed words, else nothing, so that the shell offers files", () => {
  assert.deepEqual(words("kill", "x", "--signal", "US"), ["USR1", "USR2"]);
  assert.deepEqual(words("attach", "--run-dir", ""), []);
  assert.deepEqual(words("run", "--name", ""), []);
  assert.deepEqual(words("run", ""), []);
  assert.deepEqual(words("run", "--", "--na"), [], "behind -- it is another program's line");
});

test("sessions: by name, by id where the name is another's too, ended ones where they make sense", () => {
  assert.deepEqual(words("attach", ""), ["gaussian", "two nodes"]);
  assert.deepEqual(words("show", ""), ["abc234", "two nodes", "old234"]);
  assert.deepEqual(words("attach", "ge"), ["gee567"]);
  assert.deepEqual(words("remove", ""), ["gaussian"]);
  assert.deepEqual(words("wait", "abc234", "two nodes", ""), ["old234"], "a list goes on, without repeating itself");
  assert.deepEqual(words("attach", "gaussian", ""), [], "attach takes one");
  assert.deepEqual(words("attach", "--history", "100", "two"), ["two nodes"], "an option's value is no argument");
});

test("actions of server and init; unknown commands get files", () => {
  assert.deepEqual(words("server", ""), ["status", "stop", "upgrade"]);
  assert.deepEqual(words("init", "z"), ["zsh"]);
  assert.deepEqual(words("sample", "po"), []);
});
