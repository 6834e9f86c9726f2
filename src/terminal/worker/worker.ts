// The screen worker: holds every session's screen and works on them in turns, so that a flood in one delays no other by more than a slice.
import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import v8 from "node:v8";
import vm from "node:vm";
import { parentPort, workerData } from "node:worker_threads";
import type { FrameRenderer } from "../frames/frames.ts";
import { endOfSlice } from "../model/cost.ts";
import { type InputModes, Screen, type ScreenListener, type Snapshot, type StoredScreen } from "../model/screen.ts";
import { heldBlocks, type PlainTextScan } from "../model/skip.ts";
import type { FromWorker, Key, Marks, Told, ToWorker } from "./channel.ts";
import { owned } from "./channel.ts";

/** What one screen takes before another has its turn, in bytes of ordinary text; of what costs more it takes less. 1 to 3 ms. */
const slice = 1 << 16;

/** … and bytes of plain lines that it reads itself: 1 ms. */
const fetchSlice = 1 << 20;

/** Time between two frames for one viewer (ms). */
const frameTime = 33;

/** A program that holds its display back (mode 2026) for longer than this (ms) has forgotten to release it. */
const longestHold = 150;

/**
 * This thread is so much nicer than the one that moves the keys, which it else makes wait under a flood: Ctrl+C takes half as long with it. More would
 * have viewers wait for their screen.
 */
const niceness = 3;

// a thread has a niceness of its own on Linux alone
if (process.platform === "linux") {
  try {
    os.setPriority(0, os.getPriority(0) + niceness);
  } catch {
    // it has the highest already
  }
}

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

/**
 * A flood that pauses for so long (ms) is parsed to its end. It pauses also while a viewer takes what it was sent, for some 20 ms: then its end would be
 * parsed, 40 ms of work, to be pushed out by what comes next.
 */
const floodPause = 150;

/**
 * A screen that says nothing for so long (ms) is packed up: 10,000 lines then take some 100 KB instead of 15 MB. One that somebody looks at
 * waits longer, and one that was woken again soon waits four times as long the next time, since unpacking costs some 30 ms.
 */
const packing = { least: 400, attended: 30_000, most: 120_000, soon: 20_000 };

/** A screen that is packed up. */
interface Packed {
  stored: StoredScreen;
  /** Output behind it that does not end a sequence. */
  tail: Buffer;
  /** What a viewer gets first, at once. */
  first: Buffer;
  since: number;
}

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
  /** The file of the first job, while it is read. */
  #fd: number | undefined;
  readonly #watches = new Map<number, Watch>();
  #packed: Packed | undefined;
  /** Silence after which it is packed up (ms). */
  #patience = packing.least;
  #attended = false;
  #gone = false;
  /** The last snapshot with a history, while it still stands: of a screen that is at rest, the next viewer has it at once. */
  #made: { history: number; snapshot: Snapshot } | undefined;
  /** The snapshot whose first part was sent before the screen was unpacked. */
  #begun = 0;
  /** Waits for silence. */
  #quiet: NodeJS.Timeout | undefined;
  #told: Told | undefined;
  #modes = "";
  #marks: Marks = { progress: undefined, prompt: false, commands: 0 };
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
    this.#awaitQuiet();
  }

  #open({ cols, rows, scrollback, offset, restore }: ToWorker & { do: "open" }): Screen {
    const shared = { scrollback, offset, scanPlainText };
    if (restore !== undefined) {
      try {
        return Screen.restore(restore, shared, this.#listener());
      } catch (error) {
        post({ is: "unreadable", key: this.#key, reason: reasonOf(error) });
      }
    }
    return new Screen({ cols, rows, ...shared }, this.#listener());
  }

  #listener(): ScreenListener {
    return {
      answer: (bytes) => this.#note().answers.push(owned(bytes)),
      title: (text) => {
        this.#note().title = text;
      },
      progress: (state, percent) => this.#mark({ progress: state === 0 ? undefined : { state, percent } }),
      prompt: (prompt) => this.#mark({ prompt, commands: this.#marks.commands + (prompt ? 0 : 1) }),
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
    this.#told ??= { answers: [], title: undefined, modes: undefined, left: [], marks: undefined };
    return this.#told;
  }

  #mark(change: Partial<Marks>): void {
    this.#marks = { ...this.#marks, ...change };
    this.#note().marks = this.#marks;
  }

  #noteModes(): void {
    const modes: InputModes = this.#screen.inputModes;
    const key = Object.values(modes).join();
    if (key === this.#modes) return;
    this.#modes = key;
    this.#note().modes = modes;
  }

  /** @param used memory that nobody here looks at any more. */
  #report(bytes: number, used?: ArrayBuffer): void {
    const told = this.#told;
    this.#told = undefined;
    if (bytes === 0 && told === undefined) return;
    const answers = told?.answers.map(({ buffer }) => buffer as ArrayBuffer) ?? [];
    port.postMessage(
      { is: "taken", key: this.#key, bytes, told, used } satisfies FromWorker,
      used === undefined ? answers : [...answers, used],
    );
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
    if (this.#packed !== undefined && "do" in job && job.do === "snapshot") {
      const { first, stored, tail } = this.#packed;
      if (job.history <= 0) {
        this.#jobs.shift();
        const { cols, rows, offset } = stored;
        return this.#postSnapshot(job.request, {
          offset: offset + tail.length,
          cols,
          rows,
          first,
          history: Buffer.alloc(0),
          tail,
        });
      }
      this.#postFirst(job.request, first);
      this.#begun = job.request;
    }
    if (this.#packed !== undefined && needsScreen(job)) this.#unpack(this.#packed);
    if (job instanceof Uint8Array) {
      this.#made = undefined;
      const part = job.subarray(this.#done, endOfSlice(job, this.#done, slice, this.#screen));
      this.#done += part.length;
      const whole = this.#done >= job.length;
      if (whole) {
        this.#jobs.shift();
        this.#done = 0;
      }
      this.#remember();
      this.#attempt(() => this.#screen.feed(part));
      this.#noteModes();
      // small parcels have memory of their own size, which nobody wants back
      this.#report(part.length, whole && job.buffer.byteLength > slice ? (job.buffer as ArrayBuffer) : undefined);
      this.#changed();
      if (!this.busy) this.#awaitQuiet();
    } else if (job.do === "fetch") {
      this.#fetch(job);
    } else {
      this.#jobs.shift();
      this.#work(job);
      if (!this.busy) this.#awaitQuiet();
    }
  }

  /** Reads as many plain lines as there are, some of them in each turn. */
  #fetch(job: ToWorker & { do: "fetch" }): void {
    const { request, file, from, to } = job;
    const read = (into: Uint8Array): number => {
      const place = from + this.#done;
      try {
        this.#fd ??= fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
        return fs.readSync(this.#fd, into, 0, Math.min(into.length, to - place), place);
      } catch {
        return 0; // whoever reads it to feed it finds the same, and says so
      }
    };
    this.#made = undefined;
    let more = false;
    this.#attempt(() => {
      const limit = Math.min(to - from, this.#done + fetchSlice);
      let taken = 1;
      while (taken > 0 && this.#done < limit) this.#done += taken = this.#screen.fetch(read);
      more = taken > 0 && this.#done < to - from;
    });
    if (more) return;
    if (this.#fd !== undefined) fs.closeSync(this.#fd);
    this.#fd = undefined;
    post({ is: "fetched", request, end: from + this.#done });
    this.#done = 0;
    this.#jobs.shift();
    this.#changed();
    if (!this.busy) this.#awaitQuiet();
  }

  /** Once nothing comes any more, a flood is parsed to its end, and later the screen is packed up. Then nothing runs. */
  #awaitQuiet(): void {
    clearTimeout(this.#quiet);
    this.#quiet = undefined;
    if (this.#gone || this.#packed !== undefined) return;
    if (this.#screen.unsettled) {
      this.#quiet = setTimeout(() => {
        this.#attempt(() => this.#screen.settle());
        this.#changed();
        this.#awaitQuiet();
      }, floodPause);
    } else if (this.#watches.size === 0) {
      const patience = this.#attended ? Math.max(packing.attended, this.#patience) : this.#patience;
      this.#quiet = setTimeout(() => this.#pack(), patience);
    }
  }

  #pack(): void {
    this.#quiet = undefined;
    const tail = this.#screen.tail();
    if (this.busy || tail === undefined) return;
    try {
      const { first } = this.#screen.snapshot(0, true);
      this.#packed = { stored: this.#screen.encode(), tail, first, since: performance.now() };
    } catch {
      // it stays as it is
      return;
    }
    this.#made = undefined;
    this.#screen.dispose();
    // the emulator and its lines go with the screen
    emptyScreen ??= new Screen({ cols: 2, rows: 1, scrollback: 0 });
    this.#screen = emptyScreen;
    collectGarbage();
  }

  #unpack({ stored, tail, since }: Packed): void {
    this.#packed = undefined;
    const soon = performance.now() - since < packing.soon;
    this.#patience = soon ? Math.min(packing.most, this.#patience * 4) : Math.max(packing.least, this.#patience / 2);
    const { offset, cols, rows, replay } = stored;
    this.#screen = this.#open({ do: "open", key: this.#key, cols, rows, scrollback: this.#scrollback, offset, restore: replay });
    // what was told about it is known already
    this.#told = undefined;
    this.#attempt(() => this.#screen.feed(tail));
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
      this.#made = undefined;
      const { cols, rows, offset } = this.#screen;
      const broken = this.#screen;
      const options = { scrollback: this.#scrollback, offset, scanPlainText };
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

  #work(job: Exclude<Job, Uint8Array | { do: "fetch" }>): void {
    switch (job.do) {
      case "resize":
        this.#made = undefined;
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
      case "attend":
        this.#attended = job.on;
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
      const stored = this.#packed?.stored ?? this.#screen.encode();
      const replay = owned(stored.replay);
      post({ is: "encode", request, stored: { ...stored, replay: replay as Buffer } }, [replay]);
    } else {
      // whoever sees frames has seen all of it, too, when the answer is there
      for (const watch of this.#watches.values()) if (watch.dirty) this.#draw(watch);
      const early = job.history > 0 && request !== this.#begun ? (part: Buffer) => this.#postFirst(request, part) : undefined;
      this.#postSnapshot(request, this.#snapshot(job.history, early));
    }
  }

  #snapshot(history: number, early: ((part: Buffer) => void) | undefined): Snapshot {
    const made = this.#made;
    if (made !== undefined && history === made.history) return made.snapshot;
    if (made !== undefined && history === 0) return { ...made.snapshot, history: Buffer.alloc(0) };
    const snapshot = this.#screen.snapshot(history, true, early);
    if (history > 0) this.#made = { history, snapshot };
    return snapshot;
  }

  #postSnapshot(request: number, snapshot: Snapshot): void {
    const [first, history, tail] = [owned(snapshot.first), owned(snapshot.history), owned(snapshot.tail)];
    const parts = { first: first as Buffer, history: history as Buffer, tail: tail as Buffer };
    post({ is: "snapshot", request, snapshot: { ...snapshot, ...parts } }, [first, history, tail]);
  }

  #postFirst(request: number, first: Buffer): void {
    const bytes = owned(first);
    post({ is: "first", request, first: bytes }, [bytes]);
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
      this.#screen.settle();
      frame = watch.frames.draw();
    });
    if (frame === undefined) return;
    watch.drawn = performance.now();
    const bytes = owned(frame);
    post({ is: "frame", key: this.#key, watch: watch.number, bytes }, [bytes]);
  }

  dispose(): void {
    this.#gone = true;
    clearTimeout(this.#quiet);
    if (this.#fd !== undefined) fs.closeSync(this.#fd);
    for (const watch of this.#watches.values()) clearTimeout(watch.timer);
    this.#watches.clear();
    if (this.#packed === undefined) this.#screen.dispose();
  }
}

/** Whether a job can only be done with the screen unpacked. */
function needsScreen(job: Job): boolean {
  return job instanceof Uint8Array || (job.do !== "encode" && job.do !== "attend" && job.do !== "unwatch" && job.do !== "close");
}

/** Stands where a screen was packed up; never fed. */
let emptyScreen: Screen | undefined;

let collecting: NodeJS.Timeout | undefined;

/**
 * Memory of packed screens goes back to the system now: an idle worker allocates nothing, so V8 would not look for garbage for hours.
 * Several that are packed at once share one collection.
 */
function collectGarbage(): void {
  clearTimeout(collecting);
  collecting = setTimeout(() => {
    heldBlocks.clear();
    gc?.();
    // V8 frees in a thread of its own, in its time
    collecting = setTimeout(() => {
      collecting = undefined;
      trimMemory?.();
    }, 50);
  }, 50);
}

const gc = exposedGc();
const { trimMemory, scanPlainText } = nativeCalls((workerData as { addon?: string } | null)?.addon);

/** The addon's calls that give freed memory to the system and find plain output; none where the addon is not to be had. */
function nativeCalls(addon: string | undefined): { trimMemory?: () => void; scanPlainText?: PlainTextScan } {
  if (addon === undefined) return {};
  try {
    return createRequire(addon)(addon);
  } catch {
    return {};
  }
}

/** V8's collector, which Node shows only when asked; undefined where it does not. */
function exposedGc(): (() => void) | undefined {
  try {
    v8.setFlagsFromString("--expose-gc");
    return vm.runInNewContext("gc") as () => void;
  } catch {
    return undefined;
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

function takeTurns(): void {
  if (turning) return;
  turning = true;
  setImmediate(turn);
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
  takeTurns();
});
