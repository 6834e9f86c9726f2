// The built programs themselves, with a hostile peer on a real socket: slower by far than the same code in
// process (native/), and with nothing played. The holder's program must go on, the client must end.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import {
  ClientFrame,
  clientProtocol,
  encodeExec,
  encodeExit,
  encodeHello,
  encodeInputMode,
  encodeResume,
  encodeSignals,
  ServerFrame,
} from "../../../src/protocol/client.ts";
import { encodeFrame, FrameReader, frameHeader } from "../../../src/protocol/frame.ts";
import {
  encodeFd,
  encodeGo,
  encodeInput,
  encodeRelease,
  encodeSubscribe,
  encodeWindowSize,
  FromHolder,
  fromHolderLimit,
  ToHolder,
} from "../../../src/protocol/holder.ts";
import { client } from "../../support/holder/fake-server.ts";
import { Held } from "../../support/holder/held.ts";
import { encodeKeep } from "../../support/holder/holder-cursor.ts";
import type { Target } from "../target.ts";

/**
 * Megabytes that a holder may take after thousands of hostile connections: eight of them at once hold 1.2 MB
 * each.
 */
const holderMiB = 24;

let held: Held | undefined;
let marks = 0;

/** A program under a holder that gives back what is typed. */
async function holder(): Promise<Held> {
  if (held !== undefined) return held;
  held = await Held.shell("stty raw -echo; echo ready; exec cat");
  await held.heard.until("ready");
  held.heard.keepsBytes = false;
  return held;
}

/**
 * The frames that would end the program by right are made into ones that do not: whoever may connect may also
 * kill.
 */
function withoutSignals(stream: Buffer): Buffer {
  const copy = Buffer.from(stream);
  for (let at = 0; at + frameHeader <= copy.length; at += frameHeader + copy.readUInt32LE(at))
    if (copy[at + 4] === ToHolder.signal && at + frameHeader < copy.length) copy[at + frameHeader] = 0;
  return copy;
}

/** Sends a stream, takes what comes, and leaves. Answers what came. */
async function visit(socketPath: string, stream: Buffer, patient: boolean): Promise<Buffer> {
  const socket = net.connect(socketPath);
  const came: Buffer[] = [];
  socket.on("data", (chunk) => came.push(chunk));
  socket.on("error", () => {}); // closed by the holder, as it should be for what makes no sense
  socket.write(stream);
  if (patient) socket.end();
  else socket.destroySoon();
  await once(socket, "close");
  return Buffer.concat(came);
}

/** The program still gives back what a server types. */
async function goesOn({ heard, link }: Held): Promise<void> {
  const mark = `<mark ${++marks}>`;
  const found = new Promise<void>((resolve) => {
    let tail = "";
    heard.onData = (_, bytes) => {
      tail = (tail + bytes.toString("latin1")).slice(-4096 - bytes.length);
      if (tail.includes(mark)) resolve();
    };
  });
  link.input(Buffer.from(mark));
  await found;
}

let server: net.Server | undefined;
let home = "";
let stream: Buffer | undefined;
let child: ChildProcess | undefined;

/** A server that says HELLO and the stream to the first that asks, and EXIT to whoever asks again. */
async function hostileServer(): Promise<void> {
  if (server !== undefined) return;
  home = fs.mkdtempSync("/tmp/fs-");
  server = net.createServer({ allowHalfOpen: true }, (socket) => {
    const said = stream ?? encodeExit(0);
    stream = undefined;
    socket.on("error", () => {});
    const reader = new FrameReader(1 << 20, (type) => {
      if (type !== ClientFrame.run) return;
      socket.write(encodeHello({ protocol: clientProtocol, pid: process.pid, version: "0" }));
      socket.end(said);
    });
    socket.on("data", (chunk) => reader.feed(chunk));
    socket.on("end", () => socket.destroy());
  });
  server.listen(path.join(home, "server.sock"));
  await once(server, "listening");
}

export const targets: readonly Target[] = [
  {
    name: "holder-process",
    what: "a real holder against hostile connections: it and its program go on, memory and descriptors bounded, replies whole",
    inputs: 20_000,
    longest: 4_000,
    seeds: () => {
      const go = encodeGo({ umask: 0o77, keep: 0, oomScoreAdj: 200, cols: 80, rows: 24, limits: [] });
      const all = [
        go,
        encodeSubscribe(0),
        encodeInput(Buffer.from("x")),
        encodeWindowSize(9, 9),
        encodeFd(),
        encodeRelease(),
        encodeKeep(1 << 20),
      ];
      return [Buffer.concat(all), ...all, encodeFrame(ToHolder.signal, Buffer.from([0, 1])), Buffer.from([1, 0, 1, 0, 3])];
    },
    words: [
      "\x00\x00\x01\x00\x03",
      "\x01\x00\x01\x00\x03",
      "\xff\xff\xff\xff\x01",
      "\x08\x00\x00\x00\x02",
      "\x00\x00\x00\x00\x06",
    ],
    async run(input) {
      const one = await holder();
      const came = await visit(path.join(one.folder, "sock"), withoutSignals(input), input.length % 2 === 0);
      // what is sent to a hostile server is as well-formed as to any other
      let first: number | undefined;
      const reader = new FrameReader(fromHolderLimit, (type) => {
        first ??= type;
      });
      reader.feed(came);
      assert.ok(first === undefined || first === FromHolder.hello, "HELLO is first");
      if (marks % 50 === 0 || input.length % 16 === 0) await goesOn(one);
    },
    async dispose() {
      if (held === undefined) return;
      const status = fs.readFileSync(`/proc/${held.link.holderPid}/status`, "utf8");
      const resident = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024;
      const descriptors = fs.readdirSync(`/proc/${held.link.holderPid}/fd`).length;
      await goesOn(held);
      await held.dispose();
      held = undefined;
      assert.ok(resident < holderMiB, `the holder takes ${resident} MiB`);
      assert.ok(descriptors < 40, `the holder has ${descriptors} descriptors`);
    },
  },
  {
    name: "client-process",
    what: "the real client against a hostile server: it ends with a status, of no signal, and says at most one sentence of its own",
    inputs: 3_000,
    longest: 2_000,
    seeds: () => {
      const out = encodeFrame(ServerFrame.stdout, Buffer.from("text\n"));
      return [
        Buffer.concat([
          encodeInputMode(2),
          encodeSignals(true),
          out,
          encodeFrame(ServerFrame.restore, Buffer.from("x")),
          encodeExit(3),
        ]),
        Buffer.concat([encodeResume(["attach", "x"]), out, encodeFrame(ServerFrame.reconnect)]),
        encodeExec("/nonexistent/program", ["program", "argument"]),
      ];
    },
    async run(input) {
      await hostileServer();
      stream = input;
      child = spawn(client, ["attach"], {
        env: { FALCON_SESSIONS_HOME: home, PATH: "/usr/bin:/bin" },
        stdio: ["ignore", "ignore", "pipe"],
      });
      const said: Buffer[] = [];
      child.stderr?.on("data", (chunk) => said.push(chunk));
      const [status, signal] = await once(child, "close");
      assert.equal(signal, null, Buffer.concat(said).toString());
      assert.ok(status >= 0 && status <= 255);
    },
    async dispose() {
      server?.close();
      server = undefined;
      if (home !== "") fs.rmSync(home, { recursive: true, force: true });
    },
  },
];
