// A session's log, or all of its folder, is removed under it: that is told at once, never answered with
// silence, and the log goes on in a new file.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { removeFolder, until, untilFile, untilGone } from "../../support/events.ts";
import { TestHome } from "../../support/home.ts";
import { notBuilt } from "../../support/paths.ts";

before(() => assert.deepEqual(notBuilt(), [], "npm run build comes first"));

describe("what was removed under a session that runs", () => {
  const home = new TestHome();
  after(() => home.dispose());

  for (const [what, remove] of [
    ["log", (folder: string) => fs.rmSync(path.join(folder, "output.log"))],
    ["folder", removeFolder],
  ] as const)
    test(`its ${what}: the viewer's title, show and logs say so; the program goes on, and a new log with it`, async () => {
      const id = await home.start(["/bin/sh", "-c", "echo begun; exec cat"], ["--name", what]);
      const folder = path.join(home.folder, "s", id);
      const viewer = home.terminal(["attach", id]);
      await viewer.waitFor("begun");
      await remove(folder);
      await until(() => viewer.title.includes(`its ${what} was removed`), "the title");
      viewer.type("goes on\r");
      await viewer.waitFor(/goes on\s+goes on/);
      // offsets go on: the file is as long as the stream
      await untilFile(path.join(folder, "output.log"), (text) => /^\0+goes on\r\ngoes on\r\n$/.test(text));
      const sentence = /the session's log was removed; a new one goes on at its byte 7/;
      for (const server of ["this server", "the next one"]) {
        assert.match(await home.ok(["show", id]), sentence, server);
        const logs = await home.run(["logs", id]);
        assert.match(logs.stdout, /goes on\ngoes on\n$/);
        assert.match(logs.stderr, /^falcon: 7 B of this log are missing: somebody removed the log\nfalcon: /);
        assert.match(logs.stderr, sentence);
        assert.equal(logs.code, 125);
        const raw = await home.run(["logs", id, "--raw"]);
        assert.match(raw.stdout, /^goes on\r\ngoes on\r\n$/);
        assert.match(raw.stderr, sentence);
        assert.equal(raw.code, 125);
        // whoever asks for what is there has it
        assert.equal(await home.ok(["logs", id, "--lines", "1"]), "goes on");
        if (server === "the next one") break;
        viewer.key("C-\\", "d");
        await viewer.waitForExit();
        const pid = home.serverPid() as number;
        process.kill(pid, "SIGKILL");
        await untilGone(pid);
      }
      assert.equal((await home.sessions()).find((row) => row.id === id)?.state, "running");
      assert.ok(fs.existsSync(path.join(folder, "session.json")));
      await home.ok(["kill", id, "--signal", "KILL"]);
    });
});

describe("what was removed of a session that has ended", () => {
  const home = new TestHome();
  after(() => home.dispose());

  test("its folder: whoever reads it is told so, and a search goes on with the other sessions", async () => {
    const [gone, there] = (await Promise.all(
      ["gone", "there"].map((name) => home.start(["/bin/echo", "needle"], ["--name", name])),
    )) as [string, string];
    await Promise.all([gone, there].map((id) => home.untilState(id, "exited")));
    const folder = path.join(home.folder, "s", gone);
    await removeFolder(folder);
    const removed = `the session's folder ${folder} was removed\n`;
    for (const format of ["text", "cast", "html", "html --history", "svg", "png", "text --at 1s"]) {
      const result = await home.run(["export", gone, "--format", ...format.split(" ")]);
      assert.deepEqual([result.code, result.stderr], [125, `falcon: ${removed}`], format);
    }
    for (const since of [[], ["--since", "1d"], ["-n", "5"]]) {
      const result = await home.run(["logs", "--all", "--grep", "needle", ...since]);
      assert.equal(result.stdout, `${there} there: needle\n`);
      assert.deepEqual([result.code, result.stderr], [0, `falcon: the log of ${gone} (gone) cannot be read: ${removed}`]);
    }
  });

  test("the folder of a run's earlier part: logs of the run says so, and shows the later ones", async () => {
    const first = await home.start(["/bin/echo", "said"], ["--name", "again"]);
    await home.untilState(first, "exited");
    const second = await home.ok(["relaunch", "-d", "again"]);
    await home.untilState(second, "exited");
    const folder = path.join(home.folder, "s", first);
    await removeFolder(folder);
    const { code, stdout, stderr } = await home.run(["logs", "again"]);
    assert.match(stdout, /^── part 2 · .* ──\nsaid\n$/);
    assert.deepEqual([code, stderr], [0, `falcon: part 1 (${first}): the session's folder ${folder} was removed\n`]);
  });
});
