// The line in the bottom row that says how to leave, at the beginning of an attach: the screen is drawn above
// it until a key is pressed, or for some seconds.
import { printable } from "../../base/text/printable.ts";
import { showable, type TerminalBytes } from "../../base/text/terminal-bytes.ts";
import type { ViewerTerminal } from "./terminal-effects.ts";
import type { Viewer } from "./viewer.ts";

/** So long (ms) the hint stands, unless a key is pressed before. */
const hintTime = 4_000;

/** A lower terminal has no row to spare for it. */
const leastRows = 10;

/** A line of ours on a raw terminal, above what the session shows. */
export function lineAbove(text: string): TerminalBytes {
  return showable(`${printable(text)}\r\n`);
}

export class LeaveHint {
  readonly #viewer: Viewer;
  readonly #terminal: ViewerTerminal;
  /** Ends it; undefined where it does not stand. */
  #timer: NodeJS.Timeout | undefined;

  constructor(viewer: Viewer, terminal: ViewerTerminal) {
    this.#viewer = viewer;
    this.#terminal = terminal;
  }

  show(hint: string): void {
    const { cols, rows } = this.#viewer;
    if (rows < leastRows) return;
    const text = printable(` ${hint} `).slice(0, cols - 1);
    this.#viewer.setLine(showable(`\x1b7\x1b[${rows};1H\x1b[0;7m${text}\x1b[0m\x1b[K\x1b8`));
    this.#timer = setTimeout(() => this.end(), hintTime);
  }

  get stands(): boolean {
    return this.#timer !== undefined;
  }

  /** It is over, and what comes next draws the row anew. Answers whether it stood. */
  drop(): boolean {
    if (this.#timer === undefined) return false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#viewer.setLine(undefined);
    return true;
  }

  /** It is over, and the screen is drawn anew. */
  end(): void {
    if (!this.drop()) return;
    this.clearRow();
    this.#viewer.rejoin();
  }

  clearRow(): void {
    this.#terminal.write(showable(`\x1b7\x1b[${this.#viewer.rows};1H\x1b[0m\x1b[2K\x1b8`));
  }
}
