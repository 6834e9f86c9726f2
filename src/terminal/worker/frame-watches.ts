// The viewers of one screen whose terminals have other sizes: each is drawn frames, as often as a person
// sees them.
import { steady } from "../../base/clock.ts";
import type { FrameRenderer } from "../frames/frames.ts";
import type { Screen } from "../model/screen.ts";

/** Time between two frames for one viewer (ms). */
const frameTime = 33;

/** A program that holds its display back (mode 2026) for longer than this (ms) forgot to release it. */
const longestHold = 150;

/** What they need of their screen. */
export interface FrameWatchesEffects {
  /** The screen as it stands; another one once it was made anew. */
  screen(): Screen;
  /** More of a burst of output waits for it. */
  busy(): boolean;
  /** Does something with it that may throw. */
  attempt(work: () => void): void;
  /** A frame for one of them. */
  post(watch: number, frame: Buffer): void;
}

interface Watch {
  number: number;
  frames: FrameRenderer;
  /** When the last frame was drawn (ms of the steady clock). */
  drawn: number;
  dirty: boolean;
  timer: NodeJS.Timeout | undefined;
}

export class FrameWatches {
  readonly #effects: FrameWatchesEffects;
  readonly #watches = new Map<number, Watch>();
  #heldSince: number | undefined;

  constructor(effects: FrameWatchesEffects) {
    this.#effects = effects;
  }

  get size(): number {
    return this.#watches.size;
  }

  /** One came, or has another size now: it is drawn at once. */
  watch(number: number, cols: number, rows: number): void {
    let watch = this.#watches.get(number);
    if (watch === undefined) {
      const frames = this.#effects.screen().frames(cols, rows);
      watch = { number, frames, drawn: Number.NEGATIVE_INFINITY, dirty: false, timer: undefined };
      this.#watches.set(number, watch);
    } else watch.frames.resize(cols, rows);
    this.#draw(watch);
  }

  /** One asks for a complete frame. */
  again(number: number): void {
    const watch = this.#watches.get(number);
    if (watch === undefined) return;
    watch.frames.again();
    this.#draw(watch);
  }

  unwatch(number: number): void {
    clearTimeout(this.#watches.get(number)?.timer);
    this.#watches.delete(number);
  }

  /** The screen was made anew. */
  renew(): void {
    const screen = this.#effects.screen();
    for (const watch of this.#watches.values()) watch.frames = screen.frames(watch.frames.cols, watch.frames.rows);
  }

  /** The screen is another: each gets a frame when it is its time. */
  changed(): void {
    if (this.size === 0) return;
    const now = steady();
    if (!this.#effects.screen().synchronized) this.#heldSince = undefined;
    else this.#heldSince ??= now;
    for (const watch of this.#watches.values()) {
      watch.dirty = true;
      this.#schedule(watch, now);
    }
  }

  /** Nobody waits for a frame of what the screen shows. */
  flush(): void {
    for (const watch of this.#watches.values()) if (watch.dirty) this.#draw(watch);
  }

  /** A frame is drawn between two bursts of output, unless the burst goes on for too long. */
  #schedule(watch: Watch, now: number): void {
    const since = now - watch.drawn;
    const held = this.#heldSince !== undefined && now - this.#heldSince < longestHold;
    const pause = this.#effects.busy() ? 2 * frameTime : frameTime;
    if (since >= pause && !held) return this.#draw(watch);
    clearTimeout(watch.timer);
    const wait = held ? longestHold - (now - (this.#heldSince as number)) : pause - since;
    watch.timer = setTimeout(() => {
      watch.timer = undefined;
      if (watch.dirty) this.#schedule(watch, steady());
    }, wait);
  }

  #draw(watch: Watch): void {
    clearTimeout(watch.timer);
    watch.timer = undefined;
    watch.dirty = false;
    let frame: Buffer | undefined;
    this.#effects.attempt(() => {
      this.#effects.screen().settle();
      frame = watch.frames.draw();
    });
    if (frame === undefined) return;
    watch.drawn = steady();
    this.#effects.post(watch.number, frame);
  }

  close(): void {
    for (const watch of this.#watches.values()) clearTimeout(watch.timer);
    this.#watches.clear();
  }
}
