// A holder that stands still when a new server comes: what is meant for the program meanwhile is refused, and
// is neither noted nor counted.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { holderPid, shownScreen } from "../faults/product.ts";
import { until, untilGone } from "../support/events.ts";
import { killNow, TestHome } from "../support/home.ts";
import * as built from "../support/paths.ts";

before(() => assert.deepEqual(built.notBuilt(), [], "npm run build comes first"));

test("signals and keys are refused while the holder does not answer, and arrive once it does", async () => {
  const home = new TestHome();
  try {
    const words = "trap 'echo interrupted' INT; trap 'echo terminated; exit 7' TERM";
    const id = await home.start(["/bin/sh", "-c", `${words}; echo ready; while :; do read line; echo got $line; done`]);
    await until(async () => (await shownScreen(home, id)).includes("ready"), "the program's words");
    const holder = holderPid(home, id) ?? assert.fail("no holder");
    const server = home.serverPid() ?? assert.fail("no server");
    process.kill(holder, "SIGSTOP");
    killNow(server);
    await untilGone(server);
    for (const args of [
      ["kill", id],
      ["kill", "--signal", "INT", id],
      ["send", id, "C-c"],
      ["stop", "--force", id],
      ["stop", id],
    ]) {
      const { code, stderr } = await home.run(args);
      assert.deepEqual([args, code], [args, 125], stderr);
      assert.match(stderr, /cannot be reached: its holder does not answer; nothing was sent$/m);
    }
    const other = await home.start(["/bin/sleep", "1000"]);
    const { code, stderr } = await home.run(["stop", "--running"]);
    assert.equal(code, 125, stderr);
    assert.match(stderr, /its holder does not answer; nothing was sent$/m);
    assert.match(stderr, new RegExp(`nothing was sent to ${id}: no holder answers there$`, "m"));
    const states = new Map((await home.sessions()).map((session) => [session.id, session.state]));
    assert.deepEqual([states.get(id), states.get(other)], ["running", "exited"]);
    assert.equal((await home.sessions()).find((session) => session.id === id)?.interrupts, 0);
    const viewer = home.terminal(["attach", id]);
    await viewer.waitFor(/its holder does not answer, which is waited for · Ctrl-C leaves/);
    viewer.key("C-c");
    await viewer.waitForExit();
    const watch = home.terminal(["sessions", "--watch"]);
    await watch.waitFor(/q leave/);
    watch.key("Enter");
    await watch.waitFor(/its holder does not answer, which is waited for · Ctrl-C leaves/);
    watch.key("C-c");
    await watch.waitForExit();
    const patient = home.terminal(["attach", id]);
    await patient.waitFor(/its holder does not answer/);
    process.kill(holder, "SIGCONT");
    await patient.waitFor("ready");
    patient.key("C-\\");
    await patient.waitForExit();
    await until(async () => (await home.run(["kill", id])).code === 0, "the holder to answer");
    assert.equal((await home.run(["wait", id])).code, 7);
    assert.equal(await home.ok(["logs", id]), "ready\nterminated");
    assert.equal(home.logged("viewer.attached").length, 1, "who had left did not attach");
    assert.equal((await home.sessions()).find((session) => session.id === id)?.interrupts, 1);
  } finally {
    await home.dispose();
  }
});
