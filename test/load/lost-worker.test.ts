// An installation that is damaged, or being replaced, under its server: nobody is left before a blank screen.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { until, untilGone } from "../support/events.ts";
import { killNow, TestHome } from "../support/home.ts";
import { Installation } from "../support/installs/installation.ts";
import { notBuilt } from "../support/paths.ts";

before(() => assert.deepEqual(notBuilt(), [], "npm run build comes first"));

const home = new TestHome();
after(() => home.dispose());

test("without the screens' worker an attach says why it has no screen, and has it once there is one again; the program goes on", async () => {
  const installed = new Installation(path.join(path.dirname(home.folder), "environment"));
  const worker = path.join(installed.folder, "dist/screen-worker.cjs");
  fs.renameSync(worker, `${worker}.away`);
  const file = installed.falcon;
  const id = await home.start(["/bin/sh", "-c", "echo begun; read -r x; echo got $x; read -r x"], [], { file });
  // the first was begun before the server had a log, and nobody has asked for another one yet
  await until(() => home.serverLog().includes("screens.failed"), "the log to have why the worker failed");
  const viewer = home.terminal(["attach", id], { file, cols: 150 });
  await viewer.waitFor(/its screen cannot be drawn, since the screens' worker does not start/);
  fs.renameSync(`${worker}.away`, worker);
  await viewer.waitFor("begun");
  viewer.type("on\r");
  await viewer.waitFor("got on");
  viewer.key("C-\\");
  assert.equal((await viewer.waitForExit()).code, 0);
  assert.equal((await home.untilState(id, "running")).state, "running");
});

test("without the worker, who attaches to what was said behind its stored screen is told why as well, and can leave", async () => {
  const installed = new Installation(path.join(path.dirname(home.folder), "another"));
  const worker = path.join(installed.folder, "dist/screen-worker.cjs");
  const file = installed.falcon;
  // it never rests, so that its screen is stored seldom
  const id = await home.start(["/bin/sh", "-c", "while :; do echo line; sleep 0.05; done"], [], { file });
  await until(async () => (await home.ok(["logs", id], { file })).includes("line"), "its output");
  const server = home.serverPid() ?? assert.fail("no server");
  fs.renameSync(worker, `${worker}.away`);
  killNow(server);
  await untilGone(server);
  const viewer = home.terminal(["attach", id], { file, cols: 150 });
  await viewer.waitFor(/its screen cannot be drawn, since the screens' worker does not start/);
  viewer.key("C-\\");
  assert.equal((await viewer.waitForExit()).code, 0);
  fs.renameSync(`${worker}.away`, worker);
  const again = home.terminal(["attach", id], { file, cols: 150 });
  await again.waitFor("line");
  again.key("C-\\");
  assert.equal((await again.waitForExit()).code, 0);
});
