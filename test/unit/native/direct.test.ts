// The built client reads a session's output itself, from a holder that the test plays, on a terminal that
// stands still, goes on or is slow.
import assert from "node:assert/strict";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { afterEach, before, beforeEach, describe, test } from "node:test";
import { defaultConfig } from "../../../src/base/config/config.ts";
import { close, connectUnix, sendFds } from "../../../src/platform/native.ts";
import { encodeRules, sequenceRulesVersion } from "../../../src/platform/stream-filter.ts";
import {
  ClientFrame,
  decodeDirectAt,
  decodeDirectEnded,
  encodeDirect,
  encodeExit,
  encodeInputMode,
  encodeKeysOpen,
  ServerFrame,
} from "../../../src/protocol/client.ts";
import { encodeFrame } from "../../../src/protocol/frame.ts";
import { FromHolder } from "../../../src/protocol/holder.ts";
import { until } from "../../support/events.ts";
import { client, type FakePeer, FakeServer } from "../../support/holder/fake-server.ts";
import { TestHome } from "../../support/home.ts";
import type { UserTerminal } from "../../support/terminal/terminal.ts";

const out = (text: string) => encodeFrame(ServerFrame.stdout, Buffer.from(text));
/** More than a terminal's line takes while nobody reads it. */
const lineFull = 64 << 10;

/** A holder's end of the connections that a server passes on. */
class FakeHolder {
  readonly #server: net.Server;
  readonly #path: string;
  readonly #sockets: net.Socket[] = [];

  private constructor(server: net.Server, socketPath: string) {
    this.#server = server;
    this.#path = socketPath;
    server.on("connection", (socket) => {
      socket.on("error", () => {});
      this.#sockets.push(socket);
    });
  }

  static async listen(folder: string): Promise<FakeHolder> {
    const server = net.createServer({ allowHalfOpen: true });
    const holder = new FakeHolder(server, path.join(folder, "holder"));
    await new Promise<void>((resolve) => server.listen(holder.#path, resolve));
    return holder;
  }

  /** A connection: the descriptor that is passed on, and the side that the holder has. */
  async connection(): Promise<{ descriptor: number; socket: net.Socket }> {
    const before = this.#sockets.length;
    const descriptor = connectUnix(this.#path);
    const socket = await until(() => this.#sockets[before], "the holder to accept");
    return { descriptor, socket };
  }

  dispose(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

/** Output of a program, as the holder sends it. */
function data(offset: number, text: string): Buffer {
  const head = Buffer.alloc(8);
  head.writeBigUInt64LE(BigInt(offset));
  return encodeFrame(FromHolder.data, head, Buffer.from(text));
}

const direct = (offset: number, changes: Partial<typeof defaultConfig.programSequences> = {}) =>
  encodeDirect({
    offset,
    filter: sequenceRulesVersion,
    rules: encodeRules({ ...defaultConfig.programSequences, ...changes }),
    tail: Buffer.alloc(0),
  });

/** Says a frame on which a descriptor rides, and lets go of that. */
function sendWith(peer: FakePeer, frame: Uint8Array, descriptor: number): void {
  const { fd } = (peer.socket as unknown as { _handle: { fd: number } })._handle;
  assert.equal(sendFds(fd, frame, [descriptor]), frame.length);
  close(descriptor);
}

describe("a client that reads the output itself", () => {
  let home: TestHome;
  let server: FakeServer;
  let holder: FakeHolder;
  before(() => assert.ok(fs.existsSync(client), `${client} is not built`));
  beforeEach(async () => {
    home = new TestHome();
    server = await FakeServer.listen(home.folder);
    holder = await FakeHolder.listen(home.work);
  });
  afterEach(async () => {
    server.dispose();
    holder.dispose();
    fs.rmSync(server.socketPath, { force: true });
    await home.dispose();
  });

  async function attached(): Promise<{ terminal: UserTerminal; peer: Awaited<ReturnType<FakeServer["peer"]>> }> {
    const terminal = home.terminal(["attach"], { file: client });
    const peer = await server.peer();
    peer.send(encodeInputMode(2), out("ready"));
    await terminal.waitFor("ready");
    return { terminal, peer };
  }

  test("takes each connection for the frame that it came with, also where both wait for the terminal", async () => {
    const { terminal, peer } = await attached();
    const output = await holder.connection();
    const keys = await holder.connection();
    terminal.stopReading();
    peer.send(out(`${"x".repeat(lineFull - 1)}\n`));
    await until(() => peer.socket.writableLength === 0, "the client to have it");
    sendWith(peer, direct(0), output.descriptor);
    sendWith(peer, encodeKeysOpen(0, new Uint8Array(32).fill(255), true), keys.descriptor);
    const typed = new Promise<Buffer>((resolve) => keys.socket.once("data", resolve));
    output.socket.write(data(0, "from the holder"));
    terminal.continueReading();
    await terminal.waitFor("from the holder");
    // the first thing that is said to the holder is an empty KEYS: type 10
    assert.equal((await typed)[4], 10);
  });

  test("tells where its terminal stands while that takes nothing, and at once when it goes on", async () => {
    const { terminal, peer } = await attached();
    const { descriptor, socket } = await holder.connection();
    sendWith(peer, direct(0), descriptor);
    terminal.stopReading();
    for (let i = 0; i < 4; i++) socket.write(data(i * 60_000, "y".repeat(60_000)));
    const reports = () =>
      peer.frames.filter(({ type }) => type === ClientFrame.directAt).map(({ payload }) => decodeDirectAt(payload));
    await until(() => reports().length >= 3, "reports of a terminal that takes nothing");
    const still = reports();
    assert.ok(
      still.slice(1).every(({ blocked }) => blocked > 90),
      JSON.stringify(still),
    );
    // what the kernel's line took, and no more
    assert.ok((still.at(-1)?.offset ?? 0) < lineFull, JSON.stringify(still));
    terminal.continueReading();
    await until(
      () => reports().at(-1)?.offset === 240_000 || (reports().at(-1)?.offset ?? 0) > (still.at(-1)?.offset ?? 0),
      "a report of progress",
    );
    await terminal.waitFor(() => terminal.received.filter((byte) => byte === 0x79).length >= 240_000, "all of it");
  });

  for (const [what, interrupt] of [
    ["goes to the holder where the server says that it may", 3],
    ["goes to the server where that does not say so", 0],
  ] as const)
    test(`the interrupt character ${what}`, async () => {
      const { terminal, peer } = await attached();
      const { descriptor, socket } = await holder.connection();
      const said: Buffer[] = [];
      socket.on("data", (bytes) => said.push(bytes));
      const set = new Uint8Array(32).fill(255);
      set[0] = 255 & ~(1 << 3);
      sendWith(peer, encodeKeysOpen(0, set, true, interrupt), descriptor);
      await until(() => said.length > 0, "the empty KEYS");
      const writer = (said[0] as Buffer).readBigUInt64LE(5);
      const taken = Buffer.alloc(16);
      taken.writeBigUInt64LE(writer);
      socket.write(encodeFrame(FromHolder.taken, taken));
      // that the client has read this shows in where the next key goes, one at a time: two may be one read
      const begun = Buffer.concat(said).length;
      const atHolder = () => Buffer.concat(said).length > begun;
      const atServer = () => peer.frames.filter(({ type }) => type === ClientFrame.input).length;
      for (let typed = 1; !atHolder(); typed++) {
        terminal.type("k");
        await until(() => atHolder() || atServer() === typed, "the key");
        if (!atHolder()) peer.send(encodeKeysOpen(typed, set, false, interrupt));
      }
      const before = Buffer.concat(said).length;
      const others = atServer();
      terminal.key("C-c");
      if (interrupt === 0) {
        assert.deepEqual(await peer.frame(ClientFrame.input, others + 1), Buffer.from([3]));
        assert.equal(Buffer.concat(said).indexOf(3, before), -1);
        return;
      }
      // KEYS with the flag that lets it pass by what others have typed
      const frame = await until(() => {
        const all = Buffer.concat(said);
        return all.at(-1) === 3 && all.length >= before + 23 ? all.subarray(-23) : undefined;
      }, "the interrupt");
      assert.deepEqual([frame[4], frame[21], frame[22]], [10, 2, 3]);
    });

  test("a leap drops what the terminal has not taken, and ends a sequence that it cut", async () => {
    const { terminal, peer } = await attached();
    const { descriptor, socket } = await holder.connection();
    sendWith(peer, direct(0), descriptor);
    terminal.stopReading();
    // titles, one of which the line takes a part of: the terminal's buffers have room for more than one
    const title = `\x1b]2;${"t".repeat(60_000)}\x07`;
    for (let n = 0; n < 8; n++) socket.write(data(n * title.length, title));
    socket.write(data(8 * title.length, "dropped"));
    await peer.frame(ClientFrame.directAt, 2);
    peer.send(encodeFrame(ServerFrame.directEnd), out("\x1b[2J\x1b[Hthe present"));
    const { why } = decodeDirectEnded(await peer.frame(ClientFrame.directEnded));
    assert.equal(why, 0);
    terminal.continueReading();
    await terminal.waitFor("the present");
    const received = terminal.received.toString("latin1");
    assert.ok(!received.includes("dropped"));
    assert.ok(received.endsWith("t\x18\x1b[2J\x1b[Hthe present"), JSON.stringify(received.slice(-60)));
  });

  test("more screens than descriptors fit wait for a terminal that takes nothing", async () => {
    const { terminal, peer } = await attached();
    terminal.stopReading();
    peer.send(out(`${"x".repeat(lineFull - 1)}\n`));
    await until(() => peer.socket.writableLength === 0, "the client to have it");
    // a window whose edge is dragged: a screen for each size
    for (let n = 0; n < 12; n++) {
      const { descriptor } = await holder.connection();
      sendWith(peer, direct(0), descriptor);
      peer.send(encodeFrame(ServerFrame.directEnd), out(`screen ${n};`));
    }
    terminal.continueReading();
    await terminal.waitFor("screen 11;");
    peer.send(encodeExit(0));
    assert.equal((await terminal.waitForExit()).code, 0);
  });

  test("an image within which the program stops does not keep the server's words from the terminal", async () => {
    const { terminal, peer } = await attached();
    const { descriptor, socket } = await holder.connection();
    sendWith(peer, direct(0, { images: "pass" }), descriptor);
    socket.write(data(0, "\x1bPq#0;2;0;0;0"));
    await terminal.waitFor(() => terminal.received.includes("\x1bPq#0;2"));
    peer.send(out("\x1b]2;said by the server\x07"));
    await terminal.waitFor(() => terminal.title === "said by the server");
    // a screen is asked for in its place
    assert.equal(decodeDirectEnded(await peer.frame(ClientFrame.directEnded)).why, 4);
    peer.send(encodeExit(0));
    assert.equal((await terminal.waitForExit()).code, 0);
  });

  test("what the server says has its place in a flood", async () => {
    const { terminal, peer } = await attached();
    const { descriptor, socket } = await holder.connection();
    sendWith(peer, direct(0), descriptor);
    let offset = 0;
    let flooding = true;
    const text = "flood of lines\r\n".repeat(3_000);
    const flood = () => {
      while (flooding && socket.write(data(offset, text))) offset += text.length;
      if (flooding) {
        offset += text.length;
        socket.once("drain", flood);
      }
    };
    flood();
    await until(() => peer.frames.some(({ type }) => type === ClientFrame.directAt), "the flood");
    peer.send(out("\x1b]2;said by the server\x07"));
    try {
      await terminal.waitFor(() => terminal.title === "said by the server");
      // between two sequences, and the flood goes on
      const { length } = terminal.received;
      await terminal.waitFor(() => terminal.received.length > length);
    } finally {
      flooding = false;
    }
  });
});
