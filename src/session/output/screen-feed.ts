// Gives a session's screen its output: at once while the screen keeps up; of a flood later, from the log,
// when somebody looks or the flood rests.

/** What a feed needs of its session. */
export interface FeedEffects {
  /** The screen takes these bytes, which follow those that it has. */
  give(offset: number, bytes: Buffer): void;
  /** Bytes of output that the log has from here on, at most so many; none where a hole begins. */
  read(offset: number, length: number): Buffer;
  /** For now no more is read. */
  readAll(): void;
  /**
   * The screen reads the plain lines that the log has between two places itself; `done` is told where it
   * ended.
   */
  fetch(offset: number, end: number, done: (end: number) => void): void;
  /** Bytes of output that the log has. */
  logged(): number;
  /** Bytes that the screen was given and has not taken. */
  lag(): number;
  /** Calls once, when the lag is small. */
  onDrained(callback: () => void): void;
  /** Calls in the next turn of the event loop. */
  later(callback: () => void): void;
  /** The holder is not read from, and goes on appending to the log. */
  pause(): void;
  resume(): void;
  /** Somebody takes the output as it comes. */
  streamed(): boolean;
  /** Somebody looks at the screen all the time. */
  watched(): boolean;
  /** Output came that was not read. */
  grew(): void;
  /**
   * Whether the screen may read the log itself, and beyond what has come: no size of the terminal is on its
   * way.
   */
  mayJump(): boolean;
  /** The screen has read the log up to here: what comes next begins here. */
  jumped(offset: number): void;
}

/** Bytes that wait for a screen until it counts as left behind: it has some 25 ms of work then. */
export const screenLag = 1 << 20;
/**
 * … and while it is brought to the present: the more it has at once, the more of it has scrolled out of sight
 * and needs no parsing.
 */
const catchUpLag = 16 << 20;
/** The log is read in such pieces … */
const piece = 256 << 10;
/**
 * … of which so many (bytes) are read in one turn of the event loop, a quarter of a millisecond, which a
 * flood makes five: keys have their turn in between.
 */
const mostInATurn = 256 << 10;
/**
 * A stretch of so many bytes is worth that the screen reads it itself: what it is told, and tells, costs as
 * much as 100 KB.
 */
const leastFetch = 512 << 10;
/**
 * After two pieces in a row that it did not read, which is not plain, it is fed twice as much each time, up
 * to this (bytes), before it tries again.
 */
const mostBetweenFetches = 4 << 20;
/**
 * The log may be so far (bytes) ahead of what has come until the screen reads it there: less is here in some
 * 20 ms.
 */
export const mostAhead = 1 << 20;
/**
 * A screen that nobody looks at waits until the output has rested for this long (ms), so that a flood has the
 * processors for itself …
 */
const rest = 100;
/** … or has brought less than this (bytes) in that time, which the screen takes as it comes … */
const slow = 256 << 10;
/**
 * … or until so much was not brought: plain lines of it take half a second once somebody attaches, drawings
 * without end some seconds.
 */
const mostBacklog = 128 << 20;

export class ScreenFeed {
  readonly #effects: FeedEffects;
  /** Offset of the next byte for the screen. */
  #position = 0;
  /** Offset of the next byte of output. */
  #end = 0;
  /** The screen lacks what is between the two. */
  #behind = false;
  /** Output up to here goes to the screen without delay. */
  #until = 0;
  /** The screen reads the log up to here, beyond what has come. */
  #jumpTo = 0;
  #held = false;
  #stepping = false;
  /** Nobody waits for what is being read: what the screen does not read itself is left for later. */
  #leisurely = false;
  /** The screen is not to read before it has come here. */
  #fetchFrom = 0;
  #betweenFetches = 0;
  #timer: NodeJS.Timeout | undefined;
  #size = 0;
  #waiting: { target: number; callback: () => void }[] = [];
  #closed = false;

  constructor(effects: FeedEffects) {
    this.#effects = effects;
  }

  /** Takes output as it comes, in order. */
  output(offset: number, bytes: Buffer): void {
    this.#end = offset + bytes.length;
    if (this.#behind) return this.#balance();
    this.#give(offset, bytes);
    if (this.#effects.lag() > (this.#urgent() ? catchUpLag : screenLag)) this.#fallBehind();
    else this.#tell();
  }

  #give(offset: number, bytes: Buffer): void {
    this.#position = offset + bytes.length;
    this.#effects.give(offset, bytes);
  }

  /**
   * Whether the screen has been given all that came, up to where somebody wants it; or gets nothing any more.
   */
  get current(): boolean {
    return this.#closed || (!this.#behind && this.#end >= this.#until);
  }

  /**
   * Calls when the screen has been given all output up to now: at once where it has. Nothing comes between
   * the last byte and the call.
   */
  whenCurrent(callback: () => void): void {
    if (this.current) return callback();
    this.#hurry();
    // the screen may have taken all of it at once, and told nobody
    if (this.current) return callback();
    this.#waiting.push({ target: this.#until, callback });
  }

  /** What there is goes to the screen without delay. */
  #hurry(): void {
    const logged = this.#effects.logged();
    this.#until = Math.max(this.#until, this.#end, logged);
    const mayJump = !this.#effects.streamed() && this.#effects.mayJump();
    if (mayJump && !this.#behind && logged - this.#end > mostAhead) this.#leaveBehind();
    // not while a jump is under way: a flood would move its end on and on
    if (mayJump && this.#behind && this.#position >= this.#jumpTo) this.#jumpTo = logged;
    if (this.#behind) this.#step();
  }

  #urgent(): boolean {
    return this.#end < this.#until || this.#waiting.length > 0 || this.#effects.watched();
  }

  /** Nobody takes the output as it comes any more, since the log is too far ahead of it. */
  fallBehind(): void {
    if (!this.#behind && !this.#closed) this.#fallBehind();
  }

  #fallBehind(): void {
    this.#leaveBehind();
    if (this.#urgent()) this.#step();
    else this.#lookLater();
  }

  #leaveBehind(): void {
    this.#behind = true;
    this.#size = this.#effects.logged();
    this.#balance();
  }

  /** The holder is read from only where somebody takes what comes: the screen reads the log. */
  #balance(): void {
    const hold = this.#behind && !this.#effects.streamed();
    if (hold === this.#held) return;
    this.#held = hold;
    if (hold) this.#effects.pause();
    else this.#effects.resume();
  }

  #lookLater(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#look();
    }, rest);
  }

  #look(): void {
    if (!this.#behind || this.#closed) return;
    const size = this.#effects.logged();
    const grown = size > this.#size;
    const rests = size - this.#size < slow;
    this.#size = size;
    if (grown) this.#effects.grew();
    this.#balance();
    // who waits, waits for what there was when it came: a flood would move that on and on
    if (this.#waiting.length > 0) this.#step();
    else if (rests || this.#urgent() || size - this.#end > mostBacklog) this.#hurry();
    // what costs so little is not left for later
    else if (!this.#effects.streamed() && this.#mayFetch(size)) {
      this.#leisurely = true;
      this.#fetch(size);
    }
    if (this.#behind) this.#lookLater();
  }

  /** Gives the screen what it lacks, as much as it takes. */
  #step(): void {
    this.#leisurely = false;
    if (this.#stepping) return;
    let read = 0;
    while (this.#behind && !this.#closed) {
      if (this.#effects.lag() > catchUpLag) {
        this.#stepping = true;
        this.#effects.onDrained(() => {
          this.#stepping = false;
          this.#step();
        });
        return;
      }
      const end = Math.max(this.#end, this.#jumpTo);
      if (this.#position < end) {
        if (read >= mostInATurn) {
          this.#stepping = true;
          this.#effects.later(() => {
            this.#stepping = false;
            this.#step();
          });
          return;
        }
        if (this.#mayFetch(end)) return this.#fetch(end);
        const length = this.#readPiece(end);
        read += length;
        if (length === 0) {
          // a hole, which the screen cannot know: it goes on behind it, where the holder says that is
          this.#position = Math.max(this.#position, this.#end);
          this.#jumpTo = 0;
        }
      } else {
        this.#jumpTo = 0;
        this.#behind = false;
        this.#effects.readAll();
        if (this.#position > this.#end) {
          this.#end = this.#position;
          this.#effects.jumped(this.#position);
        }
        this.#balance();
        this.#tell();
      }
    }
  }

  #mayFetch(end: number, from = this.#position): boolean {
    return !this.#stepping && end - from >= leastFetch && from >= this.#fetchFrom && this.#effects.mayJump();
  }

  /** Gives the screen a piece of the log; answers its length, 0 where a hole begins. */
  #readPiece(end: number): number {
    const all = this.#effects.read(this.#position, Math.min(piece, end - this.#position));
    // the screen reads on its own from the end of a line on
    const bytes = this.#mayFetch(end, this.#position + all.length) ? wholeLines(all) : all;
    if (bytes.length > 0) this.#give(this.#position, bytes);
    return bytes.length;
  }

  /** The screen reads what it lacks itself, as far as it can; it may be ahead then of what has come. */
  #fetch(end: number): void {
    const from = this.#position;
    this.#stepping = true;
    this.#effects.fetch(from, end, (to) => {
      if (this.#closed) return;
      this.#stepping = false;
      this.#position = to;
      if (to - from >= leastFetch) this.#betweenFetches = 0;
      else {
        // it stands within a line, or in front of something that is not plain
        this.#readPiece(end);
        this.#fetchFrom = this.#position + this.#betweenFetches;
        this.#betweenFetches = Math.min(Math.max(piece, this.#betweenFetches * 2), mostBetweenFetches);
      }
      if (!this.#leisurely) this.#step();
    });
  }

  #tell(): void {
    for (;;) {
      const next = this.#behind ? undefined : this.#waiting.find(({ target }) => this.#position >= target);
      if (next === undefined) return;
      this.#waiting = this.#waiting.filter((waiting) => waiting !== next);
      next.callback();
    }
  }

  /** The output is at its end, or nobody follows it any more: who waits is called. */
  close(): void {
    this.#closed = true;
    this.#effects.readAll();
    clearTimeout(this.#timer);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { callback } of waiting) callback();
  }
}

/** The part that ends with a line; all of it where none ends. */
function wholeLines(bytes: Buffer): Buffer {
  const end = bytes.lastIndexOf(0x0a) + 1;
  return end > 0 ? bytes.subarray(0, end) : bytes;
}
