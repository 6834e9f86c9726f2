// Node opens its debugger at a SIGUSR1 that nobody listens to: a port without a password, for every user of
// the machine. A signal to every process of a job, or of a user, reaches all of ours.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { before, type TestContext, test } from "node:test";
import { descendants } from "../../../src/platform/processes.ts";
import { alive, readIfThere, until } from "../../support/events.ts";
import { TestHome } from "../../support/home.ts";
import { notBuilt } from "../../support/paths.ts";

before(() => assert.deepEqual(notBuilt(), [], "npm run build comes first"));

/** The TCP ports that a process listens on. */
function portsOf(pid: number): number[] {
  const open = fs.readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return fs.readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      return ""; // closed meanwhile
    }
  });
  // local address, remote address, state (0A: listens), queues, timers, retries, uid, timeout, inode: proc(5)
  const listening = fs.readFileSync("/proc/net/tcp", "latin1").matchAll(/^ *\d+: \w+:(\w+) \S+ 0A (?:\S+ +){5}(\d+)/gm);
  return [...listening].flatMap(([, port, inode]) =>
    open.includes(`socket:[${inode}]`) ? [Number.parseInt(`${port}`, 16)] : [],
  );
}

/** The home's processes that are Node, and those that these have forked. */
function nodesOf(home: TestHome): number[] {
  const named = home.processes().filter(({ argv }) => argv.some((word) => word.endsWith(".cjs")));
  const isNode = (pid: number) => readIfThere(`/proc/${pid}/cmdline`)?.includes(".cjs");
  return [...new Set(named.flatMap(({ pid }) => [pid, ...descendants(pid).filter(isNode)]))];
}

/**
 * So many of the home's that are Node, once they have been at rest for some looks: one that Node is still
 * starting has not come to our first line, and does open a port (docs/design/security.md).
 */
function restingNodes(home: TestHome, count: number, except?: number): Promise<number[]> {
  let looks = 0;
  const rests = (pid: number) => /\) S /.test(readIfThere(`/proc/${pid}/stat`) ?? "");
  return until(() => {
    const found = nodesOf(home).filter((pid) => pid !== except);
    looks = found.length >= count && found.every(rests) ? looks + 1 : 0;
    return looks >= 3 ? found : undefined;
  }, `${count} processes of ours to rest`);
}

/** A plain Node, which opens a port. */
async function plainNode(t: TestContext) {
  const word = "setInterval(() => {}, 1000); console.log('up')";
  const control = spawn(process.execPath, ["--inspect-port=0", "-e", word], { stdio: ["ignore", "pipe", "pipe"] });
  t.after(() => control.kill("SIGKILL"));
  await once(control.stdout, "data");
  return control;
}

/** Sends it to all, and answers each one's ports once the plain Node, which is sent it last, listens. */
async function portsBehind(pids: number[], control: Awaited<ReturnType<typeof plainNode>>): Promise<number[][]> {
  try {
    for (const pid of [...pids, control.pid as number]) process.kill(pid, "SIGUSR1");
    const [said] = await once(control.stderr, "data");
    assert.match(String(said), /Debugger listening/);
    for (const pid of pids) assert.ok(alive(pid), `process ${pid} goes on`);
    return pids.map(portsOf);
  } finally {
    control.kill("SIGKILL");
    await once(control, "close");
  }
}

test("a SIGUSR1 to every process opens no port, of a server, its helpers, the page and a page that is shared", async (t) => {
  const home = new TestHome();
  t.after(() => home.dispose());
  const id = await home.start(["/bin/cat"]);
  const [page, shared] = [home.terminal(["web"]), home.terminal(["share", id, "--to", `${home.work}/shared`])];
  await page.waitFor("Ctrl+C ends it");
  await shared.waitFor("while it runs");
  // server, helper, page and shared page
  const nodes = await restingNodes(home, 4);
  assert.deepEqual(
    await portsBehind(nodes, await plainNode(t)),
    nodes.map(() => []),
  );
  for (const terminal of [page, shared]) {
    terminal.key("C-c");
    await terminal.waitForExit();
  }
});

test("nor one to a server that has not begun to listen", async (t) => {
  const home = new TestHome();
  t.after(() => home.dispose());
  await home.start(["/bin/cat"]);
  const [row] = await home.sessions();
  const holder = home.processes().find(({ argv }) => argv[0]?.endsWith("holder"))?.pid as number;
  const first = home.serverPid() as number;
  process.kill(holder, "SIGSTOP");
  try {
    // the next server waits for a holder that says nothing for 5 s only
    const control = await plainNode(t);
    process.kill(first, "SIGKILL");
    const asked = home.sessions();
    await until(() => home.logged("server.started").length === 2, "the next server");
    // with its helper
    const nodes = await restingNodes(home, 2, first);
    const ports = await portsBehind(nodes, control);
    assert.equal(home.logged("server.listened").length, 1, "it waits for the holder");
    assert.deepEqual(
      ports,
      nodes.map(() => []),
    );
    process.kill(holder, "SIGCONT");
    assert.equal((await asked)[0]?.id, row?.id);
  } finally {
    process.kill(holder, "SIGCONT");
  }
});
