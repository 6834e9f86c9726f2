// A node's log that is followed: from which line on, where the file is away when the next server looks.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import type { Call, Context } from "../../../../src/commands/dispatch/call.ts";
import { nodeLog } from "../../../../src/commands/output/log-node.ts";
import { WorkerPool } from "../../../../src/logs/worker-pool.ts";
import type { Session } from "../../../../src/session/life/session.ts";
import { until } from "../../../support/events.ts";
import { root } from "../../../support/paths.ts";

test("the next server goes on behind the lines that were told, also where the file comes only later", async (t) => {
  const folder = fs.mkdtempSync("/tmp/fs-");
  t.after(() => fs.rmSync(folder, { recursive: true }));
  const workers = new WorkerPool(path.join(root, "test/support/line-worker.mjs"));
  t.after(() => workers.dispose());
  const file = path.join(folder, "output.log");
  let out = "";
  let resumed: readonly string[] | undefined;
  const call = {
    write: (bytes: Uint8Array) => {
      out += Buffer.from(bytes).toString();
    },
    together: (work: () => void) => work(),
    backlog: () => 0,
    resume: (args: readonly string[] | undefined) => {
      resumed = args;
    },
    gone: new Promise(() => {}),
  } as unknown as Call;
  const session = { id: "k3v9ad", live: true, onOver: () => () => {} };
  const context = { progress: { logFile: async () => file }, archive: { workers } } as unknown as Context;
  const chosen = { from: 2, to: Number.MAX_SAFE_INTEGER, since: 0, stamp: 0, pattern: null, colours: false, prefix: "" };
  const options = { follow: true, after: "2", color: "never" };
  const told = nodeLog(call, context, session as unknown as Session, "line", options as never, chosen as never);
  await until(() => resumed, "the file to be looked for");
  fs.writeFileSync(file, "one\ntwo\nthree\n");
  await until(() => out.includes("three"), "its lines");
  session.live = false;
  assert.equal(await told, 0);
  assert.equal(out, "three\n");
});
