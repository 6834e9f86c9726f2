// The built client in odd surroundings: closed streams, terminals of one column or none that anybody knows,
// homes that are not there, storms of signals.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, before, beforeEach, describe, test } from "node:test";
import { sequenceRulesVersion } from "../../../src/platform/stream-filter.ts";
import {
  ClientFrame,
  clientProtocol,
  decodeSize,
  encodeExec,
  encodeExit,
  encodeHello,
  encodeInputMode,
  encodeSignals,
  ServerFrame,
} from "../../../src/protocol/client.ts";
import { encodeFrame } from "../../../src/protocol/frame.ts";
import { pendingSignals, stopped, until } from "../../support/events.ts";
import { client, FakeServer } from "../../support/holder/fake-server.ts";
import { TestHome } from "../../support/home.ts";
import { withVarTmp } from "../../support/var-tmp.ts";

const out = (text: string) => encodeFrame(ServerFrame.stdout, Buffer.from(text));
const err = (text: string) => encodeFrame(ServerFrame.stderr, Buffer.from(text));
const raw = encodeInputMode(2);
const root = process.getuid?.() === 0;

let home: TestHome;
let server: FakeServer;
before(() => assert.ok(fs.existsSync(client), `${client} is not built`));
beforeEach(async () => {
  home = new TestHome();
  server = await FakeServer.listen(home.folder);
});
afterEach(async () => {
  server.dispose();
  fs.rmSync(server.socketPath, { force: true });
  await home.dispose();
});

const start = (args: string[] = [], options: Parameters<TestHome["terminal"]>[1] = {}) =>
  home.terminal(args, { file: client, ...options });
const shell = (script: string, options: Parameters<TestHome["run"]>[1] = {}) =>
  home.run(["-c", script], { file: "/bin/bash", ...options });

describe("closed streams", () => {
  for (const [closed, stdin, stdout, stderr] of [
    ["<&-", false, true, true],
    [">&-", true, false, true],
    ["2>&-", true, true, false],
    ["<&- >&-", false, false, true],
    [">&- 2>&-", true, false, false],
  ] as const)
    test(`${closed}: the others work, and nothing of ours takes their numbers`, async () => {
      const ended = shell(`exec ${client} x ${closed}`, { input: "typed" });
      const peer = await server.peer();
      peer.send(encodeInputMode(1), out("answer"), err("note"));
      await peer.frame(ClientFrame.inputEnd);
      assert.equal(peer.input.toString(), stdin ? "typed" : "");
      // the socket would stand at 0, 1 or 2, and what runs next would write into it
      const streams = [0, 1, 2].map((fd) => fs.readlinkSync(`/proc/${peer.request.pid}/fd/${fd}`));
      assert.deepEqual(
        streams.map((target) => target === "/dev/null"),
        [!stdin, !stdout, !stderr],
      );
      peer.send(encodeExit(5));
      assert.deepEqual(await ended, { code: 5, stdout: stdout ? "answer" : "", stderr: stderr ? "note" : "" });
    });

  test("stay closed to nobody: an EXEC'd program has all three", async () => {
    const ended = shell(`exec ${client} x <&- >&- 2>&-`);
    const file = path.join(home.work, "fds");
    (await server.peer()).send(encodeExec("/bin/sh", ["sh", "-c", `ls /proc/self/fd > ${file}`]));
    assert.equal((await ended).code, 0);
    assert.match(fs.readFileSync(file, "utf8"), /^0\n1\n2\n/);
  });

  test("stdout on a full disk ends the client, which says so", async () => {
    const ended = shell(`${client} x > /dev/full; echo "status $?" >&2`);
    (await server.peer()).send(out("answer"));
    assert.match(
      (await ended).stderr,
      /^falcon: standard output cannot be written: No space left on device; what runs goes on\nstatus 125\n$/,
    );
  });
});

describe("terminals", () => {
  test("TERM=dumb or unknown is told as it is, and the terminal works", async () => {
    for (const [i, TERM] of ["dumb", "no-such-terminal"].entries()) {
      const terminal = start(["attach"], { env: { TERM } });
      const peer = await server.peer(i + 1);
      assert.equal(peer.request.environment.TERM, TERM);
      peer.send(raw, out("ready"));
      await terminal.waitFor("ready");
      terminal.type("d");
      await peer.typed("d");
      peer.send(encodeExit(0));
      assert.equal((await terminal.waitForExit()).code, 0);
    }
  });

  test("of one column and one row", async () => {
    const terminal = start(["attach"], { cols: 2, rows: 1 });
    const peer = await server.peer();
    peer.send(raw, out("x"));
    await terminal.waitFor("x");
    // the emulator of the tests has two columns at least; the terminal itself need not
    spawnSync("stty", ["-F", fs.readlinkSync(`/proc/${terminal.pid}/fd/0`), "cols", "1", "rows", "1"]);
    assert.deepEqual(decodeSize(await peer.frame(ClientFrame.size)), { cols: 1, rows: 1 });
    // no terminal has no rows: that is not told, and the next size is
    const line = fs.readlinkSync(`/proc/${terminal.pid}/fd/0`);
    spawnSync("stty", ["-F", line, "cols", "50", "rows", "0"]);
    spawnSync("stty", ["-F", line, "cols", "51", "rows", "7"]);
    const sizes = () => peer.frames.filter(({ type }) => type === ClientFrame.size).map(({ payload }) => decodeSize(payload));
    await until(() => sizes().some(({ cols }) => cols === 51), "the next size");
    assert.ok(sizes().every(({ rows }) => rows > 0));
    peer.send(encodeExit(0));
    assert.equal((await terminal.waitForExit()).code, 0);
  });

  test("that do not know their size are told as none", async () => {
    const terminal = start(["-c", `stty cols 0 rows 0; exec ${client} attach`], { file: "/bin/sh" });
    const { request, ...peer } = await server.peer();
    assert.deepEqual(request.terminal, {
      stdin: true,
      stdout: true,
      stderr: true,
      cols: 0,
      rows: 0,
      filter: sequenceRulesVersion,
    });
    peer.socket.write(encodeExit(0));
    await terminal.waitForExit();
  });

  test("LANG=C and names that are no UTF-8: passed on, nothing breaks", async () => {
    const ended = shell(`LC_ALL=C LANG=C exec ${client} run $'caf\\xe9' $'\\xc3\\xa9' $'a\\nb'`);
    const peer = await server.peer();
    // a byte that is no UTF-8 becomes a lone surrogate, which goes back to the byte where a name is used
    assert.deepEqual(peer.request.arguments, ["run", "caf\udce9", "é", "a\nb"]);
    assert.equal(peer.request.environment.LANG, "C");
    peer.send(out("über\n"), encodeExit(0));
    assert.deepEqual(await ended, { code: 0, stdout: "über\n", stderr: "" });
  });

  test("a storm of resizes while the server reads nothing: the last size counts, little is kept", async () => {
    const terminal = start(["attach"]);
    const peer = await server.peer();
    peer.send(raw, out("ready"));
    await terminal.waitFor("ready");
    peer.socket.pause();
    const before = residentKiB(terminal.pid);
    for (let i = 0; i < 3000; i++) process.kill(terminal.pid, "SIGWINCH");
    for (let i = 0; i < 200; i++) terminal.resize(80 + (i % 50), 24 + (i % 20));
    terminal.resize(93, 31);
    terminal.type("after");
    peer.socket.resume();
    await peer.typed("after");
    await until(() => {
      const last = peer.frames.filter(({ type }) => type === ClientFrame.size).at(-1);
      return last !== undefined && decodeSize(last.payload).cols === 93;
    }, "the last size to be told");
    assert.ok(residentKiB(terminal.pid) - before < 1024, `${residentKiB(terminal.pid) - before} KiB more`);
    peer.send(encodeExit(0));
    assert.equal((await terminal.waitForExit()).code, 0);
  });

  test("a resize before the greeting is not lost", async () => {
    server.dispose();
    server = await FakeServer.listen(home.folder, { hello: null });
    const terminal = start(["attach"]);
    const peer = await server.peer();
    terminal.resize(111, 44);
    await until(() => pendingSignals(terminal.pid) === 0n, "the signal to arrive");
    peer.send(encodeHello({ protocol: clientProtocol, pid: process.pid, version: "0" }));
    assert.deepEqual(decodeSize(await peer.frame(ClientFrame.size)), { cols: 111, rows: 44 });
    peer.send(encodeExit(0));
    assert.equal((await terminal.waitForExit()).code, 0);
  });
});

describe("signals", () => {
  test("SIGTERM to a stopped client ends it when it goes on, the terminal put back", async () => {
    // the system's kill: bash's own continues a stopped job at once, and then it may have ended before `fg`
    // (which says 1)
    const script = `enable -n kill; set -m; ${client} x; echo "stopped $?"; kill -TERM "$(jobs -p)"; fg >/dev/null 2>&1; echo "ended $?"; stty -a | grep -wo icanon`;
    const terminal = start(["-c", script], { file: "/bin/bash" });
    const peer = await server.peer();
    peer.send(raw, out("ready\r\n"));
    await terminal.waitFor("ready");
    process.kill(peer.request.pid, "SIGTSTP");
    await terminal.waitFor(/ended 143\s+icanon/);
    await terminal.waitForExit();
  });

  test("SIGTERM to a client while it is continued ends it, the terminal put back", async () => {
    const script = `${client} x; echo "ended $?"; stty -a | grep -wo icanon`;
    const terminal = start(["-c", script], { file: "/bin/bash" });
    const peer = await server.peer();
    peer.send(raw, out("ready\r\n"));
    await terminal.waitFor("ready");
    const { pid } = peer.request;
    process.kill(pid, "SIGSTOP");
    await until(() => stopped(pid), "the client to stop");
    process.kill(pid, "SIGCONT");
    process.kill(pid, "SIGTERM");
    await terminal.waitFor(/ended 143\s+icanon/);
    await terminal.waitForExit();
  });

  test("stopped and continued twenty times: still raw, and the screen is asked for", async () => {
    // bash leaves a loop when a job in it is stopped, so there is none
    const script = `set -m; ${client} x; ${"fg >/dev/null; ".repeat(20)} echo "ended $?"`;
    const terminal = start(["-c", script], { file: "/bin/bash" });
    const peer = await server.peer();
    peer.send(raw, out("ready\r\n"));
    await terminal.waitFor("ready");
    for (let i = 1; i <= 20; i++) {
      process.kill(peer.request.pid, "SIGTSTP");
      await peer.frame(ClientFrame.continued, i);
    }
    assert.equal(terminal.lineDiscipline().line, false);
    peer.send(encodeExit(0));
    await terminal.waitFor("ended 0");
    await terminal.waitForExit();
  });

  test("more signals than anybody can mean, to a server that reads nothing: the client leaves", async () => {
    const ended = shell(`exec ${client} x`);
    const peer = await server.peer();
    peer.send(encodeSignals(true), encodeInputMode(1));
    await peer.frame(ClientFrame.inputEnd);
    peer.socket.pause();
    let sent = 0;
    const storm = setInterval(() => {
      for (let i = 0; i < 2000; i++) {
        try {
          process.kill(peer.request.pid, "SIGINT");
          sent++;
        } catch {
          return clearInterval(storm);
        }
      }
    }, 1);
    // many become one on the way (a pending signal is not queued); what matters is that the client answers to
    // a deadly one
    await until(() => sent > 20_000, "the storm");
    clearInterval(storm);
    process.kill(peer.request.pid, "SIGQUIT");
    assert.equal((await ended).code, 131);
  });
});

describe("homes", () => {
  const host = os.hostname();

  test("a read-only home gives way to /var/tmp", () =>
    withVarTmp(async () => {
      const fallback = `/var/tmp/falcon-sessions-${process.getuid?.()}`;
      const existed = fs.existsSync(fallback);
      const folder = path.join(fallback, host);
      fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
      const there = await FakeServer.listen(folder);
      try {
        const locked = path.join(home.work, "locked");
        fs.mkdirSync(locked, { mode: 0o555 });
        // root writes where it likes, but not into /proc
        for (const [i, HOME] of (root ? ["/proc", "/proc/self"] : [locked, "/proc"]).entries()) {
          const ended = home.run(["x"], { file: client, env: { FALCON_SESSIONS_HOME: undefined, HOME } });
          (await there.peer(i + 1)).send(encodeExit(42));
          assert.equal((await ended).code, 42);
        }
      } finally {
        there.dispose();
        fs.rmSync(there.socketPath, { force: true });
        if (!existed) fs.rmSync(fallback, { recursive: true });
      }
    }));

  test(
    "a user whom nobody knows, without HOME, has /var/tmp",
    {
      skip: !root && "needs root, to become another user",
    },
    () =>
      withVarTmp(async () => {
        const uid = 54_321;
        const fallback = `/var/tmp/falcon-sessions-${uid}`;
        const copy = path.join(home.work, "client");
        fs.copyFileSync(client, copy);
        for (const part of [path.dirname(home.work), home.work]) fs.chmodSync(part, 0o755);
        fs.chmodSync(copy, 0o755);
        try {
          const child = spawn(copy, ["x"], { uid, gid: uid, cwd: "/", env: { PATH: "/usr/bin:/bin" } });
          const said: Buffer[] = [];
          child.stderr.on("data", (data) => said.push(data));
          const [code] = await once(child, "close");
          // it stands outside of what was built, so it finds no server; the folder is made all the same
          assert.equal(code, 125);
          assert.match(String(said), /^client: .*was not built/);
          const status = fs.statSync(path.join(fallback, host));
          assert.deepEqual([status.uid, status.mode & 0o777], [uid, 0o700]);
        } finally {
          fs.rmSync(fallback, { recursive: true, force: true });
        }
      }),
  );

  test("a folder that is taken away while the client runs: it goes on, and the next one makes it anew", async () => {
    const terminal = start(["attach"]);
    const peer = await server.peer();
    peer.send(raw, out("ready"));
    await terminal.waitFor("ready");
    fs.renameSync(home.folder, `${home.folder}-away`);
    terminal.type("typed");
    await peer.typed("typed");
    const result = await home.run(["x"], { file: client, env: { FALCON_NODE: "/no/such/node" } });
    assert.equal(result.code, 125);
    assert.equal(fs.statSync(home.folder).mode & 0o777, 0o700);
    fs.rmSync(home.folder, { recursive: true });
    fs.renameSync(`${home.folder}-away`, home.folder);
    peer.send(encodeExit(0));
    assert.equal((await terminal.waitForExit()).code, 0);
  });
});

function residentKiB(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}
