// A program whose output is dear to draw keeps a screen busy: its own. Others are attached, shown and left as
// ever.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { until } from "../support/events.ts";
import { TestHome } from "../support/home.ts";
import { falcon, notBuilt } from "../support/paths.ts";

before(() => assert.deepEqual(notBuilt([falcon]), [], "npm run build comes first"));

/** Each ESC # 8 fills the whole screen: three bytes, and as much work as the screen has cells. */
const fill = "\x1b#8";

const hungry = [
  { what: "63 KB on a screen of 1000x500", size: "1000x500", bytes: 63_000 },
  { what: "900 KB on a screen of 200x60", size: "200x60", bytes: 900_000 },
];

for (const { what, size, bytes } of hungry)
  describe(`a program that fills its screen again and again, ${what}`, () => {
    const home = new TestHome();
    after(() => home.dispose());

    test("others are attached, shown and left while it is drawn; its own viewer is told, and can leave", async () => {
      const file = path.join(home.work, "fills");
      fs.writeFileSync(file, fill.repeat(bytes / fill.length));
      const quiet = await home.start(["/bin/sh", "-c", "echo quiet; exec cat"], ["--name", "quiet"]);
      await until(async () => /quiet/.test(await home.ok(["logs", quiet])), "its output");
      // without an end: its screen is always behind
      const eater = await home.start(
        ["/bin/sh", "-c", `cat ${file}; while :; do cat ${file}; sleep 1; done`],
        ["--name", "eater", "--size", size],
      );
      await until(async () => (await home.run(["logs", "--raw", eater])).stdout.length >= bytes, "its output");
      for (let round = 0; round < 3; round++) {
        const viewer = home.terminal(["attach", "quiet"]);
        await viewer.waitFor("quiet");
        viewer.key("C-\\", "d");
        await viewer.waitForExit();
        assert.match(await home.ok(["show", "quiet"]), /quiet/);
      }
      const own = home.terminal(["attach", "eater"]);
      await own.waitFor(/catching up/, "what its own viewer is told");
      own.key("C-\\", "d");
      await own.waitForExit();
      assert.match(own.text(), /\[eater\] detached, running/);
      // the next server has its screen from what was stored, and draws what came since
      await home.ok(["server", "upgrade"]);
      const again = home.terminal(["attach", "eater"]);
      await again.waitFor(/catching up/, "what a viewer is told behind an upgrade");
      again.key("C-\\", "d");
      await again.waitForExit();
      assert.match(again.text(), /\[eater\] detached, running/);
      await home.ok(["kill", "eater", "--signal", "KILL"]);
    });
  });
