// The screen worker: holds every session's screen and works on them in turns, so that a flood in one delays no other by more than a slice.
import { parentPort } from "node:worker_threads";
import type { FromWorker, Key, Told, ToWorker } from "./channel.ts";
import { owned } from "./channel.ts";
import type { FrameRenderer } from "./frames.ts";
import { internalsKnown } from "./internals.ts";
import { type InputModes, Screen, type ScreenListener } from "./screen.ts";

/** Bytes that one screen takes before another has its turn: 1 to 3 ms. */
const slice = 1 << 16;

/** Time between two frames for one viewer (ms). */
const frameTime = 33;

/** A program that holds its display back (mode 2026) for longer than this (ms) has forgotten to release it. */
const longestHold = 150;

if (parentPort === null) throw new Error("the screen worker runs in a worker thread");
const port = parentPort;

function post(message: FromWorker, transfer: Uint8Array[] = []): void {
  port.postMessage(
    message,
    transfer.map((bytes) => bytes.buffer as ArrayBuffer),
  );
}

/**
 * How often an alternate screen is remembered as it stands (ms): a program clears its display before it leaves it, and what a person saw
 * last is the state before that.
 */
const sampleTime = 1000;

/** One viewer of another size. */
interface Watch {
  number: number;
  frames: FrameRenderer;
  cols: number;
  rows: number;
  /** When the last frame was drawn (ms of the monotonic clock). */
  drawn: number;
  dirty: boolean;
  timer: NodeJS.Timeout | undefined;
}

type Job = Exclude<ToWorker, { do: "open" | "feed" }> | Uint8Array;

class Slot {
  readonly #key: Key;
  readonly #scrollback: number;
  #screen: Screen;
  #jobs: Job[] = [];
  /** Bytes of the first job that are done. */
  #done = 0;
  readonly #watches = new Map<number, Watch>();
  #told: Told | undefined;
  #modes = "";
  #heldSince: number | undefined;
  /** What stood on the alternate screen lately, and when it was looked at. */
  #seen: string[] | undefined;
  #seenAt = Number.NEGATIVE_INFINITY;

  constructor(open: ToWorker & { do: "open" }) {
    this.#key = open.key;
    this.#scrollback = open.scrollback;
    this.#screen = this.#open(open);
    this.#noteModes();
    if (this.#screen.title !== "") this.#note().title = this.#screen.title;
    this.#report(0);
  }

  #open({ cols, rows, scrollback, offset, restore }: ToWorker & { do: "open" }): Screen {
    if (restore !== undefined) {
      try {
        return Screen.restore(restore, { scrollback, offset }, this.#listener());
      } catch (error) {
        post({ is: "unreadable", key: this.#key, reason: reasonOf(error) });
      }
    }
    return new Screen({ cols, rows, scrollback, offset }, this.#listener());
  }

  #listener(): ScreenListener {
    return {
      answer: (bytes) => this.#note().answers.push(owned(bytes)),
      title: (text) => {
        this.#note().title = text;
      },
      bell: () => {
        this.#note().bells++;
      },
      left: ({ lines }) => {
        const { left } = this.#note();
        const seen = this.#seen ?? lines;
        this.#seen = undefined;
        // only the last ones can be of interest: a program that goes in and out all the time must not fill the channel
        if (left.length >= 2) left.shift();
        left.push(seen);
      },
    };
  }

  #note(): Told {
    this.#told ??= { answers: [], title: undefined, bells: 0, modes: undefined, left: [] };
    return this.#told;
  }

  #noteModes(): void {
    const modes: InputModes = this.#screen.inputModes;
    const key = Object.values(modes).join();
    if (key === this.#modes) return;
    this.#modes = key;
    this.#note().modes = modes;
  }

  #report(bytes: number): void {
    const told = this.#told;
    this.#told = undefined;
    if (bytes > 0 || told !== undefined) post({ is: "taken", key: this.#key, bytes, told }, told?.answers);
  }

  add(job: Job): void {
    this.#jobs.push(job);
  }

  get busy(): boolean {
    return this.#jobs.length > 0;
  }

  /** Does one slice of work. */
  step(): void {
    const job = this.#jobs[0];
    if (job === undefined) return;
    if (job instanceof Uint8Array) {
      const part = job.length - this.#done <= slice ? job.subarray(this.#done) : job.subarray(this.#done, this.#done + slice);
      this.#done += part.length;
      if (this.#done >= job.length) {
        this.#jobs.shift();
        this.#done = 0;
      }
      this.#remember();
      this.#attempt(() => this.#screen.feed(part));
      this.#noteModes();
      this.#report(part.length);
      this.#changed();
    } else {
      this.#jobs.shift();
      this.#work(job);
    }
  }

  #remember(): void {
    if (!this.#screen.inputModes.alternate || performance.now() - this.#seenAt < sampleTime) return;
    this.#seenAt = performance.now();
    this.#seen = this.#screen.text().lines;
  }

  /** xterm.js must not be trusted with every byte that programs can send: where it throws, the screen is made anew from what it shows. */
  #attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      const { cols, rows, offset } = this.#screen;
      const broken = this.#screen;
      const options = { scrollback: this.#scrollback, offset };
      let kept = true;
      try {
        this.#screen = Screen.restore(broken.encode().replay, options, this.#listener());
      } catch {
        kept = false;
        this.#screen = new Screen({ ...options, cols, rows }, this.#listener());
      }
      for (const watch of this.#watches.values()) watch.frames = this.#screen.frames(watch.cols, watch.rows);
      post({ is: "rebuilt", key: this.#key, reason: reasonOf(error), kept });
    }
  }

  #work(job: Exclude<Job, Uint8Array>): void {
    switch (job.do) {
      case "resize":
        this.#attempt(() => this.#screen.resize(job.cols, job.rows));
        this.#report(0);
        this.#changed();
        break;
      case "snapshot":
      case "encode":
      case "text":
        try {
          this.#answer(job);
        } catch (error) {
          post({ is: "failed", request: job.request, reason: reasonOf(error) });
        }
        break;
      case "watch": {
        const { watch: number, cols, rows } = job;
        const known = this.#watches.get(number);
        if (known === undefined) {
          const frames = this.#screen.frames(cols, rows);
          this.#watches.set(number, {
            number,
            frames,
            cols,
            rows,
            drawn: Number.NEGATIVE_INFINITY,
            dirty: false,
            timer: undefined,
          });
        } else {
          known.frames.resize(cols, rows);
          known.cols = cols;
          known.rows = rows;
        }
        this.#draw(this.#watches.get(number) as Watch);
        break;
      }
      case "again": {
        const watch = this.#watches.get(job.watch);
        if (watch === undefined) break;
        watch.frames.again();
        this.#draw(watch);
        break;
      }
      case "unwatch":
        clearTimeout(this.#watches.get(job.watch)?.timer);
        this.#watches.delete(job.watch);
        break;
      case "close":
        this.dispose();
        slots.delete(this.#key);
        break;
    }
  }

  #answer(job: ToWorker & { do: "snapshot" | "encode" | "text" }): void {
    const { request } = job;
    if (job.do === "text") {
      post({ is: "text", request, text: this.#screen.text() });
    } else if (job.do === "encode") {
      const stored = this.#screen.encode();
      const replay = owned(stored.replay);
      post({ is: "encode", request, stored: { ...stored, replay: replay as Buffer } }, [replay]);
    } else {
      // whoever sees frames has seen all of it, too, when the answer is there
      for (const watch of this.#watches.values()) if (watch.dirty) this.#draw(watch);
      const snapshot = this.#screen.snapshot(job.history, true);
      const [first, history, tail] = [owned(snapshot.first), owned(snapshot.history), owned(snapshot.tail)];
      const parts = { first: first as Buffer, history: history as Buffer, tail: tail as Buffer };
      post({ is: "snapshot", request, snapshot: { ...snapshot, ...parts } }, [first, history, tail]);
    }
  }

  /** The screen is another: viewers of frames get one when it is their time. */
  #changed(): void {
    if (this.#watches.size === 0) return;
    const now = performance.now();
    if (!this.#screen.synchronized) this.#heldSince = undefined;
    else this.#heldSince ??= now;
    for (const watch of this.#watches.values()) {
      watch.dirty = true;
      this.#schedule(watch, now);
    }
  }

  /** A frame is drawn between two bursts of output, not in the midst of one, unless the burst goes on for too long. */
  #schedule(watch: Watch, now: number): void {
    const since = now - watch.drawn;
    const held = this.#heldSince !== undefined && now - this.#heldSince < longestHold;
    const pause = this.busy ? 2 * frameTime : frameTime;
    if (since >= pause && !held) return this.#draw(watch);
    clearTimeout(watch.timer);
    const wait = held ? longestHold - (now - (this.#heldSince as number)) : pause - since;
    watch.timer = setTimeout(() => {
      watch.timer = undefined;
      if (watch.dirty) this.#schedule(watch, performance.now());
    }, wait);
  }

  #draw(watch: Watch): void {
    clearTimeout(watch.timer);
    watch.timer = undefined;
    watch.dirty = false;
    let frame: Buffer | undefined;
    this.#attempt(() => {
      frame = watch.frames.draw();
    });
    if (frame === undefined) return;
    watch.drawn = performance.now();
    const bytes = owned(frame);
    post({ is: "frame", key: this.#key, watch: watch.number, bytes }, [bytes]);
  }

  dispose(): void {
    for (const watch of this.#watches.values()) clearTimeout(watch.timer);
    this.#watches.clear();
    this.#screen.dispose();
  }
}

const slots = new Map<Key, Slot>();
let turning = false;

/** One slice for every screen that has something to do, then room for messages. */
function turn(): void {
  let busy = false;
  for (const slot of [...slots.values()]) {
    if (!slot.busy) continue;
    slot.step();
    busy ||= slot.busy;
  }
  turning = busy;
  if (busy) setImmediate(turn);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

port.on("message", (message: ToWorker) => {
  if (message.do === "open") {
    slots.set(message.key, new Slot(message));
    return;
  }
  const slot = slots.get(message.key);
  if (slot === undefined) {
    if ("request" in message) post({ is: "failed", request: message.request, reason: "the screen is closed" });
    return;
  }
  slot.add(message.do === "feed" ? message.bytes : message);
  if (turning) return;
  turning = true;
  setImmediate(turn);
});

post({ is: "ready", internals: internalsKnown() });
