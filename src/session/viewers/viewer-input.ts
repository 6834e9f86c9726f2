// One person at one terminal in one session: keys go in, the screen comes out, until they leave or the
// program ends.
// Long: what each key does stands beside the state that it changes.
import { within } from "../../base/clock.ts";
import type { ProgramSequences } from "../../base/config/config.ts";
import { showable, type TerminalBytes } from "../../base/text/terminal-bytes.ts";
import { StreamFilter } from "../../platform/stream-filter.ts";
import { InputParser } from "../keys/input-parser.ts";
import type { KeptKeys } from "../keys/kept-keys.ts";
import type { KeyAction, KeyPolicy } from "../keys/key-policy.ts";
import { isReported } from "../keys/key-sequences.ts";
import type { Audience } from "../life/audience.ts";
import type { ProgramLine } from "../life/program-line.ts";
import type { Session } from "../life/session.ts";
import { LeaveHint } from "./leave-hint.ts";
import { type Overlay, OverlayPlace } from "./overlay.ts";
import { OwnKeys, type OwnKeysClient } from "./own-keys.ts";
import type { ViewerTerminal } from "./terminal-effects.ts";
import { Viewer } from "./viewer.ts";
import { enterTerminal, leaveTerminal } from "./viewer-terminal.ts";
import { ViewerTitle } from "./viewer-title.ts";

/** Why a viewer has left. */
export type Leaving = "detached" | "ended" | "taken-over" | "server-stopped" | "gone";

/**
 * The right to act on a session. A read-only viewer has none of it, and its view of the session offers no
 * other way.
 */
export type SessionInput = Pick<
  ProgramLine,
  "input" | "interrupt" | "interruptOnce" | "interrupted" | "openKeyboard" | "inputTaken" | "countsInterrupts" | "resize"
>;

/** What was typed for the program. */
type ForProgram = Extract<KeyAction, { bytes: Buffer }>;

/** A session as somebody sees it who may only look. */
export type WatchedSession = Omit<
  Session,
  "program" | "resize" | "save" | "output" | "audience" | "rename" | "start" | "leave"
> & { readonly audience: Pick<Audience, "add" | "remove" | "limit" | "note"> };

export interface ViewerInputOptions {
  cols: number;
  rows: number;
  /** Process of the viewer's client. */
  pid: number;
  /** Id of the session inside which that client was started. */
  inside?: string | undefined;
  /** Lines of scrollback to send at the join. */
  history: number;
  keys: { detachKey: string | null; prefix: number | null; historyCharacters: readonly number[] };
  /** Whether the terminal is entered anew (false after a lost server: it is ours already). */
  enter: boolean;
  /** What programs may do to the terminal. */
  sequences: ProgramSequences;
  /** ms since 1970. */
  clock: () => number;
  /** The client sends keys to the holder itself; absent where it cannot. */
  ownKeys?: OwnKeysClient;
  /** ms, monotonic: of durations. */
  steady: () => number;
  /** Counts what is typed; absent for a client that does not keep it, or a holder that does not count. */
  keptKeys?: () => KeptKeys | undefined;
  /** Tells the client the keys that leave (a byte each), whenever they are others. */
  leaveKeys(keys: readonly number[]): void;
  /** What is asked before a detach, where the run would end with it. */
  leaving?: string | undefined;
  /** Stands in the bottom row at first: how to leave. */
  hint?: string | undefined;
}

const readOnlyNotice = "You only look (--read-only): what you type goes nowhere.";

const askInterrupt = "A second Ctrl+C would end the run at once, its model unsaved. Send it?";
const askClipboard = "The program wants to write your clipboard. Let it?";

/** So long (ms) leaving waits for what the screen shows, to stand below it: a person has pressed a key. */
const longestFarewell = 200;

/** Bytes that may wait for the answer to a question: a paste of some length. What comes beyond is dropped. */
export const mostHeldBack = 1 << 20;

export class ViewerInput {
  readonly over: Promise<Leaving>;
  #session: WatchedSession;
  #input: SessionInput | undefined;
  #terminal: ViewerTerminal;
  #options: ViewerInputOptions;
  #viewer: Viewer;
  #keys: InputParser;
  #keyTimer: NodeJS.Timeout | undefined;
  #leaveKeys: readonly number[] = [];
  readonly #overlay: OverlayPlace;
  readonly #ownKeys: OwnKeys | undefined;
  #toldReadOnly = false;
  readonly #hint: LeaveHint;
  readonly #title: ViewerTitle;
  /** The open question: what an answer does. */
  #asking: ((yes: boolean) => void) | undefined;
  /** What came after the question was asked and is not its answer. */
  #heldBack: KeyAction[] = [];
  #heldBackBytes = 0;
  #leave!: (why: Leaving) => void;
  #left = false;
  #forgetEnd = () => {};
  /** Opens the history view; set by the command that knows it. */
  openHistory: (() => Overlay) | undefined;

  /** @param input undefined for a read-only viewer: no byte can reach the program then. */
  constructor(session: WatchedSession, input: SessionInput | undefined, terminal: ViewerTerminal, options: ViewerInputOptions) {
    this.#session = session;
    this.#input = input;
    this.#terminal = terminal;
    this.#options = options;
    this.over = new Promise((resolve) => {
      this.#leave = resolve;
    });
    this.#viewer = new Viewer(session.viewed, terminal, options, options.history, (source) => this.#sequenceFilter(source));
    if (input !== undefined && options.ownKeys !== undefined) this.#ownKeys = new OwnKeys(input, options.ownKeys);
    this.#keys = new InputParser(() => this.#policy(), options.steady);
    this.#hint = new LeaveHint(this.#viewer, terminal);
    this.#overlay = new OverlayPlace(this.#viewer, terminal, this.#hint);
    this.#title = new ViewerTitle(session, this.#viewer, terminal, options.keys, this.readOnly);
    this.#viewer.onReads = () => this.#openKeys();
    this.#viewer.onFlood = () => this.#hint.end();
    this.#tellLeaveKeys();
  }

  get readOnly(): boolean {
    return this.#input === undefined;
  }

  /** See Viewer. */
  get shown(): number | undefined {
    return this.#viewer.shown;
  }

  /**
   * Enters the terminal and joins the session; the size follows whoever attached last with the right to type.
   * Who has left before is no viewer: nobody would take it out again.
   */
  begin(): void {
    if (this.#left) return;
    const options = this.#options;
    // its terminal may have got another size since the viewer was made
    const { cols, rows } = this.#viewer;
    if (options.enter) this.#terminal.write(enterTerminal({ title: this.#title.text, rows }));
    this.#session.audience.add(this.#viewer, {
      pid: options.pid,
      inside: options.inside,
      readOnly: this.readOnly,
      since: options.clock(),
      finish: (why) => this.finish(why),
      typed: () => this.#openKeys(),
      retitle: () => this.#retitle(),
    });
    if (this.#mayResize()) this.#input?.resize(cols, rows);
    this.#showHint();
    this.#viewer.join();
    this.#forgetEnd = this.#session.onOver(() => {
      this.#hint.end();
      void this.#viewer.settled().then(() => this.finish("ended"));
    });
  }

  /** A line that was printed before is out of sight at once: the terminal is the program's from here on. */
  #showHint(): void {
    const { hint, enter } = this.#options;
    // the screen may stand a row higher meanwhile, and a click would mean another row to the program
    if (hint !== undefined && enter && this.#session.live && !this.#session.inputModes().mouse) this.#hint.show(hint);
  }

  /** A title of the program's own stays, and the terminal is not ours while a question has it. */
  #retitle(): void {
    if (!this.#overlay.taken && this.#session.title === "") this.#title.tell();
  }

  #mayResize(): boolean {
    return !this.#session.row.pinned && this.#session.live;
  }

  #policy(): KeyPolicy {
    const line = this.#session.lineMode();
    const modes = this.#session.inputModes();
    return {
      ...this.#options.keys,
      plainDetach: this.#session.trainer.display.detachKeyFree && line !== undefined && !line.canonical,
      isig: line?.isig === true,
      interruptByte: line === undefined || line.vintr === 0 ? null : line.vintr,
      bracketedPaste: modes.bracketedPaste,
      focus: modes.focus,
      historyKey: this.#session.trainer.display.drawn && modes.alternate,
    };
  }

  /**
   * Bytes from the viewer's keyboard, and when they were typed (ms of the client's clock). False when the
   * viewer has left: nobody takes them.
   */
  type(chunk: Buffer, at?: number): boolean {
    if (this.#left) return false;
    clearTimeout(this.#keyTimer);
    this.#overlay.endNotice();
    if (this.#hint.stands && !isReported(chunk)) this.#hint.end();
    if (this.#overlay.taken && this.#asking === undefined) this.#overlay.feed(chunk);
    else {
      this.#do(this.#keys.feed(chunk, at));
      this.#awaitKeys();
    }
    if (this.#left) return false;
    this.#options.keptKeys?.()?.read(chunk.length, this.#rests);
    this.#tellLeaveKeys();
    this.#ownKeys?.typedHere();
    this.#openKeys();
    return true;
  }

  /** Whether nothing that was typed is held back here. */
  get #rests(): boolean {
    return this.#keys.atRest && this.#asking === undefined;
  }

  /** Sends what of it the holder lacks. */
  #send(input: SessionInput, action: ForProgram): void {
    const keptKeys = this.#options.keptKeys?.();
    const { bytes, by } = keptKeys?.next(action.bytes) ?? { bytes: action.bytes, by: undefined };
    if (bytes.length === 0) return;
    if (action.do === "send") input.input(bytes, by);
    else if (by !== undefined && keptKeys?.known === false) input.interruptOnce(bytes, by);
    else input.interrupt(bytes, "typed", by);
  }

  /**
   * What the client may send to the holder itself: nothing that means anything to us, and only while all else
   * that was typed is with the program.
   */
  #openKeys(): void {
    if (this.#ownKeys === undefined || this.#ownKeys.isOpen || this.#left || this.#overlay.taken || !this.#rests) return;
    const { row, trainer } = this.#session;
    // where a letter leaves it counts when it was typed, and of a run that saves its model a second interrupt
    // is asked about
    if (trainer.display.detachKeyFree || trainer.savesModel || row.state !== "running" || !this.#viewer.reads) return;
    this.#ownKeys.open([0x1b, this.#options.keys.prefix], this.#session.lineMode());
  }

  /** The client has to know them, for the case that we stand still. */
  #tellLeaveKeys(): void {
    const { detachKey, prefix, plainDetach } = this.#policy();
    const keys = [...(prefix === null ? [] : [prefix]), ...(plainDetach && detachKey !== null ? [detachKey.charCodeAt(0)] : [])];
    if (keys.join() === this.#leaveKeys.join()) return;
    this.#leaveKeys = keys;
    this.#options.leaveKeys(keys);
  }

  /** What the parser holds back goes when its time has come. */
  #awaitKeys(): void {
    const { deadline } = this.#keys;
    if (deadline === null || this.#left) return;
    const wait = Math.max(0, deadline - this.#options.steady());
    this.#keyTimer = setTimeout(() => {
      this.#do(this.#keys.timeout());
      if (this.#rests) this.#options.keptKeys?.()?.settled();
      this.#awaitKeys();
      this.#openKeys();
    }, wait);
  }

  #do(actions: KeyAction[]): void {
    for (const action of actions) {
      if (this.#left) return;
      if (action.do !== "answer" && action.do !== "detach" && this.#overlay.taken) {
        this.#meanwhile(action);
        continue;
      }
      switch (action.do) {
        case "answer":
          this.#asking?.(action.yes);
          break;
        case "send":
          if (this.#input === undefined) this.#tellReadOnly();
          else this.#send(this.#input, action);
          break;
        case "interrupt":
          if (this.#input === undefined) this.#tellReadOnly();
          else this.#interrupt(this.#input, action);
          break;
        case "detach":
          this.#detach();
          break;
        case "history":
          if (this.openHistory !== undefined) this.#overlay.open(this.openHistory());
          break;
      }
    }
  }

  /**
   * What was typed behind the key that opened a question waits for its answer; what was typed behind the one
   * that opened the history is for that.
   */
  #meanwhile(action: KeyAction): void {
    const length = "bytes" in action ? action.bytes.length : 0;
    if (this.#asking === undefined) {
      if ("bytes" in action) this.#overlay.feed(action.bytes);
    } else if (this.#heldBackBytes + length <= mostHeldBack) {
      this.#heldBack.push(action);
      this.#heldBackBytes += length;
    }
  }

  /** Where leaving ends the run that is asked about; a detach key is an answer too. */
  #detach(): void {
    const { leaving } = this.#options;
    if (leaving === undefined || this.#overlay.taken) return this.finish("detached");
    // the former ones have let go of their keys
    this.#keys = new InputParser(() => this.#policy(), this.#options.steady);
    this.#ask(leaving, () => this.finish("detached"));
  }

  /**
   * The first Ctrl+C goes; a further one to a falcon run is asked about, since it would drop the unsaved
   * model.
   */
  #interrupt(input: SessionInput, action: ForProgram): void {
    if (!this.#session.trainer.savesModel || !input.interrupted) return this.#send(input, action);
    this.#ask(askInterrupt, () => this.#send(input, action));
  }

  /** A stream's filter, by the user's rules. */
  #sequenceFilter(of: "program" | "screen"): StreamFilter {
    // what stands before a sequence in the stream is written first
    const ask = (sequence: Buffer) => setImmediate(() => this.#askAboutClipboard(sequence));
    return new StreamFilter(this.#options.sequences, { of, ask });
  }

  /** While something else has the terminal nobody could answer: then it is not written. */
  #askAboutClipboard(sequence: Buffer): void {
    if (this.#left || this.#overlay.taken) return;
    this.#ask(askClipboard, () => this.#terminal.write(showable(sequence)));
  }

  /**
   * Asks in the bottom row; any key but `y` is a no. Only a typed key answers: what else comes meanwhile goes
   * its way afterwards.
   */
  #ask(question: string, yes: () => void): void {
    this.#overlay.openRow(`${question} [y/N]`);
    this.#keys.ask();
    this.#asking = (answer) => {
      this.#asking = undefined;
      if (answer) yes();
      this.#overlay.close();
      const heldBack = this.#heldBack;
      this.#heldBack = [];
      this.#heldBackBytes = 0;
      this.#do(heldBack);
    };
  }

  /** Said once, at the first key that goes nowhere. */
  #tellReadOnly(): void {
    if (this.#toldReadOnly) return;
    this.#toldReadOnly = true;
    this.#overlay.openNotice(readOnlyNotice);
  }

  /** Writes to the terminal for an overlay. */
  draw(bytes: TerminalBytes): void {
    this.#terminal.write(bytes);
  }

  get cols(): number {
    return this.#viewer.cols;
  }
  get rows(): number {
    return this.#viewer.rows;
  }

  /** The viewer's terminal has another size. */
  resize(cols: number, rows: number): void {
    const hinted = this.#hint.drop();
    this.#viewer.cols = cols;
    this.#viewer.rows = rows;
    this.#overlay.resize(cols, rows);
    if (this.#mayResize()) this.#input?.resize(cols, rows);
    if (hinted) this.#viewer.rejoin();
    else this.#viewer.resize(cols, rows);
    this.#retitle();
  }

  /** The terminal was used by something else (a stopped client): everything is drawn again. */
  redraw(): void {
    this.#hint.drop();
    const { cols, rows } = this.#viewer;
    this.#terminal.write(enterTerminal({ title: this.#title.text, rows }));
    this.#overlay.resize(cols, rows);
    this.#viewer.join();
  }

  /** The viewer leaves; the program does not notice. */
  finish(why: Leaving): void {
    if (this.#left) return;
    // the line that follows stands below what the session leaves on the screen
    if (this.#hint.drop()) this.#hint.clearRow();
    this.#left = true;
    this.#overlay.leave();
    this.#ownKeys?.close();
    clearTimeout(this.#keyTimer);
    this.#forgetEnd();
    this.#session.audience.remove(this.#viewer);
    void this.#giveTerminalBack(why).then(() => this.#leave(why));
  }

  /** What was changed goes back; what comes next stands below what the session leaves on the screen. */
  async #giveTerminalBack(why: Leaving): Promise<void> {
    if (why === "gone") return;
    const { cols, rows } = this.#session.viewed;
    const same = this.#viewer.cols === cols && this.#viewer.rows === rows;
    // a screen that is behind is not waited for: the line that follows stands at the bottom then
    const screen = same ? await within(longestFarewell, this.#session.screenText()) : undefined;
    const { coloursTouched, titles } = this.#session.inputModes();
    this.#terminal.write(leaveTerminal({ screen, colours: coloursTouched, titles }));
  }
}
