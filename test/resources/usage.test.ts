// What a run uses, against what the system says of it: getrusage, /usr/bin/time, programs that take known
// memory and processor, a control group's limit.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { memoryCgroup } from "../../src/platform/processes.ts";
import type { Usage } from "../../src/resources/usage.ts";
import { holderPid } from "../faults/product.ts";
import { program } from "../support/compile.ts";
import { until, untilGone } from "../support/events.ts";
import { killNow, TestHome } from "../support/home.ts";
import { falcon, notBuilt } from "../support/paths.ts";

before(() => assert.deepEqual(notBuilt([falcon]), [], "npm run build comes first"));

const megabyte = 2 ** 20;
const usageOf = async (home: TestHome, id: string) => JSON.parse(await home.ok(["show", id, "--json"])).usage as Usage | null;
/** Its usage once it was measured, and fits. */
const untilUsed = (home: TestHome, id: string, fits: (usage: Usage) => boolean) =>
  until(async () => {
    const usage = await usageOf(home, id);
    return usage !== null && fits(usage) ? usage : undefined;
  }, "what it uses");
const near = (value: number | null, wanted: number, slack: number, what: string) =>
  assert.ok(value !== null && Math.abs(value - wanted) <= slack, `${what}: ${value}, not ${wanted} ± ${slack}`);
describe("a tree of processes", () => {
  const home = new TestHome();
  after(() => home.dispose());

  test("memory, processor and bytes written are those that it takes, and getrusage's in the end", async () => {
    const file = path.join(home.work, "written");
    // three with 60 MB each and 80 MB that all share; 2 s of one processor; 30 MB to a file
    const id = await home.start([program("uses"), "60", "80", "3", "2", "8", "30", file]);
    // a look may fall into the time in which it takes its memory
    const running = await untilUsed(home, id, ({ memory }) => memory !== null && memory > (3 * 60 + 80 - 6) * megabyte);
    // the shared part counts once; the C library and the stacks of four processes are the rest
    near(running.memory, (3 * 60 + 80) * megabyte, 6 * megabyte, "memory");
    await home.untilState(id, "exited");
    const ended = await usageOf(home, id);
    assert.ok(ended);
    const told = Number(/used ([\d.]+)/.exec(await home.ok(["logs", id]))?.[1]);
    // the kernel counts hundredths, of four processes each by itself, and the holder's child is the one that
    // printed
    near(ended.cpuSeconds, told, 0.15, "processor seconds");
    near(ended.memoryPeak, (3 * 60 + 80) * megabyte, 6 * megabyte, "peak");
    assert.ok(ended.written >= 0 && ended.written < 100 * megabyte, String(ended.written));
    assert.equal(ended.cpu, null);
    assert.match(await home.ok(["show", id]), /^uses {6}\d+s of processors in all · memory \d+(\.\d)? MB, at most 27\d MB/m);
    const kept = fs
      .readFileSync(path.join(home.folder, "s", id, "usage"), "utf8")
      .trim()
      .split("\n");
    assert.ok(kept.length >= 2);
  });

  test("one process, against /usr/bin/time -v", async (context) => {
    if (!fs.existsSync("/usr/bin/time")) return context.skip("apt-get install time");
    const report = path.join(home.work, "time");
    const id = await home.start(["/usr/bin/time", "-v", "-o", report, program("uses"), "100", "0", "1", "1.5", "6", "0", "-"]);
    await home.untilState(id, "exited");
    const text = fs.readFileSync(report, "utf8");
    const field = (name: string) => Number(new RegExp(`${name}.*: ([\\d.]+)$`, "m").exec(text)?.[1]);
    const usage = await usageOf(home, id);
    assert.ok(usage);
    near(usage.cpuSeconds, field("User time") + field("System time"), 0.1, "processor seconds");
    // its maximum is of the child alone, files that it maps included; ours is of all three, without them
    near(usage.memoryPeak, field("Maximum resident set size") * 1024, 5 * megabyte, "peak");
  });

  test("the list has CPU and MEM by themselves on a wide terminal, and by choice in a pipe", async () => {
    const id = await home.start([program("uses"), "50", "0", "1", "1000", "0", "0", "-"], ["--name", "busy"]);
    await untilUsed(home, id, ({ cpu }) => cpu !== null && cpu > 0.05);
    assert.match(await home.ok(["sessions", "--usage", "--running"]), /CPU +MEM.*\n.*busy .* \d+(\.\d)?% +5\d(\.\d)? MB/);
    assert.doesNotMatch(await home.ok(["sessions", "--running"]), /CPU/);
    const wide = home.terminal(["sessions", "--running"], { cols: 180, rows: 20 });
    await wide.waitForExit();
    assert.match(wide.text(), /CPU +MEM/);
    const watch = home.terminal(["sessions", "--watch"], { cols: 180, rows: 20 });
    await watch.waitFor(/CPU +MEM/, "its columns in the watch");
    watch.key("q");
    await watch.waitForExit();
    await home.ok(["kill", id]);
    await home.untilState(id, "exited");
    assert.match(await home.ok(["sessions", "--usage"]), /busy .*≤5\d/);
  });

  test("another server goes on with what was kept", async () => {
    const id = await home.start([program("uses"), "20", "0", "1", "1", "60", "0", "-"]);
    const before = await untilUsed(home, id, ({ cpuSeconds }) => cpuSeconds >= 0.9);
    await home.ok(["server", "upgrade"]);
    const after = await untilUsed(home, id, () => true);
    assert.ok(after.cpuSeconds >= before.cpuSeconds - 0.05 && after.cpuSeconds < before.cpuSeconds + 1, String(after.cpuSeconds));
    assert.equal(after.memoryPeak, Math.max(after.memoryPeak ?? 0, before.memoryPeak ?? 0));
    await home.ok(["kill", id, "--signal", "KILL"]);
  });

  test("what was kept is told of a run whose end nobody saw", async () => {
    const id = await home.start([program("uses"), "20", "0", "1", "1", "60", "0", "-"]);
    const before = await untilUsed(home, id, ({ cpuSeconds }) => cpuSeconds >= 0.9);
    const [server, holder] = [home.serverPid() as number, holderPid(home, id) as number];
    for (const pid of [server, holder]) {
      killNow(pid);
      await untilGone(pid);
    }
    await home.untilState(id, "lost");
    const after = await usageOf(home, id);
    assert.ok(after, "what it used");
    assert.deepEqual([after.cpu, after.memoryPeak], [null, before.memoryPeak]);
    near(after.cpuSeconds, before.cpuSeconds, 0.5, "processor seconds");
  });
});

test("SIGKILL with the memory of its control group full: probably out of memory", async (context) => {
  const group = path.join(memoryCgroup(process.pid) ?? "/nowhere", `falcon-usage-${process.pid}`);
  try {
    fs.mkdirSync(group);
  } catch {
    return context.skip(
      "no control group can be made here; test/unit/session/life/outcome.test.ts has the sentence on given facts",
    );
  }
  const home = new TestHome();
  try {
    const setting = ["memory.limit_in_bytes", "memory.max"]
      .map((name) => path.join(group, name))
      .find((name) => fs.existsSync(name));
    if (setting === undefined) return context.skip("control groups of this machine limit no memory");
    fs.writeFileSync(setting, String(200 * megabyte));
    const enter = `echo $$ > ${group}/cgroup.procs; exec "$@"`;
    const id = await home.start(["/bin/sh", "-c", enter, "sh", program("uses"), "195", "0", "1", "0", "1000", "0", "-"]);
    const usage = await untilUsed(home, id, ({ memoryShare, limitBy }) => limitBy === "group" && (memoryShare ?? 0) > 0.95);
    assert.equal(usage.memoryLimit, 200 * megabyte);
    const { pid } = await home.untilState(id, "running");
    process.kill(pid as number, "SIGKILL");
    await home.untilState(id, "exited");
    const { outcome } = JSON.parse(await home.ok(["show", id, "--json"]));
    assert.match(outcome.sentence, /^ended by SIGKILL, probably out of memory: memory was at (9[5-9]|100) % of the limit$/);
    assert.equal(outcome.by, "probably the kernel, for want of memory");
  } finally {
    await home.dispose();
    await until(() => {
      try {
        fs.rmdirSync(group);
      } catch {
        return !fs.existsSync(group);
      }
      return true;
    }, "the control group to be empty");
  }
});
