// The screens of the simulated server: each is a number, how much of the program's output it was given, and
// what it shows says that number. It reads the holder as the worker does, and draws some time later.
import { connectUnix } from "../../src/platform/native.ts";
import type { StoredScreen } from "../../src/terminal/model/screen.ts";
import { Following } from "../../src/terminal/worker/following.ts";
import { ScreenReport } from "../../src/terminal/worker/screen-report.ts";
import type { FollowEvents, ScreenEvents, ScreenHandle, Snapshot, Source } from "../../src/terminal/worker/screens.ts";
import { SentStream } from "../../src/terminal/worker/sent-stream.ts";
import { loop, system } from "./shims.ts";

/** What is wrong, in one sentence: the seed's end. */
export class Broken extends Error {}

/** The first thing that did not hold; who catches it does not hide it. */
export const verdict: { broken: Broken | undefined } = { broken: undefined };

export function holds(condition: boolean, what: string | (() => string)): asserts condition {
  if (condition) return;
  const broken = new Broken(typeof what === "string" ? what : what());
  verdict.broken ??= broken;
  throw broken;
}

/** Bytes of a character of the program's. */
export const wide = 3;

/** The program's output, of which no life has more. */
const all = system.simProgramBytes(0, 4 << 20);
export const output = (from: number, length: number) => all.subarray(from, from + length);

/** What a screen shows of the output before `offset`. */
export const picture = (offset: number) => Buffer.from(`\x1b[H\x1b[2J{${Math.floor(offset / wide) * wide}}`);

/** A way on which one says something to another: it arrives some time later, in order. */
function inOrder(): (arrived: () => void) => void {
  const under: (() => void)[] = [];
  return (arrived) => {
    under.push(arrived);
    setTimeout(() => under.shift()?.(), loop.chance(4));
  };
}

const modes = { bracketedPaste: false, focus: false, alternate: false, applicationCursor: false };

/**
 * Reads the holder as a screen in the worker does (Following, SentStream); what main thread and worker say to
 * each other arrives some time later, in order.
 */
class SimScreen implements ScreenHandle {
  #drawn: number;
  /** Bytes of holes that it passed over; who feeds it counts them. */
  #passed = 0;
  #work: (() => void)[] = [];
  #running = false;
  #closed = false;
  #watches = new Set<() => void>();
  #size: { cols: number; rows: number };
  /** What nobody can have, as the holder has told. */
  readonly #holes: { offset: number; length: number }[] = [];
  readonly #report = new ScreenReport();
  readonly #following: Following;
  readonly #stream: SentStream;
  readonly #toWorker = inOrder();
  readonly #toMain = inOrder();

  constructor(offset: number, size: { cols: number; rows: number }, events: ScreenEvents) {
    this.#drawn = offset;
    this.#size = { ...size };
    const tell = (what: (follow: FollowEvents) => void) =>
      this.#toMain(() => {
        if (!this.#closed && events.follow !== undefined) what(events.follow);
      });
    this.#stream = new SentStream({
      send: (at, bytes) => tell((follow) => follow.output(at, Buffer.from(bytes))),
      miss: () => tell((follow) => follow.missed()),
    });
    this.#following = new Following({
      key: 1,
      report: this.#report,
      connect: connectUnix,
      post: (message) => {
        if (message.is === "hole") this.#holes.push(message.gap);
        tell((follow) => {
          if (message.is === "at") follow.at(message.place, message.grew);
          else if (message.is === "sized") follow.sized(message.cols, message.rows);
          else if (message.is === "hole") follow.hole(message.gap, message.notStored);
          else if (message.is === "exit") follow.exit(message.exit);
          else if (message.is === "cut") follow.cut(message.reason);
        });
      },
      output: (at, bytes) => this.#later(() => this.#take(at, bytes)),
      resize: (cols, rows) =>
        this.#later(() => {
          this.#size = { cols, rows };
        }),
      fetch: () => Promise.reject(new Error("nothing is skimmed here")),
      taken: () => this.#drawn,
      watched: () => this.#watches.size > 0 || this.#stream.isOn,
      skipped: () => this.#stream.skip(),
    });
  }

  #take(offset: number, bytes: Buffer): void {
    const begins = Math.max(this.#drawn, offset);
    const missing = this.#holes.some((hole) => hole.offset <= this.#drawn && hole.offset + hole.length >= offset);
    holds(offset === this.#drawn || missing, () => `the screen stood at ${this.#drawn} and was given what stands at ${offset}`);
    holds(
      output(offset, bytes.length).equals(bytes),
      () => `the screen was given ${bytes.length} bytes that do not stand at ${offset} of the output`,
    );
    this.#drawn = offset + bytes.length;
    this.#following.took(bytes.length);
    this.#stream.pass(begins, bytes);
    this.#following.tell();
    this.#following.drain();
    for (const draw of this.#watches) draw();
  }

  #later(work: () => void): void {
    this.#work.push(work);
    if (!this.#running) this.#next();
  }

  #next(): void {
    this.#running = this.#work.length > 0;
    if (!this.#running) return;
    setTimeout(() => {
      if (!this.#closed) this.#work.shift()?.();
      this.#next();
    }, loop.chance(4));
  }

  readonly lag = 0;

  feed(): void {
    throw new Error("it reads the output itself");
  }

  onDrained(callback: () => void): void {
    setImmediate(callback);
  }

  follow(source: Source): void {
    this.#toWorker(() => {
      if (!this.#closed) this.#following.follow(source);
    });
  }

  unfollow(): void {
    this.#toWorker(() => this.#following.stop());
  }

  sizing(cols: number, rows: number, ask: boolean): void {
    this.#toWorker(() => this.#following.sizing(cols, rows, ask));
  }

  current(end?: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#toWorker(() => {
        this.#following.whenCurrent(
          () => this.#toMain(() => (this.#closed ? reject(new Error("the screen was closed")) : resolve())),
          end,
        );
      });
    });
  }

  stream(on: boolean): void {
    this.#toWorker(() => this.#stream.turn(on));
  }

  streamed(bytes: number): void {
    this.#toWorker(() => this.#stream.taken(bytes));
  }

  resize(cols: number, rows: number): void {
    this.#toWorker(() =>
      this.#later(() => {
        this.#following.sizedOtherwise();
        this.#size = { cols, rows };
      }),
    );
  }

  #ask<T>(answer: () => T, current = false): Promise<T> {
    return new Promise((resolve, reject) => {
      const inOrder = () =>
        this.#later(() => {
          const value = answer();
          this.#toMain(() => (this.#closed ? reject(new Error("the screen was closed")) : resolve(value)));
        });
      this.#toWorker(() => (current ? this.#following.whenCurrent(inOrder) : inOrder()));
    });
  }

  snapshot(_history: number, early?: (first: Buffer) => void, current = false): Promise<Snapshot> {
    return this.#ask(() => {
      const offset = this.#drawn;
      const first = picture(offset);
      if (loop.chance(2) === 0) this.#toMain(() => early?.(first));
      const whole = Math.floor(offset / wide) * wide;
      const tail = output(whole, offset - whole);
      return { offset, ...this.#size, first, history: Buffer.alloc(0), tail };
    }, current);
  }

  encode(): Promise<StoredScreen> {
    return this.#ask(() => ({
      offset: Math.floor(this.#drawn / wide) * wide - this.#passed,
      ...this.#size,
      replay: Buffer.alloc(0),
    }));
  }

  watchFrames(_cols: number, _rows: number, sink: (frame: Buffer) => void) {
    let waits = false;
    const draw = () => {
      if (waits) return;
      waits = true;
      setTimeout(() => {
        waits = false;
        const frame = picture(this.#drawn);
        this.#toMain(() => {
          if (this.#watches.has(draw) && !this.#closed) sink(frame);
        });
      }, 33);
    };
    this.#watches.add(draw);
    this.#toWorker(() => this.#later(draw));
    return { resize: draw, again: draw, close: () => this.#watches.delete(draw) };
  }

  text() {
    return this.#ask(() => ({
      lines: [`{${this.#drawn}}`],
      cursor: { x: 0, y: 0, shown: true },
      alternate: false,
      title: "",
      free: 1,
    }));
  }

  attend(): void {}

  close(): void {
    this.#closed = true;
    this.#following.close();
    this.#watches.clear();
  }
}

/** Has the face of Screens, as far as a session uses it. */
export class SimScreens {
  open(_id: string, options: { cols: number; rows: number; offset: number }, events: ScreenEvents): ScreenHandle {
    events.modes(modes);
    return new SimScreen(options.offset, options, events);
  }
}
