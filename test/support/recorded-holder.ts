// The conversation of a holder with a server, as it was recorded from a real one, and its player: a listener
// that answers like that old binary.
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { sendFds } from "../../src/platform/native.ts";
import { FrameReader } from "../../src/protocol/frame.ts";
import { FromHolder, fromHolderLimit, ToHolder } from "../../src/protocol/holder.ts";
import { spawnUnread, type UnreadPty } from "../../src/session/holder/unread-pty.ts";
import { orders } from "./held.ts";
import { root } from "./paths.ts";

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

/**
 * Plays the holder's side in `folder`: each of its frames once the frames before it that it answers have
 * come.
 */
export class RecordedHolder {
  /** Types of all frames that came, in order. */
  readonly heard: number[] = [];
  readonly #listener: net.Server;
  readonly #pty: UnreadPty;
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

  #play(socket: net.Socket, frames: readonly RecordedFrame[]): void {
    const { fd } = (socket as unknown as { _handle: { fd: number } })._handle;
    const left = [...frames];
    const came: number[] = [];
    const advance = () => {
      for (let next = left[0]; next !== undefined; next = left[0]) {
        const bytes = Buffer.from(next.bytes, "hex");
        const type = bytes[4] ?? 0;
        if (next.from === "server") {
          const at = came.indexOf(type);
          if (at < 0 && !unanswered.includes(type)) return;
          if (at >= 0) came.splice(at, 1);
        } else {
          this.#beforeTold(type, bytes.subarray(5));
          sendFds(fd, bytes, type === FromHolder.fd ? [this.#pty.master] : []);
        }
        left.shift();
      }
      socket.end();
    };
    const reader = new FrameReader(fromHolderLimit, (type) => {
      this.heard.push(type);
      came.push(type);
      advance();
    });
    socket.on("data", (chunk) => reader.feed(chunk));
    socket.on("error", () => {});
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
