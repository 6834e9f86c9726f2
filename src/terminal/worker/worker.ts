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
import type { FromWorker, Key, Marks, Size, Told, ToWorker } from "./channel.ts";
import { owned, smallLag } from "./channel.ts";
import { Follower, type FollowerEffects } from "./follower.ts";

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

/** How far a screen is that follows is told at least so long (ms) after the last time, unless it has said something. */
const placePause = 10;

/** Output that was sent on to be shown and was not taken (bytes): what comes beyond is not sent. */
export const mostStreamed = 4 << 20;

/** A screen that is packed up. */
interface Packed {
  stored: StoredScreen;
  /** Output behind it that does not end a sequence. */
  tail: Buffer;
  /** What a viewer gets first, at once; of a stored one that was not needed yet it is not known. */
  first: Buffer | undefined;
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

/** Output for a screen; `offset` as in `feed`. `fed`: who fed it is told. */
interface Output {
  do: "output";
  offset: number | undefined;
  bytes: Uint8Array;
  fed: boolean;
}

/** Plain lines that the screen reads itself; answers where they end. */
interface Fetch {
  do: "fetch";
  file: string;
  from: number;
  to: number;
  done(end: number): void;
}

type AtOnce = { do: "follow" | "unfollow" | "sizing" | "current" | "stream" | "streamed" };
type Job = Exclude<ToWorker, { do: "open" | "feed" } | AtOnce> | Output | Fetch;

let empty: Screen | undefined;

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
  #follower: Follower | undefined;
  /** Output that the follower gave and the screen has not taken, and who waits for that to be little. */
  #waiting = 0;
  #drained: (() => void)[] = [];
  /** Questions before it were answered, and while `muted` what is asked is. */
  #answeredTo = 0;
  #muted = false;
  /** When it was told last how far this is (ms of the monotonic clock). */
  #placedAt = Number.NEGATIVE_INFINITY;
  #placing: NodeJS.Timeout | undefined;
  /** What is sent on: bytes that were not taken, and whether some were left out. */
  #stream: { untaken: number; missing: boolean } | undefined;
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
    const { cols, rows, offset, restore } = open;
    if (restore === undefined) {
      this.#screen = this.#open(open);
      this.#noteModes();
      this.#report(0);
      this.#awaitQuiet();
    } else {
      // most stored screens are not looked at soon
      this.#screen = emptyScreen();
      const stored = { cols, rows, offset, replay: Buffer.from(restore) };
      this.#packed = { stored, tail: Buffer.alloc(0), first: undefined, since: Number.NEGATIVE_INFINITY };
    }
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
      answer: (bytes) => {
        if (!this.#muted) this.#note().answers.push(owned(bytes));
      },
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

  /** @param bytes of what it was fed. */
  #report(bytes: number): void {
    if (this.#follower !== undefined) this.#place(false);
    if (bytes === 0 && this.#told === undefined) return;
    const { told, transfer } = this.#takeTold();
    port.postMessage({ is: "taken", key: this.#key, bytes, told } satisfies FromWorker, transfer);
  }

  #takeTold(): { told: Told | undefined; transfer: ArrayBuffer[] } {
    const told = this.#told;
    this.#told = undefined;
    return { told, transfer: told?.answers.map(({ buffer }) => buffer as ArrayBuffer) ?? [] };
  }

  /** Tells how far it is; soon, where it has said nothing. */
  #place(grew: boolean): void {
    const follower = this.#follower;
    if (follower === undefined) return;
    const pause = this.#placedAt + placePause - performance.now();
    if (this.#told === undefined && !grew && pause > 0) {
      // a timer may come a little early: what it was for is still to be told then
      this.#placing ??= setTimeout(() => {
        this.#placing = undefined;
        this.#place(false);
      }, pause);
      return;
    }
    clearTimeout(this.#placing);
    this.#placing = undefined;
    this.#placedAt = performance.now();
    const { told, transfer } = this.#takeTold();
    const { current, skims } = follower.cursor;
    const place = { received: follower.received, taken: this.#offset, current, skims };
    port.postMessage({ is: "at", key: this.#key, place, grew, told } satisfies FromWorker, transfer);
  }

  /** Offset of the next byte of output. */
  get #offset(): number {
    return this.#packed === undefined ? this.#screen.offset : this.#packed.stored.offset + this.#packed.tail.length;
  }

  /** What does not stand in line behind output and sizes. Answers whether it is such a one. */
  takeAtOnce(message: ToWorker): boolean {
    switch (message.do) {
      case "follow":
        this.#answeredTo = message.source.until;
        if (this.#follower !== undefined) this.#follower.connect(message.source);
        else this.#follower = new Follower(message.source, this.#followerEffects());
        return true;
      case "unfollow":
        this.#follower?.close();
        return true;
      case "sizing":
        this.#follower?.sizing(message.cols, message.rows, message.ask);
        return true;
      case "current": {
        const answer = () => post({ is: "current", request: message.request });
        if (this.#follower === undefined) answer();
        else this.#follower.cursor.whenCurrent(answer);
        return true;
      }
      case "stream":
        this.#stream = message.on ? (this.#stream ?? { untaken: 0, missing: false }) : undefined;
        return true;
      case "streamed":
        if (this.#stream !== undefined) this.#stream.untaken = Math.max(0, this.#stream.untaken - message.bytes);
        return true;
      default:
        return false;
    }
  }

  #followerEffects(): FollowerEffects {
    const key = this.#key;
    return {
      connect: connectHolder,
      give: (offset, bytes) => {
        this.#waiting += bytes.length;
        this.add({ do: "output", offset, bytes, fed: false });
        takeTurns();
      },
      resize: (size) => this.#resized(size),
      fetch: (file, from, to) =>
        new Promise((done) => {
          this.add({ do: "fetch", file, from, to, done });
          takeTurns();
        }),
      lag: () => this.#waiting,
      onDrained: (callback) => {
        this.#drained.push(callback);
        if (this.#waiting <= smallLag) queueMicrotask(() => this.#drain());
      },
      watched: () => this.#watches.size > 0 || this.#stream !== undefined,
      grew: () => this.#place(true),
      goesOn: () => this.#place(false),
      skipped: () => this.#miss(),
      hole: (gap, notStored) => post({ is: "hole", key, gap, notStored }),
      exit: (exit) => post({ is: "exit", key, exit }),
      cut: (reason) => post({ is: "cut", key, reason }),
    };
  }

  /** The stream tells a size. */
  #resized({ offset, cols, rows }: Size): void {
    this.add({ do: "resize", key: this.#key, cols, rows, told: true, muted: offset < this.#answeredTo });
    takeTurns();
    post({ is: "sized", key: this.#key, cols, rows });
  }

  #drain(): void {
    if (this.#waiting > smallLag) return;
    for (const callback of this.#drained.splice(0)) callback();
  }

  /** Who is sent the stream lacks something of it. */
  #miss(): void {
    if (this.#stream !== undefined) post({ is: "missed", key: this.#key });
  }

  /** Sends output on to those who are to see it. */
  #sendOn(offset: number, part: Uint8Array): void {
    const stream = this.#stream;
    if (stream === undefined || part.length === 0) return;
    // who joined while something was missing lacks that, too
    if (stream.missing && stream.untaken === 0) {
      stream.missing = false;
      this.#miss();
    }
    if (!stream.missing && stream.untaken + part.length > mostStreamed) {
      stream.missing = true;
      this.#miss();
    }
    if (stream.missing) return;
    stream.untaken += part.length;
    const bytes = owned(part);
    post({ is: "output", key: this.#key, offset, bytes }, [bytes]);
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
    if (this.#packed?.first !== undefined && job.do === "snapshot") {
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
    if (this.#packed !== undefined && this.#needsScreen(job)) this.#unpack(this.#packed);
    if (job.do === "output") this.#feed(job);
    else if (job.do === "fetch") this.#fetch(job);
    else {
      this.#jobs.shift();
      this.#work(job);
      if (!this.busy) this.#awaitQuiet();
    }
  }

  /** Whether a job can only be done with the screen unpacked. */
  #needsScreen(job: Job): boolean {
    if (job.do === "resize") return job.cols !== this.#packed?.stored.cols || job.rows !== this.#packed.stored.rows;
    return job.do !== "encode" && job.do !== "attend" && job.do !== "unwatch" && job.do !== "close";
  }

  #feed(job: Output): void {
    const { offset, bytes, fed } = job;
    this.#made = undefined;
    if (offset !== undefined) this.#screen.passOver(offset + this.#done);
    const begins = this.#screen.offset;
    this.#muted = begins < this.#answeredTo;
    const most = this.#muted ? this.#done + this.#answeredTo - begins : bytes.length;
    const end = Math.min(most, endOfSlice(bytes, this.#done, slice, this.#screen));
    const part = bytes.subarray(this.#done, end);
    this.#done = end;
    if (this.#done >= bytes.length) {
      this.#jobs.shift();
      this.#done = 0;
    }
    this.#remember();
    this.#attempt(() => this.#screen.feed(part));
    this.#muted = false;
    this.#noteModes();
    if (!fed) this.#waiting -= part.length;
    this.#sendOn(begins, part);
    this.#report(fed ? part.length : 0);
    this.#drain();
    this.#changed();
    if (!this.busy) this.#awaitQuiet();
  }

  /** Reads as many plain lines as there are, some of them in each turn. */
  #fetch(job: Fetch): void {
    const { file, from, to, done } = job;
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
    const end = from + this.#done;
    this.#done = 0;
    this.#jobs.shift();
    done(end);
    this.#report(0);
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
    this.#screen = emptyScreen();
    collectGarbage();
  }

  #unpack({ stored, tail, since, first }: Packed): void {
    this.#packed = undefined;
    const soon = performance.now() - since < packing.soon;
    this.#patience = soon ? Math.min(packing.most, this.#patience * 4) : Math.max(packing.least, this.#patience / 2);
    const { offset, cols, rows, replay } = stored;
    this.#screen = this.#open({ do: "open", key: this.#key, cols, rows, scrollback: this.#scrollback, offset, restore: replay });
    // what was told about it is known already
    this.#told = undefined;
    this.#attempt(() => this.#screen.feed(tail));
    if (first !== undefined) return;
    this.#noteModes();
    if (this.#screen.title !== "") this.#note().title = this.#screen.title;
    this.#report(0);
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

  #work(job: Exclude<Job, Output | Fetch>): void {
    switch (job.do) {
      case "resize":
        // who asks for it otherwise does not wait for the stream any more
        if (job.told !== true) this.#follower?.sizedOtherwise();
        if (this.#packed !== undefined) break;
        this.#made = undefined;
        this.#muted = job.muted === true;
        this.#attempt(() => this.#screen.resize(job.cols, job.rows));
        this.#muted = false;
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
    this.#follower?.close();
    clearTimeout(this.#placing);
    clearTimeout(this.#quiet);
    if (this.#fd !== undefined) fs.closeSync(this.#fd);
    for (const watch of this.#watches.values()) clearTimeout(watch.timer);
    this.#watches.clear();
    if (this.#packed === undefined) this.#screen.dispose();
  }
}

/** Stands where a screen is packed up; never fed. */
function emptyScreen(): Screen {
  empty ??= new Screen({ cols: 2, rows: 1, scrollback: 0 });
  return empty;
}

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
const native = nativeCalls((workerData as { addon?: string } | null)?.addon);
const { trimMemory, scanPlainText } = native;

interface NativeCalls {
  trimMemory(): void;
  scanPlainText: PlainTextScan;
  connectUnix(socket: string): number;
  peerCredentials(socket: number): { uid: number };
}

/** The addon's calls that are of use here; none where the addon is not to be had. */
function nativeCalls(addon: string | undefined): Partial<NativeCalls> {
  if (addon === undefined) return {};
  try {
    return createRequire(addon)(addon);
  } catch {
    return {};
  }
}

/** A connection to a holder of ours; another user's is none. */
function connectHolder(socket: string): number {
  const { connectUnix, peerCredentials } = native;
  if (connectUnix === undefined || peerCredentials === undefined) throw new Error("the native addon is missing");
  const descriptor = connectUnix(socket);
  const { uid } = peerCredentials(descriptor);
  if (uid === process.geteuid?.() || uid === 0) return descriptor;
  fs.closeSync(descriptor);
  throw new Error(`the holder at ${socket} belongs to user ${uid}`);
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
  if (slot.takeAtOnce(message)) return;
  if (message.do === "feed") slot.add({ do: "output", offset: message.offset, bytes: message.bytes, fed: true });
  else slot.add(message as Exclude<Job, Output | Fetch>);
  takeTurns();
});
