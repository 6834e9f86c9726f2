// A holder of an earlier release under today's server: its recorded conversation, played to the built program
// from adoption to the end.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { before, test } from "node:test";
import { bootId } from "../../../src/platform/processes.ts";
import { ToHolder } from "../../../src/protocol/holder.ts";
import { writeSessionFile } from "../../../src/store/session-file.ts";
import { shownScreen } from "../../faults/product.ts";
import { until } from "../../support/events.ts";
import { RecordedHolder, readRecording } from "../../support/holder/recorded-holder.ts";
import { TestHome } from "../../support/home.ts";
import * as built from "../../support/paths.ts";

before(() => assert.deepEqual(built.notBuilt(), [], "npm run build comes first"));

test("is adopted, attached to, given a size, read, released; its program's status and every byte are known", async () => {
  const home = new TestHome();
  const id = "abc234";
  const folder = path.join(home.folder, "s", id);
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  fs.chmodSync(path.dirname(folder), 0o700);
  writeSessionFile(folder, {
    id,
    name: "from-before",
    kind: "run",
    trainer: "none",
    command: ["/bin/sh", "-c", "…"],
    directory: "/tmp",
    environment: { PATH: "/bin" },
    umask: 0o22,
    limits: [],
    runDirectory: null,
    host: os.hostname(),
    boot: bootId(),
    token: "00",
    created: Date.now(),
    cols: 80,
    rows: 24,
    pinned: false,
  });
  const player = await RecordedHolder.listen(folder, readRecording(), { files: true });
  try {
    const [row] = await home.sessions();
    assert.deepEqual([row?.id, row?.name, row?.state], [id, "from-before", "running"], home.serverLog());
    await until(async () => (await shownScreen(home, id)).includes("second key"), "the output up to here");
    // its size is the program's from now on; to that the old holder answers, and the rest follows
    const viewer = home.terminal(["attach", id], { cols: 101, rows: 33 });
    assert.equal((await viewer.waitForExit()).code, 7, home.serverLog());
    assert.equal((await home.run(["wait", id])).code, 7);
    const lines = ["first", "second key", "33 101", "got usr1"];
    assert.deepEqual(await shownScreen(home, id), lines);
    assert.equal(await home.ok(["logs", id]), lines.join("\n"));
    const again = (await home.sessions())[0];
    assert.deepEqual([again?.state, again?.exitCode], ["exited", 7]);
    assert.deepEqual(player.heard, [ToHolder.fd, ToHolder.subscribe, ToHolder.windowSize, ToHolder.release]);
  } finally {
    await player.close();
    await home.dispose();
  }
});
