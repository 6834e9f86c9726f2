// Spawning through node-pty without letting it read: the holder is to be the only reader of the terminal.
import fs from "node:fs";
import type { ReadStream } from "node:tty";
import { type IPty, spawn } from "node-pty";
import { close, dup, roomFor, setCloexec } from "../../platform/native.ts";

export interface UnreadPtyOptions {
  directory: string;
  environment: Record<string, string>;
  cols: number;
  rows: number;
}

/**
 * What node-pty 1.1.0 keeps to itself. The version is pinned, and a test holds that not one byte is consumed.
 */
interface Internals {
  readonly fd: number;
  readonly _socket: ReadStream;
}

/** How much of what a holder printed before it gave up is worth quoting, bytes. */
const lastWordsLimit = 400;

/** A process on a new terminal of which nobody has read yet. */
export class UnreadPty {
  readonly pid: number;
  /** Our own copy of the master, non-blocking and close-on-exec. */
  readonly master: number;
  /** The first process's end: its exit code (128 + n for signal n). */
  readonly exited: Promise<number>;
  readonly #socket: ReadStream;
  #hasEnded = false;
  #ownsMaster = true;

  constructor(pty: IPty) {
    const internals = pty as unknown as Internals;
    this.pid = pty.pid;
    this.#socket = internals._socket;
    // In the tick of the spawn: node-pty has only asked for reading to begin at the next one. pause() would
    // come too late for the first chunk.
    this.#socket._read = () => {};
    this.exited = new Promise((resolve) => {
      pty.onExit(({ exitCode, signal }) => {
        this.#hasEnded = true;
        resolve(signal ? 128 + signal : exitCode);
      });
    });
    try {
      // node-pty 1.1.0 leaves the master open for every program that is started later
      setCloexec(internals.fd);
      this.master = dup(internals.fd);
    } catch (error) {
      this.#socket.destroy();
      throw error;
    }
  }

  /** How many bytes node-pty has read from the terminal: none. */
  get bytesConsumed(): number {
    return this.#socket.bytesRead;
  }

  /**
   * What the process printed and nobody has read, as one line behind a colon; "" when nothing, and when the
   * terminal is another's by now.
   */
  lastWords(): string {
    // after handOver the descriptor may be closed, and its number another session's terminal: not one byte
    // may be taken from that
    if (!this.#ownsMaster) return "";
    try {
      const bytes = Buffer.alloc(lastWordsLimit);
      const length = fs.readSync(this.master, bytes, 0, bytes.length, null);
      const text = bytes.toString("utf8", 0, length).replace(/\s+/g, " ").trim();
      return text === "" ? "" : `: ${text}`;
    } catch {
      return ""; // EAGAIN or EIO: it said nothing
    }
  }

  /**
   * From here on whoever got `master` closes it; node-pty's own is closed now, so that nothing is left here
   * that could read.
   */
  handOver(): void {
    this.#ownsMaster = false;
    this.#socket.destroy();
  }

  /** Lets go of the terminal, which hangs up for the processes on it unless somebody else has its master. */
  dispose(): void {
    const owned = this.#ownsMaster;
    this.handOver();
    if (owned) close(this.master);
  }

  /** SIGKILL for the first process, unless it is known to have ended: until then the number is its own. */
  killUnlessEnded(): void {
    if (this.#hasEnded) return;
    try {
      process.kill(this.pid, "SIGKILL");
    } catch {
      // it ended a moment ago
    }
  }
}

/** What a session takes: the holder, the program, and the thread in which node-pty waits for the first. */
const tasks = 3;

/** Spawns `file` on a new terminal. Throws when there is no terminal, process or descriptor to be had. */
export function spawnUnread(file: string, args: string[], options: UnreadPtyOptions): UnreadPty {
  // where node-pty cannot have its thread the whole server would abort (std::thread throws in C++)
  if (!roomFor(tasks)) throw Object.assign(new Error("spawn EAGAIN"), { code: "EAGAIN" });
  return new UnreadPty(
    spawn(file, args, {
      name: options.environment.TERM ?? "xterm-256color",
      cols: options.cols,
      rows: options.rows,
      cwd: options.directory,
      env: options.environment,
      encoding: null,
    }),
  );
}
