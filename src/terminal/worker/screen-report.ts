// What a screen says while it takes output, gathered until it is told to the main thread.
import { steady } from "../../base/clock.ts";
import type { KeptMarks } from "../model/progress-marks.ts";
import type { Screen, ScreenListener } from "../model/screen.ts";
import { owned, type Told } from "./channel.ts";

/**
 * How often an alternate screen is remembered as it stands (ms): a program clears its display before it
 * leaves it, and what a person saw last is the state before that.
 */
const sampleTime = 1000;

/** A program that goes in and out of the alternate screen all the time must not fill the channel. */
const mostLeft = 2;

export class ScreenReport implements ScreenListener {
  /** Whether what the program says was heard by an earlier server, and answered. */
  muted = false;
  #told: Told | undefined;
  #modes = "";
  /** What stood on the alternate screen lately, and when it was looked at. */
  #seen: string[] | undefined;
  #seenAt = Number.NEGATIVE_INFINITY;

  answer(bytes: Buffer): void {
    if (!this.muted) this.#note().answers.push(owned(bytes));
  }

  title(text: string): void {
    this.#note().title = text;
  }

  marks(kept: KeptMarks, began: boolean): void {
    const note = this.#note();
    note.marks = { ...kept, commands: (note.marks?.commands ?? 0) + (began && !this.muted ? 1 : 0) };
  }

  left({ lines }: { lines: string[] }): void {
    const { left } = this.#note();
    if (left.length >= mostLeft) left.shift();
    left.push(this.#seen ?? lines);
    this.#seen = undefined;
  }

  #note(): Told {
    this.#told ??= { answers: [], title: undefined, modes: undefined, left: [], marks: undefined };
    return this.#told;
  }

  /** Notes what the program asks of the keyboard now. */
  noteModes(screen: Screen): void {
    const modes = screen.inputModes;
    const key = Object.values(modes).join();
    if (key === this.#modes) return;
    this.#modes = key;
    this.#note().modes = modes;
  }

  /** Looks at an alternate screen before more is drawn on it. */
  remember(screen: Screen): void {
    if (!screen.inputModes.alternate || steady() - this.#seenAt < sampleTime) return;
    this.#seenAt = steady();
    this.#seen = screen.text().lines;
  }

  get isEmpty(): boolean {
    return this.#told === undefined;
  }

  /** What was said since the last time, and the memory that goes with it. */
  take(): { told: Told | undefined; transfer: ArrayBuffer[] } {
    const told = this.#told;
    this.#told = undefined;
    return { told, transfer: told?.answers.map(({ buffer }) => buffer as ArrayBuffer) ?? [] };
  }
}
