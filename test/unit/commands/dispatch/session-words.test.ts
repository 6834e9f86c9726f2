// Which words of a command line name sessions: what else stands in one (an action, a label, a setting, a
// key) is looked up nowhere, so that no file system has to answer for it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { commandLine } from "../../../../src/commands/dispatch/command-line.ts";
import { commands } from "../../../../src/commands/dispatch/dispatch.ts";
import { sessionWords, takesSession, withSessions } from "../../../../src/commands/dispatch/session-words.ts";

function specOf(name: string) {
  const spec = commands.find((command) => command.name === name);
  assert.ok(spec !== undefined, name);
  return spec;
}

/** The words that name sessions where this is typed. */
async function named(name: string, ...args: string[]): Promise<string[]> {
  const spec = specOf(name);
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

test("an id stands in the place of the word that names its session, and not in an option's of the same word", () => {
  for (const [line, ids, becomes] of [
    ["logs --grep night night", ["k3v9ad"], "logs --grep night k3v9ad"],
    ["logs night -fn 5 --grep night", ["k3v9ad"], "logs k3v9ad -fn 5 --grep night"],
    ["logs -fn 5 5", ["k3v9ad"], "logs -fn 5 k3v9ad"],
    ["compare svg png --format png -o both.png", ["k3v9ad", "m2x7qp"], "compare k3v9ad m2x7qp --format png -o both.png"],
    ["stop twice --timeout 9 twice", ["k3v9ad", "k3v9ad"], "stop k3v9ad --timeout 9 k3v9ad"],
    ["send --text night -- night", ["k3v9ad"], "send --text night -- k3v9ad"],
    ["kill --signal TERM TERM", ["k3v9ad"], "kill --signal TERM k3v9ad"],
    ["tag night night", ["k3v9ad"], "tag k3v9ad night"],
  ] as const) {
    const [name = "", ...args] = line.split(" ");
    assert.equal([name, ...withSessions(specOf(name), args, ids)].join(" "), becomes);
  }
});
