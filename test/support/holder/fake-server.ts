// A session server for tests of the client: it listens like the real one, keeps what the client says, and
// says what the test tells it to.
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import {
  ClientFrame,
  clientProtocol,
  decodeInputAt,
  encodeHello,
  mostFromClient,
  type Request,
  RequestReader,
} from "../../../src/protocol/client.ts";
import { FrameReader } from "../../../src/protocol/frame.ts";
import { until } from "../events.ts";
import { falcon } from "../paths.ts";

export interface FakeOptions {
  /** What it says of itself; null: nothing at all, as a server that hangs. */
  hello?: { protocol?: number; version?: string } | null;
  /** Raw bytes instead of HELLO. */
  instead?: Buffer;
}

/** One client's connection. */
export class FakePeer {
  readonly socket: net.Socket;
  request: Request | undefined;
  /** Frames after the request, oldest first. */
  readonly frames: { type: number; payload: Buffer }[] = [];
  /** The client has ended its side. */
  ended = false;
  closed = false;

  constructor(socket: net.Socket, options: FakeOptions) {
    this.socket = socket;
    const collector = new RequestReader();
    const reader = new FrameReader(mostFromClient, (type, payload) => {
      if (this.request === undefined) this.request = collector.take(type, payload);
      else this.frames.push({ type, payload: Buffer.from(payload) });
    });
    socket.on("data", (chunk) => reader.feed(chunk));
    socket.on("end", () => {
      this.ended = true;
    });
    socket.on("close", () => {
      this.closed = true;
    });
    socket.on("error", () => {});
    if (options.instead) socket.write(options.instead);
    else if (options.hello !== null)
      socket.write(encodeHello({ protocol: clientProtocol, pid: process.pid, version: "0.0.1", ...options.hello }));
  }

  /** All that was typed. */
  get input(): Buffer {
    const typed = this.frames.flatMap(({ type, payload }) =>
      type === ClientFrame.input ? payload : type === ClientFrame.inputAt ? decodeInputAt(payload).bytes : [],
    );
    return Buffer.concat(typed);
  }

  send(...frames: Uint8Array[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  /** Waits for the `nth` (from 1) frame of a type; answers its payload. */
  async frame(type: number, nth = 1): Promise<Buffer> {
    const found = () => this.frames.filter((frame) => frame.type === type)[nth - 1];
    const { payload } = await until(found, () => `frame ${nth} of type ${type}; came: ${this.frames.map((frame) => frame.type)}`);
    return payload;
  }

  async typed(text: string): Promise<void> {
    await until(
      () => this.input.includes(text),
      () => `${JSON.stringify(text)} to be typed; came ${JSON.stringify(this.input.toString("latin1").slice(-200))}`,
    );
  }
}

export class FakeServer {
  readonly peers: FakePeer[] = [];
  readonly socketPath: string;
  #server: net.Server;

  private constructor(server: net.Server, socketPath: string) {
    this.#server = server;
    this.socketPath = socketPath;
  }

  /** Listens in this home; takes the place of one that listens there already, as a new server does. */
  static async listen(home: string, options: FakeOptions = {}): Promise<FakeServer> {
    const socketPath = path.join(home, "server.sock");
    const temporary = `${socketPath}.new`;
    const server = net.createServer({ allowHalfOpen: true }, (socket) => fake.peers.push(new FakePeer(socket, options)));
    const fake = new FakeServer(server, socketPath);
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(temporary, resolve);
    });
    fs.renameSync(temporary, socketPath);
    return fake;
  }

  /** Waits for the nth (from 1) client's complete request. */
  async peer(nth = 1): Promise<FakePeer & { request: Request }> {
    return until(() => {
      const peer = this.peers[nth - 1];
      return peer?.request ? (peer as FakePeer & { request: Request }) : undefined;
    }, `the request of client ${nth}`);
  }

  /** Lets nobody in any more, and keeps the connections. */
  stopListening(): void {
    this.#server.close();
    fs.rmSync(this.socketPath, { force: true });
  }

  /**
   * Ends everything at once, as kill -9 does; the socket's file stays behind (Node removes only the name that
   * it was bound under).
   */
  die(): void {
    this.dispose();
  }

  dispose(): void {
    for (const peer of this.peers) peer.socket.destroy();
    this.#server.close();
  }
}

/**
 * The client under test: the built one, or another build of it (with sanitizers) that FALCON_TEST_CLIENT
 * names.
 */
export const client = process.env.FALCON_TEST_CLIENT ?? falcon;
