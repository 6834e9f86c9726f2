// The session server as the web process asks it, with a server of the test's own: answers that are too long,
// a line that is closed while another server is being reached, and programs that cannot be started.
import assert from "node:assert/strict";
import { ChildProcess } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { encodeExec, ServerFrame } from "../../../src/protocol/client.ts";
import { encodeFrame } from "../../../src/protocol/frame.ts";
import { farTerminal } from "../../../src/web/server/far-command.ts";
import type { Line } from "../../../src/web/server/line.ts";
import {
  AnswerTooLong,
  longestAnswer,
  longestComplaint,
  NoServer,
  SessionServer,
} from "../../../src/web/server/session-server.ts";
import { leftBehind } from "../../support/left-behind.ts";
import { failSpawning } from "../../support/spawning.ts";

/** A home whose server says this to everybody. */
async function home(t: TestContext, said: (socket: net.Socket) => void): Promise<string> {
  const folder = fs.mkdtempSync("/tmp/fs-");
  await listening(t, folder, said);
  t.after(() => fs.rmSync(folder, { recursive: true }));
  return folder;
}

async function listening(t: TestContext, folder: string, said: (socket: net.Socket) => void): Promise<void> {
  fs.mkdirSync(folder, { recursive: true });
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("data", () => said(socket));
  });
  await new Promise<void>((resolve) => server.listen(path.join(folder, "server.sock"), resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
}

test("an answer that is too long is told as that, and not as a server that was lost", async (t) => {
  const folder = await home(t, (socket) => socket.write(encodeFrame(ServerFrame.stdout, Buffer.alloc(2_000))));
  await assert.rejects(new SessionServer(folder).ask(["show"], 1_000), AnswerTooLong);
});

test("what is passed on may take as long as it takes: only a silence that nobody asked for ends it", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let socket: net.Socket | undefined;
  const folder = await home(t, (made) => {
    socket = made;
    say();
  });
  const say = () => socket?.write(encodeFrame(ServerFrame.stdout, Buffer.from("more")));
  let heard: (line: Line) => void = () => {};
  const next = () => new Promise<Line>((resolve) => (heard = resolve));
  const begun = next();
  const told = new SessionServer(folder).stream(["export"], (_bytes, line) => heard(line));
  const line = await begun;
  for (let n = 0; n < 3; n++) {
    t.mock.timers.tick(longestAnswer - 1);
    const more = next();
    say();
    await more;
  }
  line.pause();
  t.mock.timers.tick(10 * longestAnswer);
  const more = next();
  line.resume();
  say();
  await more;
  t.mock.timers.tick(longestAnswer);
  await assert.rejects(told, NoServer);
});

test("what is paused is not given up for a word on stderr that was on its way", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let socket: net.Socket | undefined;
  const out = encodeFrame(ServerFrame.stdout, Buffer.from("more"));
  const folder = await home(t, (made) => {
    socket = made;
    made.write(Buffer.concat([out, encodeFrame(ServerFrame.stderr, Buffer.from("a word"))]));
  });
  let line: Line | undefined;
  const stdout = (_bytes: Buffer, made: Line) => {
    line = made;
    made.pause();
  };
  let complain = () => {};
  const complained = new Promise<void>((resolve) => (complain = resolve));
  const told = new SessionServer(folder).stream(["export"], stdout, () => complain());
  await complained;
  t.mock.timers.tick(longestAnswer);
  line?.resume();
  socket?.write(encodeFrame(ServerFrame.exit, Buffer.from([0])));
  assert.equal(await told, 0);
});

test("an answer that is kept has a limit of its own, however much comes", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let heard = () => {};
  const next = () => new Promise<void>((resolve) => (heard = resolve));
  class Heard extends SessionServer {
    override stream(...[args, stdout, ...more]: Parameters<SessionServer["stream"]>): Promise<number> {
      const first: typeof stdout = (bytes, line) => {
        stdout(bytes, line);
        heard();
      };
      return super.stream(args, first, ...more);
    }
  }
  let socket: net.Socket | undefined;
  const say = () => socket?.write(encodeFrame(ServerFrame.stdout, Buffer.from("more")));
  const folder = await home(t, (made) => {
    socket = made;
    say();
  });
  const first = next();
  const told = new Heard(folder).ask(["show"], 1_000);
  await first;
  t.mock.timers.tick(longestAnswer - 1);
  const second = next();
  say();
  await second;
  t.mock.timers.tick(1);
  await assert.rejects(told, NoServer);
});

test("a line that is closed while the job's server is being reached is over", async (t) => {
  const folder = await home(t, (socket) => socket.write(encodeExec("falcon", ["falcon", "@job", "s7", "attach"])));
  await listening(t, path.join(folder, "j", "s7"), () => {});
  const over = new Promise<number | undefined>((resolve) => {
    void new SessionServer(folder).terminal(["attach"], 80, 24, { stdout() {}, stderr() {}, over: resolve }).then((line) => {
      // after the answer of the first server has been read, and before the second has answered
      const send = net.Socket.prototype.connect;
      t.mock.method(net.Socket.prototype, "connect", function (this: net.Socket, ...args: unknown[]) {
        line.close();
        return (send as (...given: unknown[]) => net.Socket).apply(this, args);
      });
    });
  });
  assert.equal(await over, undefined);
});

test("of a complaint without end the last of what is said is kept", async (t) => {
  const folder = await home(t, (socket) => {
    for (let n = 0; n < 20; n++) socket.write(encodeFrame(ServerFrame.stderr, Buffer.alloc(10_000, "x")));
    socket.write(encodeFrame(ServerFrame.stderr, Buffer.from("falcon: because")));
    socket.write(encodeFrame(ServerFrame.exit, Buffer.from([3])));
  });
  const { status, stderr } = await new SessionServer(folder).ask(["show"], 1_000);
  assert.deepEqual([status, stderr.length, stderr.slice(-17)], [3, longestComplaint, "xxfalcon: because"]);
});

test("a far program whose command line is too long is told as not started", async (t) => {
  const folder = await home(t, (socket) => socket.write(encodeExec("/bin/true", ["true", "x".repeat(200_000)])));
  const { status, stderr } = await new SessionServer(folder).ask(["show"], 1_000);
  assert.equal(status, 126);
  assert.match(stderr, /E2BIG/);
});

test("a far program for which there are too many open files is told as not started", async (t) => {
  const folder = await home(t, (socket) => socket.write(encodeExec("/bin/true", ["true"])));
  failSpawning(t, "EMFILE");
  const { status, stderr } = await new SessionServer(folder).ask(["show"], 1_000);
  assert.deepEqual([status, stderr], [126, "spawn EMFILE"]);
});

test("a far program that has ended is not waited for because of what it left behind", async (t) => {
  const script = `${leftBehind(t)} echo all of it`;
  const folder = await home(t, (socket) => socket.write(encodeExec("/bin/sh", ["sh", "-c", script])));
  const { status, stdout } = await new SessionServer(folder).ask(["show"], 1_000);
  assert.deepEqual([status, stdout.toString()], [0, "all of it\n"]);
});

test("a far terminal that has closed takes keys and sizes as before, and tells why it ended", async () => {
  const said: string[] = [];
  let line: ReturnType<typeof farTerminal> | undefined;
  const status = await new Promise((over) => {
    line = farTerminal(
      { file: "/bin/sh", args: ["-c", "printf 'no way th\\303\\251re\\n'; exit 4"] },
      { cols: 80, rows: 24 },
      { stdout() {}, stderr: (bytes) => said.push(bytes.toString()), over },
    );
  });
  assert.deepEqual([status, said], [4, ["no way th\u00e9re"]]);
  line?.size(100, 30);
  line?.input(Buffer.from("x"));
  line?.close();
});

test("for an event that is worth no start of a server none is started", async (t) => {
  const folder = await home(t, (socket) => socket.end(encodeFrame(ServerFrame.exit, Buffer.from([0]))));
  assert.equal(await new SessionServer(folder).auditWhereRuns("refused", {}), true);
  let started = 0;
  t.mock.method(ChildProcess.prototype as unknown as { spawn(): number }, "spawn", () => ++started);
  const nowhere = path.join(folder, "nowhere");
  assert.equal(await new SessionServer(nowhere).auditWhereRuns("refused", {}), false);
  assert.equal(started, 0);
});
