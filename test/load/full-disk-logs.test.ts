// Reading what a session said while the disk under the home is full: everything that could be written, and a
// sentence about what could not.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { before, type TestContext, test } from "node:test";
import { until, untilFile } from "../support/events.ts";
import { TestHome } from "../support/home.ts";
import { notBuilt } from "../support/paths.ts";

before(() => assert.deepEqual(notBuilt(), [], "npm run build comes first"));

const mounts = (folder: string) => spawnSync("mount", ["-t", "tmpfs", "-o", "size=6m,mode=0700", "tmpfs", folder]).status === 0;

/**
 * With a home whose file system has room for 6 MB. What the server compiled is not kept in it: whether that
 * takes its 2 MB before the output or behind it is chance.
 */
async function withSmallDisk(t: TestContext, check: (home: TestHome) => Promise<void>): Promise<void> {
  const home = new TestHome({ NODE_DISABLE_COMPILE_CACHE: "1" });
  if (!mounts(home.folder)) {
    await home.dispose();
    return t.skip("a small file system cannot be mounted here (needs root)");
  }
  let passed = false;
  try {
    await check(home);
    await home.ok(["server", "stop"]);
    await until(() => home.processes().length === 0, "the processes to end");
    passed = true;
  } finally {
    // after a failure its processes are still there: what failed is to be told, not that they hold it
    const words = passed ? [home.folder] : ["-l", home.folder];
    await until(() => spawnSync("umount", words).status === 0, "the file system to be let go of");
    await home.dispose();
  }
}

/** A script that writes so much, and makes a file behind it. */
const writes = (format: string, said: string) => `seq -f '${format}' 1 200000; echo > ${said}`;

test("logs, search and exports work on a full disk", (t) =>
  withSmallDisk(t, async (home) => {
    const said = path.join(home.work, "said");
    const script = `${writes("line %.0f of a long output that fills a disk", said)}; exec sleep 1000`;
    const id = await home.start(["sh", "-c", script]);
    await untilFile(said);
    const row = await until(
      async () => (await home.sessions()).find((session) => (session.gaps as unknown[])?.length > 0),
      "the gap",
    );
    assert.equal(row.id, id);
    const { stdout, stderr, code } = await home.run(["logs", id]);
    assert.equal(code, 0);
    const lines = stdout.split("\n").slice(0, -1);
    assert.ok(lines.length > 100_000);
    for (const [i, line] of lines.slice(0, 100_000).entries())
      assert.equal(line, `line ${i + 1} of a long output that fills a disk`);
    assert.match(stderr, /^falcon: [\d.]+ MB of this log are missing: the disk was full\n$/);
    assert.equal(
      (await home.run(["logs", id, "--grep", "^line 99999 "])).stdout,
      "line 99999 of a long output that fills a disk\n",
    );
    assert.match((await home.run(["logs", "--all", "--grep", "^line 99999 "])).stdout, /^\w+ sh: line 99999 /);
    const full = await home.run(["export", id, "--format", "png", "-o", path.join(home.folder, "x.png")]);
    assert.equal(full.code, 125);
    assert.match(full.stderr, /the disk is full; nothing was left there/);
    assert.ok(!fs.readdirSync(home.folder).some((name) => name.includes("x.png")));
    await home.ok(["export", id, "--format", "png", "-o", "elsewhere.png"]);
    const shown = home.terminal(["show", id], { cols: 100, rows: 10, env: { PAGER: "head" } });
    assert.equal((await shown.waitForExit()).code, 0);
    await until(() => !fs.readdirSync(home.folder).some((name) => name.startsWith(".page")), "no page to be left");
    await home.ok(["kill", id, "--signal", "KILL"]);
    await home.untilState(id, "exited");
    await home.ok(["remove", id]);
  }));

test("who follows the output without a terminal is told what a full disk took, and has what comes behind it", (t) =>
  withSmallDisk(t, async (home) => {
    const filler = path.join(home.folder, "filler");
    const [said, gate] = ["said", "gate"].map((name) => path.join(home.work, name)) as [string, string];
    // the server has its own room then
    await home.sessions();
    fs.writeFileSync(filler, Buffer.alloc(2 << 20));
    const script = `${writes("line %.0f of a long output", said)}; until [ -e ${gate} ]; do sleep 0.05; done; echo behind it`;
    const followed = home.run(["run", "--", "sh", "-c", script]);
    // room is made when all of that is written: none of it takes the room again
    await untilFile(said);
    await until(async () => (await home.sessions()).some((session) => (session.gaps as unknown[])?.length > 0), "the gap");
    fs.rmSync(filler);
    fs.writeFileSync(gate, "");
    const { code, stdout, stderr } = await followed;
    assert.match(stdout, /^line 1 of a long output\n.*behind it\n$/s);
    assert.match(stderr, /^\[sh\] [\d.]+ [MkB]+ of the output are missing here: the disk was full$/m);
    assert.equal(stderr.match(/missing here/g)?.length, 1, "once, and not with each thing that was written");
    assert.equal(code, 0);
    await home.ok(["remove", "sh"]);
  }));
