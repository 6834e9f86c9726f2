// What `nohup` starts of the web's programs goes on when its terminal is gone; all else ends with it.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, beforeEach, describe, test } from "node:test";
import { TestHome } from "../support/home.ts";
import { falcon } from "../support/paths.ts";

describe("a terminal that is gone", () => {
  let home: TestHome;
  beforeEach(() => {
    home = new TestHome();
  });
  afterEach(() => home.dispose());

  for (const program of ["web", "share"])
    test(`falcon ${program}`, async () => {
      const id = await home.start(["sh", "-c", "echo begun; sleep 1000"]);
      const words = program === "web" ? "web --listen 0" : `share ${id} --to page --every 5s`;
      for (const [way, end] of [
        ["", "SIGHUP"],
        ["trap '' HUP; ", "SIGTERM"],
      ] as const) {
        const child = spawn("sh", ["-c", `${way}exec ${falcon} ${words}`], { cwd: home.work, env: home.env });
        const over = once(child, "close");
        // it says where the page is once it takes signals
        await once(child.stdout, "data");
        child.kill("SIGHUP");
        if (end !== "SIGHUP") {
          await home.ok(["sessions"]);
          assert.deepEqual([child.exitCode, child.signalCode], [null, null]);
          child.kill(end);
        }
        assert.equal((await over)[0], 0);
      }
    });
});
