// The wall clock is set while the built program runs (NTP, a resumed machine, a wrong clock at boot): what is
// measured goes on, what is old stays.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { library, program } from "../../support/compile.ts";
import { until, untilGone } from "../../support/events.ts";
import { TestHome } from "../../support/home.ts";
import { notBuilt, trainer } from "../../support/paths.ts";

before(() => assert.deepEqual(notBuilt(), [], "npm run build comes first"));

const day = 86_400;

/** A home whose server's clock (and that of everything in it) can be set. */
function withClock(): { home: TestHome; set(seconds: number): void } {
  const home = new TestHome();
  const file = path.join(home.work, "clock");
  Object.assign(home.env, { LD_PRELOAD: library("set-clock"), FALCON_TEST_CLOCK: file });
  const set = (seconds: number) => {
    fs.writeFileSync(`${file}.new`, String(seconds));
    fs.renameSync(`${file}.new`, file);
  };
  set(0);
  return { home, set };
}

describe("a clock that is set", () => {
  const { home, set } = withClock();
  after(() => home.dispose());
  const attached = async () => {
    const id = await home.start([program("rawkeys"), "--no-signals"]);
    const terminal = home.terminal(["attach", id], { cols: 100 });
    await terminal.waitFor("keys please");
    return { id, terminal };
  };

  test("the shim sets the server's clock", async () => {
    set(0);
    const { terminal, id } = await attached();
    set(100 * day);
    const late = home.terminal(["attach", id]);
    await late.waitFor("keys please");
    const row = (await home.sessions()).find((found) => found.id === id) as unknown as { viewers: { since: string }[] };
    const since = row.viewers.map((viewer) => Date.parse(viewer.since));
    assert.ok(Math.max(...since) - Math.min(...since) > 99 * day * 1000);
    set(0);
    for (const viewer of [terminal, late]) {
      viewer.key("C-\\");
      await viewer.waitForExit();
    }
  });

  test("an hour back: the prefix alone still detaches", async () => {
    set(0);
    const { terminal } = await attached();
    terminal.type("a");
    await terminal.waitFor("<61>");
    set(-3600);
    terminal.key("C-\\");
    assert.equal((await terminal.waitForExit("the detach", 10_000)).code, 0);
  });

  test("a minute ahead in a paste: it is still one, and a d in it detaches nobody", async () => {
    set(0);
    const terminal = home.terminal(["launch", "--falcon", trainer, "-o", "jumps", "epochs=500", "rate=4", "samples=256"], {
      cols: 100,
      rows: 30,
    });
    const selected = () => /▸ (\w+)/.exec(terminal.text())?.[1];
    await terminal.waitFor(() => selected() !== undefined, "a selected node");
    terminal.type("\x1b[200~x");
    set(60);
    terminal.type("d");
    terminal.type("\x1b[201~");
    // the next key is one again
    const before = selected();
    terminal.type("j");
    await terminal.waitFor(() => selected() !== before, "another node");
    assert.equal(terminal.ended, undefined);
    set(0);
    terminal.key("C-\\");
    await terminal.waitForExit();
  });

  test("an hour ahead while stop waits: the program is given its time", async () => {
    set(0);
    const id = await home.start([program("stubborn")], ["--name", "slow"]);
    const { pid } = await home.untilState(id, "running");
    await until(async () => (await home.ok(["logs", id])).includes("stubborn "), "the program to be ready");
    const terminal = home.terminal(["stop", id, "--timeout", "60"], { cols: 200 });
    await terminal.waitFor("waiting for its end");
    // it looks once a second; whenever it had seen the program move last, one of these hours lies behind that
    for (let hours = 1; hours <= 3; hours++) {
      set(hours * 3600);
      const hangs = terminal.waitFor("hangs", "a moment", 1_200);
      await assert.rejects(hangs, /not within/, terminal.picture());
    }
    process.kill(pid as number, "SIGKILL");
    await terminal.waitForExit();
    set(0);
  });
});

describe("what is old", () => {
  const { home, set } = withClock();
  after(() => home.dispose());
  const next = async (seconds: number) => {
    const pid = home.serverPid();
    await home.ok(["server", "stop"]);
    if (pid !== undefined) await untilGone(pid);
    set(seconds);
    return (await home.sessions()).map(({ id }) => id);
  };

  test("is not removed by a server that starts with a clock 100 days ahead, nor when that is set right; prune says why it keeps it", async () => {
    const config = path.join(home.work, ".config/falcon-sessions");
    fs.mkdirSync(config, { recursive: true });
    fs.writeFileSync(path.join(config, "config.toml"), 'retention_age = "30d"\n');
    const id = await home.start(["true"]);
    await home.untilState(id, "exited");
    assert.deepEqual(await next(100 * day), [id]);
    const pruned = await home.run(["prune", "--older-than", "30d"]);
    assert.match(pruned.stderr, /^0 sessions removed\n1 more would be that old, but the clock has jumped .*100d/);
    // a restart within the hour is no second witness: it has the same wrong clock
    assert.deepEqual(await next(100 * day), [id]);
    assert.deepEqual(await next(0), [id]);
    set(100 * day);
    const again = await home.run(["prune", "--older-than", "30d"]);
    assert.match(again.stderr, /^0 sessions removed/);
    set(0);
  });
});
