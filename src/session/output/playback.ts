// The time of a replay: which output is due when, at any speed, with long pauses shortened. Clock and screen
// are passed in.
import type { OutputLog } from "../../store/output-log.ts";
import type { Mark } from "../../store/times.ts";

/** Output that is handed on at once: a flood in the recording must not fill the memory here. */
const readBytes = 256 << 10;

/** What a playback plays to. */
export interface Stage {
  feed(bytes: Buffer): void;
  resize(cols: number, rows: number): void;
  /** Resolves when it has taken enough of what it was fed. */
  ready(): Promise<void>;
}

export interface PlaybackOptions {
  /** First byte, and the time (ms since 1970) at which the playback stands. */
  offset: number;
  time: number;
  /** Where it ends. */
  to: number;
  /** Pauses longer than this (ms) are shortened to it; 0: none is. */
  idle: number;
  speed: number;
}

export class Playback {
  readonly #log: OutputLog;
  readonly #options: PlaybackOptions;
  readonly #marks: Iterator<Mark>;
  #next: Mark | undefined;
  /** Where the output goes on, and the time of the recording (ms since 1970) that was reached. */
  #offset: number;
  #time: number;
  /** Time of the show (ms): of the last mark, and where it stood at `#anchor` of the real clock. */
  #played = 0;
  #stood = 0;
  #anchor: number | undefined;
  #speed: number;
  #size = 0;

  constructor(log: OutputLog, options: PlaybackOptions) {
    this.#log = log;
    this.#options = options;
    this.#offset = options.offset;
    this.#time = options.time;
    this.#speed = options.speed;
    this.#marks = log.times.marks(options.offset);
    this.#next = this.#pull();
    // what was reached by then is past; a mark at the same place that came later is waited for
    while (this.#next !== undefined && this.#next.offset <= options.offset && this.#next.time <= options.time)
      this.#next = this.#pull();
    const sizes = log.sizes();
    while (this.#size < sizes.length && (sizes[this.#size]?.offset ?? 0) <= options.offset) this.#size++;
  }

  /** The time of the recording that was reached. */
  get time(): number {
    return this.#time;
  }

  get offset(): number {
    return this.#offset;
  }

  get speed(): number {
    return this.#speed;
  }

  get ended(): boolean {
    return this.#offset >= this.#options.to;
  }

  get paused(): boolean {
    return this.#anchor === undefined;
  }

  play(now: number): void {
    this.#anchor ??= now;
  }

  pause(now: number): void {
    this.#stood = this.#show(now);
    this.#anchor = undefined;
  }

  setSpeed(speed: number, now: number): void {
    this.#stood = this.#show(now);
    if (this.#anchor !== undefined) this.#anchor = now;
    this.#speed = speed;
  }

  /**
   * Hands on what is due; answers in how many ms (real time) more will be, undefined when nothing will (the
   * end, a pause).
   */
  async advance(now: number, stage: Stage): Promise<number | undefined> {
    const show = this.#show(now);
    while (!this.ended) {
      // what was written between two marks belongs to the first of them, which has been reached
      const until = Math.min(this.#next?.offset ?? this.#options.to, this.#options.to);
      if (this.#offset < until) {
        await this.#give(until, stage);
        continue;
      }
      if (this.#next === undefined) break;
      const pause = Math.max(0, this.#next.time - this.#time);
      const shown = this.#options.idle > 0 ? Math.min(pause, this.#options.idle) : pause;
      const due = this.#played + shown;
      if (due > show) {
        return this.paused ? undefined : (due - show) / this.#speed;
      }
      this.#played = due;
      this.#time = this.#next.time;
      this.#next = this.#pull();
    }
    return undefined;
  }

  async #give(until: number, stage: Stage): Promise<void> {
    const sizes = this.#log.sizes();
    for (let size = sizes[this.#size]; size !== undefined && size.offset <= this.#offset; size = sizes[++this.#size])
      stage.resize(size.cols, size.rows);
    const to = Math.min(until, sizes[this.#size]?.offset ?? until, this.#offset + readBytes);
    const bytes = await this.#log.read(this.#offset, to - this.#offset);
    if (bytes.length > 0) stage.feed(bytes);
    else {
      // a hole: what is missing is passed over
      const hole = this.#log.holes().find(({ offset, length }) => offset <= this.#offset && this.#offset < offset + length);
      this.#offset = Math.min(to, hole === undefined ? to : hole.offset + hole.length);
      return;
    }
    this.#offset += bytes.length;
    await stage.ready();
  }

  #pull(): Mark | undefined {
    const { value, done } = this.#marks.next();
    return done ? undefined : value;
  }

  #show(now: number): number {
    return this.#stood + (this.#anchor === undefined ? 0 : (now - this.#anchor) * this.#speed);
  }
}
