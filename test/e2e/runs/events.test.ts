// What happened to sessions, told as it happens: events, and waiting for a condition.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { until } from "../../support/events.ts";
import { TestHome } from "../../support/home.ts";
import { notBuilt, trainer } from "../../support/paths.ts";

before(() => assert.deepEqual(notBuilt(), [], "npm run build comes first"));

describe("events and conditions", () => {
  const home = new TestHome();
  after(() => home.dispose());
  const launch = (name: string, ...settings: string[]) =>
    home.ok(["launch", "--falcon", trainer, "-d", "--name", name, "-o", name, ...settings]);

  test("wait --until returns when it is so, and the run goes on", async () => {
    await launch("long", "samples=64", "epochs=5000", "rate=20");
    await home.ok(["wait", "long", "--until", "epoch >= 3 and val_loss < 1e9"]);
    const { stdout } = await home.run(["show", "long", "--json"]);
    const shown = JSON.parse(stdout) as { state: string; progress: { nodes: { epoch: number | null }[] } };
    assert.equal(shown.state, "running");
    assert.ok(shown.progress.nodes.some(({ epoch }) => (epoch ?? 0) >= 3));
    await home.ok(["wait", "long", "--timeout", "0.3", "--until", "nan"], { code: 124 });
    await home.ok(["stop", "long"]);
  });

  test("wait --running --until where nothing runs has nothing to wait for", async () => {
    assert.equal((await home.run(["wait", "--running", "--until", "nan"])).code, 0);
  });

  test("a run that ends before it is so: status 1 and its outcome; a word of the end holds then", async () => {
    await launch("short", "samples=64", "epochs=4", "rate=50");
    const { code, stderr } = await home.run(["wait", "short", "--until", "epoch >= 100"]);
    assert.equal(code, 1);
    assert.match(stderr, /\[short\] ended before it was so: completed/);
    assert.equal((await home.run(["wait", "short", "--until", "nan or ended"])).code, 0);
  });

  test("a mistake is marked, and nothing is waited for", async () => {
    const { code, stderr } = await home.run(["wait", "short", "--until", "val_los < -1"]);
    assert.equal(code, 2);
    assert.match(stderr, /^falcon: --until: no such name; .*\n {2}val_los < -1\n {2}\^\n$/);
  });

  test("any program: its terminal tells how far it is, a file of metrics its losses and a NaN that was", async () => {
    // it waits for the file "go" before its last epoch, so that what is asked before that is of a running one
    const loop = `
      const fs = require("node:fs");
      const epoch = (n, loss) => {
        fs.appendFileSync("fit.jsonl", '{"epoch": ' + n + ', "train_loss": ' + loss + ', "val_loss": ' + 2 / n + '}\\n');
        console.log("Epoch " + n + "/5");
      };
      epoch(1, 1); epoch(2, "NaN"); epoch(3, 0.5); epoch(4, 0.25);
      const wait = setInterval(() => {
        if (!fs.existsSync("go")) return;
        clearInterval(wait);
        epoch(5, 0.125);
      }, 20);`;
    await home.ok(["run", "-d", "--name", "loop", "--metrics", "fit.jsonl", "--", process.execPath, "-e", loop]);
    await home.ok(["wait", "loop", "--until", "fit.jsonl.epoch >= 4 and train_loss < 0.3"]);
    // the file has the epoch before the terminal says how many there are
    await until(async () => / 4\/5 · val loss 0\.5 \S+ /.test(await home.ok(["sessions", "loop"])), "the terminal's 4/5");
    const shown = await home.ok(["show", "loop"]);
    assert.match(shown, /fit\.jsonl {2}training · epoch 4\/5 · train loss 0\.25 · val loss 0\.5 · best 0\.5/);
    assert.match(shown, /loss of fit\.jsonl by epoch\n.*\(no number at epoch 2\)/);
    await home.ok(["wait", "loop", "--until", "epoch >= 1"]);
    assert.match(
      await home.ok(["show", "loop", "--metric", "val_loss"]),
      /^val_loss of fit\.jsonl by epoch {3}last 0\.5 at epoch 4, /,
    );
    const none = await home.run(["show", "loop", "--metric", "accuracy"]);
    assert.match(none.stderr, /^falcon: --metric accuracy: no such metric; there are train_loss, val_loss\n$/);
    assert.match(await home.ok(["events", "loop"]), / loop {2}nan +fit\.jsonl: train loss NaN in epoch 2$/m);
    fs.writeFileSync(path.join(home.work, "go"), "");
    await home.ok(["wait", "loop"]);
    const csv = await home.ok(["export", "loop", "--format", "curve-csv"]);
    assert.match(csv, /\nfit\.jsonl,2,nan,1,\n.*\n.*\nfit\.jsonl,5,0\.125,0\.4,$/);
    assert.match(await home.ok(["sessions", "loop"]), /completed +5\/5, best val loss 0\.4/);
  });

  test("--follow tells each event once, until the session is over; then they are there for all", async () => {
    const launched = launch("told", "samples=64", "epochs=30", "rate=20");
    await launched;
    const { code, stdout } = await home.run(["events", "told", "--follow", "--json"]);
    assert.equal(code, 0);
    const events = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { id: number; kind: string; sentence: string });
    assert.ok(events.length >= 2, stdout);
    assert.equal(new Set(events.map(({ id }) => id)).size, events.length);
    assert.deepEqual(events.at(-1)?.kind, "ended");
    assert.match(await home.ok(["events", "told"]), / told {2}phase .*\n(.*\n)*.* told {2}ended +completed/);
    assert.equal(await home.ok(["events", "told", "--json", "--after", String(events.at(-1)?.id)]), "");
  });
});
