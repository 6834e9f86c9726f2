// What a session's program is sent: keys, interrupts and signals, each noted with who sent it; and how its
// terminal takes them.
import type { Log } from "../../base/log.ts";
import type { LineMode } from "../../platform/native.ts";
import { signalName, signalNumber } from "../../platform/signals.ts";
import type { SessionRow } from "../../store/session-store.ts";
import type { HolderLink } from "../holder/holder-link.ts";
import type { Position } from "../holder/typing-queue.ts";
import { atInterrupts } from "../keys/interrupts.ts";
import { type Sender, withSignal } from "./outcome.ts";
import type { SessionHolder, Typist } from "./session-holder.ts";

/** What it needs of its session. */
export interface ProgramLineEffects {
  readonly row: SessionRow;
  readonly holder: SessionHolder;
  readonly log: Log;
  /** ms since 1970. */
  clock(): number;
  live(): boolean;
  save(): void;
  /** It was sent a signal, which it may end by. */
  signalled(): void;
  /** Gives the terminal another size; every viewer is drawn again. */
  resize(cols: number, rows: number): void;
}

export class ProgramLine {
  readonly #effects: ProgramLineEffects;
  /** An interrupt went to the holder, which counts it if it is one. */
  #asked = false;

  constructor(effects: ProgramLineEffects) {
    this.#effects = effects;
  }

  get #link(): HolderLink | undefined {
    return this.#effects.holder.link;
  }

  /**
   * Whether a signal goes to the program: not while its holder stands still before this server's first
   * connection to it, nor while a killed one has no successor. Of a program that has ended there is nothing
   * to wait for.
   */
  get reached(): boolean {
    return this.#link?.open === true || this.#effects.row.state === "exiting";
  }

  /** Whether a Ctrl+C goes to it: while a killed holder has no successor, through the master that we hold. */
  get interruptible(): boolean {
    return this.reached || this.#makesInterrupts(this.lineMode());
  }

  /** Whether what is typed goes to it: while a killed holder has no successor, it waits for that. */
  get typable(): boolean {
    return this.reached || this.lineMode() !== undefined;
  }

  /** Whether the program's terminal has all that was typed through us. */
  get inputTaken(): boolean {
    return this.#link?.waitingInput === 0;
  }

  /**
   * Whether it was sent a Ctrl+C, or may be by what the holder has yet to type: the next one may be falcon's
   * second, which drops the model.
   */
  get interrupted(): boolean {
    return this.#effects.row.interrupts > 0 || (this.#asked && !this.inputTaken);
  }

  /** Whether an interrupt that goes past us is counted all the same. */
  get countsInterrupts(): boolean {
    return this.#link?.countsInterrupts === true;
  }

  /** Bytes for the program, as typed. */
  input(bytes: Uint8Array, by?: Position): void {
    const { state } = this.#effects.row;
    if (state === "running" || state === "starting") this.#link?.input(bytes, by);
  }

  /**
   * Bytes as a person would have typed them: what the terminal makes an interrupt of is counted. One that is
   * not lets the next stop be falcon's second Ctrl+C.
   */
  typed(bytes: Uint8Array): void {
    const line = this.lineMode();
    for (const piece of atInterrupts(bytes, this.#makesInterrupts(line) ? line.vintr : null)) {
      if (piece.interrupt) this.interrupt(Buffer.from(piece.bytes));
      else this.input(piece.bytes);
    }
  }

  /** Keeps who sent the program which signal: how it ended is told by that. The last ones count. */
  noteSignal(signal: string, by: Sender): void {
    const { facts } = this.#effects.row;
    facts.signals = withSignal(facts.signals ?? [], { time: this.#effects.clock(), signal, by });
    this.#effects.save();
    this.#effects.signalled();
  }

  /**
   * A Ctrl+C for the program, counted: falcon's second one drops the model. One that goes nowhere is none: it
   * would pass for the first.
   */
  interrupt(bytes: Uint8Array, by: Sender = "typed", position?: Position): void {
    if (this.#link === undefined) return;
    this.#countInterrupts(1, by);
    if (this.lineMode()?.isig === true) this.#link.interrupt(bytes, position);
    else this.input(bytes, position);
  }

  /**
   * A Ctrl+C that an earlier server may have sent already, of which the holder has not said yet whether it
   * has it: that decides whether it is one, and counts it. (One of an earlier version drops it only.)
   */
  interruptOnce(bytes: Uint8Array, position: Position): void {
    if (this.#link?.open !== true) return this.interrupt(bytes, "typed", position);
    if (this.countsInterrupts) {
      this.#asked = true;
      return this.#link.interruptOnce(bytes, position);
    }
    this.#countInterrupts(1, "typed");
    this.input(bytes, position);
  }

  #countInterrupts(count: number, by: Sender): void {
    const { row, log } = this.#effects;
    row.interrupts += count;
    this.noteSignal("SIGINT", by);
    log("session.interrupted", { id: row.id, count: row.interrupts });
  }

  /** Interrupt characters that viewers' clients sent to the holder: so many, since that began. */
  interruptsPassed(total: number): void {
    const { facts } = this.#effects.row;
    const more = total - (facts.interruptsPassed ?? 0);
    facts.interruptsPassed = total;
    if (more > 0) this.#countInterrupts(more, "typed");
  }

  /**
   * What a Ctrl+C of a person does: the terminal's interrupt, or SIGINT where the terminal makes none.
   */
  sendInterrupt(by: Sender): void {
    const line = this.lineMode();
    if (this.#makesInterrupts(line)) {
      if (this.#link?.interruptUntyped() === true) this.#countInterrupts(1, by);
      else this.interrupt(Buffer.from([line.vintr]), by);
    } else this.countedSignal(signalNumber("SIGINT") ?? 2, 1, by);
  }

  /** Whether the terminal makes a SIGINT of a character. */
  #makesInterrupts(line: LineMode | undefined): line is LineMode {
    return line?.isig === true && line.vintr !== 0;
  }

  /** How the terminal takes input now; undefined where nothing runs. Asked of the pty at each call. */
  lineMode(): LineMode | undefined {
    if (!this.#effects.live()) return undefined;
    try {
      return this.#link?.lineMode();
    } catch {
      return undefined;
    }
  }

  /**
   * Sends a signal; nothing, and nothing is noted, where the program is not reached.
   * @param target 0 the program, 1 the foreground process group, 2 every process that descends from the
   * holder.
   */
  signal(number: number, target: 0 | 1 | 2, by: Sender): void {
    if (!this.reached) return;
    this.noteSignal(signalName(number), by);
    this.#effects.log("session.signalled", { id: this.#effects.row.id, signal: signalName(number), target });
    this.#link?.signal(number, target);
  }

  /** A signal that falcon counts like a Ctrl+C (SIGINT, SIGTERM). */
  countedSignal(number: number, target: 0 | 1 | 2, by: Sender): void {
    if (this.reached) this.#effects.row.interrupts += 1;
    this.signal(number, target, by);
  }

  /** A connection on which a viewer's client types itself; undefined where there is none to be had. */
  openKeyboard(): number | undefined {
    return this.#effects.holder.openKeyboard();
  }

  /**
   * Somebody types here whose bytes the holder counts; the answer ends it, undefined where it does not count.
   */
  addTypist(writer: bigint, typist: Typist): (() => void) | undefined {
    return this.#effects.holder.addTypist(writer, typist);
  }

  resize(cols: number, rows: number): void {
    this.#effects.resize(cols, rows);
  }
}
