// The commands that a server makes a screen's thread ready for before it has loaded them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { commands } from "../../../../src/commands/dispatch/dispatch.ts";
import { startingCommands } from "../../../../src/commands/dispatch/starting-commands.ts";

test("they are those that say that they start a session", () => {
  const starting = commands.filter(({ starts }) => starts === true).map(({ name }) => name);
  assert.deepEqual([...startingCommands].sort(), starting.sort());
});
