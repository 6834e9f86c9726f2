// What a viewer, and who waits, notice of a server that is killed or whose screens' thread stands still: how
// long the output is silent, and when an end is told.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { compile } from "../support/compile.ts";
import { until } from "../support/events.ts";
import { TestHome } from "../support/home.ts";
import { falcon, root } from "../support/paths.ts";
import { installation, killsPerViewer } from "./kills.ts";
import { killServer } from "./product.ts";
import { type Fault, moment } from "./report.ts";

/** Says a line each 5 ms, without an end. */
const ticks = ["perl", "-e", '$| = 1; while (1) { print "tick\\n"; select(undef, undef, undef, 0.005) }'];

/** ms after a kill in which its silence is looked for; the next server is there by then. */
const behind = 300;

/** A terminal that notes how long nothing came (test/bench/viewer.c). */
class Listener {
  readonly #child;
  #said = "";

  constructor(argv: readonly string[], env: Record<string, string>) {
    const driver = compile(path.join(root, "test/bench/viewer.c"));
    this.#child = spawn(driver, ["--size", "80x24", "--", ...argv], { env, stdio: ["ignore", "pipe", "inherit"] });
    this.#child.stdout.on("data", (chunk) => {
      this.#said += String(chunk);
    });
  }

  /** The longest silence (ms) since the last time that it was asked, and all bytes that came by then. */
  async silence(): Promise<{ ms: number; bytes: number }> {
    const before = this.#said.length;
    this.#child.kill("SIGUSR1");
    const line = await until(() => /^bytes \d+ (\d+) (\d+)\n/m.exec(this.#said.slice(before)), "the terminal's word");
    return { bytes: Number(line[1]), ms: Number(line[2]) / 1e6 };
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const closed = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGTERM");
    await closed;
  }
}

export const silences: Fault = {
  name: "kill -9 of the server while attached: the longest silence of the output",
  async run({ short }) {
    const kills = short ? 5 : 50;
    const home = new TestHome();
    const listeners: Listener[] = [];
    try {
      const id = await home.start(ticks);
      const directs = () => home.logged("viewer.direct-granted").length;
      const longest: number[] = [];
      const meanwhile: number[] = [];
      for (let viewer = 0; viewer * killsPerViewer < kills; viewer++) {
        const before = directs();
        const attached = new Listener([falcon, "attach", id], home.env);
        const bare = new Listener(ticks, home.env);
        listeners.push(attached, bare);
        await until(() => directs() > before, "the terminal to read the output itself");
        for (let kill = 0; kill < killsPerViewer; kill++) {
          const { bytes } = await attached.silence();
          await bare.silence();
          const granted = directs();
          await killServer(home);
          await until(
            () => directs() > granted,
            () => `the terminal to be the next server's${home.serverLog()}`,
          );
          await moment(behind);
          const after = await attached.silence();
          assert.ok(after.bytes > bytes, "the output goes on");
          longest.push(after.ms);
          meanwhile.push((await bare.silence()).ms);
        }
        for (const listener of listeners.splice(0)) await listener.close();
      }
      const figures = (of: number[]) => {
        const sorted = [...of].sort((one, other) => one - other);
        return `${sorted.at(-1)?.toFixed(1)} ms (median ${sorted[sorted.length >> 1]?.toFixed(1)})`;
      };
      const long = longest.filter((ms) => ms >= 50).length;
      return `${kills} kills, longest silence ${figures(longest)}, ${long} of 50 ms and more; of the same program on a bare terminal meanwhile ${figures(meanwhile)}`;
    } finally {
      for (const listener of listeners) await listener.close();
      await home.dispose();
    }
  },
};

export const stuckScreens: Fault = {
  name: "the screens' thread stands still: an end is told",
  async run() {
    const home = new TestHome();
    try {
      const other = installation(path.join(home.work, "other"), {});
      const worker = path.join(home.work, "other/dist/screen-worker.cjs");
      // it does nothing of what it is told once the file is there
      const stands = path.join(home.work, "stands");
      const wait = "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)";
      const seen = `${stands}.seen`;
      const stand = `require("node:fs").writeFileSync(${JSON.stringify(seen)}, ""); ${wait}`;
      const look = `setInterval(() => { if (require("node:fs").existsSync(${JSON.stringify(stands)})) { ${stand}; } }, 10);\n`;
      fs.writeFileSync(worker, look + fs.readFileSync(worker, "utf8"));
      const id = (await home.ok(["run", "-d", "--", "/bin/sh", "-c", "read key; exit 6"], { file: other })).trim();
      fs.writeFileSync(stands, "");
      await until(() => fs.existsSync(seen), "the thread to stand still");
      await home.ok(["send", id, "Enter"], { file: other });
      const began = performance.now();
      await home.untilState(id, "exiting");
      const told = performance.now() - began;
      assert.equal((await home.run(["wait", id], { file: other, limit: 60_000 })).code, 6, home.serverLog());
      return `it is exiting after ${told.toFixed(0)} ms, and its status is told, once the screen was waited for`;
    } finally {
      await home.dispose();
    }
  },
};
