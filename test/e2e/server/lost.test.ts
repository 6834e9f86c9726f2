// A lost session says why, by real causes: the machine's next life, the kernel's want of memory, a signal.
// Log, last screen and relaunch stay.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { before, test } from "node:test";
import { memoryCgroup } from "../../../src/platform/processes.ts";
import type { ShownRun } from "../../../src/presentation/shown-run.ts";
import { holderPid, shownScreen } from "../../faults/product.ts";
import { alive, until, untilGone } from "../../support/events.ts";
import { killNow, TestHome } from "../../support/home.ts";
import * as built from "../../support/paths.ts";

before(() => assert.deepEqual(built.notBuilt(), [], "npm run build comes first"));

/**
 * Ends server, holder and program so that nobody can write down how: first the server, or it would start a
 * successor.
 */
async function killAll(home: TestHome, id: string): Promise<void> {
  const { pid } = (await home.sessions()).find((row) => row.id === id) as { pid: number };
  const server = home.serverPid() ?? assert.fail("no server");
  const holder = holderPid(home, id) ?? assert.fail("no holder");
  killNow(server);
  killNow(holder);
  await untilGone(server);
  await untilGone(pid, "the program to be hung up on");
}

/** A session that has said something, and what `falcon show` says of it when it is lost. */
async function starts(home: TestHome): Promise<string> {
  const id = await home.start(["/bin/sh", "-c", "echo last words; exec sleep 1000"]);
  await until(async () => (await shownScreen(home, id)).includes("last words"), "the program's words");
  return id;
}

async function assertLost(home: TestHome, id: string, reason: RegExp): Promise<void> {
  const row = (await home.sessions()).find((each) => each.id === id);
  assert.equal(row?.state, "lost", home.serverLog());
  assert.match(await home.ok(["show", id]), reason);
  assert.ok((await shownScreen(home, id)).includes("last words"), "its last screen stays readable");
  assert.match(await home.ok(["logs", id]), /last words/);
  assert.equal((await home.run(["wait", id])).code, 125);
  const again = await home.ok(["relaunch", "-d", id]);
  await until(async () => (await shownScreen(home, again)).includes("last words"), "the same command to run again");
}

test("the end of a lost session is when it was last heard of, not when somebody looked; what it said to no server counts", async () => {
  const home = new TestHome();
  try {
    const [go, said] = ["go", "said"].map((name) => path.join(home.work, name)) as [string, string];
    const late = `echo 'Epoch 2/10, loss: 0.5'; until [ -e ${go} ]; do sleep 0.05; done; echo 'Epoch 7/10, loss: nan'; touch ${said}`;
    const id = await home.start(["/bin/sh", "-c", `${late}; exec sleep 1000`]);
    await until(async () => (await home.ok(["logs", id])).includes("Epoch 2/10"), "the program's words");
    const { pid } = (await home.sessions()).find((row) => row.id === id) as { pid: number };
    const holder = holderPid(home, id) ?? assert.fail("no holder");
    const server = home.serverPid() ?? assert.fail("no server");
    killNow(server);
    await untilGone(server);
    fs.writeFileSync(go, "");
    const log = path.join(home.folder, "s", id, "output.log");
    await until(() => fs.existsSync(said) && fs.readFileSync(log, "utf8").includes("Epoch 7/10"), "its words to be in the log");
    killNow(holder);
    await untilGone(pid, "the program to be hung up on");
    const killed = Date.now();
    // nobody looks for a while
    await new Promise((resolve) => setTimeout(resolve, 300));
    const row = (await home.sessions()).find((each) => each.id === id);
    assert.equal(row?.state, "lost");
    const { ended, lastOutput } = row as unknown as { ended: string; lastOutput: string | null };
    assert.ok(lastOutput !== null && Date.parse(lastOutput) <= killed, `${lastOutput}`);
    assert.ok(Date.parse(ended) <= killed, `${ended} is after ${new Date(killed).toISOString()}`);
    const { progress } = row as unknown as { progress: ShownRun | null };
    assert.deepEqual(
      progress?.nodes.map(({ epoch, epochs, nonFinite, status }) => [epoch, epochs, nonFinite[0]?.epoch, status]),
      [[7, 10, 7, "stopped"]],
    );
    const events = async () => {
      const lines = (await home.ok(["events", id, "--json"])).trim().split("\n");
      return lines.map((line) => (JSON.parse(line) as { kind: string }).kind);
    };
    await until(async () => (await events()).includes("failed"), "its end to be told");
    assert.ok((await events()).includes("nan"), "what happened before it, too");
  } finally {
    await home.dispose();
  }
});

const otherLife = "11111111-2222-4333-8444-555555555555";

test("the machine was restarted: its boot id is another one", async (context) => {
  const home = new TestHome();
  try {
    const file = path.join(home.work, "boot_id");
    fs.writeFileSync(file, `${otherLife}\n`);
    const inOtherLife = `mount --bind ${file} /proc/sys/kernel/random/boot_id && `;
    const unshare = ["--user", "--map-root-user", "--mount"].slice(process.getuid?.() === 0 ? 2 : 0);
    if (spawnSync("unshare", [...unshare, "sh", "-c", `${inOtherLife} true`]).status !== 0)
      return context.skip(
        "no boot id of our own can be mounted here; test/unit/session/life/ending.test.ts has the reason on given facts",
      );
    const id = await starts(home);
    await killAll(home, id);
    // the next server is started by this client, and sees what it sees
    const listed = await home.run([...unshare, "sh", "-c", `${inOtherLife} exec ${built.falcon} sessions --all`], {
      file: "unshare",
    });
    assert.equal(listed.code, 0, listed.stderr);
    await assertLost(home, id, /the machine was restarted/);
  } finally {
    await home.dispose();
  }
});

test("the kernel ended it for want of memory: the group's oom_kill counter has grown", async (context) => {
  const above = memoryCgroup(process.pid);
  const group = path.join(above ?? "/nowhere", `falcon-test-${process.pid}`);
  const limit = ["memory.limit_in_bytes", "memory.max"];
  const inMemory = `/dev/shm/falcon-test-${process.pid}`;
  if (!fs.existsSync(path.dirname(inMemory))) return context.skip("there is no /dev/shm");
  try {
    fs.mkdirSync(group);
  } catch {
    return context.skip("no control group can be made here; test/unit/session/life/ending.test.ts has the reason on given facts");
  }
  const home = new TestHome();
  try {
    const setting = limit.map((name) => path.join(group, name)).find((name) => fs.existsSync(name));
    if (setting === undefined) return context.skip("control groups of this machine limit no memory");
    // the server, the holder and the program are started in the group, as in a batch job
    const started = await home.run(
      [
        "-c",
        `echo $$ > ${group}/cgroup.procs && exec "$0" run -d -- /bin/sh -c 'echo last words; exec sleep 1000'`,
        built.falcon,
      ],
      { file: "/bin/sh" },
    );
    assert.equal(started.code, 0, started.stderr);
    const id = started.stdout.trim();
    await until(async () => (await shownScreen(home, id)).includes("last words"), "the program's words");
    const { pid } = (await home.sessions())[0] as unknown as { pid: number };
    const holder = holderPid(home, id) ?? assert.fail("no holder");
    const server = home.serverPid() ?? assert.fail("no server");
    killNow(server);
    await untilGone(server);
    // the kernel ends what is worth it the most: here the holder. A file in memory counts for the group and
    // for no process
    fs.writeFileSync(`/proc/${holder}/oom_score_adj`, "1000");
    await until(() => setLimit(setting, 32 << 20), "the group to fit its limit");
    const eater = `echo $$ > ${group}/cgroup.procs; exec head -c ${64 << 20} /dev/zero > ${inMemory}`;
    const ate = spawnSync("/bin/sh", ["-c", eater], { stdio: "ignore", timeout: 20_000, killSignal: "SIGKILL" });
    assert.notEqual(ate.status, 0, "the group cannot have that much");
    await until(() => !alive(holder) && !alive(pid), "the holder and its program to end");
    await assertLost(home, id, /the kernel ended processes of its group for want of memory, its holder among them/);
  } finally {
    fs.rmSync(inMemory, { force: true });
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

test("its holder was ended by a signal, and the program with it", async () => {
  const home = new TestHome();
  try {
    const id = await starts(home);
    const { pid } = (await home.sessions())[0] as unknown as { pid: number };
    const holder = holderPid(home, id) ?? assert.fail("no holder");
    const server = home.serverPid() ?? assert.fail("no server");
    // both at once, as a kill of everything in a group does it: a server that runs would put a successor
    // between
    process.kill(server, "SIGSTOP");
    killNow(holder);
    killNow(pid);
    await untilGone(holder);
    await untilGone(pid);
    process.kill(server, "SIGCONT");
    await home.untilState(id, "lost");
    await assertLost(home, id, /its holder was ended by SIGKILL, and the program with it/);
  } finally {
    await home.dispose();
  }
});

/** Gives the group this limit (bytes); false while it holds more that the kernel has not taken back yet. */
function setLimit(setting: string, bytes: number): boolean {
  try {
    fs.writeFileSync(setting, String(bytes));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EBUSY") return false;
    throw error;
  }
}
