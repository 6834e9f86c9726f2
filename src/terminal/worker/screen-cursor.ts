// The screen's cursor on the output: reads the holder's stream at the screen's pace, and passes over plain
// lines that nobody will see. Those who are sent the stream get what the screen gets.
//
//   reading   what comes goes to the screen
//   full      as much waits for the screen as may: the stream stands still until it has taken that
//   resting   a flood that nobody looks at has left the screen behind: now and then the log is looked at
//   skimming  the screen reads plain lines from the log's file itself
//   over      nothing comes any more
//
//   reading → full      so much waits, or so much has come that it may be a flood
//   full → …            the screen has room: skimming where the log is far ahead, resting where nobody
//                       looks, else reading
//   resting → …         somebody looks, or the output rests, or too much was not read: as from full; else
//                       skimming
//   skimming → …        as from full; resting where nobody looks
//   any → over          the session's end, or the server's

/** What a cursor needs of its session. */
export interface CursorEffects {
  /** These bytes follow those before: for the screen, and for those who are sent the stream. */
  pass(offset: number, bytes: Buffer): void;
  /** The screen reads the plain lines that the log has between two places; answers where it ended. */
  skim(from: number, to: number): Promise<number>;
  /** The stream goes on here: what lies before was skimmed. */
  skipped(to: number): void;
  /** Whether what comes may be skimmed: no size of the terminal is on its way. */
  maySkim(): boolean;
  /** Bytes that the screen was given and has not taken. */
  lag(): number;
  /** Calls once, when the lag is small. */
  onDrained(callback: () => void): void;
  /** Bytes of output that the log has. */
  logged(): number;
  /** The holder is not read from, and goes on appending to the log. */
  pause(): void;
  resume(): void;
  /** Somebody takes what the screen gets as it comes. */
  watched(): boolean;
  /** Output came that was not read. */
  grew(): void;
}

/** Bytes that wait for a screen until the stream stands still: it has some 50 ms of work then. */
export const mostWaiting = 2 << 20;
/** After so many bytes the log is looked at: a flood may be far ahead, though the screen keeps up. */
export const lookEvery = 4 << 20;
/** The log may be so far (bytes) ahead of a screen that nobody looks at: less comes in some 20 ms. */
export const mostBehind = 1 << 20;
/**
 * A stretch of so many bytes is worth that the screen reads it itself: what it is told, and tells, costs as
 * much as 100 KB.
 */
const leastSkim = 512 << 10;
/**
 * After a stretch that is not plain so much (bytes) is read before the next try, each time twice as much, up
 * to the other.
 */
const betweenSkims = { least: 256 << 10, most: 4 << 20 };
/**
 * A screen that nobody looks at waits until the output has rested for this long (ms), so that a flood has the
 * processors for itself …
 */
const rest = 100;
/** … or has brought less than this (bytes) in that time, which the screen takes as it comes … */
const slow = 256 << 10;
/**
 * … or until so much was not read: plain lines of it take half a second once somebody attaches, drawings
 * without end some seconds.
 */
const mostBacklog = 128 << 20;

export class ScreenCursor {
  readonly #effects: CursorEffects;
  #state: "reading" | "full" | "resting" | "skimming" | "over" = "reading";
  /** Offset of the next byte for the screen. */
  #position: number;
  /** What came while the stream was being stopped, in order. */
  #unread: { offset: number; bytes: Buffer }[] = [];
  /** Output up to here goes to the screen without delay. */
  #until = 0;
  #sinceLook = 0;
  #skimFrom = 0;
  #between = 0;
  /** What the log had at the last look. */
  #seen = 0;
  #timer: NodeJS.Timeout | undefined;
  #waiting: { target: number; callback: () => void }[] = [];

  /** @param from offset of the first byte that is wanted. */
  constructor(effects: CursorEffects, from: number) {
    this.#effects = effects;
    this.#position = from;
  }

  /**
   * Takes output as the holder sends it, in order. What was skimmed meanwhile is on its way still. Without
   * bytes: what lies before is not to be had.
   */
  take(offset: number, bytes: Buffer): void {
    if (this.#state === "over") return;
    if (this.#state !== "reading") {
      this.#unread.push({ offset, bytes });
      return;
    }
    const fresh = bytes.subarray(Math.max(0, this.#position - offset));
    if (fresh.length > 0 || offset > this.#position) this.#pass(Math.max(offset, this.#position), fresh);
  }

  #pass(offset: number, bytes: Buffer): void {
    this.#sinceLook += bytes.length;
    const fills = this.#effects.lag() + bytes.length > mostWaiting || this.#sinceLook > lookEvery;
    // the screen skims from the end of a line on
    const part = fills ? wholeLines(bytes) : bytes;
    this.#position = offset + part.length;
    this.#effects.pass(offset, part);
    if (fills) this.#fill();
    if (part.length < bytes.length) {
      const left = { offset: this.#position, bytes: bytes.subarray(part.length) };
      // before what came behind it
      if (this.#state === "reading") this.take(left.offset, left.bytes);
      else this.#unread.unshift(left);
    }
    this.#tell();
  }

  #fill(): void {
    if (this.#state !== "reading") return;
    this.#state = "full";
    this.#effects.pause();
    this.#effects.onDrained(() => {
      if (this.#state === "full") this.#goOn();
    });
  }

  /** The screen has room. */
  #goOn(): void {
    clearTimeout(this.#timer);
    this.#sinceLook = 0;
    // who waits for what the screen has been given is called first: a flood would be skimmed without an end
    this.#state = "reading";
    this.#tell();
    const logged = this.#effects.logged();
    if (logged > this.#position) this.#effects.grew();
    if (this.#maySkim(logged)) return this.#skim(logged);
    if (!this.#urgent && logged - this.#position > mostBehind) return this.#rest(logged);
    while (this.#state === "reading") {
      const next = this.#unread.shift();
      if (next === undefined) {
        this.#effects.resume();
        return this.#tell();
      }
      this.take(next.offset, next.bytes);
    }
  }

  get #urgent(): boolean {
    return this.#position < this.#until || this.#waiting.length > 0 || this.#effects.watched();
  }

  #rest(logged: number): void {
    this.#state = "resting";
    this.#seen = logged;
    this.#timer = setTimeout(() => this.#look(), rest);
  }

  /** The log, of a flood that nobody looks at. */
  #look(): void {
    const logged = this.#effects.logged();
    const rests = logged - this.#seen < slow;
    if (rests || this.#urgent || logged - this.#position > mostBacklog) {
      this.#until = Math.max(this.#until, logged);
      return this.#goOn();
    }
    if (logged > this.#seen) this.#effects.grew();
    // what costs so little is not left for later
    if (this.#maySkim(logged)) this.#skim(logged);
    else this.#rest(logged);
  }

  #maySkim(logged: number): boolean {
    return logged - this.#position >= leastSkim && this.#position >= this.#skimFrom && this.#effects.maySkim();
  }

  #skim(logged: number): void {
    const from = this.#position;
    this.#state = "skimming";
    void this.#effects.skim(from, logged).then((to) => {
      if (this.#state !== "skimming") return;
      this.#between = to - from >= leastSkim ? 0 : Math.min(Math.max(betweenSkims.least, this.#between * 2), betweenSkims.most);
      this.#skimFrom = to + this.#between;
      if (to > from) {
        this.#position = to;
        this.#effects.skipped(to);
        this.#tell();
      }
      if (this.#urgent || this.#between > 0) this.#goOn();
      else this.#rest(this.#effects.logged());
    });
  }

  /**
   * Whether the last that was tried of it was plain lines, which the screen passes over many times faster
   * than it parses anything else.
   */
  get skims(): boolean {
    return this.#skimFrom > 0 && this.#between === 0;
  }

  /** Whether the screen was given all that came: nothing has to be read for who looks. */
  get current(): boolean {
    return this.#state === "reading" || this.#state === "over";
  }

  /**
   * Calls when the screen has been given all output up to now, and up to `end`: at once where it has, or gets
   * nothing any more. Nothing comes between the last byte and the call.
   */
  whenCurrent(callback: () => void, end = 0): void {
    if (this.#state === "over") return callback();
    const last = this.#unread.at(-1);
    const target = Math.max(end, this.#effects.logged(), last === undefined ? 0 : last.offset + last.bytes.length);
    this.#until = Math.max(this.#until, target);
    this.#waiting.push({ target, callback });
    if (this.#state === "resting") this.#goOn();
    else this.#tell();
  }

  #tell(): void {
    for (;;) {
      const next = this.#state === "reading" ? this.#waiting.find(({ target }) => this.#position >= target) : undefined;
      if (next === undefined) return;
      this.#waiting = this.#waiting.filter((waiting) => waiting !== next);
      next.callback();
    }
  }

  /** The output is at its end, or nobody follows it any more: who waits is called. */
  close(): void {
    this.#state = "over";
    clearTimeout(this.#timer);
    for (const { callback } of this.#waiting.splice(0)) callback();
  }
}

/** The part that ends with a line; all of it where none ends. */
function wholeLines(bytes: Buffer): Buffer {
  const end = bytes.lastIndexOf(0x0a) + 1;
  return end > 0 ? bytes.subarray(0, end) : bytes;
}
