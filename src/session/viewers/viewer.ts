// One viewer of a session: a terminal of the session's size reads the output itself, or is sent it; any other
// gets rendered frames. Never waited for.
// Long: the ways in which a terminal is shown its session give way to each other, in one state.
import { steady } from "../../base/clock.ts";
import { printable } from "../../base/text/printable.ts";
import { showable, type TerminalBytes } from "../../base/text/terminal-bytes.ts";
import { type FrameWatch, NoScreens, type ScreenHandle, type Snapshot } from "../../terminal/worker/screens.ts";
import { BesideLine } from "./beside-line.ts";
import { notification } from "./notification.ts";
import type { OutputFilter, ViewerTerminal } from "./terminal-effects.ts";

/**
 * Bytes that may wait for a viewer. Past it the stream is dropped and the viewer is given a snapshot when it
 * has read what it was sent: a terminal that stands still for an hour costs one screen, not an hour of output
 * (invariant 4).
 */
export const viewerCredit = 1 << 20;

/**
 * A viewer that was left behind by a flood is given the screen so much later (ms): 25 times a second is as
 * much as a person sees, and the flood has the processors in between.
 */
export const rejoinPause = 40;

/** A viewer to whom no screen can be shown tries again after this time (ms). */
const screenlessPause = 2_000;

/** A terminal that took nothing for so many percent of the time is what its output waits for. */
const mostlyBlocked = 50;

/**
 * So long (ms) a screen is waited for until the terminal says so: one that is ready comes in 20 ms, 10,000
 * lines under a flood in 300.
 */
export const slowScreen = 1_000;

/** What a viewer needs of its session. */
export interface Viewed {
  readonly cols: number;
  readonly rows: number;
  /** Its terminal is being given another size: whoever joins waits for that, and is told to join then. */
  readonly sizing: boolean;
  /** Whether the screen has all output, as far as it is known, and is answered at once. */
  readonly current: boolean;
  /** Calls when the screen has all output up to now. */
  whenCurrent(callback: () => void): void;
  /** The output is sent, as the screen takes it. */
  stream(): void;
  /** A connection on which the holder sends the output from here on; undefined where there is none. */
  openCursor(offset: number): number | undefined;
  /**
   * Whether a terminal that shows the output up to here, and takes so many bytes a second, is better served
   * with the screen.
   */
  lags(offset: number, rate: number): boolean;
  screen(): ScreenHandle;
}

/** Stands in the first row until the screen comes, which is drawn over it. */
const catchingUp = showable(
  "\x1b7\x1b[H\x1b[7m falcon: catching up with what the program draws; you can leave \x1b[m\x1b[K\x1b8",
);

type Mode =
  /** `begun`: the screen is on the terminal, its history is not yet. `failed`: no screen came. */
  | { is: "joining"; begun: boolean; failed?: boolean }
  /** `done` resolves when the terminal has read to the end. */
  | { is: "direct"; done: Promise<void> }
  | { is: "stream"; stream: OutputFilter }
  | { is: "frames"; watch: FrameWatch; stale: boolean }
  | { is: "behind" }
  | { is: "borrowed" }
  | { is: "closed" };

export class Viewer {
  #viewed: Viewed;
  #terminal: ViewerTerminal;
  #mode: Mode = { is: "behind" };
  #history: number;
  #filterOf: (source: "program" | "screen") => OutputFilter;
  /** Of the screens and frames at hand. */
  #allowed: OutputFilter | undefined;
  /** Tells that its screen is waited for. */
  #slow: NodeJS.Timeout | undefined;
  /** Called when its terminal reads the output itself from then on. */
  onReads: () => void = () => {};
  /** Whether its terminal may read the output itself. */
  #mayRead: boolean;
  /** The terminal was sent the output before this offset, as it came; undefined: it was sent none so. */
  shown: number | undefined;
  /** A line of ours in the terminal's bottom row; the screen is drawn in the rows above it. */
  #line: TerminalBytes | undefined;
  /** While that line stands: what the program does beside its screen. */
  #beside: BesideLine | undefined;
  /** Called when the program says more than a line of ours may stand in the way of. */
  onFlood: () => void = () => {};
  cols: number;
  rows: number;

  /**
   * @param history lines of scrollback that the first join sends; later ones send none, the terminal has them
   * already.
   * @param filterOf makes the filter of a program's stream, or of a screen that we draw, by what programs may
   * do to a viewer's terminal.
   */
  constructor(
    viewed: Viewed,
    terminal: ViewerTerminal,
    size: { cols: number; rows: number },
    history: number,
    filterOf: (source: "program" | "screen") => OutputFilter,
  ) {
    this.#viewed = viewed;
    this.#terminal = terminal;
    this.cols = size.cols;
    this.rows = size.rows;
    this.#history = history;
    this.#mayRead = terminal.direct !== undefined;
    this.#filterOf = filterOf;
  }

  /** Gives the viewer the screen as it stands now and everything from here on. */
  join(): void {
    if (this.#mode.is === "closed" || this.#mode.is === "borrowed") return;
    this.#slow ??= setTimeout(() => this.#terminal.write(catchingUp), slowScreen);
    this.hold();
    if (this.#viewed.sizing) return;
    // one question: nothing is sent to such a terminal before its screen, however long that takes
    if (this.#mayRead && !this.#isRendered && this.#viewed.current) return this.#begin(true);
    const held = this.#mode;
    this.#viewed.whenCurrent(() => {
      if (this.#mode === held) this.#begin(false);
    });
  }

  /** Whether its terminal is drawn for it, as it is no terminal of the session's size. */
  get #isRendered(): boolean {
    const { cols, rows } = this.#viewed;
    return this.#terminal.drawn === true || this.#line !== undefined || this.cols !== cols || this.rows !== rows;
  }

  /** @param waits the screen is answered once it is at the present; else it is there already. */
  #begin(waits: boolean): void {
    this.#allowed = this.#filterOf("screen");
    if (this.#isRendered) {
      // frames alone from here on: it is sent the stream beside a line of ours only
      if (this.#line === undefined) this.#beside = undefined;
      const height = this.rows - (this.#line === undefined ? 0 : 1);
      const watch = this.#viewed.screen().watchFrames(this.cols, height, (frame) => this.#frame(frame));
      this.#mode = { is: "frames", watch, stale: false };
      return;
    }
    const joining: Mode = { is: "joining", begun: false };
    this.#mode = joining;
    if (!this.#mayRead) this.#viewed.stream();
    const history = this.#history;
    const begun = (first: Buffer) => {
      if (this.#mode !== joining) return;
      joining.begun = true;
      this.#isShown();
      this.#draw(first);
    };
    this.#viewed
      .screen()
      .snapshot(history, begun, waits)
      .then(
        (snapshot) => this.#joined(joining, snapshot),
        // the screen was closed: the session is over, and says so itself; or it cannot be drawn now
        (error: unknown) => {
          joining.failed = true;
          if (this.#mode !== joining) return;
          this.#isShown();
          if (error instanceof NoScreens) this.#tellWhy(joining, error.message);
        },
      );
  }

  #joined(joining: Mode & { is: "joining" }, snapshot: Snapshot): void {
    // it may have been asked for before a later join
    if (this.#mode !== joining) return;
    this.#isShown();
    // what came before this screen has rung its bells
    this.#beside = undefined;
    this.#history = 0;
    // the program's title, colours and links are in the snapshot too
    if (!joining.begun) this.#draw(snapshot.first);
    if (snapshot.history.length > 0) this.#draw(snapshot.history);
    if (this.#mayRead) {
      if (this.#goDirect(snapshot.offset, snapshot.tail)) return;
      this.#mayRead = false;
      return this.join();
    }
    const stream = this.#filterOf("program");
    this.#mode = { is: "stream", stream };
    this.shown = snapshot.offset;
    this.#send(stream, snapshot.tail);
  }

  /** The terminal reads the output itself from here on, behind the screen; false where it cannot. */
  #goDirect(offset: number, tail: Buffer): boolean {
    const holder = this.#viewed.openCursor(offset);
    if (holder === undefined) return false;
    let finish = () => {};
    const done = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const mode: Mode = { is: "direct", done };
    this.#mode = mode;
    let last = { offset, time: steady(), stood: false };
    this.#terminal.direct?.begin(holder, offset, tail, {
      at: (at, blocked) => {
        const time = steady();
        const rate = ((at - last.offset) * 1000) / Math.max(1, time - last.time);
        // to one that stands still nothing can be shown sooner, and another screen would be of the past when
        // it goes on
        const moves = at > last.offset;
        // one that has just gone on may have taken more than it blocked since the last report
        const waited = blocked >= mostlyBlocked || last.stood;
        last = { offset: at, time, stood: !moves && blocked >= mostlyBlocked };
        if (this.#mode === mode && moves && waited && this.#viewed.lags(at, rate)) this.#fallBehind(rejoinPause);
      },
      ended: (why) => {
        finish();
        if (why === "gone") this.#mayRead = false;
        if (this.#mode !== mode || why === "over") return;
        this.#mode = { is: "behind" };
        if (why !== "told") this.join();
      },
    });
    this.onReads();
    return true;
  }

  /** Nothing can be shown: that is said, and tried again. */
  #tellWhy(joining: Mode, why: string): void {
    this.#terminal.write(showable(`\x1b[H\x1b[2Jfalcon: ${printable(why)}\r\n`));
    const timer = setTimeout(() => {
      if (this.#mode === joining) this.join();
    }, screenlessPause);
    timer.unref();
  }

  /** Whether its terminal reads the output itself. */
  get reads(): boolean {
    return this.#mode.is === "direct";
  }

  /** Whether it takes the output as it comes. */
  get streams(): boolean {
    if (this.#beside !== undefined) return true;
    return this.#mode.is === "stream" || (this.#mode.is === "joining" && !this.#mayRead);
  }

  /**
   * Output of the session, in order, and told in one order with its screen: what comes before that is in it,
   * and what comes next follows it.
   */
  output(offset: number, bytes: Buffer): void {
    const mode = this.#mode;
    if (mode.is !== "stream") return this.#beside?.output(bytes);
    // something is missing, as where bytes were never stored
    if (offset > (this.shown ?? 0)) return this.#fallBehind(rejoinPause);
    this.shown = offset + bytes.length;
    this.#send(mode.stream, bytes);
  }

  /** Writes of a screen what the program may do to this terminal. */
  #draw(bytes: Buffer): void {
    this.#allowed ??= this.#filterOf("screen");
    this.#terminal.write(this.#allowed.feed(bytes));
  }

  #send(stream: OutputFilter, bytes: Buffer): void {
    if (bytes.length === 0) return;
    const passed = stream.feed(bytes);
    if (passed.length > 0) this.#terminal.write(passed);
    if (this.#terminal.backlog() > viewerCredit) this.#fallBehind();
  }

  #frame(frame: Buffer): void {
    const mode = this.#mode;
    if (mode.is !== "frames") return;
    this.#isShown();
    if (mode.stale) return;
    this.#draw(frame);
    if (this.#line !== undefined) this.#terminal.write(this.#line);
    if (this.#terminal.backlog() <= viewerCredit) return;
    mode.stale = true;
    this.#terminal.onDrained(() => {
      if (this.#mode !== mode) return;
      mode.stale = false;
      mode.watch.again();
    });
  }

  /** The stream that it is sent lacks something: it is given the screen instead, a little later. */
  fallBehind(): void {
    if (this.#mode.is === "stream") this.#fallBehind(rejoinPause);
  }

  #fallBehind(pause = 0): void {
    this.#leaveMode();
    const mode: Mode = { is: "behind" };
    this.#mode = mode;
    const join = () => {
      if (this.#mode === mode) this.join();
    };
    this.#terminal.onDrained(() => (pause > 0 ? setTimeout(join, pause) : join()));
  }

  /** The viewer's terminal has another size. */
  resize(cols: number, rows: number): void {
    this.cols = cols;
    this.rows = rows;
    if (this.#mode.is === "frames" && (cols !== this.#viewed.cols || rows !== this.#viewed.rows))
      this.#mode.watch.resize(cols, rows);
    else this.join();
  }

  /** From the next join on `line` stands in the bottom row, below the screen; undefined: no line. */
  setLine(line: TerminalBytes | undefined): void {
    this.#line = line;
    if (line === undefined) return;
    const filter = this.#filterOf("program");
    this.#beside ??= new BesideLine(
      (effects) => this.#terminal.write(filter.feed(effects)),
      () => this.onFlood(),
    );
    this.#viewed.stream();
  }

  /** Draws the screen in all rows where it stands above a line: one that is still waited for will be. */
  rejoin(): void {
    if (this.#mode.is === "frames") this.join();
  }

  /**
   * The terminal is told something in its own way. What the stream has passed ends between two sequences, so
   * that it can stand here.
   */
  notify(text: string): void {
    if (this.#mode.is === "closed") return;
    this.#terminal.write(notification(text));
  }

  /** Stops the stream until the next join. */
  hold(): void {
    if (this.#mode.is === "closed" || this.#mode.is === "borrowed") return;
    this.#leaveMode();
    this.#mode = { is: "behind" };
  }

  /** Stops the stream while something else (a question, the history) uses the terminal. */
  borrow(): void {
    this.#leaveMode();
    this.#isShown();
    this.#beside = undefined;
    this.#mode = { is: "borrowed" };
  }

  /** Ends `borrow`: the screen is drawn again. */
  giveBack(): void {
    if (this.#mode.is !== "borrowed") return;
    this.#mode = { is: "behind" };
    this.join();
  }

  /** Calls when everything that the session said so far has been written, or cannot be any more. */
  async settled(): Promise<void> {
    for (;;) {
      const mode = this.#mode;
      if (mode.is === "joining") {
        if (mode.failed) return;
        await this.#viewed.screen().snapshot(0).then(noop, noop);
        if (this.#mode === mode) await Promise.resolve();
      } else if (mode.is === "frames") {
        // the last frame was drawn from all output once a snapshot that was asked for later has come
        await this.#viewed.screen().snapshot(0).then(noop, noop);
        return;
      } else if (mode.is === "direct") {
        await mode.done;
        if (this.#mode === mode) return;
      } else if (mode.is === "behind") {
        await new Promise<void>((resolve) => this.#terminal.onDrained(resolve));
        if (this.#mode === mode) this.join();
        // who joined has a screen then, or hears why there is none
        await new Promise<void>((resolve) => this.#viewed.whenCurrent(resolve));
      } else return;
    }
  }

  #leaveMode(): void {
    if (this.#mode.is === "direct") this.#terminal.direct?.end();
    if (this.#mode.is === "frames") this.#mode.watch.close();
  }

  /** It has its screen, or does without one: nobody is told that it waits. */
  #isShown(): void {
    clearTimeout(this.#slow);
    this.#slow = undefined;
  }

  dispose(): void {
    this.#leaveMode();
    this.#isShown();
    this.#beside = undefined;
    this.#mode = { is: "closed" };
  }
}

function noop(): void {}
