// A server that goes has let go of sessions and database, and waits for clients that are slow to take their
// last words: what fails in it then costs nobody those.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { before, test } from "node:test";
import { until } from "../../support/events.ts";
import { TestHome } from "../../support/home.ts";
import { falcon, notBuilt } from "../../support/paths.ts";

before(() => assert.deepEqual(notBuilt(), [], "npm run build comes first"));

test("an error that nobody catches while a slow reader has half of an export: it is noted, and the reader is told", async (t) => {
  const home = new TestHome();
  t.after(() => home.dispose());
  // a Node whose servers throw where a file says so
  const hook = path.join(home.work, "hook.cjs");
  const order = path.join(home.work, "throw-");
  fs.writeFileSync(
    hook,
    `const fs = require("node:fs"); const order = ${JSON.stringify(order)} + process.pid;
     if (require("node:worker_threads").isMainThread)
       setInterval(() => { if (fs.existsSync(order)) { fs.rmSync(order); throw new Error("out of turn"); } }, 20).unref();\n`,
  );
  const node = path.join(home.work, "node");
  fs.writeFileSync(node, `#!/bin/sh\nexec "${process.execPath}" --require "${hook}" "$@"\n`, { mode: 0o700 });
  home.env.FALCON_NODE = node;

  const id = await home.start(["sh", "-c", "seq -f 'line %.0f' 1 100000"]);
  await home.untilState(id, "exited");
  const child = spawn(falcon, ["export", id, "--format", "text"], { env: home.env, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  child.stderr.on("data", (data) => {
    said += data;
  });
  const ended = once(child, "close");
  await once(child.stdout, "readable");
  const going = home.serverPid() as number;
  await home.ok(["server", "upgrade"]);
  fs.writeFileSync(`${order}${going}`, "");
  await until(() => home.logged("server.crashed").some((line) => line.includes("out of turn")), "the error to be noted");
  child.stdout.resume();
  assert.equal((await ended)[0], 125);
  assert.equal(said, "falcon: another session server took over before all of it was written: give the command again\n");
  await until(() => home.logged("server.ended").length === 1, "the server to end all the same");
});
