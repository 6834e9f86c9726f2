// A connection to a holder that a test reads when it wants to, frame by frame.
import assert from "node:assert/strict";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { close, connectUnix, recvFds, sendFds } from "../../../src/platform/native.ts";
import { encodeFrame, FrameReader } from "../../../src/protocol/frame.ts";
import { decodeData, encodeSubscribe, FromHolder, fromHolderLimit, payloadSize, ToHolder } from "../../../src/protocol/holder.ts";
import { patience } from "../events.ts";

export interface HolderFrame {
  type: number;
  payload: Buffer;
}

export class Cursor {
  /** Every frame that came and was not taken. */
  readonly frames: HolderFrame[] = [];
  /** Output that came by `until`. */
  text = "";
  readonly #socket: number;
  readonly #reader = new FrameReader(fromHolderLimit, (type, payload) =>
    this.frames.push({ type, payload: Buffer.from(payload) }),
  );
  #ended = false;

  private constructor(socket: number) {
    this.#socket = socket;
  }

  /** @param options what is said at once: frames, and from where output is wanted. */
  static connect(folder: string, options: { say?: Buffer[]; offset?: number } = {}): Cursor {
    const cursor = new Cursor(connectUnix(path.join(folder, "sock")));
    const subscribe = options.offset === undefined ? [] : [encodeSubscribe(options.offset)];
    // in one piece: a holder that refuses the first of it closes the connection
    cursor.say(Buffer.concat([...(options.say ?? []), ...subscribe]));
    return cursor;
  }

  get descriptor(): number {
    return this.#socket;
  }

  say(frame: Buffer): void {
    sendFds(this.#socket, frame, []);
  }

  /** The next frame; undefined when the holder closed the connection. */
  async next(): Promise<HolderFrame | undefined> {
    for (const end = Date.now() + patience; this.frames.length === 0 && !this.#ended; ) {
      const received = recvFds(this.#socket, fromHolderLimit);
      if (received === null) {
        if (Date.now() > end) throw new Error("waited in vain for a frame of the holder");
        await delay(2);
      } else if (received.data.length === 0) this.#ended = true;
      else this.#reader.feed(received.data);
    }
    return this.frames.shift();
  }

  /** The next frame of a type; those before it are passed over. */
  async nextOf(type: number): Promise<Buffer> {
    for (;;) {
      const frame = await this.next();
      if (frame === undefined) throw new Error(`the holder closed the connection before a frame ${type}`);
      if (frame.type === type) return frame.payload;
    }
  }

  /** Output up to an offset: its bytes, and how many were passed over. */
  async readTo(end: number): Promise<{ bytes: Buffer; offset: number; jumped: number }> {
    const chunks: Buffer[] = [];
    let [offset, jumped] = [0, 0];
    while (offset < end) {
      const data = decodeData(await this.nextOf(FromHolder.data));
      jumped += data.offset - offset;
      offset = data.offset + data.bytes.length;
      chunks.push(data.bytes);
    }
    return { bytes: Buffer.concat(chunks), offset, jumped };
  }

  /** Reads until its output has these words. */
  async until(words: string): Promise<void> {
    while (!this.text.includes(words)) this.text += decodeData(await this.nextOf(FromHolder.data)).bytes.toString();
  }

  close(): void {
    close(this.#socket);
  }
}

/** Bytes of log to retain at most: earlier servers said so. */
export function encodeKeep(bytes: number): Buffer {
  const payload = Buffer.alloc(8);
  payload.writeBigUInt64LE(BigInt(bytes));
  return encodeFrame(ToHolder.keep, payload);
}

/** So many bytes of this writer's were taken, over all connections. */
export function decodeTaken(payload: Buffer): { writer: bigint; number: number } {
  assert.equal(payload.length, payloadSize.taken);
  return { writer: payload.readBigUInt64LE(0), number: Number(payload.readBigUInt64LE(8)) };
}
