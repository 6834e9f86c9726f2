// The time of a replay: which output is due when, at any speed, with long pauses shortened. Clock and screen
// are passed in.
import { type LogEvent, logEvents } from "../../store/log-events.ts";
import type { OutputLog } from "../../store/output-log.ts";

/** Output that is handed on at once: a flood in the recording must not fill the memory here. */
const readBytes = 256 << 10;

/** What a playback plays to. */
export interface Stage {
  feed(bytes: Buffer): void;
  resize(cols: number, rows: number): void;
  /** Resolves when it has taken enough of what it was fed. */
  ready(): Promise<void>;
  /** Whether nobody wants any more of it. */
  gone(): boolean;
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
  readonly #options: PlaybackOptions;
  readonly #events: AsyncGenerator<LogEvent>;
  /** The event that comes next, where it has been read: a time that is waited for. */
  #next: LogEvent | undefined;
  /** Where the output goes on, and the time of the recording (ms since 1970) that was reached. */
  #offset: number;
  #time: number;
  /** Time of the show (ms): of the last mark, and where it stood at `#anchor` of the real clock. */
  #played = 0;
  #stood = 0;
  #anchor: number | undefined;
  #speed: number;

  constructor(log: OutputLog, options: PlaybackOptions) {
    this.#options = options;
    this.#offset = options.offset;
    this.#time = options.time;
    this.#speed = options.speed;
    this.#events = logEvents(log, options.offset, options.to, true);
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
    while (!this.ended && !stage.gone()) {
      // what was written between two times belongs to the first of them, which has been reached
      const event = this.#next ?? (await this.#pull());
      this.#next = event;
      if (event?.kind !== "time") {
        this.#next = undefined;
        await this.#give(event, stage);
        continue;
      }
      const pause = Math.max(0, event.time - this.#time);
      const shown = this.#options.idle > 0 ? Math.min(pause, this.#options.idle) : pause;
      const due = this.#played + shown;
      if (due > show) {
        return this.paused ? undefined : (due - show) / this.#speed;
      }
      this.#played = due;
      this.#time = event.time;
      this.#next = undefined;
    }
    return undefined;
  }

  /** Hands on what is no time; undefined: nothing of what is left can be read. */
  async #give(event: Exclude<LogEvent, { kind: "time" }> | undefined, stage: Stage): Promise<void> {
    if (event === undefined) this.#offset = this.#options.to;
    else if (event.kind === "size") stage.resize(event.cols, event.rows);
    else if (event.kind === "hole") this.#offset = event.offset + event.length;
    else
      for (let at = 0; at < event.bytes.length && !stage.gone(); at += readBytes) {
        const bytes = event.bytes.subarray(at, at + readBytes);
        stage.feed(bytes);
        this.#offset = event.offset + at + bytes.length;
        await stage.ready();
      }
  }

  async #pull(): Promise<LogEvent | undefined> {
    const { offset, time } = this.#options;
    for (;;) {
      const { value, done } = await this.#events.next();
      if (done) return undefined;
      // what was reached by then is past; a time at the same place that came later is waited for
      if (value.kind !== "time" || value.offset > offset || value.time > time) return value;
    }
  }

  #show(now: number): number {
    return this.#stood + (this.#anchor === undefined ? 0 : (now - this.#anchor) * this.#speed);
  }
}
