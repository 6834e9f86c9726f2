// What `npm run build:platforms` made for other systems than this one, as far as it runs here: static
// programs for musl, and by qemu-user those for arm64.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { alive } from "../support/events.ts";
import { TestHome } from "../support/home.ts";
import { addon, falcon, root } from "../support/paths.ts";

/** How a target's programs are started here. */
const runners: Record<string, string[]> = { "linuxmusl-x64": [], "linuxmusl-arm64": ["qemu-aarch64-static"] };

for (const [target, runner] of Object.entries(runners)) {
  const folder = path.join(root, "build/platforms", target);
  const lacking = !fs.existsSync(path.join(folder, "holder"))
    ? "not built: npm run build:platforms"
    : runner.length > 0 && spawnSync(runner[0] as string, ["-version"]).status !== 0
      ? `${runner[0]} is not here (Debian: qemu-user-static)`
      : process.arch !== "x64" || process.platform !== "linux"
        ? "for Linux x64"
        : false;
  describe(target, { skip: lacking }, () => {
    test("client and holder: a session is started, left, found again and ended", async (t) => {
      const home = new TestHome();
      t.after(() => home.dispose());
      // a server of this machine with that holder
      const native = path.join(path.dirname(home.folder), "native");
      fs.mkdirSync(native);
      const script = (name: string) => {
        const file = path.join(native, name);
        fs.writeFileSync(file, `#!/bin/sh\nexec ${[...runner, path.join(folder, name)].join(" ")} "$@"\n`, { mode: 0o755 });
        return file;
      };
      script("holder");
      fs.copyFileSync(addon, path.join(native, "sys.node"));
      const file = script("falcon");
      const env = { FALCON_SESSIONS_NATIVE: native };
      // it does not know where the server's program lies
      await home.ok(["server", "status"], { file: falcon, env });
      const id = await home.start(["sh", "-c", "echo begun; while read -r x; do echo got $x; done; exit 7"], [], { file, env });
      const { pid } = await home.untilState(id, "running");
      const terminal = home.terminal(["attach", id], { file, env });
      await terminal.waitFor("begun");
      terminal.type("it\r");
      await terminal.waitFor("got it");
      terminal.key("C-\\");
      assert.equal((await terminal.waitForExit()).code, 0);
      assert.ok(alive(pid as number));
      const again = home.terminal(["attach", id], { file, env, cols: 60, rows: 10 });
      await again.waitFor("got it");
      again.key("C-d");
      assert.equal((await again.waitForExit()).code, 7);
      assert.match(await home.ok(["logs", id], { file, env }), /got it/);
    });
  });
}
