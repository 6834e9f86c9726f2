// The built client against a server that plays docs/design/protocol.md, in real terminals: what it says, what
// it obeys, and how it leaves.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, before, beforeEach, describe, test } from "node:test";
import * as pty from "node-pty";
import { sequenceRulesVersion } from "../../../src/platform/stream-filter.ts";
import {
  ClientFrame,
  decodeInputAt,
  decodeInputFrom,
  decodeSize,
  encodeExec,
  encodeExit,
  encodeInputMode,
  encodeInputTaken,
  encodeLeaveKeys,
  encodeResume,
  encodeSignals,
  mostFromServer,
  ServerFrame,
} from "../../../src/protocol/client.ts";
import { encodeFrame } from "../../../src/protocol/frame.ts";
import { ticks } from "../../bench/facts.ts";
import { until, untilFile, wholeLines } from "../../support/events.ts";
import { client, FakeServer } from "../../support/holder/fake-server.ts";
import { TestHome } from "../../support/home.ts";
import { emulated } from "../../support/installs/emulated.ts";
import type { UserTerminal } from "../../support/terminal/terminal.ts";
import { ToldClock } from "../../support/told-clock.ts";

const out = (text: string | Buffer) => encodeFrame(ServerFrame.stdout, Buffer.from(text as string));
const err = (text: string) => encodeFrame(ServerFrame.stderr, Buffer.from(text));
const restore = (text: string) => encodeFrame(ServerFrame.restore, Buffer.from(text));
const raw = encodeInputMode(2);
const cooked = { line: true, echo: true, signals: true };

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
const run = (args: string[] = [], options: Parameters<TestHome["run"]>[1] = {}) => home.run(args, { file: client, ...options });

/** A client in a terminal that has been made raw. */
async function attached(...frames: Buffer[]): Promise<{ terminal: UserTerminal; peer: Awaited<ReturnType<FakeServer["peer"]>> }> {
  return attachedWith({}, ...frames);
}

async function attachedWith(env: Record<string, string>, ...frames: Buffer[]) {
  const terminal = start(["attach"], { env });
  const peer = await server.peer();
  peer.send(raw, ...frames, out("ready"));
  await terminal.waitFor("ready");
  return { terminal, peer };
}

describe("the request", () => {
  test("says who calls: arguments, environment, folder, terminal, umask, limits, scheduling, token", async () => {
    const folder = fs.realpathSync(home.work);
    const script = 'umask 027; ulimit -n 200; exec nice -n 3 taskset -c 0 "$0" "$@"';
    const terminal = start(["-c", script, client, "run", "--", "echo", "two words", "", "ünï"], {
      file: "/bin/bash",
      cols: 91,
      rows: 33,
      env: { EMPTY: "", MANY: "a=b=c" },
    });
    const { request, ...peer } = await server.peer();
    assert.deepEqual(request.arguments, ["run", "--", "echo", "two words", "", "ünï"]);
    assert.equal(request.environment.EMPTY, "");
    assert.equal(request.environment.MANY, "a=b=c");
    assert.equal(request.environment.FALCON_SESSIONS_HOME, home.folder);
    assert.equal(request.directory, folder);
    assert.deepEqual(request.terminal, {
      stdin: true,
      stdout: true,
      stderr: true,
      cols: 91,
      rows: 33,
      filter: sequenceRulesVersion,
    });
    assert.equal(request.umask, 0o027);
    assert.equal(request.pid, terminal.pid);
    assert.equal(request.protocol, 1);
    assert.equal(request.name, "falcon");
    assert.match(request.version, /^\d+\.\d+\.\d+/);
    assert.match(request.token, /^[0-9a-f]{32}$/);
    // RLIMIT_NOFILE is 7 on Linux
    const files = request.limits.find(({ resource }) => resource === 7);
    assert.equal(files?.soft, 200n);
    assert.equal(request.limits.length, 16);
    assert.equal(request.scheduling?.niceness, Math.min(os.getPriority() + 3, 19));
    assert.equal(request.scheduling?.processors, "01");
    assert.equal(request.sentBefore, 0);
    peer.socket.write(encodeExit(0));
    assert.equal((await terminal.waitForExit()).code, 0);
  });

  test("without a terminal says so, and gives the name it was called as", async () => {
    const link = path.join(home.work, "falcon-sessions");
    fs.symlinkSync(client, link);
    const ended = run(["sessions", "--json"], { file: link });
    const peer = await server.peer();
    assert.deepEqual(peer.request.terminal, {
      stdin: false,
      stdout: false,
      stderr: false,
      cols: 0,
      rows: 0,
      filter: sequenceRulesVersion,
    });
    assert.equal(peer.request.name, "falcon-sessions");
    peer.send(out("[]\n"), err("note\n"), encodeExit(3));
    assert.deepEqual(await ended, { code: 3, stdout: "[]\n", stderr: "note\n" });
  });

  test("two calls have two tokens", async () => {
    const both = [run(), run()];
    const tokens = [await server.peer(1), await server.peer(2)].map((peer) => {
      peer.send(encodeExit(0));
      return peer.request.token;
    });
    await Promise.all(both);
    assert.notEqual(tokens[0], tokens[1]);
  });

  test("a working folder that is gone is told as none", async () => {
    const ended = run(["-c", `mkdir gone && cd gone && rmdir ../gone && exec ${client} sessions`], { file: "/bin/sh" });
    const peer = await server.peer();
    assert.equal(peer.request.directory, "");
    peer.send(encodeExit(0));
    assert.equal((await ended).code, 0);
  });

  test("an argument that no frame takes is refused in one sentence", async () => {
    // Linux takes 128 KiB an argument, so only a resumed request could be longer; what fits arrives whole
    const long = "x".repeat(131_000);
    const ended = run([long]);
    const peer = await server.peer();
    assert.equal(peer.request.arguments[0], long);
    peer.send(encodeExit(0));
    assert.equal((await ended).code, 0);
  });

  test("standard streams that the caller closed are none of the server's", async () => {
    const ended = run(["-c", `exec ${client} x <&- >&- 2>&-`], { file: "/bin/sh" });
    const peer = await server.peer();
    peer.send(out("to nobody"), encodeExit(9));
    assert.deepEqual(await ended, { code: 9, stdout: "", stderr: "" });
  });
});

describe("frames", () => {
  test("one that a killed server left half ends with no byte of ours in a file or a pipe", async () => {
    const child = spawn(client, ["logs", "x"], { cwd: home.work, env: home.env, stdio: ["ignore", "pipe", "inherit"] });
    let out = "";
    child.stdout.setEncoding("latin1").on("data", (text) => {
      out += text;
    });
    const ended = new Promise((resolve) => child.once("close", resolve));
    const peer = await server.peer();
    peer.send(encodeResume(["@logs", "x"]), encodeFrame(ServerFrame.stdout, Buffer.from("0123456789")).subarray(0, -4));
    await until(() => out === "012345", "what was sent of it");
    peer.socket.destroy();
    (await server.peer(2)).send(encodeFrame(ServerFrame.stdout, Buffer.from("again")), encodeExit(0));
    assert.equal(await ended, 0);
    assert.equal(out, "012345again");
  });

  for (const status of [0, 1, 7, 125, 255]) {
    test(`EXIT ${status} is the exit status`, async () => {
      const ended = run();
      (await server.peer()).send(out("said\n"), encodeExit(status));
      assert.deepEqual(await ended, { code: status, stdout: "said\n", stderr: "" });
    });
  }

  test("arrive however they are cut, and unknown ones are passed over", async () => {
    const ended = run();
    const peer = await server.peer();
    const bytes = Buffer.concat([
      out("one "),
      encodeFrame(199, Buffer.from("of a later version")),
      err("e"),
      out(Buffer.alloc(0)),
      out("two"),
      encodeExit(4),
    ]);
    peer.socket.setNoDelay?.(true);
    for (const byte of bytes) await new Promise<void>((resolve) => peer.socket.write(Buffer.from([byte]), () => resolve()));
    assert.deepEqual(await ended, { code: 4, stdout: "one two", stderr: "e" });
  });

  test("of more than the limit end the connection in one sentence", async () => {
    const ended = run();
    const header = Buffer.alloc(5);
    header.writeUInt32LE(mostFromServer + 1, 0);
    header.writeUInt8(ServerFrame.resume, 4);
    (await server.peer()).send(header);
    const { code, stderr } = await ended;
    assert.equal(code, 125);
    assert.match(
      stderr,
      /^falcon: the session server \(process \d+\) sent a frame of 1048577 bytes, at most 1048576 are allowed\n$/,
    );
  });

  test("EXEC makes the client another program, on a terminal as it was", async () => {
    const { terminal, peer } = await attached(restore("\x1b]0;restored\x07"));
    assert.equal(terminal.lineDiscipline().line, false);
    peer.send(
      encodeExec("/bin/sh", ["other-name", "-c", 'echo "I am $0 $1"; stty -a | grep -wo icanon; exit 5', "called", "with this"]),
    );
    assert.equal((await terminal.waitForExit()).code, 5);
    assert.match(terminal.text(), /I am called with this\nicanon/);
    assert.equal(terminal.title, "restored");
  });

  test("EXEC hands on the environment, the folder and the umask, and no descriptor of ours", async () => {
    const ended = run(["graph"], { env: { KEPT: "yes" } });
    const script = "echo $KEPT; pwd; umask; ls /proc/self/fd | tr '\\n' ' '; grep -E '^Sig(Ign|Cgt)' /proc/$$/status";
    (await server.peer()).send(encodeExec("/bin/sh", ["sh", "-c", script]));
    const direct = await run(["-c", script], { file: "/bin/sh", env: { KEPT: "yes" } });
    assert.match(direct.stdout, /^yes\n.*\n\d+\n0 1 2 /);
    assert.deepEqual(await ended, direct);
  });

  test("a name that would act on the terminal, hide or turn the text around it is an escape in the client's own words", async () => {
    const name = "/no/\x1b]0;t\x07\x9b\u009b2J\u202egpj\u200b\u{e0041}\n\u00e9\u4e2d\u{1f600}";
    const missing = run();
    (await server.peer(1)).send(encodeExec(name, ["x"]));
    const { code, stderr } = await missing;
    const shown = "/no/\\x1b]0;t\\x07\\u009b\\u009b2J\\u202egpj\\u200b\\u{e0041}\\n\u00e9\u4e2d\u{1f600}";
    assert.deepEqual([code, stderr], [127, `falcon: cannot run ${shown}: No such file or directory\n`]);
  });

  test("EXEC of what is not there or no program", async () => {
    const missing = run();
    (await server.peer(1)).send(encodeExec("/no/such/file", ["x"]));
    assert.deepEqual(await missing, {
      code: 127,
      stdout: "",
      stderr: "falcon: cannot run /no/such/file: No such file or directory\n",
    });
    const text = path.join(home.work, "text");
    fs.writeFileSync(text, "words");
    const refused = run();
    (await server.peer(2)).send(encodeExec(text, ["x"]));
    assert.deepEqual(await refused, { code: 126, stdout: "", stderr: `falcon: cannot run ${text}: Permission denied\n` });
  });
});

describe("input", () => {
  test("is not read before the server wants it, and ends with INPUT_END", async () => {
    const ended = run([], { input: "typed before" });
    const peer = await server.peer();
    assert.deepEqual(peer.frames, []);
    peer.send(encodeInputMode(1));
    await peer.frame(ClientFrame.inputEnd);
    assert.equal(peer.input.toString(), "typed before");
    peer.send(encodeExit(0));
    await ended;
  });

  test("of megabytes arrives whole while the server is slow", async () => {
    const bytes = randomBytes(6 << 20);
    const file = path.join(home.work, "input");
    fs.writeFileSync(file, bytes);
    const ended = run(["-c", `cat ${file} | ${client} x`], { file: "/bin/sh" });
    const peer = await server.peer();
    peer.socket.pause();
    peer.send(encodeInputMode(1), out("go"));
    peer.socket.resume();
    await peer.frame(ClientFrame.inputEnd);
    assert.equal(hash(peer.input), hash(bytes));
    peer.send(encodeExit(0));
    await ended;
  });

  test("raw: every key arrives as it is, one frame for what was typed at once", async () => {
    const { terminal, peer } = await attached();
    assert.deepEqual(terminal.lineDiscipline(), { line: false, echo: false, signals: false });
    terminal.type("\x03\x1a\x1c\x11\r\x7fd");
    await peer.typed("\x03\x1a\x1c\x11\r\x7fd");
    assert.equal(peer.frames.length, 1);
    peer.send(encodeInputMode(0), err("bye"), encodeExit(0));
    assert.equal((await terminal.waitForExit()).code, 0);
    assert.equal(terminal.ended?.signal, 0);
  });

  test("is read again behind an answer that Ctrl+D ended", async () => {
    const terminal = start(["attach"]);
    const peer = await server.peer();
    for (const [nth, answer] of [
      [1, "1"],
      [2, "y"],
    ] as const) {
      peer.send(encodeInputMode(1), out(`question ${nth}`));
      await terminal.waitFor(`question ${nth}`);
      // the first hands on what is typed, the second ends the input
      terminal.type(`${answer}\x04\x04`);
      await peer.frame(ClientFrame.inputEnd, nth);
    }
    assert.equal(peer.input.toString(), "1y");
    peer.send(raw, out("\r\nattached"));
    await terminal.waitFor("attached");
    terminal.type("x");
    await peer.typed("1yx");
    peer.send(encodeExit(0));
    await terminal.waitForExit();
  });

  test("mode 0 gives the terminal back and reads no more", async () => {
    const { terminal, peer } = await attached();
    peer.send(encodeInputMode(0), out("\r\nline mode"));
    await terminal.waitFor("line mode");
    assert.deepEqual(terminal.lineDiscipline(), cooked);
    terminal.type("for the shell");
    peer.send(raw, out("\r\nraw again"));
    await terminal.waitFor("raw again");
    assert.equal(terminal.lineDiscipline().line, false);
    peer.send(encodeExit(0));
    await terminal.waitForExit();
  });

  test("raw without a terminal is plain", async () => {
    const ended = run([], { input: "x" });
    const peer = await server.peer();
    peer.send(raw);
    await peer.frame(ClientFrame.inputEnd);
    peer.send(encodeExit(0));
    assert.equal((await ended).code, 0);
  });
});

describe("keys that leave", () => {
  const keys = encodeLeaveKeys([0x1c, "d".charCodeAt(0)]);
  const taken = encodeFrame(ServerFrame.taken);
  const typedAt = (peer: { frames: { type: number; payload: Buffer }[] }) =>
    peer.frames.filter(({ type }) => type === ClientFrame.inputAt).map(({ payload }) => decodeInputAt(payload));

  test("a server that names none gets INPUT, as ever", async () => {
    const { terminal, peer } = await attached();
    terminal.type("a");
    terminal.key("C-\\");
    await peer.typed("a\x1c");
    assert.equal(typedAt(peer).length, 0);
    peer.send(encodeExit(0));
    await terminal.waitForExit();
  });

  test("a press is to be answered, and what is typed behind it waits for that; each read says when it was", async () => {
    const { terminal, peer } = await attached(keys);
    terminal.type("some text");
    await peer.typed("some text");
    terminal.type("d");
    await peer.typed("d");
    terminal.type("x");
    terminal.resize(90, 20);
    // a frame of another kind overtakes what waits
    await peer.frame(ClientFrame.size);
    assert.deepEqual(
      typedAt(peer).map(({ bytes, answer }) => [bytes.toString(), answer]),
      [
        ["some text", false],
        ["d", true],
      ],
    );
    peer.send(taken);
    await peer.typed("dx");
    const times = typedAt(peer).map(({ at }) => at);
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
    peer.send(encodeExit(0));
    await terminal.waitForExit();
  });

  test("pressed three times unanswered, the client leaves; what is in a text or a paste is no press", async () => {
    const { terminal, peer } = await attached(keys, restore("\x1b[?25h<back>"));
    for (const text of ["dd", "add", "\x1b[200~d\x1b[201~", "\x1b[100;5u", "\x1b[100;1:3u", "\x1c."]) {
      terminal.type(text);
      await peer.typed(text);
    }
    for (let i = 0; i < 3; i++) {
      terminal.type("\x1b[100u");
      if (i === 0) await peer.typed("\x1b[100u");
    }
    assert.equal((await terminal.waitForExit()).code, 0);
    assert.match(terminal.text(), /<back>/);
    assert.match(terminal.text(), new RegExp(`the session server \\(process ${process.pid}\\) does not answer`));
    assert.equal(typedAt(peer).filter(({ answer }) => answer).length, 1);
  });

  for (const [name, key] of [
    ["as it is", "\x1c"],
    ["in kitty's encoding", "\x1b[92;5u"],
  ] as const)
    test(`three presses in one read with what was typed before: that is sent, and the client leaves (${name})`, async () => {
      const { terminal, peer } = await attached(keys);
      terminal.type(`text${key.repeat(3)}`);
      assert.equal((await terminal.waitForExit()).code, 0);
      assert.deepEqual(
        typedAt(peer).map(({ bytes, answer }) => [bytes.toString(), answer]),
        [
          ["text", false],
          [key, true],
        ],
      );
    });

  test("a server that goes on saying things is not taken for one that stands still", async () => {
    const clock = new ToldClock(home.work);
    const { terminal, peer } = await attachedWith(clock.env, keys);
    for (let i = 0; i < 3; i++) terminal.type("\x1c");
    await peer.typed("\x1c");
    for (let said = 1; said <= 10; said++) {
      await clock.pass(200);
      peer.send(out("."));
      await terminal.waitFor(".".repeat(said));
    }
    peer.send(taken, taken, taken, encodeExit(7));
    assert.equal((await terminal.waitForExit()).code, 7);
  });

  test("what waited is for the next server, an older one too", async () => {
    const { terminal, peer } = await attached(keys, encodeResume(["@attach", "x"]));
    terminal.type("\x1c");
    await peer.typed("\x1c");
    terminal.type("rest");
    peer.socket.destroy();
    const next = await server.peer(2);
    next.send(raw);
    await next.typed("rest");
    next.send(encodeExit(0));
    await terminal.waitForExit();
  });

  test("a server that follows another and stands still before it reads keys can be left too", async () => {
    const { terminal, peer } = await attached(keys, encodeResume(["@attach", "x"]));
    peer.socket.destroy();
    await server.peer(2);
    for (let i = 0; i < 3; i++) terminal.type("\x1c");
    assert.equal((await terminal.waitForExit()).code, 0);
    assert.match(terminal.text(), /does not answer/);
  });

  test("what was typed and not taken goes to the next server, with its place; one that does not count gets what was not sent", async () => {
    const counts = [keys, encodeResume(["@attach", "x"]), encodeInputTaken(0, 0)];
    const { terminal, peer } = await attached(...counts);
    terminal.type("abc");
    await peer.typed("abc");
    assert.equal(decodeInputFrom(await peer.frame(ClientFrame.inputFrom)), 0);
    peer.send(encodeInputTaken(1, 5));
    terminal.type("d");
    await peer.typed("abcd");
    peer.socket.destroy();
    const next = await server.peer(2);
    next.send(...counts, raw);
    await next.typed("bcd");
    assert.equal(decodeInputFrom(await next.frame(ClientFrame.inputFrom)), 5);
    assert.equal(next.input.toString(), "bcd");
    next.send(encodeInputTaken(2, 7));
    terminal.type("e");
    await next.typed("bcde");
    next.socket.destroy();
    const older = await server.peer(3);
    older.send(keys, encodeResume(["@attach", "x"]), raw);
    terminal.type("f");
    await older.typed("f");
    assert.equal(older.input.toString(), "f");
    older.send(encodeExit(0));
    await terminal.waitForExit();
  });

  test("of what was typed and not taken 1 MiB is kept: past it, what was sent is not sent again", async () => {
    const counts = [keys, encodeResume(["@attach", "x"]), encodeInputTaken(0, 0)];
    const { terminal, peer } = await attached(...counts);
    for (let i = 0; i < 160; i++) terminal.type("x".repeat(8 << 10));
    // no d: read by itself it would be a press of the key that leaves
    terminal.type("fin");
    await peer.typed("fin");
    peer.socket.destroy();
    const next = await server.peer(2);
    next.send(...counts, raw);
    terminal.type("z");
    await next.typed("z");
    assert.ok(next.input.length < 1 << 20, `${next.input.length}`);
    // as somebody else: what the holder has of the paste must not be taken for what is typed now
    assert.equal(decodeInputFrom(await next.frame(ClientFrame.inputFrom)), 0);
    assert.notDeepEqual(next.request.token, peer.request.token);
    next.send(encodeExit(0));
    await terminal.waitForExit();
  });

  test("with no server at all, while the next one does not come up, one can leave too", async () => {
    const node = path.join(home.work, "node-that-hangs");
    const started = path.join(home.work, "started");
    fs.writeFileSync(node, `#!/bin/sh\necho $$ > ${started}\nexec sleep 1000 < /dev/null\n`, { mode: 0o700 });
    const terminal = start(["attach"], { env: { FALCON_NODE: node } });
    const peer = await server.peer();
    peer.send(raw, keys, encodeResume(["@attach", "x"]), restore("<back>"), out("ready"));
    await terminal.waitFor("ready");
    server.stopListening();
    peer.socket.destroy();
    const pid = Number(await untilFile(started, wholeLines));
    try {
      for (let i = 0; i < 3; i++) terminal.type("\x1c");
      assert.equal((await terminal.waitForExit()).code, 0);
      assert.match(terminal.text(), /<back>[\s\S]*no session server could be reached/);
    } finally {
      process.kill(pid, "SIGKILL");
    }
  });
});

describe("leaving", () => {
  const bytes = "\x1b[?1049l\x1b]0;restored\x07";
  for (const [signal, status] of [
    ["SIGTERM", 143],
    ["SIGHUP", 129],
    ["SIGINT", 130],
    ["SIGQUIT", 131],
    ["SIGUSR1", 138],
    ["SIGSEGV", 0],
    ["SIGABRT", 0],
  ] as const) {
    test(`${signal} puts the terminal back`, async () => {
      const { terminal, peer } = await attached(out("\x1b[?1049h\x1b[2J"), restore(bytes));
      assert.equal(terminal.alternate, true);
      terminal.kill(signal);
      const exit = await terminal.waitForExit();
      assert.deepEqual(exit, status > 0 ? { code: status, signal: 0 } : { code: 0, signal: os.constants.signals[signal] });
      assert.equal(terminal.title, "restored");
      assert.equal(terminal.alternate, false);
      await until(() => peer.closed || peer.ended, "the server to notice");
    });
  }

  test("stty says the same before and after", async () => {
    const stty = path.join(home.work, "stty");
    const script = `stty -ixon intr ^K; stty -a > ${stty}.before; ${client} x; echo "status $?"; stty -a > ${stty}.after; stty -a`;
    const terminal = start(["-c", script], { file: "/bin/sh" });
    const peer = await server.peer();
    peer.send(raw, out("ready"));
    await terminal.waitFor("ready");
    assert.equal(terminal.lineDiscipline().line, false);
    process.kill(peer.request.pid, "SIGTERM");
    await terminal.waitFor("status 143");
    await terminal.waitForExit();
    assert.equal(fs.readFileSync(`${stty}.after`, "utf8"), fs.readFileSync(`${stty}.before`, "utf8"));
  });

  test("a lost connection puts the terminal back and says so in one sentence", async () => {
    const { terminal, peer } = await attached(out("\x1b[?1049h\x1b[2Jpicture"), restore(bytes));
    peer.socket.destroy();
    assert.equal((await terminal.waitForExit()).code, 125);
    assert.equal(terminal.title, "restored");
    assert.match(
      terminal.text().replaceAll("\n", ""),
      /falcon: the session server \(process \d+\) ended the connection; what it was doing stands in .*\/server\.log/,
    );
  });

  test("output that was said before the connection was lost is shown", async () => {
    const ended = run();
    const peer = await server.peer();
    const text = "z".repeat(300_000);
    peer.send(out(text));
    peer.socket.end();
    const { code, stdout, stderr } = await ended;
    assert.equal(code, 125);
    assert.equal(stdout, text);
    assert.match(stderr, /ended the connection/);
  });

  test("a closed terminal ends the client", async () => {
    const { terminal, peer } = await attached();
    terminal.closePty();
    assert.deepEqual(await terminal.exit, { code: 129, signal: 0 });
    await until(() => peer.closed || peer.ended, "the server to notice");
  });

  test("SIGNALS: INT, TERM, HUP, USR1 and USR2 go to the server, and die of nothing else", async () => {
    const ended = run();
    const peer = await server.peer();
    peer.send(encodeSignals(true), encodeInputMode(1));
    await peer.frame(ClientFrame.inputEnd);
    for (const [nth, signal] of (["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"] as const).entries()) {
      process.kill(peer.request.pid, signal);
      assert.equal((await peer.frame(ClientFrame.signal, nth + 1))[0], os.constants.signals[signal]);
    }
    peer.send(encodeSignals(false), err("off"), encodeInputMode(0));
    // only when the frame has been obeyed is the signal deadly again
    peer.send(encodeExit(11));
    assert.equal((await ended).code, 11);
  });

  test("nohup stays in force", async () => {
    const ended = run(["-c", `trap '' HUP; ${client} x; echo "status $?"`], { file: "/bin/sh" });
    const peer = await server.peer();
    process.kill(peer.request.pid, "SIGHUP");
    peer.send(encodeExit(6));
    assert.match((await ended).stdout, /status 6/);
  });

  test("a reader that went away ends the client quietly", async () => {
    const ended = run(["-c", `{ ${client} x; echo "status $?" >&2; } | head -c 5`], { file: "/bin/sh" });
    const peer = await server.peer();
    // idle: it is the end of the reader that is noticed, not the next write
    peer.send(out("12345"));
    await until(() => peer.ended || peer.closed, "the client to leave");
    assert.deepEqual(await ended, { code: 0, stdout: "12345", stderr: "status 141\n" });
  });

  test("a stderr that nobody reads loses nothing else", async () => {
    const ended = run(["-c", `exec ${client} x 2>/dev/full`], { file: "/bin/sh" });
    (await server.peer()).send(err("note"), out("answer"), encodeExit(0));
    assert.deepEqual(await ended, { code: 0, stdout: "answer", stderr: "" });
  });
});

describe("stopping and sizes", () => {
  test("SIGWINCH is told with the new size", async () => {
    const { terminal, peer } = await attached();
    terminal.resize(101, 37);
    assert.deepEqual(decodeSize(await peer.frame(ClientFrame.size)), { cols: 101, rows: 37 });
    peer.send(encodeExit(0));
    await terminal.waitForExit();
  });

  test("SIGTSTP puts the terminal back; fg makes it raw again and asks for the screen", async () => {
    const script = `set -m; ${client} x; echo "stopped $?"; stty -a | grep -wo icanon; fg >/dev/null; echo "ended $?"`;
    const terminal = start(["-c", script], { file: "/bin/bash" });
    const peer = await server.peer();
    peer.send(restore("\x1b]0;restored\x07"), raw, out("ready\r\n"));
    await terminal.waitFor("ready");
    process.kill(peer.request.pid, "SIGTSTP");
    await terminal.waitFor(/stopped 148\s+icanon/);
    assert.equal(terminal.title, "restored");
    await peer.frame(ClientFrame.continued);
    assert.equal(terminal.lineDiscipline().line, false);
    assert.deepEqual(
      peer.frames.map(({ type }) => type),
      [ClientFrame.size, ClientFrame.continued],
    );
    peer.send(encodeExit(8));
    await terminal.waitFor("ended 8");
    await terminal.waitForExit();
  });

  test("SIGSTOP and SIGCONT: raw again, and the screen is asked for", async () => {
    // a client that SIGSTOP stops leaves the terminal raw: bash's words go on in the same column until stty,
    // wherever its path has brought them
    const script = `set -m; ${client} x; echo "stopped $?"; stty sane; echo; fg >/dev/null; echo "ended $?"`;
    const terminal = start(["-c", script], { file: "/bin/bash" });
    const peer = await server.peer();
    peer.send(raw, out("ready\r\n"));
    await terminal.waitFor("ready");
    process.kill(peer.request.pid, "SIGSTOP");
    await peer.frame(ClientFrame.continued);
    assert.equal(terminal.lineDiscipline().line, false);
    peer.send(encodeExit(0));
    await terminal.waitFor("ended 0");
    await terminal.waitForExit();
    assert.deepEqual(terminal.ended, { code: 0, signal: 0 });
  });
});

describe("a slow terminal", () => {
  test("holds the server back, lets keys through, costs no CPU, and loses nothing", async () => {
    const terminal = pty.spawn(client, ["attach"], { cols: 80, rows: 24, cwd: home.work, env: home.env, encoding: null });
    const received = createHash("sha256");
    let length = 0;
    terminal.onData((data) => {
      received.update(data);
      length += data.length;
    });
    const exit = new Promise<number>((resolve) => terminal.onExit(({ exitCode }) => resolve(exitCode)));
    const slave = fs.openSync((terminal as unknown as { ptsName: string }).ptsName, fs.constants.O_RDWR | fs.constants.O_NOCTTY);
    const peer = await server.peer();
    peer.send(raw);
    await until(() => !spawnSync("stty", ["-a"], { stdio: [slave, "pipe", "ignore"] }).stdout.includes(" icanon"), "raw mode");
    terminal.pause();
    // no line feeds and no NUL, so that what arrives is what was sent
    const flood = Buffer.alloc(8 << 20, "0123456789abcdef");
    for (let at = 0; at < flood.length; at += 65_536) peer.socket.write(out(flood.subarray(at, at + 65_536)));
    await settled(() => peer.socket.bytesWritten - peer.socket.writableLength);
    // the terminal, the client and the socket hold some hundred KiB each; the rest has stayed here
    assert.ok(peer.socket.writableLength > 6 << 20, `${peer.socket.writableLength} bytes are left`);
    const others = client.includes("san") || emulated; // memory that a sanitizer or an emulator has
    assert.ok(residentKiB(terminal.pid) < 4096 || others, `${residentKiB(terminal.pid)} KiB resident`);
    const before = ticks([terminal.pid]);
    for (let i = 0; i < 50; i++) {
      terminal.write(`key${i};`);
      await peer.typed(`key${i};`);
    }
    // 50 keys are a few hundred µs of work; a client that spins uses all of the time that this took
    assert.ok(ticks([terminal.pid]) - before <= (emulated ? 50 : 5), `${ticks([terminal.pid]) - before} ticks`);
    terminal.resume();
    peer.send(encodeExit(0));
    await until(
      () => length === flood.length,
      () => `all bytes to arrive; ${length} have`,
    );
    assert.equal(received.digest("hex"), hash(flood));
    fs.closeSync(slave);
    assert.equal(await exit, 0);
  });

  test("does not keep a signal from ending the client", async () => {
    const terminal = pty.spawn(client, ["attach"], { cols: 80, rows: 24, cwd: home.work, env: home.env, encoding: null });
    const exit = new Promise<number>((resolve) => terminal.onExit(({ exitCode }) => resolve(exitCode)));
    const peer = await server.peer();
    terminal.pause();
    peer.send(raw, restore("back"), out(Buffer.alloc(900_000, "x")));
    await settled(() => peer.socket.bytesWritten - peer.socket.writableLength);
    process.kill(terminal.pid, "SIGTERM");
    assert.equal(await exit, 143);
    (terminal as unknown as { _socket: { destroy(): void } })._socket.destroy();
  });
});

/** Waits until a number no longer changes: what flows has come to a stop. */
async function settled(number: () => number): Promise<void> {
  let last = -1;
  let same = 0;
  await until(() => {
    same = number() === last ? same + 1 : 0;
    last = number();
    return same >= 10;
  }, "the flow to stop");
}

const hash = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

function residentKiB(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}
