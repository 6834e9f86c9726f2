// A screen that reads its session's holder itself, on a connection of its own: output at the screen's pace,
// sizes and holes at their places; and the main thread is told how far the screen is.

import fs from "node:fs";
import type net from "node:net";
import { steady } from "../../base/clock.ts";
import { FrameReader } from "../../protocol/frame.ts";
import { frameSocket } from "../../protocol/frame-socket.ts";
import {
  decodeData,
  decodeExit,
  decodeGap,
  decodeHole,
  decodeSized,
  encodeSpeak,
  encodeSubscribe,
  encodeWindowSize,
  FromHolder,
  fromHolderLimit,
  type Gap,
  HolderRole,
  HoleReason,
} from "../../protocol/holder.ts";
import type { FromWorker, Key, Size, Source } from "./channel.ts";
import { smallLag } from "./channel.ts";
import { type CursorEffects, ScreenCursor } from "./screen-cursor.ts";
import type { ScreenReport } from "./screen-report.ts";

/** How far the screen is is told at least so long (ms) after the last time, unless it has said something. */
const placePause = 10;

/** Bytes that are read at once: what the socket holds is a little more than three of the holder's frames. */
const readBuffer = 256 << 10;

const nothing = Buffer.alloc(0);

/** What it needs of its screen and of the thread. */
export interface FollowingEffects {
  readonly key: Key;
  readonly report: ScreenReport;
  /** A connected socket. Throws where nobody of ours answers. */
  connect(socket: string): number;
  post(message: FromWorker, transfer?: ArrayBuffer[]): void;
  /** These bytes stand in line for the screen; none: what lies before `offset` is not to be had. */
  output(offset: number, bytes: Buffer): void;
  /** So does this size; `muted`: what it answers was answered. */
  resize(cols: number, rows: number, muted: boolean): void;
  /** The screen reads plain lines of the log itself; answers where they end. */
  fetch(log: string, from: number, to: number): Promise<number>;
  /** Offset of the next byte for the screen, once it has what stands in line. */
  taken(): number;
  /** Somebody takes what the screen gets as it comes. */
  watched(): boolean;
  /** The screen has passed over plain lines. */
  skipped(): void;
}

export class Following {
  readonly #effects: FollowingEffects;
  /** What it follows, and its cursor there; undefined before. */
  #source: Source | undefined;
  #cursor: ScreenCursor | undefined;
  #socket: net.Socket | undefined;
  /** Sizes that the stream has not reached yet, in order. */
  #sizes: Size[] = [];
  /** The size that the terminal is being given, and the last one that the stream told. */
  #asked: { cols: number; rows: number } | undefined;
  #told: Size | undefined;
  /** Offset of the next byte from the holder, and for the screen. */
  #received = 0;
  #given = 0;
  /** Output that stands in line, and who waits for that to be little. */
  #waiting = 0;
  #drained: (() => void)[] = [];
  /** When it was told last how far this is (ms of the steady clock). */
  #toldAt = Number.NEGATIVE_INFINITY;
  #telling: NodeJS.Timeout | undefined;

  constructor(effects: FollowingEffects) {
    this.#effects = effects;
  }

  /** Questions before it were answered by an earlier server. */
  get answeredTo(): number {
    return this.#source?.until ?? 0;
  }

  /** Reads from here on, or goes on with another connection; what was received is not asked for again. */
  follow(source: Source): void {
    const begins = this.#cursor === undefined;
    this.#source = source;
    if (begins) this.#received = this.#given = source.from;
    this.#cursor ??= this.#begin(source.from);
    const cursor = this.#cursor;
    this.#connect(source, cursor);
    // what an earlier server has not drawn is not left for later
    if (begins && source.until > source.from) cursor.whenCurrent(() => {});
  }

  #begin(from: number): ScreenCursor {
    const { fetch, watched } = this.#effects;
    const effects: CursorEffects = {
      pass: (offset, bytes) => this.#pass(offset, bytes),
      skim: (begin, end) => fetch((this.#source as Source).log, begin, end),
      skipped: (to) => this.#skipped(to),
      maySkim: () => this.#asked === undefined && this.#sizes.length === 0,
      lag: () => this.#waiting,
      onDrained: (callback) => {
        this.#drained.push(callback);
        if (this.#waiting <= smallLag) queueMicrotask(() => this.drain());
      },
      logged: () => this.#logged(),
      pause: () => this.#socket?.pause(),
      resume: () => {
        this.#socket?.resume();
        this.tell();
      },
      watched,
      grew: () => this.tell(true),
    };
    return new ScreenCursor(effects, from);
  }

  #connect(source: Source, cursor: ScreenCursor): void {
    const { key, post, connect } = this.#effects;
    this.#leave();
    const sizes = [...source.sizes].sort((one, other) => one.offset - other.offset);
    // the last one before it holds here
    const here = sizes.findLastIndex(({ offset }) => offset <= this.#given);
    this.#sizes = sizes.slice(Math.max(0, here));
    this.#giveSizes();
    let descriptor: number;
    try {
      descriptor = connect(source.socket);
    } catch (error) {
      return post({ is: "cut", key, reason: error instanceof Error ? error.message : String(error) });
    }
    const reader = new FrameReader(fromHolderLimit, (type, payload) => {
      if (this.#socket === socket) this.#frame(type, payload, cursor);
    });
    const socket = frameSocket(descriptor, readBuffer, reader, (error) => {
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      post({ is: "cut", key, reason: error?.message ?? "the holder closed the connection" });
    });
    this.#socket = socket;
    if (source.version >= 2) socket.write(encodeSpeak(source.version, HolderRole.server));
    this.#subscribe();
    if (!cursor.current) socket.pause();
  }

  #subscribe(): void {
    this.#socket?.write(encodeSubscribe(this.#received));
  }

  #frame(type: number, payload: Buffer, cursor: ScreenCursor): void {
    const { key, post } = this.#effects;
    switch (type) {
      case FromHolder.data: {
        const { offset, bytes } = decodeData(payload);
        this.#received = Math.max(this.#received, offset + bytes.length);
        // a copy: the next read uses the buffer again
        cursor.take(offset, Buffer.from(bytes));
        break;
      }
      case FromHolder.hole: {
        const { reason, ...gap } = decodeHole(payload);
        this.#hole(gap, reason === HoleReason.notStored, cursor);
        break;
      }
      case FromHolder.gap: {
        const gap = decodeGap(payload);
        // of a hole elsewhere it tells again and again that it grew
        if (gap.offset === this.#received) this.#hole(gap, true, cursor);
        else post({ is: "hole", key, gap, notStored: true });
        break;
      }
      case FromHolder.sized: {
        const size = decodeSized(payload);
        const behind = this.#sizes.findIndex(({ offset }) => offset > size.offset);
        this.#sizes.splice(behind < 0 ? this.#sizes.length : behind, 0, size);
        this.#giveSizes();
        break;
      }
      case FromHolder.exit:
        post({ is: "exit", key, exit: decodeExit(payload) });
        // whatever becomes of the connection, nothing comes on it
        this.#leave();
        break;
      default: // HELLO, and what a later holder says
    }
  }

  #hole(gap: Gap, notStored: boolean, cursor: ScreenCursor): void {
    this.#received = Math.max(this.#received, gap.offset + gap.length);
    cursor.take(gap.offset + gap.length, nothing);
    this.#effects.post({ is: "hole", key: this.#effects.key, gap, notStored });
  }

  /** Output for the screen, each size of the terminal at its place in it. */
  #pass(offset: number, bytes: Buffer): void {
    const end = offset + bytes.length;
    let at = 0;
    for (let next = this.#sizes[0]; next !== undefined && next.offset < end; next = this.#sizes[0]) {
      const place = Math.max(at, next.offset - offset);
      if (place > at) this.#give(offset + at, bytes.subarray(at, place));
      at = place;
      this.#giveSize();
    }
    this.#give(offset + at, bytes.subarray(at));
    this.#given = end;
    this.#giveSizes();
  }

  #give(offset: number, bytes: Buffer): void {
    this.#waiting += bytes.length;
    this.#effects.output(offset, bytes);
  }

  #giveSizes(): void {
    while (this.#sizes[0] !== undefined && this.#sizes[0].offset <= this.#given) this.#giveSize();
  }

  #giveSize(): void {
    this.#told = this.#sizes.shift() as Size;
    const { offset, cols, rows } = this.#told;
    if (cols === this.#asked?.cols && rows === this.#asked.rows) this.#asked = undefined;
    this.#effects.resize(cols, rows, offset < this.answeredTo);
    this.#effects.post({ is: "sized", key: this.#effects.key, cols, rows });
  }

  #skipped(to: number): void {
    this.#given = to;
    this.#received = Math.max(this.#received, to);
    this.#subscribe();
    this.#effects.skipped();
  }

  #logged(): number {
    try {
      return fs.statSync((this.#source as Source).log).size;
    } catch {
      return this.#known; // deleted: then nothing can be read later either
    }
  }

  /** Bytes of output that came, as far as it is known here. */
  get #known(): number {
    return Math.max(this.#received, this.#given);
  }

  /**
   * The terminal is being given a size, which the stream tells; `ask`: by us, as the holder tells it to
   * nobody else (version 1).
   */
  sizing(cols: number, rows: number, ask: boolean): void {
    if (this.#cursor === undefined) return;
    // the holder's answer may come before the word that it is asked
    this.#asked = cols === this.#told?.cols && rows === this.#told.rows ? undefined : { cols, rows };
    if (ask) this.#socket?.write(encodeWindowSize(cols, rows));
  }

  /** The screen has its size otherwise. */
  sizedOtherwise(): void {
    this.#asked = undefined;
  }

  /** Calls when the screen was given all output up to now, and up to `end`. */
  whenCurrent(callback: () => void, end = 0): void {
    if (this.#cursor === undefined) callback();
    else this.#cursor.whenCurrent(callback, end);
  }

  /** The screen has taken so many bytes. */
  took(bytes: number): void {
    this.#waiting -= bytes;
  }

  /** Goes on where little stands in line. */
  drain(): void {
    if (this.#waiting > smallLag) return;
    for (const callback of this.#drained.splice(0)) callback();
  }

  /**
   * Tells how far the screen is: soon, where it has said nothing.
   * @param grew output came that is not read.
   */
  tell(grew = false): void {
    if (this.#cursor === undefined) return;
    const { key, post, report, taken } = this.#effects;
    const pause = this.#toldAt + placePause - steady();
    if (report.isEmpty && !grew && pause > 0) {
      // a timer may come a little early: what it was for is still to be told then
      this.#telling ??= setTimeout(() => {
        this.#telling = undefined;
        this.tell();
      }, pause);
      return;
    }
    clearTimeout(this.#telling);
    this.#telling = undefined;
    this.#toldAt = steady();
    const { told, transfer } = report.take();
    const { current, skims } = this.#cursor;
    post({ is: "at", key, place: { received: this.#known, taken: taken(), current, skims }, grew, told }, transfer);
  }

  #leave(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.destroy();
  }

  /** Nothing of what is still to come is wanted. */
  stop(): void {
    this.#leave();
    this.#cursor?.close();
  }

  close(): void {
    this.stop();
    clearTimeout(this.#telling);
  }
}
