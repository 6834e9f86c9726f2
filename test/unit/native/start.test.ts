// How the client finds its server, starts one where none answers, and asks the next one when a connection is
// lost.
import assert from "node:assert/strict";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { afterEach, before, beforeEach, describe, test } from "node:test";
import { sequenceRulesVersion } from "../../../src/platform/stream-filter.ts";
import {
  ClientFrame,
  encodeExit,
  encodeInputMode,
  encodeResume,
  encodeSignals,
  ServerFrame,
} from "../../../src/protocol/client.ts";
import { encodeFrame } from "../../../src/protocol/frame.ts";
import { alive, pendingSignals, readIfThere, stopped, until, untilGone } from "../../support/events.ts";
import { client, type FakeOptions, FakeServer } from "../../support/holder/fake-server.ts";
import { TestHome } from "../../support/home.ts";
import { ToldClock } from "../../support/told-clock.ts";

const out = (text: string) => encodeFrame(ServerFrame.stdout, Buffer.from(text));
const reconnect = encodeFrame(ServerFrame.reconnect);
const raw = encodeInputMode(2);

/**
 * A server as the client starts it: notes each start and what it was started with, answers every request with
 * its
 * arguments and the status 17, and lives until it is killed. What it does first is up to the test.
 */
const startedServer = (first: string) => `
const fs = require("node:fs"), net = require("node:net"), path = require("node:path");
const option = (name) => process.argv[process.argv.indexOf("--" + name) + 1];
const home = option("home"), ready = Number(option("ready"));
fs.appendFileSync(path.join(home, "starts"), process.pid + "\\n");
fs.writeFileSync(path.join(home, "facts"), JSON.stringify({
  argv: process.argv, cwd: process.cwd(), umask: process.umask(), environment: process.env,
  fds: fs.readdirSync("/proc/self/fd").map(Number).sort((a, b) => a - b).map((fd) => { try { return fd + " " + fs.readlinkSync("/proc/self/fd/" + fd); } catch { return ""; } }),
  stat: fs.readFileSync("/proc/self/stat", "utf8"),
}));
${first}
const frame = (type, payload) => { const head = Buffer.alloc(5); head.writeUInt32LE(payload.length, 0); head[4] = type; return Buffer.concat([head, payload]); };
const hello = Buffer.alloc(6); hello.writeUInt16LE(1, 0); hello.writeUInt32LE(process.pid, 2);
const server = net.createServer((socket) => {
  let bytes = Buffer.alloc(0);
  const words = [];
  let token = "";
  socket.on("error", () => {});
  socket.on("data", (chunk) => {
    bytes = Buffer.concat([bytes, chunk]);
    while (bytes.length >= 5 && bytes.length >= 5 + bytes.readUInt32LE(0)) {
      const length = bytes.readUInt32LE(0), type = bytes[4], payload = bytes.subarray(5, 5 + length);
      bytes = bytes.subarray(5 + length);
      if (type === 2) words.push(payload.toString());
      if (type === 7) token = payload.toString("hex");
      if (type === 8) socket.end(Buffer.concat([frame(65, hello), frame(66, Buffer.from(process.pid + " " + token + " " + words.join("|") + "\\n")), frame(68, Buffer.from([17]))]));
    }
  });
});
const name = path.join(home, "server.sock"), temporary = name + "." + process.pid;
server.listen(temporary, () => { fs.renameSync(temporary, name); fs.writeSync(ready, "1"); fs.closeSync(ready); });
`;

/** The server listens only when the test says so. */
const waitsForGo =
  'while (!fs.existsSync(path.join(home, "go"))) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);';

let home: TestHome;
/** A copy of what is installed: the client, and a server of the test's. */
let tree: string;
let built: string;

before(() => assert.ok(fs.existsSync(client), `${client} is not built`));
beforeEach(() => {
  home = new TestHome();
  tree = path.join(home.work, "tree");
  built = path.join(tree, "native/build/Release/falcon");
  fs.mkdirSync(path.dirname(built), { recursive: true });
  fs.mkdirSync(path.join(tree, "dist"));
  fs.copyFileSync(client, built);
  fs.writeFileSync(path.join(tree, "dist/node-path"), `${process.execPath}\n`);
  install("");
});
afterEach(async () => {
  for (const pid of starts()) {
    if (alive(pid)) process.kill(pid, "SIGKILL");
    await untilGone(pid);
  }
  for (const name of fs.readdirSync(home.folder)) if (name.startsWith("server.sock")) fs.rmSync(path.join(home.folder, name));
  await home.dispose();
});

const install = (first: string) => fs.writeFileSync(path.join(tree, "dist/server.cjs"), startedServer(first));
const starts = () => (readIfThere(path.join(home.folder, "starts")) ?? "").split("\n").filter(Boolean).map(Number);
const run = (args: string[], options: Parameters<TestHome["run"]>[1] = {}) => home.run(args, { file: built, ...options });

async function withServer<T>(options: FakeOptions, use: (server: FakeServer) => Promise<T>): Promise<T> {
  const server = await FakeServer.listen(home.folder, options);
  try {
    return await use(server);
  } finally {
    server.dispose();
    fs.rmSync(server.socketPath, { force: true });
  }
}

describe("starting the server", () => {
  test("where none answers, and the next client finds it", async () => {
    const first = await run(["sessions", "--json"]);
    assert.equal(first.code, 17);
    assert.match(first.stdout, /^\d+ [0-9a-f]{32} sessions\|--json\n$/);
    assert.equal(first.stderr, "");
    const second = await run(["show"]);
    assert.equal(second.stdout.split(" ")[0], first.stdout.split(" ")[0]);
    assert.equal(starts().length, 1);
  });

  test("by twenty clients at once starts one", async () => {
    const results = await Promise.all(Array.from({ length: 20 }, (_, i) => run([`call-${i}`])));
    for (const [i, result] of results.entries()) {
      assert.equal(result.code, 17, result.stderr);
      assert.match(result.stdout, new RegExp(`call-${i}\n$`));
    }
    assert.equal(starts().length, 1);
  });

  test("by twenty clients at once, over the socket of one that was killed, starts one", async () => {
    await run(["first"]);
    const [killed] = starts() as [number];
    process.kill(killed, "SIGKILL");
    await untilGone(killed);
    assert.ok(fs.existsSync(path.join(home.folder, "server.sock")));
    const results = await Promise.all(Array.from({ length: 20 }, () => run(["again"])));
    assert.deepEqual(new Set(results.map(({ code }) => code)), new Set([17]));
    assert.equal(starts().length, 2);
  });

  test("gives it nothing of the caller's but the environment", async () => {
    const script = `umask 0; exec 9</dev/null; trap '' HUP; cd ${home.work} && exec ${built} x`;
    const env = { NODE_OPTIONS: "--no-warnings", NODE_CHANNEL_FD: "9", HTTP_PROXY: "kept" };
    assert.equal((await home.run(["-c", script], { file: "/bin/sh", env })).code, 17);
    const facts = JSON.parse(fs.readFileSync(path.join(home.folder, "facts"), "utf8"));
    assert.deepEqual(facts.argv.slice(2), ["--home", home.folder, "--ready", "3", "--for", "x"]);
    assert.equal(facts.cwd, "/");
    assert.equal(facts.umask, 0o077);
    assert.equal(facts.environment.HTTP_PROXY, "kept");
    assert.equal(facts.environment.NODE_OPTIONS, undefined);
    assert.equal(facts.environment.NODE_CHANNEL_FD, undefined);
    assert.deepEqual(facts.fds.slice(0, 3), ["0 /dev/null", "1 /dev/null", `2 ${fs.realpathSync(home.folder)}/server.err`]);
    assert.match(facts.fds[3], /^3 pipe:/);
    assert.ok(!facts.fds.includes("9 /dev/null"), facts.fds);
    // of /proc/self/stat: parent, group, session, terminal
    const [pid] = starts();
    const [, , group, session, terminal] = facts.stat
      .replace(/^.*\) /, "")
      .split(" ")
      .map(Number);
    assert.equal(group, session);
    assert.notEqual(session, pid, "the leader of a session could get a controlling terminal");
    assert.equal(terminal, 0);
    assert.equal(fs.statSync(path.join(home.folder, "server.err")).mode & 0o777, 0o600);
  });

  test("survives the terminal that it was started from", async () => {
    const terminal = home.terminal(["-c", `${built} x; echo "status $?"; exec cat`], { file: "/bin/sh" });
    await terminal.waitFor("status 17");
    terminal.closePty();
    await terminal.exit;
    const result = await run(["again"]);
    assert.equal(result.code, 17);
    assert.equal(starts().length, 1);
  });

  test("that fails is told with its last words", async () => {
    install('console.error("the database is on fire"); process.exit(1);');
    const result = await run(["x"]);
    assert.equal(result.code, 125);
    assert.equal(
      result.stderr,
      `falcon: the session server could not start: the database is on fire (${home.folder}/server.err)\n`,
    );
  });

  test("that throws is told with the error, not with its stack", async () => {
    install('throw new Error("nobody caught me");');
    assert.match((await run(["x"])).stderr, /could not start: Error: nobody caught me \(/);
  });

  test("that says nothing is told too", async () => {
    install("process.exit(1);");
    assert.match((await run(["x"])).stderr, /^falcon: the session server could not start: it said nothing \(/);
  });

  test("takes the Node of FALCON_NODE, else of the build, else of PATH", async () => {
    const missing = await run(["x"], { env: { FALCON_NODE: "/no/such/node" } });
    assert.equal(missing.code, 125);
    assert.match(missing.stderr, /could not start: cannot start \/no\/such\/node: No such file or directory \(/);
    fs.writeFileSync(path.join(tree, "dist/node-path"), "/moved/away/node\n");
    const bin = path.join(home.work, "bin");
    fs.mkdirSync(bin);
    fs.symlinkSync(process.execPath, path.join(bin, "node"));
    assert.equal((await run(["x"], { env: { PATH: bin } })).code, 17);
  });

  test("that was not built is told", async () => {
    fs.rmSync(path.join(tree, "dist/server.cjs"));
    const result = await run(["x"]);
    assert.equal(result.code, 125);
    assert.match(result.stderr, /^falcon: .*\/tree\/native\/build\/Release\/falcon(\.arm64)? was not built: .*npm ci/);
  });

  test("a client that is ended while it waits takes nothing with it", async () => {
    install(waitsForGo);
    const terminal = home.terminal(["x"], { file: built });
    await until(() => starts().length === 1, "the server to start");
    terminal.kill("SIGTERM");
    assert.equal((await terminal.waitForExit()).code, 143);
    fs.writeFileSync(path.join(home.folder, "go"), "");
    assert.equal((await run(["y"])).code, 17);
  });

  test("a client that is stopped while it waits (Ctrl+Z) keeps nobody from starting the next one", async () => {
    install(waitsForGo);
    const asked = `sh -c 'echo $$ > pid; exec ${built} x'`;
    const script = `set -m; ${asked}; echo "stopped $?"; read go; fg >/dev/null; echo "ended $?"`;
    const terminal = home.terminal(["-c", script], { file: "/bin/bash" });
    await until(() => starts().length === 1, "the server to start");
    const pid = Number(readIfThere(path.join(home.work, "pid")));
    terminal.type("\x1a");
    await until(() => pendingSignals(pid) !== 0n || stopped(pid), "the client to have the signal");
    fs.writeFileSync(path.join(home.folder, "go"), "");
    await terminal.waitFor("stopped 148");
    assert.equal((await run(["y"])).code, 17);
    const [first] = starts() as [number];
    process.kill(first, "SIGKILL");
    await untilGone(first);
    const next = await run(["z"]);
    assert.equal(next.code, 17, next.stderr);
    terminal.type("\r");
    await terminal.waitFor("ended 17");
    await terminal.waitForExit();
  });

  test("a client that stood still for longer than it waits has the server that listens by then", async () => {
    install(waitsForGo);
    const clock = new ToldClock(home.work);
    const terminal = home.terminal(["x"], { file: built, env: clock.env });
    await until(() => starts().length === 1, "the server to start");
    terminal.kill("SIGSTOP");
    await until(() => stopped(terminal.pid), "the client to stop");
    fs.writeFileSync(path.join(home.folder, "go"), "");
    await until(() => fs.existsSync(path.join(home.folder, "server.sock")), "the server to listen");
    await clock.pass(30_000);
    terminal.kill("SIGCONT");
    assert.equal((await terminal.waitForExit()).code, 17, terminal.text());
  });
});

describe("a server that is not right", () => {
  test("accepts and does not answer: its pid and log are told", async () => {
    const clock = new ToldClock(home.work);
    await withServer({ hello: null }, async (server) => {
      const ended = run(["x"], { env: clock.env });
      await server.peer();
      await clock.pass(5_000);
      const result = await ended;
      assert.equal(result.code, 125);
      assert.equal(
        result.stderr,
        `falcon: the session server (process ${process.pid}) does not answer; its log is ${home.folder}/server.log\n`,
      );
    });
  });

  test("speaks another version of the protocol: one sentence", async () => {
    await withServer({ hello: { protocol: 9, version: "7.0" } }, async () => {
      const result = await run(["x"]);
      assert.equal(result.code, 125);
      assert.match(
        result.stderr,
        /^falcon: the session server \(process \d+, version 7\.0\) speaks protocol 9 and this falcon \([\d.]+\) speaks 1: .*\n$/,
      );
    });
  });

  test("is none at all", async () => {
    await withServer({ instead: Buffer.from("220 mail.example.org ESMTP\r\n") }, async () => {
      const result = await run(["x"]);
      assert.equal(result.code, 125);
      assert.match(result.stderr, /^falcon: the session server \(process \d+\) sent a frame|^falcon: what listens at/);
    });
    await withServer({ instead: out("no HELLO before") }, async () => {
      assert.match((await run(["x"])).stderr, /^falcon: what listens at .*server\.sock \(process \d+\) is no session server\n$/);
    });
  });

  for (const [does, leave] of [
    ["closes before it greets", (socket: net.Socket) => socket.destroy()],
    ["sends to the next one before it greets", (socket: net.Socket) => socket.end(reconnect)],
  ] as const) {
    test(`${does}, as one that is about to end: the client asks the next one`, async () => {
      let refused = 0;
      const closing = net.createServer((socket) => {
        refused++;
        closing.close();
        fs.rmSync(path.join(home.folder, "server.sock"));
        leave(socket);
      });
      const temporary = path.join(home.folder, "server.sock.old");
      await new Promise<void>((resolve) => closing.listen(temporary, resolve));
      fs.renameSync(temporary, path.join(home.folder, "server.sock"));
      const result = await run(["x"]);
      assert.equal(result.code, 17, result.stderr);
      assert.equal(refused, 1);
      assert.equal(starts().length, 1);
    });
  }

  test("closes before it greets every time: one sentence, not for ever", async () => {
    const closing = net.createServer((socket) => socket.destroy());
    const name = path.join(home.folder, "server.sock");
    await new Promise<void>((resolve) => closing.listen(name, resolve));
    const result = await run(["x"]);
    closing.close();
    assert.equal(result.code, 125);
    assert.match(
      result.stderr,
      /^falcon: the connection to the session server was lost \d+ times in a row; see .*server\.log\n$/,
    );
  });
});

describe("a lost connection", () => {
  test("with RESUME: the next server is asked with the same token, on the same raw terminal", async () => {
    await withServer({}, async (server) => {
      const terminal = home.terminal(["launch", "-o", "x"], { file: built });
      const first = await server.peer();
      first.send(
        encodeResume(["attach", "--resumed", "ab c", ""]),
        raw,
        encodeFrame(ServerFrame.restore, Buffer.from("\x1b]0;old\x07")),
        out("ready"),
      );
      await terminal.waitFor("ready");
      terminal.resize(90, 30);
      await first.frame(ClientFrame.size);
      const next = await FakeServer.listen(home.folder);
      first.socket.destroy();
      const second = await next.peer();
      assert.deepEqual(second.request.arguments, ["attach", "--resumed", "ab c", ""]);
      assert.equal(second.request.token, first.request.token);
      assert.deepEqual(second.request.terminal, {
        stdin: true,
        stdout: true,
        stderr: true,
        cols: 90,
        rows: 30,
        filter: sequenceRulesVersion,
      });
      assert.equal(terminal.lineDiscipline().line, false);
      // what is typed meanwhile waits until the server has said how it wants it
      terminal.type("typed");
      second.send(out(" again"));
      await terminal.waitFor("ready again");
      assert.deepEqual(second.frames, []);
      second.send(raw);
      await second.typed("typed");
      second.send(encodeFrame(ServerFrame.restore, Buffer.from("\x1b]0;new\x07")), encodeExit(21));
      assert.equal((await terminal.waitForExit()).code, 21);
      assert.equal(terminal.title, "new");
      assert.equal(starts().length, 0);
      next.dispose();
    });
  });

  test("with RESUME and nobody there: a server is started", async () => {
    await withServer({}, async (server) => {
      const terminal = home.terminal(["launch"], { file: built });
      const first = await server.peer();
      first.send(encodeResume(["attach", "id"]), raw, out("ready\r\n"));
      await terminal.waitFor("ready");
      server.die();
      assert.equal((await terminal.waitForExit()).code, 17);
      assert.match(terminal.text(), new RegExp(`${first.request.token} attach\\|id`));
      assert.equal(starts().length, 1);
    });
  });

  test("with RESUME and a server that cannot start: the terminal is put back, one sentence", async () => {
    install('console.error("no room"); process.exit(1);');
    await withServer({}, async (server) => {
      const terminal = home.terminal(["launch"], { file: built });
      const first = await server.peer();
      first.send(
        encodeResume(["attach", "id"]),
        raw,
        encodeFrame(ServerFrame.restore, Buffer.from("\x1b[?1049l")),
        out("\x1b[?1049hready"),
      );
      await terminal.waitFor("ready");
      server.die();
      assert.equal((await terminal.waitForExit()).code, 125);
      assert.equal(terminal.alternate, false);
      assert.match(terminal.text(), /falcon: the session server could not start: no room/);
    });
  });

  test("an empty RESUME takes the earlier one back", async () => {
    await withServer({}, async (server) => {
      const ended = run(["x"]);
      const peer = await server.peer();
      peer.send(encodeResume(["attach"]), encodeResume([]), out("said"));
      peer.socket.end();
      const result = await ended;
      assert.equal(result.code, 125);
      assert.equal(result.stdout, "said");
    });
  });

  test("signals that a server is to be told wait for the next one", async () => {
    await withServer({}, async (server) => {
      const ended = run(["launch"]);
      const first = await server.peer();
      first.send(encodeSignals(true), encodeResume(["attach"]), encodeInputMode(1));
      await first.frame(ClientFrame.inputEnd);
      // a server that accepts and takes its time
      const next = await FakeServer.listen(home.folder, { hello: null });
      first.socket.destroy();
      const second = await next.peer();
      process.kill(first.request.pid, "SIGTERM");
      second.send(encodeFrame(ServerFrame.hello, Buffer.from([1, 0, 0, 0, 0, 0])), encodeSignals(true));
      assert.equal((await second.frame(ClientFrame.signal))[0], 15);
      second.send(encodeExit(143));
      assert.equal((await ended).code, 143);
      next.dispose();
    });
  });

  test("with RESUME_SAME: the next server is asked the same, of more than a frame takes", async () => {
    await withServer({}, async (server) => {
      const words = ["run", "", ...Array.from({ length: 12 }, (_, i) => `${i}`.padEnd(100_000, "x"))];
      const ended = run(words);
      const first = await server.peer();
      first.send(encodeFrame(ServerFrame.resumeSame), out("begun"));
      const next = await FakeServer.listen(home.folder);
      first.socket.end();
      const second = await next.peer();
      assert.deepEqual(second.request.arguments, words);
      assert.equal(second.request.token, first.request.token);
      second.send(encodeExit(7));
      assert.equal((await ended).code, 7);
      next.dispose();
    });
  });

  test("a signal between a server that sends its clients on and the next one is told to that one", async () => {
    await withServer({}, async (server) => {
      const ended = run(["launch"]);
      const first = await server.peer();
      first.send(encodeSignals(true), encodeResume(["attach"]), encodeInputMode(1));
      await first.frame(ClientFrame.inputEnd);
      const next = await FakeServer.listen(home.folder);
      first.send(reconnect);
      await until(() => first.ended, "the client to end its side");
      process.kill(first.request.pid, "SIGTERM");
      await until(() => pendingSignals(first.request.pid) === 0n, "the client to have the signal");
      first.socket.end();
      const second = await next.peer();
      second.send(encodeSignals(true));
      assert.equal((await second.frame(ClientFrame.signal))[0], 15);
      second.send(encodeExit(143));
      assert.equal((await ended).code, 143);
      next.dispose();
    });
  });

  test("a client that was stopped meanwhile takes the terminal from the next server as one that comes back", async () => {
    await withServer({}, async (server) => {
      const script = `set -m; ${built} x; echo "stopped $?"; read go; fg >/dev/null; echo "ended $?"`;
      const terminal = home.terminal(["-c", script], { file: "/bin/bash" });
      const first = await server.peer();
      first.send(encodeResume(["@attach", "id"]), raw, out("ready\r\n"));
      await terminal.waitFor("ready");
      process.kill(first.request.pid, "SIGTSTP");
      await terminal.waitFor("stopped 148");
      const next = await FakeServer.listen(home.folder);
      first.socket.destroy();
      terminal.type("\r");
      const second = await next.peer();
      second.send(raw);
      await second.frame(ClientFrame.continued);
      second.send(encodeExit(0));
      await terminal.waitFor("ended 0");
      await terminal.waitForExit();
      next.dispose();
    });
  });

  test("and once more while the same server ends, before it greets: that is one loss", async () => {
    const options: FakeOptions = {};
    await withServer(options, async (server) => {
      const ended = run(["launch"]);
      for (let nth = 1; nth <= 8; nth += 2) {
        const peer = await server.peer(nth);
        peer.send(encodeResume(["attach"]));
        options.hello = null;
        peer.socket.end();
        const again = await server.peer(nth + 1);
        delete options.hello;
        again.socket.end();
      }
      (await server.peer(9)).send(encodeExit(7));
      const result = await ended;
      assert.equal(result.code, 7, result.stderr);
    });
  });

  test("again and again: one sentence, not for ever", async () => {
    await withServer({}, async (server) => {
      const ended = run(["launch"]);
      for (let nth = 1; nth <= 6; nth++) {
        const peer = await server.peer(nth);
        peer.send(encodeResume(["attach"]));
        peer.socket.end();
      }
      const result = await ended;
      assert.equal(result.code, 125);
      assert.match(result.stderr, /^falcon: the connection to the session server was lost 6 times in a row/);
    });
  });
});

describe("RECONNECT", () => {
  test("before a RESUME: the same request goes to the next server", async () => {
    await withServer({}, async (server) => {
      const ended = run(["launch", "-o", "dir"]);
      const first = await server.peer();
      const next = await FakeServer.listen(home.folder);
      first.send(reconnect);
      await until(() => first.ended, "the client to end its side");
      first.socket.end();
      const second = await next.peer();
      assert.deepEqual(second.request.arguments, ["launch", "-o", "dir"]);
      assert.equal(second.request.token, first.request.token);
      second.send(encodeExit(0));
      assert.equal((await ended).code, 0);
      next.dispose();
    });
  });

  test("what was typed reaches the old server or the new one, each key once and in order", async () => {
    await withServer({}, async (server) => {
      const terminal = home.terminal(["attach"], { file: built });
      const first = await server.peer();
      first.send(encodeResume(["attach", "id"]), raw, out("ready"));
      await terminal.waitFor("ready");
      const keys = Array.from({ length: 400 }, (_, i) => `k${i};`);
      for (const key of keys.slice(0, 200)) terminal.type(key);
      const next = await FakeServer.listen(home.folder);
      first.send(reconnect);
      for (const key of keys.slice(200)) terminal.type(key);
      await until(() => first.ended, "the client to end its side");
      first.socket.end();
      const second = await next.peer();
      second.send(raw);
      await until(() => Buffer.concat([first.input, second.input]).toString() === keys.join(""), "all keys");
      second.send(encodeExit(0));
      assert.equal((await terminal.waitForExit()).code, 0);
      next.dispose();
    });
  });

  test("and a server that then does not go: the client goes to the next one all the same", async () => {
    await withServer({}, async (server) => {
      const clock = new ToldClock(home.work);
      const ended = run(["launch"], { env: clock.env });
      const first = await server.peer();
      const next = await FakeServer.listen(home.folder);
      first.send(reconnect);
      await until(() => first.ended, "the client to end its side");
      await clock.pass(5_000);
      (await next.peer()).send(encodeExit(12));
      assert.equal((await ended).code, 12);
      assert.equal(first.ended, true);
      next.dispose();
    });
  });
});
