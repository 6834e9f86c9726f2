// One screen in its worker: what it is told waits in one line, and is done a slice at a time.
import fs from "node:fs";
import { endOfSlice } from "../model/cost.ts";
import type { Screen, Snapshot } from "../model/screen.ts";
import type { Feed, FromWorker, InOrder, Key, Open, Urgent } from "./channel.ts";
import { owned } from "./channel.ts";
import { Following } from "./following.ts";
import { FrameWatches } from "./frame-watches.ts";
import { PackableScreen, reasonOf } from "./packable-screen.ts";
import { ScreenReport } from "./screen-report.ts";
import { SentStream } from "./sent-stream.ts";
import { connectHolder } from "./worker-native.ts";

/**
 * What one screen takes before another has its turn, in bytes of ordinary text; of what costs more it takes
 * less. 1 to 3 ms.
 */
const slice = 1 << 16;

/** … and bytes of plain lines that it reads itself: 1 ms. */
const fetchSlice = 1 << 20;

/**
 * A flood that pauses for so long (ms) is parsed to its end. It pauses also while a viewer takes what it was
 * sent, for some 20 ms: then its end would be parsed, 40 ms of work, to be pushed out by what comes next.
 */
const floodPause = 150;

/** Output for the screen; `offset` as in `Feed`. `fed`: who fed it is told. */
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

type Job = InOrder | Output | Fetch;

/** What a slot needs of its thread. */
export interface SlotEffects {
  post(message: FromWorker, transfer?: ArrayBuffer[]): void;
  /** It has something to do. */
  wake(): void;
  /** It is closed. */
  closed(): void;
  /** Does work that may take long, in this screen's turn. */
  during(work: () => void): void;
}

export class ScreenSlot {
  readonly #key: Key;
  readonly #effects: SlotEffects;
  readonly #kept: PackableScreen;
  #jobs: Job[] = [];
  /** Bytes of the first job that are done. */
  #done = 0;
  /** The file of the first job, while it is read. */
  #fd: number | undefined;
  readonly #report = new ScreenReport();
  readonly #following: Following;
  readonly #stream: SentStream;
  readonly #watches: FrameWatches;
  #gone = false;
  /**
   * The last snapshot with a history, while it still stands: of a screen that is at rest, the next viewer has
   * it at once.
   */
  #made: { history: number; snapshot: Snapshot } | undefined;
  /** The snapshot whose first part was sent before the screen was unpacked. */
  #begun = 0;
  /** Waits for silence. */
  #quiet: NodeJS.Timeout | undefined;

  constructor(open: Open, effects: SlotEffects) {
    const { key } = open;
    this.#key = key;
    this.#effects = effects;
    this.#kept = new PackableScreen(open, {
      report: this.#report,
      rebuilt: (reason, kept) => {
        this.#made = undefined;
        this.#watches.renew();
        effects.post({ is: "rebuilt", key, reason, kept });
      },
      unreadable: (reason) => effects.post({ is: "unreadable", key, reason }),
    });
    this.#stream = new SentStream({
      send: (at, part) => {
        const bytes = owned(part);
        effects.post({ is: "output", key, offset: at, bytes }, [bytes.buffer]);
      },
      miss: () => effects.post({ is: "missed", key }),
    });
    this.#watches = new FrameWatches({
      screen: () => this.#screen,
      busy: () => this.busy,
      attempt: (work) => this.#kept.attempt(work),
      post: (watch, frame) => {
        const bytes = owned(frame);
        effects.post({ is: "frame", key, watch, bytes }, [bytes.buffer]);
      },
    });
    this.#following = new Following({
      key,
      report: this.#report,
      connect: connectHolder,
      post: effects.post,
      output: (at, bytes) => this.#add({ do: "output", offset: at, bytes, fed: false }),
      resize: (cols, rows, muted) => this.#add({ do: "resize", key, cols, rows, told: true, muted }),
      fetch: (file, from, to) => new Promise((done) => this.#add({ do: "fetch", file, from, to, done })),
      taken: () => this.#kept.offset,
      watched: () => this.#watches.size > 0 || this.#stream.isOn,
      skipped: () => this.#stream.skip(),
    });
    if (this.#kept.packed !== undefined) return;
    this.#tell(0);
    this.#awaitQuiet();
  }

  get #screen(): Screen {
    return this.#kept.screen;
  }

  /** Tells what the screen has said, and that so many of the bytes that it was fed are taken. */
  #tell(bytes: number): void {
    this.#following.tell();
    if (bytes === 0 && this.#report.isEmpty) return;
    const { told, transfer } = this.#report.take();
    this.#effects.post({ is: "taken", key: this.#key, bytes, told }, transfer);
  }

  get busy(): boolean {
    return this.#jobs.length > 0;
  }

  #add(job: Job): void {
    this.#jobs.push(job);
    this.#effects.wake();
  }

  /** Does what does not wait for the screen, and takes the rest in order. */
  take(message: Feed | Urgent | InOrder): void {
    switch (message.do) {
      case "feed":
        return this.#add({ do: "output", offset: message.offset, bytes: message.bytes, fed: true });
      case "follow":
        return this.#following.follow(message.source);
      case "unfollow":
        return this.#following.stop();
      case "sizing":
        return this.#following.sizing(message.cols, message.rows, message.ask);
      case "current":
        return this.#following.whenCurrent(() => this.#effects.post({ is: "current", request: message.request }), message.end);
      case "snapshot":
        return message.current ? this.#following.whenCurrent(() => this.#add(message)) : this.#add(message);
      case "stream":
        return this.#stream.turn(message.on);
      case "streamed":
        return this.#stream.taken(message.bytes);
      default:
        return this.#add(message);
    }
  }

  /** Does one slice of work. */
  step(): void {
    this.#effects.during(() => this.#step());
  }

  #step(): void {
    const job = this.#jobs[0];
    if (job === undefined) return;
    const { packed } = this.#kept;
    if (packed?.first !== undefined && job.do === "snapshot") {
      const { first, stored, tail } = packed;
      if (job.history <= 0) {
        this.#jobs.shift();
        const { cols, rows } = stored;
        return this.#postSnapshot(job.request, { offset: this.#kept.offset, cols, rows, first, history: Buffer.alloc(0), tail });
      }
      this.#postFirst(job.request, first);
      this.#begun = job.request;
    }
    if (this.#needsScreen(job) && this.#kept.unpack()) this.#tell(0);
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
    const stored = this.#kept.packed?.stored;
    if (job.do === "resize" && stored !== undefined) return job.cols !== stored.cols || job.rows !== stored.rows;
    return job.do !== "encode" && job.do !== "attend" && job.do !== "unwatch" && job.do !== "close";
  }

  #feed({ offset, bytes, fed }: Output): void {
    if (offset !== undefined) this.#screen.passOver(offset + this.#done);
    const begins = this.#screen.offset;
    const { answeredTo } = this.#following;
    const muted = begins < answeredTo;
    const most = muted ? this.#done + answeredTo - begins : bytes.length;
    const end = Math.min(most, endOfSlice(bytes, this.#done, slice, this.#screen));
    const part = bytes.subarray(this.#done, end);
    this.#done = end;
    if (this.#done >= bytes.length) {
      this.#jobs.shift();
      this.#done = 0;
    }
    this.#report.remember(this.#screen);
    this.#change(() => this.#screen.feed(part), muted);
    this.#report.noteModes(this.#screen);
    if (!fed) this.#following.took(part.length);
    this.#stream.pass(begins, part);
    this.#tell(fed ? part.length : 0);
    this.#following.drain();
    this.#watches.changed();
    if (!this.busy) this.#awaitQuiet();
  }

  /** Reads as many plain lines as there are, some of them in each turn. */
  #fetch({ file, from, to, done }: Fetch): void {
    const read = (into: Uint8Array): number => {
      const place = from + this.#done;
      try {
        this.#fd ??= fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
        return fs.readSync(this.#fd, into, 0, Math.min(into.length, to - place), place);
      } catch {
        return 0; // whoever reads it to feed it finds the same, and says so
      }
    };
    let more = false;
    this.#change(() => {
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
    this.#tell(0);
    this.#watches.changed();
    if (!this.busy) this.#awaitQuiet();
  }

  /** Changes the screen; `muted`: what is asked there was answered. */
  #change(work: () => void, muted = false): void {
    this.#made = undefined;
    this.#report.muted = muted;
    this.#kept.attempt(work);
    this.#report.muted = false;
  }

  /**
   * Once nothing comes any more, a flood is parsed to its end, and later the screen is packed up. Then
   * nothing runs.
   */
  #awaitQuiet(): void {
    clearTimeout(this.#quiet);
    this.#quiet = undefined;
    if (this.#gone || this.#kept.packed !== undefined) return;
    if (this.#screen.unsettled) {
      this.#quiet = setTimeout(() => {
        this.#effects.during(() => this.#kept.attempt(() => this.#screen.settle()));
        this.#watches.changed();
        this.#awaitQuiet();
      }, floodPause);
    } else if (this.#watches.size === 0) {
      this.#quiet = setTimeout(() => {
        this.#quiet = undefined;
        if (this.busy) return;
        this.#made = undefined;
        this.#effects.during(() => this.#kept.pack());
      }, this.#kept.patience);
    }
  }

  #work(job: InOrder): void {
    switch (job.do) {
      case "resize":
        // who asks for it otherwise does not wait for the stream any more
        if (job.told !== true) this.#following.sizedOtherwise();
        if (this.#kept.packed !== undefined) return;
        this.#change(() => this.#screen.resize(job.cols, job.rows), job.muted);
        this.#tell(0);
        return this.#watches.changed();
      case "snapshot":
      case "encode":
      case "text":
        try {
          return this.#answer(job);
        } catch (error) {
          return this.#effects.post({ is: "failed", request: job.request, reason: reasonOf(error) });
        }
      case "watch":
        return this.#watches.watch(job.watch, job.cols, job.rows);
      case "again":
        return this.#watches.again(job.watch);
      case "unwatch":
        return this.#watches.unwatch(job.watch);
      case "attend":
        this.#kept.attended = job.on;
        return;
      case "close":
        return this.#close();
    }
  }

  #answer(job: InOrder & { do: "snapshot" | "encode" | "text" }): void {
    const { request } = job;
    if (job.do === "text") {
      this.#effects.post({ is: "text", request, text: this.#screen.text() });
    } else if (job.do === "encode") {
      const stored = this.#kept.encode();
      const replay = owned(stored.replay);
      this.#effects.post({ is: "encode", request, stored: { ...stored, replay: replay as Buffer } }, [replay.buffer]);
    } else {
      // whoever sees frames has seen all of it, too, when the answer is there
      this.#watches.flush();
      const early = job.history > 0 && request !== this.#begun ? (part: Buffer) => this.#postFirst(request, part) : undefined;
      this.#postSnapshot(request, this.#snapshot(job.history, early));
    }
  }

  #snapshot(history: number, early: ((part: Buffer) => void) | undefined): Snapshot {
    const made = this.#made;
    if (made !== undefined && history === made.history) return made.snapshot;
    if (made !== undefined && history === 0) return { ...made.snapshot, history: Buffer.alloc(0) };
    const snapshot = this.#screen.snapshot(history, early);
    if (history > 0) this.#made = { history, snapshot };
    return snapshot;
  }

  #postSnapshot(request: number, snapshot: Snapshot): void {
    const [first, history, tail] = [owned(snapshot.first), owned(snapshot.history), owned(snapshot.tail)];
    const parts = { first: first as Buffer, history: history as Buffer, tail: tail as Buffer };
    const transfer = [first.buffer, history.buffer, tail.buffer];
    this.#effects.post({ is: "snapshot", request, snapshot: { ...snapshot, ...parts } }, transfer);
  }

  #postFirst(request: number, first: Buffer): void {
    const bytes = owned(first);
    this.#effects.post({ is: "first", request, first: bytes }, [bytes.buffer]);
  }

  #close(): void {
    this.#gone = true;
    this.#following.close();
    clearTimeout(this.#quiet);
    if (this.#fd !== undefined) fs.closeSync(this.#fd);
    this.#watches.close();
    this.#kept.dispose();
    this.#effects.closed();
  }
}
