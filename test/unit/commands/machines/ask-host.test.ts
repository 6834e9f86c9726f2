// What is answered where a machine cannot even be asked.
import assert from "node:assert/strict";
import { test } from "node:test";
import { askHost } from "../../../../src/commands/machines/ask-host.ts";
import { failSpawning } from "../../../support/spawning.ts";

test("too many open files: the machine is told as not reached, and the server goes on", async (t) => {
  failSpawning(t, "EMFILE");
  const answer = await askHost({ ssh: ["ssh"], reach: {} }, "node1", {}, undefined);
  assert.deepEqual(answer, { status: 126, stdout: "", stderr: "ssh: spawn EMFILE" });
});
