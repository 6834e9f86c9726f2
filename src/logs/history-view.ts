// The history while attached: a pager over the lines of the session's log, that loads older ones as it needs
// them. Drawing and loading are passed in.

import { sentence } from "../base/failure.ts";
import { type Action, actionOf, type Bindings, labelOf, sentenceOf } from "../base/keymap.ts";
import { withoutAttributes } from "../base/text/control-sequences.ts";
import { printable } from "../base/text/printable.ts";
import { showable, type TerminalBytes } from "../base/text/terminal-bytes.ts";
import { textWidth } from "./char-width.ts";
import { cutStyled, holding, marked } from "./line-text.ts";

/** A line with its number in the log. */
export interface HistoryLine {
  number: number;
  /** With its looks (styledText). */
  text: string;
}

/** Where the lines come from. */
export interface HistorySource {
  /** The last lines before line `before`, at most `count`, oldest first; fewer at the log's beginning. */
  older(before: number, count: number): Promise<HistoryLine[]>;
  /** The last lines, at most `count`, that came since this was asked last; the first time none. */
  newer(count: number): Promise<HistoryLine[]>;
}

/** The viewer's terminal. */
export interface HistoryTerminal {
  readonly cols: number;
  readonly rows: number;
  draw(bytes: TerminalBytes): void;
}

/** Lines that are loaded at once: a few hundred screens. */
const loadLines = 2_000;
/** Lines that are held at most; 100 bytes each, they are 10 MB. Older ones are in `falcon logs`. */
const mostLines = 100_000;
/** Columns by which the view moves to the side. */
const sideStep = 20;

/**
 * What the terminal is told before the first drawing: no margins, no wrapping, plain characters, plain keys.
 */
const enter = "\x18\x1b[?2026l\x1b[?6l\x1b[?69l\x1b[r\x1b[4l\x1b[?7l\x1b[?25l\x1b(B\x0f\x1b[0m";

export class HistoryView {
  readonly #source: HistorySource;
  readonly #terminal: HistoryTerminal;
  readonly #name: string;
  readonly #bindings: Bindings<"history">;
  #cols: number;
  #rows: number;
  #lines: HistoryLine[] = [];
  /** What came last, where that finds no place behind the lines while the view stands elsewhere. */
  #newest: HistoryLine[] | undefined;
  /** Index of the line in the first row. */
  #top = 0;
  /** The last line is in the last row and stays there when more come. */
  #following = true;
  /** The first line is wanted, and the end was not since. */
  #toFirst = false;
  #left = 0;
  /** Nothing older is to be had. */
  #whole = false;
  #loading: Promise<void> | undefined;
  #closed = false;
  /** What is being typed behind the slash. */
  #prompt: string | undefined;
  #wanted = "";
  #message = "";
  /** Why there is no more; "": all could be read. */
  #unread = "";

  /** @param name of the session, for the last row. */
  constructor(source: HistorySource, terminal: HistoryTerminal, name: string, bindings: Bindings<"history">) {
    this.#source = source;
    this.#terminal = terminal;
    this.#name = name;
    this.#bindings = bindings;
    this.#cols = terminal.cols;
    this.#rows = terminal.rows;
  }

  /** Draws, and loads the first lines. */
  async open(modes: string): Promise<void> {
    this.#terminal.draw(showable(enter + modes));
    this.#draw();
    // a key that comes meanwhile waits for the same lines: before the log's end is known there are none
    await this.#loadWith(() => this.#loadFirst());
  }

  async #loadFirst(): Promise<void> {
    // what comes from now on is told apart from what is there
    const first = await this.#newer();
    if (first === undefined) this.#whole = true;
    else if (!this.#closed) await this.#load();
  }

  /** Lines that came since this was asked last; undefined, and said, where the log cannot be read. */
  async #newer(): Promise<HistoryLine[] | undefined> {
    try {
      return await this.#source.newer(mostLines);
    } catch (error) {
      this.#lost(error);
      return undefined;
    }
  }

  /** The log, or its rest, is not to be had: somebody may have removed it. */
  #lost(error: unknown): void {
    this.#unread = `cannot be read: ${printable(sentence(error))}`;
    this.#message = this.#unread;
    this.#draw();
  }

  /** The view is left: nothing is drawn any more. */
  close(): void {
    this.#closed = true;
  }

  resize(cols: number, rows: number): void {
    this.#cols = cols;
    this.#rows = rows;
    this.#move(0);
  }

  /** More was said. */
  async more(): Promise<void> {
    if (this.#closed) return;
    const lines = await this.#newer();
    if (lines === undefined || lines.length === 0 || this.#closed) return;
    const last = this.#lines.at(-1);
    const adjoins = last === undefined || last.number + 1 === lines[0]?.number;
    const extra = this.#lines.length + lines.length - mostLines;
    if (!adjoins || (extra > 0 && !this.#following)) this.#newest = lines;
    else {
      // one by one: a call with an argument for each has a limit
      for (const line of lines) this.#lines.push(line);
      if (extra > 0) {
        this.#lines.splice(0, extra);
        this.#whole = false;
      }
    }
    if (this.#following) this.#toEnd();
    else this.#draw();
  }

  /** One key by its name (session/keys/view-keys.ts). Answers whether the view is done. */
  key(key: string): boolean {
    this.#message = "";
    if (this.#prompt !== undefined) {
      this.#typed(key, this.#prompt);
      return false;
    }
    const page = Math.max(1, this.#height - 1);
    switch (actionOf(this.#bindings, key)) {
      case "leave":
        this.close();
        return true;
      case "up":
        this.#move(-1);
        break;
      case "down":
        this.#move(1);
        break;
      case "page-up":
        this.#move(-page);
        break;
      case "page-down":
        this.#move(page);
        break;
      case "left":
        this.#left = Math.max(0, this.#left - sideStep);
        this.#draw();
        break;
      case "right":
        this.#left += sideStep;
        this.#draw();
        break;
      case "first":
        void this.#toBeginning();
        break;
      case "last":
        this.#toFirst = false;
        this.#toEnd();
        break;
      case "search":
        this.#prompt = "";
        this.#draw();
        break;
      case "older":
        void this.#search(-1);
        break;
      case "newer":
        void this.#search(1);
        break;
      case "help":
        this.#message = sentenceOf(this.#bindings);
        this.#draw();
        break;
    }
    return false;
  }

  get #height(): number {
    return Math.max(1, this.#rows - 1);
  }

  #typed(key: string, prompt: string): void {
    if (key === "enter") {
      this.#prompt = undefined;
      if (prompt !== "") this.#wanted = prompt;
      void this.#search(-1, true);
    } else if (key === "escape" || key === "interrupt") this.#prompt = undefined;
    else if (key === "backspace") this.#prompt = prompt === "" ? undefined : [...prompt].slice(0, -1).join("");
    else if (key === "clear") this.#prompt = "";
    else if ([...key].length === 1) this.#prompt = prompt + key;
    this.#draw();
  }

  #move(by: number): void {
    // a view that was left loads nothing more: a move that waited for lines would wait for them for ever
    if (this.#closed) return;
    this.#top += by;
    const last = Math.max(0, this.#lines.length - this.#height);
    if (by !== 0) this.#following = this.#top >= last;
    if (this.#following && this.#newest !== undefined) {
      this.#lines = this.#newest;
      this.#newest = undefined;
      this.#whole = false;
      return this.#move(0);
    }
    if (this.#following) this.#top = last;
    const short = this.#top < 0 ? -this.#top : 0;
    this.#top = Math.min(Math.max(0, this.#top), last);
    this.#draw();
    if (short > 0 && !this.#whole) void this.#loadOlder().then(() => this.#move(-short));
    else if (this.#top < this.#height) void this.#loadOlder();
  }

  #toEnd(): void {
    this.#following = true;
    this.#move(0);
  }

  async #toBeginning(): Promise<void> {
    this.#following = false;
    this.#toFirst = true;
    while (!this.#whole && !this.#closed) {
      this.#message = `loading … ${this.#lines.length} lines`;
      this.#draw();
      await this.#loadOlder();
      if (!this.#toFirst) return;
    }
    this.#message = this.#unread || (this.#lines[0]?.number ? `older lines are in 'falcon logs'` : "");
    this.#top = 0;
    this.#draw();
  }

  /** Puts older lines in front; the view stays where it is. */
  #loadOlder(): Promise<void> {
    if (this.#whole || this.#closed) return Promise.resolve();
    return this.#loadWith(() => this.#load());
  }

  /** One load at a time: who asks meanwhile waits for that. */
  #loadWith(load: () => Promise<void>): Promise<void> {
    this.#loading ??= load().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #load(): Promise<void> {
    let lines: HistoryLine[];
    const first = this.#lines[0];
    try {
      lines = await this.#source.older(first?.number ?? Number.MAX_SAFE_INTEGER, loadLines);
    } catch (error) {
      this.#whole = true;
      return this.#lost(error);
    }
    // the view began anew, or left out its oldest lines: these are not those before its first one
    if (this.#lines[0] !== first) return;
    if (lines.length < loadLines || this.#lines.length + lines.length >= mostLines) this.#whole = true;
    this.#lines.unshift(...lines);
    this.#top += lines.length;
    if (this.#following) this.#toEnd();
    else this.#draw();
  }

  /**
   * Goes to the next line that holds the text: older ones (-1) or newer ones (1). Capital letters count when
   * there are any.
   */
  async #search(direction: 1 | -1, here = false): Promise<void> {
    if (this.#wanted === "") {
      this.#message = "nothing to search for: / begins";
      return this.#draw();
    }
    const holds = holding(this.#wanted);
    // from the last row on while nothing was found yet, else from the line that was found
    let at =
      here && this.#following
        ? this.#lines.length
        : this.#found === undefined
          ? this.#top + this.#height
          : this.#indexOf(this.#found);
    for (;;) {
      at += direction;
      if (at >= this.#lines.length || this.#closed) break;
      if (at < 0) {
        if (this.#whole) break;
        this.#message = `searching … ${this.#lines.length} lines`;
        this.#draw();
        const before = this.#lines.length;
        await this.#loadOlder();
        at = this.#lines.length - before;
        continue;
      }
      const line = this.#lines[at] as HistoryLine;
      if (holds(withoutAttributes(line.text)).length === 0) continue;
      this.#found = line.number;
      this.#following = false;
      this.#message = "";
      this.#top = Math.max(0, at - Math.floor(this.#height / 2));
      return this.#move(0);
    }
    this.#message = this.#unread || this.#notFound(direction);
    this.#draw();
  }

  /** The end of the lines that are held need not be that of the log. */
  #notFound(direction: 1 | -1): string {
    const wanted = `holds '${printable(this.#wanted)}'`;
    if (direction > 0 && this.#newest !== undefined)
      return `no line up to here ${wanted}; ${labelOf(this.#bindings, "last")} goes on with the newest`;
    if (direction < 0 && this.#lines[0]?.number) return `no line from here on ${wanted}; older ones are in 'falcon logs'`;
    return `no ${direction < 0 ? "older" : "newer"} line ${wanted}`;
  }

  /** Number of the line that the search found last. */
  #found: number | undefined;

  #indexOf(number: number): number {
    return number - (this.#lines[0]?.number ?? 0);
  }

  #draw(): void {
    if (this.#closed) return;
    const holds = this.#wanted === "" ? undefined : holding(this.#wanted);
    // a client that was stopped has given the cursor back
    let out = "\x1b[?2026h\x1b[?25l\x1b[0m";
    for (let y = 0; y < this.#height; y++) {
      const line = this.#lines[this.#top + y];
      out += `\x1b[${y + 1};1H`;
      if (line !== undefined) {
        const text = holds === undefined ? line.text : marked(line.text, holds(withoutAttributes(line.text)));
        out += cutStyled(text, this.#left, this.#cols);
      } else if (this.#lines.length > 0 || this.#whole) out += "\x1b[2m~\x1b[0m";
      out += "\x1b[K";
    }
    out += `\x1b[${this.#rows};1H\x1b[0;7m${fitted(this.#status(), this.#cols)}\x1b[0m\x1b[?2026l`;
    this.#terminal.draw(showable(out));
  }

  #status(): string {
    if (this.#prompt !== undefined) return `/${printable(this.#prompt)}`;
    if (this.#message !== "") return ` ${this.#name} · ${this.#message}`;
    const bottom = this.#lines[Math.min(this.#lines.length, this.#top + this.#height) - 1];
    const last = this.#newest?.at(-1) ?? this.#lines.at(-1);
    const where =
      bottom === undefined || last === undefined
        ? this.#whole
          ? this.#unread || "no lines yet"
          : "loading …"
        : `line ${bottom.number + 1} of ${last.number + 1}`;
    const label = (action: Action<"history">) => labelOf(this.#bindings, action);
    const found = this.#wanted === "" ? `${label("search")} searches` : `${label("older")} older, ${label("newer")} newer`;
    const pages = `${label("page-up")} ${label("page-down")}`;
    return ` ${this.#name} · ${where} · ${pages} · ${found} · ${label("help")} keys · ${label("leave")} returns`;
  }
}

function fitted(text: string, cols: number): string {
  const cut = cutStyled(text, 0, cols);
  return cut + " ".repeat(Math.max(0, cols - textWidth(cut)));
}
