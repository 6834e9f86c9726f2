// What a page in a folder is made of, with a session server of the test's own.
import assert from "node:assert/strict";
import { test } from "node:test";
import { AnswerTooLong, type SessionServer } from "../../../src/web/server/session-server.ts";
import { sharedRun } from "../../../src/web/server/shared-run.ts";

test("what is too long for a page is left out of it, and of lines there are fewer", async () => {
  const lines = { total: 2_000, more: false, lines: [{ n: 1_999, text: "the last one", at: null }] };
  const server = {
    async ask([command, what, , , count]: readonly string[]) {
      if (command === "show") return { status: 0, stdout: Buffer.from('{"id":"a1b2c3","state":"exited"}'), stderr: "" };
      if (what !== "lines" || Number(count) > 100) throw new AnswerTooLong("more than 33554432 bytes");
      return { status: 0, stdout: Buffer.from(JSON.stringify(lines)), stderr: "" };
    },
  };
  const shared = await sharedRun(server as unknown as SessionServer, "a1b2c3");
  assert.deepEqual(shared.lines, lines);
  assert.deepEqual([shared.nodes, shared.beside, shared.screen, shared.recording], [[], null, "", null]);
});
