// The conversation of a holder with a server, as it was recorded from a real one, and its player: a listener
// that answers like that old binary.
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { sendFds } from "../../../src/platform/native.ts";
import { FrameReader } from "../../../src/protocol/frame.ts";
import { FromHolder, fromHolderLimit, ToHolder } from "../../../src/protocol/holder.ts";
import { spawnUnread, type UnreadPty } from "../../../src/session/holder/unread-pty.ts";
import { root } from "../paths.ts";
import { orders } from "./held.ts";

/** One frame with its header, as hex; a holder's FD frame carries the master. */
export interface RecordedFrame {
  from: "server" | "holder";
  bytes: string;
}

export interface Recording {
  /** What was built and when, in words. */
  about: string;
  frames: RecordedFrame[];
  /** Files of the session folder at the end, as base64. */
  files: Record<string, string>;
}

export const recordingFile: string = path.join(root, "test/fixtures/holder-v1/conversation.json");

export function readRecording(): Recording {
  return JSON.parse(fs.readFileSync(recordingFile, "utf8")) as Recording;
}

/** What the server may send without the holder's answer depending on it. */
const unanswered: readonly number[] = [ToHolder.input, ToHolder.keep, ToHolder.signal];

/** What is left of a conversation, what came and was not answered, and on which connection each was asked. */
interface Talk {
  left: RecordedFrame[];
  came: number[];
  sockets: Set<net.Socket>;
  asked: Map<number, net.Socket>;
}

/** What each answer of the holder is an answer to; all else is output, or its end. */
const answers: ReadonlyMap<number, number> = new Map<number, number>([
  [FromHolder.fd, ToHolder.fd],
  [FromHolder.sized, ToHolder.windowSize],
  [FromHolder.typed, ToHolder.input],
]);

/**
 * Plays the holder's side in `folder`: each of its frames once the frames before it that it answers have
 * come.
 */
export class RecordedHolder {
  /** Types of all frames that came, in order. */
  readonly heard: number[] = [];
  readonly #listener: net.Server;
  readonly #pty: UnreadPty;
  #talk: Talk | undefined;
  #beforeTold: (type: number, payload: Buffer) => void = () => {};

  private constructor(listener: net.Server, pty: UnreadPty) {
    this.#listener = listener;
    this.#pty = pty;
  }

  /**
   * @param files the session folder's files are written too, as the holder wrote them: output before it is
   * told, the record at start and end.
   */
  static async listen(folder: string, recording: Recording, { files = false } = {}): Promise<RecordedHolder> {
    const listener = net.createServer();
    // some terminal: what the link asks of it is asked of the kernel
    const player = new RecordedHolder(listener, spawnUnread("/bin/sleep", ["1000"], orders([])));
    if (files) player.#writeFiles(folder, recording);
    listener.on("connection", (socket) => player.#play(socket, recording.frames));
    await new Promise<void>((resolve) => listener.listen(path.join(folder, "sock"), resolve));
    return player;
  }

  /**
   * A connection beside another one belongs to the same conversation: each is answered what it asked, and all
   * output goes to who subscribed.
   */
  #play(socket: net.Socket, frames: readonly RecordedFrame[]): void {
    const talk: Talk = this.#talk ?? { left: [...frames], came: [], sockets: new Set(), asked: new Map() };
    this.#talk = talk;
    const send = (to: net.Socket, bytes: Buffer, fds: number[]) =>
      sendFds((to as unknown as { _handle: { fd: number } })._handle.fd, bytes, fds);
    const advance = () => {
      for (let next = talk.left[0]; next !== undefined; next = talk.left[0]) {
        const bytes = Buffer.from(next.bytes, "hex");
        const type = bytes[4] ?? 0;
        if (next.from === "server") {
          const at = talk.came.indexOf(type);
          if (at < 0 && !unanswered.includes(type)) return;
          if (at >= 0) talk.came.splice(at, 1);
        } else if (type !== FromHolder.hello) {
          this.#beforeTold(type, bytes.subarray(5));
          const to = talk.asked.get(answers.get(type) ?? ToHolder.subscribe) ?? socket;
          send(to, bytes, type === FromHolder.fd ? [this.#pty.master] : []);
        }
        talk.left.shift();
      }
      for (const one of talk.sockets) one.end();
      this.#talk = undefined;
    };
    talk.sockets.add(socket);
    const reader = new FrameReader(fromHolderLimit, (type) => {
      this.heard.push(type);
      talk.came.push(type);
      talk.asked.set(type, socket);
      if (this.#talk === talk) advance();
    });
    socket.on("data", (chunk) => reader.feed(chunk));
    socket.on("error", () => {});
    socket.on("close", () => {
      talk.sockets.delete(socket);
      if (talk.sockets.size === 0 && this.#talk === talk) this.#talk = undefined;
    });
    const hello = frames.find(({ from, bytes }) => from === "holder" && Buffer.from(bytes, "hex")[4] === FromHolder.hello);
    if (hello !== undefined) send(socket, Buffer.from(hello.bytes, "hex"), []);
    advance();
  }

  #writeFiles(folder: string, { files }: Recording): void {
    const file = (name: string) => path.join(folder, name);
    const record = Buffer.from(files.record ?? "", "base64");
    const started = Buffer.alloc(record.length);
    record.copy(started, 0, 0, record.indexOf("\n") + 1);
    fs.writeFileSync(file("record"), started, { mode: 0o600 });
    const times = Buffer.from(files.times ?? "", "base64");
    fs.writeFileSync(file("times"), times.subarray(0, 16 + 12), { mode: 0o600 }); // its head and the first size
    fs.writeFileSync(file("output.log"), "", { mode: 0o600 });
    this.#beforeTold = (type, payload) => {
      if (type === FromHolder.sized) fs.writeFileSync(file("times"), times);
      if (type === FromHolder.exit) fs.writeFileSync(file("record"), record);
      if (type !== FromHolder.data) return;
      const log = fs.openSync(file("output.log"), "r+");
      fs.writeSync(log, payload, 8, payload.length - 8, Number(payload.readBigUInt64LE(0)));
      fs.closeSync(log);
    };
  }

  async close(): Promise<void> {
    this.#listener.close();
    this.#pty.killUnlessEnded();
    await this.#pty.exited;
    this.#pty.dispose();
  }
}
