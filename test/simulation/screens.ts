// The screens of the simulated server: each is a number, how much of the program's output it was given, and
// what it shows says that number. It takes what it is fed in order, some time later, as the worker does.
import type { ScreenEvents, ScreenHandle, Snapshot, StoredScreen } from "../../src/terminal/worker/screens.ts";
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

const modes = { bracketedPaste: false, focus: false, alternate: false, applicationCursor: false };

class SimScreen implements ScreenHandle {
  #fed: number;
  #drawn: number;
  /** Bytes of holes that it passed over; who feeds it counts them. */
  #passed = 0;
  #work: (() => void)[] = [];
  #running = false;
  #closed = false;
  #watches = new Set<() => void>();
  #drained: (() => void)[] = [];
  readonly #of = loop.incarnation;
  #size: { cols: number; rows: number };
  #holes: () => { offset: number; length: number }[];

  constructor(offset: number, size: { cols: number; rows: number }, holes: () => { offset: number; length: number }[]) {
    this.#fed = this.#drawn = offset;
    this.#size = { ...size };
    this.#holes = holes;
  }

  get lag(): number {
    return this.#fed - this.#drawn;
  }

  #later(work: () => void): void {
    this.#work.push(work);
    if (!this.#running) this.#next();
  }

  #next(): void {
    this.#running = this.#work.length > 0;
    if (!this.#running) {
      const drained = this.#drained;
      this.#drained = [];
      for (const callback of drained) callback();
      return;
    }
    setTimeout(() => {
      this.#work.shift()?.();
      this.#next();
    }, loop.chance(4));
  }

  feed(bytes: Uint8Array): void {
    if (this.#closed || this.#of !== loop.incarnation) return;
    const hole = this.#holes().find(({ offset, length }) => this.#fed >= offset && this.#fed < offset + length);
    const matches = (from: number) => output(from, bytes.length).equals(bytes);
    if (hole !== undefined && !matches(this.#fed)) {
      this.#passed += hole.offset + hole.length - this.#fed;
      this.#fed = hole.offset + hole.length;
    }
    const from = this.#fed;
    holds(matches(from), () => `the screen was given ${bytes.length} bytes that do not stand at ${from} of the output`);
    this.#fed += bytes.length;
    const to = this.#fed;
    this.#later(() => {
      this.#drawn = to;
      for (const draw of this.#watches) draw();
    });
  }

  room(length: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(length);
  }

  fetch(): Promise<number> {
    return Promise.reject(new Error("nothing is skimmed here"));
  }

  resize(cols: number, rows: number): void {
    this.#later(() => {
      this.#size = { cols, rows };
    });
  }

  #ask<T>(answer: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#later(() => (this.#closed ? reject(new Error("the screen was closed")) : resolve(answer())));
    });
  }

  snapshot(_history: number, early?: (first: Buffer) => void): Promise<Snapshot> {
    return this.#ask(() => {
      const offset = this.#drawn;
      const first = picture(offset);
      if (loop.chance(2) === 0) early?.(first);
      const whole = Math.floor(offset / wide) * wide;
      const tail = output(whole, offset - whole);
      return { offset, ...this.#size, first, history: Buffer.alloc(0), tail };
    });
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
        if (this.#watches.has(draw) && !this.#closed) sink(picture(this.#drawn));
      }, 33);
    };
    this.#watches.add(draw);
    this.#later(draw);
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

  onDrained(callback: () => void): void {
    if (!this.#running) setImmediate(callback);
    else this.#drained.push(callback);
  }

  close(): void {
    this.#closed = true;
    this.#watches.clear();
  }
}

/** Has the face of Screens, as far as a session uses it. */
export class SimScreens {
  #holes: () => { offset: number; length: number }[];

  constructor(holes: () => { offset: number; length: number }[]) {
    this.#holes = holes;
  }

  open(_id: string, options: { cols: number; rows: number; offset: number }, events: ScreenEvents): ScreenHandle {
    events.modes(modes);
    return new SimScreen(options.offset, options, this.#holes);
  }
}
