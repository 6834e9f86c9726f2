// What has a viewer's terminal instead of the program, for a time: the history, or a question or a notice of
// ours in the bottom row.
import type { LeaveHint } from "./leave-hint.ts";
import type { ViewerTerminal } from "./terminal-effects.ts";
import type { Viewer } from "./viewer.ts";
import { ownRow } from "./viewer-terminal.ts";

/** Something that has the terminal instead of the program. */
export interface Overlay {
  /** Keys typed while it is open. Answers whether it is done. */
  feed(chunk: Buffer): boolean;
  /** The terminal has another size. */
  resize(cols: number, rows: number): void;
  /** It has the terminal no longer. */
  close(): void;
}

/** So long (ms) a notice stands, unless a key is pressed before: it covers the bottom row. */
const noticeTime = 3_000;

/** The overlay of one viewer: at most one is open at a time. */
export class OverlayPlace {
  readonly #viewer: Viewer;
  readonly #terminal: ViewerTerminal;
  readonly #hint: LeaveHint;
  #overlay: Overlay | undefined;
  /** Ends the notice that is shown. */
  #notice: NodeJS.Timeout | undefined;

  /** @param hint gives the bottom row up to what is opened. */
  constructor(viewer: Viewer, terminal: ViewerTerminal, hint: LeaveHint) {
    this.#viewer = viewer;
    this.#terminal = terminal;
    this.#hint = hint;
  }

  get taken(): boolean {
    return this.#overlay !== undefined;
  }

  open(overlay: Overlay): void {
    this.#hint.drop();
    this.#viewer.borrow();
    this.#overlay = overlay;
  }

  /** A line of ours has the bottom row, until it is closed. */
  openRow(text: string): void {
    const show = () => this.#terminal.write(ownRow(text, this.#viewer.rows));
    this.open({ feed: () => false, resize: show, close: () => {} });
    show();
  }

  /** The same for some seconds, or until `endNotice`. */
  openNotice(text: string): void {
    this.openRow(text);
    this.#notice = setTimeout(() => this.endNotice(), noticeTime);
  }

  endNotice(): void {
    if (this.#notice === undefined) return;
    clearTimeout(this.#notice);
    this.#notice = undefined;
    this.close();
  }

  /** What was typed goes to what is open, which may be done with it. */
  feed(chunk: Buffer): void {
    if (this.#overlay?.feed(chunk)) this.close();
  }

  resize(cols: number, rows: number): void {
    this.#overlay?.resize(cols, rows);
  }

  /** The terminal is the program's again. */
  close(): void {
    this.#overlay?.close();
    this.#overlay = undefined;
    this.#viewer.giveBack();
  }

  /** The viewer leaves: nothing is drawn any more. */
  leave(): void {
    this.#overlay?.close();
    clearTimeout(this.#notice);
  }
}
