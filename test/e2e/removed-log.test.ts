// A session's log, or all of its folder, is removed under it: that is told at once, and never answered with
// silence.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { until } from "../support/events.ts";
import { TestHome } from "../support/home.ts";
import { notBuilt } from "../support/paths.ts";

before(() => assert.deepEqual(notBuilt(), [], "npm run build comes first"));

describe("what was removed under a session that runs", () => {
  const home = new TestHome();
  after(() => home.dispose());

  for (const [what, remove] of [
    ["log", (folder: string) => fs.rmSync(path.join(folder, "output.log"))],
    ["folder", (folder: string) => fs.rmSync(folder, { recursive: true })],
  ] as const)
    test(`its ${what}: the viewer's title, show and logs say so, and the program goes on`, async () => {
      const id = await home.start(["/bin/sh", "-c", "echo begun; exec cat"], ["--name", what]);
      const viewer = home.terminal(["attach", id]);
      await viewer.waitFor("begun");
      remove(path.join(home.folder, "s", id));
      await until(() => viewer.title.includes(`its ${what} was removed`), "the title");
      const said = new RegExp(`the session's ${what} \\S+ was removed; the program goes on, and what it says is kept nowhere`);
      assert.match(await home.ok(["show", id]), said);
      for (const more of [[], ["--lines", "1"], ["--raw"], ["-f"]]) {
        const logs = await home.run(["logs", id, ...more]);
        assert.match(logs.stderr, new RegExp(`^falcon: ${said.source}\\n$`), more.join());
        assert.equal(logs.code, 125);
      }
      viewer.type("goes on\r");
      await viewer.waitFor(/goes on\s+goes on/);
      viewer.key("C-\\", "d");
      await viewer.waitForExit();
      await home.ok(["kill", id, "--signal", "KILL"]);
    });
});
