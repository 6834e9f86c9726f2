// A screen's own connection to its session's holder: output at the screen's pace, sizes and holes in order.
import fs from "node:fs";
import net from "node:net";
import { FrameReader } from "../../protocol/frame.ts";
import {
  decodeData,
  decodeExit,
  decodeGap,
  decodeHole,
  decodeSized,
  type ExitRecord,
  encodeSpeak,
  encodeSubscribe,
  encodeWindowSize,
  FromHolder,
  fromHolderLimit,
  type Gap,
  HolderRole,
  HoleReason,
} from "../../protocol/holder.ts";
import type { Size, Source } from "./channel.ts";
import { ScreenCursor } from "./screen-cursor.ts";

/** What a follower needs of its screen and of the thread. */
export interface FollowerEffects {
  /** A connected socket. Throws where nobody of ours answers. */
  connect(socket: string): number;
  /** These bytes follow those before, for the screen; without bytes: what lies before is not to be had. */
  give(offset: number, bytes: Buffer): void;
  /** The terminal has this size from here on. */
  resize(size: Size): void;
  /** The screen reads plain lines of the log itself; answers where they end. */
  fetch(log: string, from: number, to: number): Promise<number>;
  /** Bytes that the screen was given and has not taken. */
  lag(): number;
  /** Calls once, when the lag is small. */
  onDrained(callback: () => void): void;
  /** Somebody takes what the screen gets as it comes. */
  watched(): boolean;
  /** Output came that is not read. */
  grew(): void;
  /** The stream goes on: nothing waits any more. */
  goesOn(): void;
  /** The screen has passed over plain lines. */
  skipped(): void;
  /** Bytes that nobody can have; `notStored`: they never were in the log. */
  hole(gap: Gap, notStored: boolean): void;
  /** The program has ended, and all that it said was received. */
  exit(exit: ExitRecord): void;
  /** The connection is gone before the program's end was told, or was not to be had. */
  cut(reason: string): void;
}

/** Bytes that are read at once: what the socket holds is a little more than three of the holder's frames. */
const readBuffer = 256 << 10;

const nothing = Buffer.alloc(0);

export class Follower {
  readonly cursor: ScreenCursor;
  readonly #effects: FollowerEffects;
  #source: Source;
  #socket: net.Socket | undefined;
  /** Sizes that the stream has not reached yet, in order. */
  #sizes: Size[] = [];
  /** The size that the terminal is being given. */
  #asked: { cols: number; rows: number } | undefined;
  /** Offset of the next byte from the holder, and for the screen. */
  #received: number;
  #given: number;

  constructor(source: Source, effects: FollowerEffects) {
    this.#effects = effects;
    this.#source = source;
    this.#received = this.#given = source.from;
    this.cursor = new ScreenCursor({
      pass: (offset, bytes) => this.#pass(offset, bytes),
      skim: (from, to) => effects.fetch(this.#source.log, from, to),
      skipped: (to) => this.#skipped(to),
      maySkim: () => this.#asked === undefined && this.#sizes.length === 0,
      lag: () => effects.lag(),
      onDrained: (callback) => effects.onDrained(callback),
      logged: () => this.#logged(),
      pause: () => this.#socket?.pause(),
      resume: () => {
        this.#socket?.resume();
        effects.goesOn();
      },
      watched: () => effects.watched(),
      grew: () => effects.grew(),
    });
    this.cursor.skipTo(source.from);
    this.connect(source);
    // what an earlier server has not drawn is not left for later
    if (source.until > source.from) this.cursor.whenCurrent(() => {});
  }

  /** Bytes of output that came, as far as it is known here. */
  get received(): number {
    return Math.max(this.#received, this.#given);
  }

  /** Goes on with another connection, as to a successor; what was received is not asked for again. */
  connect(source: Source): void {
    this.#leave();
    this.#source = source;
    const sizes = [...source.sizes].sort((one, other) => one.offset - other.offset);
    // the last one before it holds here
    const here = sizes.findLastIndex(({ offset }) => offset <= this.#given);
    this.#sizes = sizes.slice(Math.max(0, here));
    this.#giveSizes();
    let descriptor: number;
    try {
      descriptor = this.#effects.connect(source.socket);
    } catch (error) {
      this.#effects.cut(error instanceof Error ? error.message : String(error));
      return;
    }
    const reader = new FrameReader(fromHolderLimit, (type, payload) => this.#frame(type, payload));
    // one buffer for all reads, as of HolderLink
    const buffer = Buffer.allocUnsafeSlow(readBuffer);
    const callback = (length: number): boolean => {
      if (this.#socket !== socket) return false;
      try {
        reader.feed(buffer.subarray(0, length));
      } catch (error) {
        socket.destroy(error as Error);
      }
      return true;
    };
    const options = { fd: descriptor, readable: true, writable: true, onread: { buffer, callback } };
    const socket = new net.Socket(options as net.SocketConstructorOpts);
    this.#socket = socket;
    let trouble = "the holder closed the connection";
    socket.on("error", (error) => {
      trouble = error.message;
    });
    socket.on("close", () => {
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      this.#effects.cut(trouble);
    });
    if (source.version >= 2) socket.write(encodeSpeak(source.version, HolderRole.server));
    this.#subscribe();
    if (!this.cursor.current) socket.pause();
  }

  #subscribe(): void {
    this.#socket?.write(encodeSubscribe(this.#received));
  }

  /** The terminal is being given a size; `ask`: by us, as the holder tells it to nobody else (version 1). */
  sizing(cols: number, rows: number, ask: boolean): void {
    this.#asked = { cols, rows };
    if (ask) this.#socket?.write(encodeWindowSize(cols, rows));
  }

  /** No size is waited for any more. */
  sizedOtherwise(): void {
    this.#asked = undefined;
  }

  #frame(type: number, payload: Buffer): void {
    switch (type) {
      case FromHolder.data: {
        const { offset, bytes } = decodeData(payload);
        this.#received = Math.max(this.#received, offset + bytes.length);
        // a copy: the next read uses the buffer again
        this.cursor.take(offset, Buffer.from(bytes));
        break;
      }
      case FromHolder.hole: {
        const { reason, ...gap } = decodeHole(payload);
        this.#hole(gap, reason === HoleReason.notStored);
        break;
      }
      case FromHolder.gap: {
        const gap = decodeGap(payload);
        // of a hole elsewhere it tells again and again that it grew
        if (gap.offset === this.#received) this.#hole(gap, true);
        else this.#effects.hole(gap, true);
        break;
      }
      case FromHolder.sized: {
        const size = decodeSized(payload);
        const behind = this.#sizes.findIndex(({ offset }) => offset > size.offset);
        this.#sizes.splice(behind < 0 ? this.#sizes.length : behind, 0, size);
        this.#giveSizes();
        break;
      }
      case FromHolder.exit: {
        const exit = decodeExit(payload);
        this.#effects.exit(exit);
        // whatever becomes of the connection, nothing comes on it
        this.#leave();
        break;
      }
      default: // HELLO, and what a later holder says
    }
  }

  #hole(gap: Gap, notStored: boolean): void {
    this.#received = Math.max(this.#received, gap.offset + gap.length);
    this.cursor.take(gap.offset + gap.length, nothing);
    this.#effects.hole(gap, notStored);
  }

  #pass(offset: number, bytes: Buffer): void {
    let at = 0;
    for (let next = this.#sizes[0]; next !== undefined && next.offset < offset + bytes.length; next = this.#sizes[0]) {
      const end = Math.max(at, next.offset - offset);
      if (end > at) this.#effects.give(offset + at, bytes.subarray(at, end));
      at = end;
      this.#giveSize();
    }
    this.#effects.give(offset + at, bytes.subarray(at));
    this.#given = offset + bytes.length;
    this.#giveSizes();
  }

  #giveSizes(): void {
    while (this.#sizes[0] !== undefined && this.#sizes[0].offset <= this.#given) this.#giveSize();
  }

  #giveSize(): void {
    const size = this.#sizes.shift() as Size;
    if (size.cols === this.#asked?.cols && size.rows === this.#asked.rows) this.#asked = undefined;
    this.#effects.resize(size);
  }

  #skipped(to: number): void {
    this.#given = to;
    this.#received = Math.max(this.#received, to);
    this.#subscribe();
    this.#effects.skipped();
  }

  #logged(): number {
    try {
      return fs.statSync(this.#source.log).size;
    } catch {
      return this.received; // deleted: then nothing can be read later either
    }
  }

  #leave(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.destroy();
  }

  /** Nobody follows the output any more. */
  close(): void {
    this.#leave();
    this.cursor.close();
  }
}
