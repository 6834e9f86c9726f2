// A database that was lost is rebuilt from the session folders: what the program is sent, and what a session
// is found by, is what it was.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { before, test } from "node:test";
import { shownScreen } from "../../faults/product.ts";
import { until, untilGone } from "../../support/events.ts";
import { killNow, TestHome } from "../../support/home.ts";
import * as built from "../../support/paths.ts";

before(() => assert.deepEqual(built.notBuilt(), [], "npm run build comes first"));

test("a stop sends the signal that was chosen at the start, and labels that were given since are there", async () => {
  const home = new TestHome();
  try {
    const program = "trap 'exit 7' USR1; trap 'exit 8' INT; echo ready; while :; do read line; done";
    const id = await home.start(["/bin/sh", "-c", program], ["--stop-signal", "USR1"]);
    await until(async () => (await shownScreen(home, id)).includes("ready"), "the program's words");
    await home.ok(["tag", id, "group=a"]);
    const server = home.serverPid() ?? assert.fail("no server");
    killNow(server);
    await untilGone(server);
    for (const suffix of ["", "-wal", "-shm"]) fs.rmSync(path.join(home.folder, `state.db${suffix}`), { force: true });
    assert.deepEqual((await home.sessions())[0]?.tags, { group: "a" });
    assert.equal((await home.run(["stop", id])).code, 0);
    assert.equal((await home.run(["wait", id])).code, 7);
  } finally {
    await home.dispose();
  }
});
