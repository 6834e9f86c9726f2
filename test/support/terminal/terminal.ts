// A person's terminal: a real pty running one command, its output on a screen that tests read as a user
// would.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import { Duplex } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { Unicode11Addon } from "@xterm/addon-unicode11";
import headless, { type Terminal } from "@xterm/headless";
import * as pty from "node-pty";
import { patience } from "../events.ts";
import { addon } from "../paths.ts";

const keyBytes: Record<string, string> = {
  Enter: "\r",
  Tab: "\t",
  Escape: "\x1b",
  Backspace: "\x7f",
  Space: " ",
  Up: "\x1b[A",
  Down: "\x1b[B",
  Right: "\x1b[C",
  Left: "\x1b[D",
  Home: "\x1b[H",
  End: "\x1b[F",
  PageUp: "\x1b[5~",
  PageDown: "\x1b[6~",
  Delete: "\x1b[3~",
};

export interface UserTerminalOptions {
  cols?: number;
  rows?: number;
  /** The whole environment of the command, less what is undefined; nothing is inherited. */
  env?: Record<string, string | undefined>;
  cwd?: string;
  /** Whether the terminal answers queries (DA, DSR …) as a real one does. Default true. */
  answers?: boolean;
  /** Bytes a second that it takes, as over a slow line; default: as many as come. */
  rate?: number;
  /**
   * With `rate`: its time stands still until this resolves, asked after each piece; so a starved machine is
   * not taken for a slow program.
   */
  turn?: () => Promise<unknown>;
}

export interface TerminalExit {
  code: number;
  /** Number of the signal that ended it, 0 for none. */
  signal: number;
}

interface Waiter {
  holds: () => boolean;
  resolve: () => void;
  reject: (error: Error) => void;
  what: string;
  timer: NodeJS.Timeout;
}

/** What a key is called: `Enter`, `Up`, `C-c`, `C-\`, `M-x` or one character; answers its bytes. */
export function bytesOfKey(name: string): string {
  const known = keyBytes[name];
  if (known !== undefined) return known;
  if (name.startsWith("C-") && name.length === 3) return String.fromCharCode(name.toUpperCase().charCodeAt(2) & 0x1f);
  if (name.startsWith("M-")) return `\x1b${bytesOfKey(name.slice(2))}`;
  if ([...name].length === 1) return name;
  throw new Error(`no such key: ${name}`);
}

/** A pty of a given size in which one command runs, and the screen that its output has made. */
export class UserTerminal {
  readonly command: string;
  readonly exit: Promise<TerminalExit>;
  /** The last title that was set. */
  title = "";
  ended: TerminalExit | undefined;
  #pty: pty.IPty;
  #screen: Terminal;
  #chunks: Buffer[] = [];
  #unparsed = 0;
  #waiters = new Set<Waiter>();
  #slave: number | undefined;
  #stopped = false;
  /** What came since the command has ended and before the mark behind its last output. */
  #last: Buffer | undefined;
  readonly #rate: number | undefined;
  readonly #turn: (() => Promise<unknown>) | undefined;

  constructor(file: string, args: string[], options: UserTerminalOptions = {}) {
    const { cols = 80, rows = 24, env = {}, cwd = "/", answers = true, rate, turn } = options;
    this.#rate = rate;
    this.#turn = turn;
    this.command = [file, ...args].join(" ");
    this.#screen = new headless.Terminal({ cols, rows, scrollback: 20_000, allowProposedApi: true, logLevel: "off" });
    this.#screen.loadAddon(new Unicode11Addon());
    this.#screen.unicode.activeVersion = "11";
    this.#screen.onTitleChange((title) => {
      this.title = title;
    });
    // node-pty would give the word "undefined"
    const given = Object.fromEntries(
      Object.entries({ TERM: "xterm-256color", ...env }).filter((entry): entry is [string, string] => entry[1] !== undefined),
    );
    this.#pty = pty.spawn(file, args, { cols, rows, cwd, env: given, encoding: null });
    setCloexec((this.#pty as unknown as { fd: number }).fd);
    // node-pty on Node 20 and 22 loses the last output of a program that ends, unless somebody keeps the
    // slave open.
    const { ptsName } = this.#pty as unknown as { ptsName: string };
    this.#slave = fs.openSync(ptsName, fs.constants.O_RDWR | fs.constants.O_NOCTTY | fs.constants.O_NONBLOCK);
    this.#pty.onData((data) => this.#arrived(data as unknown as Buffer));
    // node-pty listens for its socket's end once the command has ended
    this.#socket.on("newListener", (event) => {
      if (event === "close") this.#readRest();
    });
    if (answers) this.#screen.onData((answer) => this.#write(answer));
    this.exit = new Promise((resolve) => {
      this.#pty.onExit(({ exitCode, signal }) => {
        this.#closeSlave();
        if (this.#last?.length) this.#received(this.#last);
        // once all of it is on the screen
        this.#screen.write("", () => {
          this.ended = { code: exitCode, signal: signal ?? 0 };
          this.#look();
          resolve(this.ended);
        });
      });
    });
  }

  get pid(): number {
    return this.#pty.pid;
  }

  get cols(): number {
    return this.#screen.cols;
  }

  get rows(): number {
    return this.#screen.rows;
  }

  /** Every byte that arrived, in order. */
  get received(): Buffer {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] ?? Buffer.alloc(0);
  }

  /** Types text as it stands; `\r` is the Enter key. */
  type(text: string): void {
    this.#write(text);
  }

  /** Presses keys one after the other: "C-c", "Enter", "j" … */
  key(...names: string[]): void {
    for (const name of names) this.#write(bytesOfKey(name));
  }

  /** Pastes, bracketed where the program asked for it, as terminals do. */
  paste(text: string): void {
    this.#write(this.#screen.modes.bracketedPasteMode ? `\x1b[200~${text}\x1b[201~` : text);
  }

  /** Gives the terminal another size; the programs in it get SIGWINCH. */
  resize(cols: number, rows: number): void {
    this.#screen.resize(cols, rows);
    this.#pty.resize(cols, rows);
  }

  /** The rows that a user sees, without trailing blanks. */
  lines(): string[] {
    const buffer = this.#screen.buffer.active;
    return Array.from({ length: this.#screen.rows }, (_, y) => buffer.getLine(buffer.baseY + y)?.translateToString(true) ?? "");
  }

  /** The rows that a user sees, as one text. */
  text(): string {
    return this.lines().join("\n");
  }

  /** The scrollback above the screen (empty on the alternate screen). */
  history(): string[] {
    const buffer = this.#screen.buffer.active;
    return Array.from({ length: buffer.baseY }, (_, y) => buffer.getLine(y)?.translateToString(true) ?? "");
  }

  /** Column and row of the cursor, from 0, and whether it is shown. */
  cursor(): { x: number; y: number; visible: boolean } {
    const { cursorX, cursorY } = this.#screen.buffer.active;
    const core = (this.#screen as unknown as { _core: { coreService: { isCursorHidden: boolean } } })._core;
    return { x: cursorX, y: cursorY, visible: !core.coreService.isCursorHidden };
  }

  /** Whether the alternate screen shows. */
  get alternate(): boolean {
    return this.#screen.buffer.active.type === "alternate";
  }

  /** Modes that programs have set, as xterm.js names them. */
  get modes(): Terminal["modes"] {
    return this.#screen.modes;
  }

  /** The emulator itself, for what the above does not answer. */
  get screen(): Terminal {
    return this.#screen;
  }

  /**
   * What `stty -a` says of the terminal now: `line` is canonical mode, `echo`, `signals` that Ctrl+C makes
   * SIGINT.
   */
  lineDiscipline(): { line: boolean; echo: boolean; signals: boolean } {
    if (this.#slave === undefined) throw new Error("the terminal is closed");
    const words = spawnSync("stty", ["-a"], { stdio: [this.#slave, "pipe", "ignore"], encoding: "utf8" }).stdout.split(/[\s;]+/);
    return { line: words.includes("icanon"), echo: words.includes("echo"), signals: words.includes("isig") };
  }

  /**
   * Waits until the screen shows the text, matches, or the predicate holds; looked at after each piece of
   * output has reached the screen. Rejects, with the screen, when the command ends first or nothing of it
   * comes within `limit` ms.
   */
  waitFor(wanted: string | RegExp | (() => boolean), what?: string, limit = patience): Promise<void> {
    const holds = holdsOf(wanted, () => this.text());
    const name = what ?? (typeof wanted === "function" ? wanted.toString() : String(wanted));
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        holds,
        resolve,
        reject,
        what: name,
        timer: setTimeout(() => this.#settle(waiter, new Error(this.#complaint(name, `not within ${limit} ms`))), limit),
      };
      this.#waiters.add(waiter);
      this.#look();
    });
  }

  /** Waits for the end and answers it; rejects with the screen when it does not come. */
  async waitForExit(what = "the end of the command", limit = patience): Promise<TerminalExit> {
    await this.waitFor(() => this.ended !== undefined, what, limit);
    return this.exit;
  }

  /** Reads nothing any more, as a terminal that hangs; the command's writes fill the line and stay there. */
  stopReading(): void {
    this.#stopped = true;
    this.#pty.pause();
  }

  /** Goes on after `stopReading`. */
  continueReading(): void {
    this.#stopped = false;
    this.#pty.resume();
  }

  /** Signals the command itself (not its foreground group). */
  kill(signal: NodeJS.Signals): void {
    if (!this.ended) process.kill(this.#pty.pid, signal);
  }

  /** Closes the terminal as a window is closed or a line is lost: the kernel hangs up on what runs in it. */
  closePty(): void {
    this.#closeSlave();
    this.#close();
  }

  /** The screen in a frame, for messages. */
  picture(): string {
    const bar = "─".repeat(this.#screen.cols);
    return `┌${bar}┐\n${this.lines()
      .map((line) => `│${line.padEnd(this.#screen.cols)}│`)
      .join("\n")}\n└${bar}┘`;
  }

  #write(text: string): void {
    // A late answer of the screen to a terminal that has gone is nobody's concern.
    if (this.ended || this.#last !== undefined || this.#slave === undefined) return;
    this.#pty.write(text);
  }

  get #socket(): Duplex {
    return (this.#pty as unknown as { _socket: Duplex })._socket;
  }

  /** Closes node-pty's end of the terminal. */
  #close(): void {
    Duplex.prototype.destroy.call(this.#socket);
  }

  /**
   * The command has ended: node-pty closes the terminal 200 ms later, whatever stands in it unread. A mark
   * that is written behind the last output tells when all of it has been read.
   */
  #readRest(): void {
    if (this.#stopped || this.#rate !== undefined || this.#slave === undefined || this.#last !== undefined) return;
    const socket = this.#socket;
    socket.destroy = () => socket;
    this.#last = Buffer.alloc(0);
    this.#mark();
    setTimeout(() => this.#close(), patience).unref();
  }

  #mark(): void {
    if (this.#slave === undefined) return;
    try {
      fs.writeSync(this.#slave, endMark);
    } catch (error) {
      // the line is full, and is being read
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      setImmediate(() => this.#mark());
    }
  }

  #arrived(chunk: Buffer): void {
    if (this.#last === undefined) return this.#received(chunk);
    this.#last = Buffer.concat([this.#last, chunk]);
    const end = this.#last.indexOf(endMark);
    if (end < 0) return;
    this.#last = this.#last.subarray(0, end);
    this.#close();
  }

  #received(chunk: Buffer): void {
    if (this.#rate !== undefined) {
      this.stopReading();
      const taken = delay((chunk.length * 1000) / this.#rate);
      void Promise.allSettled([taken, this.#turn?.()]).then(() => this.continueReading());
    }
    this.#chunks.push(chunk);
    this.#unparsed++;
    this.#screen.write(chunk, () => {
      this.#unparsed--;
      this.#look();
    });
  }

  #look(): void {
    for (const waiter of [...this.#waiters]) {
      if (waiter.holds()) this.#settle(waiter);
      else if (this.ended && this.#unparsed === 0) {
        const { code, signal } = this.ended;
        this.#settle(waiter, new Error(this.#complaint(waiter.what, `the command ended with status ${code}, signal ${signal}`)));
      }
    }
  }

  #settle(waiter: Waiter, error?: Error): void {
    if (!this.#waiters.delete(waiter)) return;
    clearTimeout(waiter.timer);
    if (error) waiter.reject(error);
    else waiter.resolve();
  }

  #complaint(what: string, why: string): string {
    return `waited in vain for ${what}: ${why}\n$ ${this.command}\n${this.picture()}`;
  }

  #closeSlave(): void {
    if (this.#slave === undefined) return;
    fs.closeSync(this.#slave);
    this.#slave = undefined;
  }
}

/** Stands behind the last output of a command that has ended; an APC string, which shows nothing. */
const endMark = "\x1b_the end of the command\x1b\\";

function holdsOf(wanted: string | RegExp | (() => boolean), text: () => string): () => boolean {
  if (typeof wanted === "function") return wanted;
  if (typeof wanted === "string") return () => text().includes(wanted);
  return () => wanted.test(text());
}

let sys: { setCloexec(fd: number): void } | undefined;

/**
 * Keeps the master out of what is started later: node-pty 1.1.0 leaves it open to every child, and a copy of
 * it in a session server would keep the terminal alive after closePty. Needs our addon; without it only
 * closePty tests suffer.
 */
function setCloexec(fd: number): void {
  if (sys === undefined && fs.existsSync(addon)) sys = createRequire(import.meta.url)(addon) as typeof sys;
  sys?.setCloexec(fd);
}
