// Which words of a command line name sessions: what else stands in one (an action, a label, a setting, a
// key) is looked up nowhere, so that no file system has to answer for it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { commandLine } from "../../../../src/commands/dispatch/command-line.ts";
import { commands } from "../../../../src/commands/dispatch/dispatch.ts";
import { sessionWords, takesSession } from "../../../../src/commands/dispatch/session-words.ts";

/** The words that name sessions where this is typed. */
async function named(name: string, ...args: string[]): Promise<string[]> {
  const spec = commands.find((command) => command.name === name);
  assert.ok(spec !== undefined, name);
  const command = commandLine(spec).action(() => {});
  await command.parseAsync(args, { from: "user" });
  return sessionWords(command);
}

test("what a command does, and what it is told of a session, is no session", async () => {
  for (const action of ["status", "stop", "upgrade"]) assert.deepEqual(await named("server", action), []);
  assert.deepEqual(await named("init", "bash"), []);
  assert.deepEqual(await named("install-shim", "venv"), []);
  assert.deepEqual(await named("run", "--", "python", "train.py"), []);
  assert.deepEqual(await named("tag", "mine", "note=first"), ["mine"]);
  assert.deepEqual(await named("rename", "mine", "yours"), ["mine"]);
  assert.deepEqual(await named("send", "mine", "Enter"), ["mine"]);
  assert.deepEqual(await named("relaunch", "mine", "lr=1"), ["mine"]);
});

test("all of those that a command takes are sessions", async () => {
  assert.deepEqual(await named("stop", "one", "two"), ["one", "two"]);
  assert.deepEqual(await named("attach"), []);
  assert.ok(commands.filter((spec) => takesSession(commandLine(spec))).length > 10);
});
