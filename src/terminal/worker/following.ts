// A screen that reads its session's holder itself: what comes stands in line for the screen, and the main
// thread is told how far the screen is.
import type { FromWorker, Key, Size, Source } from "./channel.ts";
import { smallLag } from "./channel.ts";
import { Follower } from "./follower.ts";
import type { ScreenReport } from "./screen-report.ts";

/** How far the screen is is told at least so long (ms) after the last time, unless it has said something. */
const placePause = 10;

/** What it needs of its screen and of the thread. */
export interface FollowingEffects {
  readonly key: Key;
  readonly report: ScreenReport;
  connect(socket: string): number;
  post(message: FromWorker, transfer?: ArrayBuffer[]): void;
  /** These bytes stand in line for the screen. */
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
  #follower: Follower | undefined;
  /** Questions before it were answered by an earlier server. */
  answeredTo = 0;
  /** Output that stands in line, and who waits for that to be little. */
  #waiting = 0;
  #drained: (() => void)[] = [];
  /** When it was told last how far this is (ms of the monotonic clock). */
  #toldAt = Number.NEGATIVE_INFINITY;
  #telling: NodeJS.Timeout | undefined;

  constructor(effects: FollowingEffects) {
    this.#effects = effects;
  }

  /** Reads from here on, or goes on with another connection. */
  follow(source: Source): void {
    this.answeredTo = source.until;
    if (this.#follower !== undefined) return this.#follower.connect(source);
    const { key, connect, post, fetch, watched, skipped } = this.#effects;
    this.#follower = new Follower(source, {
      connect,
      fetch,
      watched,
      skipped,
      give: (offset, bytes) => {
        this.#waiting += bytes.length;
        this.#effects.output(offset, bytes);
      },
      resize: (size) => this.#resize(size),
      lag: () => this.#waiting,
      onDrained: (callback) => {
        this.#drained.push(callback);
        if (this.#waiting <= smallLag) queueMicrotask(() => this.drain());
      },
      grew: () => this.tell(true),
      goesOn: () => this.tell(),
      hole: (gap, notStored) => post({ is: "hole", key, gap, notStored }),
      exit: (exit) => post({ is: "exit", key, exit }),
      cut: (reason) => post({ is: "cut", key, reason }),
    });
  }

  get isOn(): boolean {
    return this.#follower !== undefined;
  }

  /** The terminal is being given a size, which the stream tells; `ask`: once it was asked for here. */
  sizing(cols: number, rows: number, ask: boolean): void {
    this.#follower?.sizing(cols, rows, ask);
  }

  /** The screen has its size otherwise. */
  sizedOtherwise(): void {
    this.#follower?.sizedOtherwise();
  }

  /** Calls when the screen was given all output up to now. */
  whenCurrent(callback: () => void): void {
    if (this.#follower === undefined) callback();
    else this.#follower.cursor.whenCurrent(callback);
  }

  #resize({ offset, cols, rows }: Size): void {
    const { key, post, resize } = this.#effects;
    resize(cols, rows, offset < this.answeredTo);
    post({ is: "sized", key, cols, rows });
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
    const follower = this.#follower;
    if (follower === undefined) return;
    const { key, post, report, taken } = this.#effects;
    const pause = this.#toldAt + placePause - performance.now();
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
    this.#toldAt = performance.now();
    const { told, transfer } = report.take();
    const { current, skims } = follower.cursor;
    const place = { received: follower.received, taken: taken(), current, skims };
    post({ is: "at", key, place, grew, told }, transfer);
  }

  /** Nothing of what is still to come is wanted. */
  stop(): void {
    this.#follower?.close();
  }

  close(): void {
    this.stop();
    clearTimeout(this.#telling);
  }
}
