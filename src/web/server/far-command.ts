// A command on a session of another machine. The session server answers with the program that runs it there
// (ssh, srun, the client's byte channel), which a client becomes; here it is a process of its own.
import { spawn as spawnOnTerminal } from "node-pty";
import { letGoOfStderr, spawnOutside } from "../../base/aside/outside-program.ts";
import { Status } from "../../base/failure.ts";
import { printable } from "../../base/text/printable.ts";
import type { Events, Line } from "./line.ts";
import { Tail } from "./tail.ts";

/** What a client would become. */
export interface FarProgram {
  file: string;
  /** Without its own name. */
  args: readonly string[];
}

/** Bytes of what is said at an end: a sentence. */
const longestReason = 1_000;

/** Tells its end once, whoever finds it first. */
class End {
  readonly #events: Events;
  over = false;

  constructor(events: Events) {
    this.#events = events;
  }

  tell(status: number | undefined): void {
    if (this.over) return;
    this.over = true;
    this.#events.over(status);
  }
}

/**
 * Without a terminal: nobody is asked for a login, which the session server has seen to.
 * @throws Error that it cannot be started (too long a command line)
 */
export function farCommand({ file, args }: FarProgram, events: Events): Line {
  const child = spawnOutside(file, args, { stdio: ["ignore", "pipe", "pipe"] });
  letGoOfStderr(child);
  const end = new End(events);
  child.on("error", (error) => {
    events.stderr(Buffer.from(error.message));
    end.tell(Status.notExecutable);
  });
  child.on("close", (status) => end.tell(status ?? undefined));
  // Node makes no pipes where there are too many files open, and tells the error after this
  const { stdout, stderr } = child as Partial<Pick<typeof child, "stdout" | "stderr">>;
  stdout?.on("data", (bytes: Buffer) => events.stdout(bytes));
  stderr?.on("data", (bytes: Buffer) => events.stderr(bytes));
  return {
    input: () => {},
    size: () => {},
    pause: () => stdout?.pause(),
    resume: () => stdout?.resume(),
    close: () => {
      child.kill();
      end.tell(undefined);
    },
  };
}

/**
 * On a terminal of this size: what it shows goes to `events.stdout`.
 * @throws Error that it cannot be started (no terminal left)
 */
export function farTerminal({ file, args }: FarProgram, size: { cols: number; rows: number }, events: Events): Line {
  const terminal = spawnOnTerminal(file, [...args], {
    ...size,
    env: { ...process.env, TERM: "xterm-256color", COLORTERM: "truecolor" },
    encoding: null,
  });
  const end = new End(events);
  const last = new Tail(longestReason);
  terminal.onData((data) => {
    const bytes = data as unknown as Buffer;
    last.add(bytes);
    events.stdout(bytes);
  });
  terminal.onExit(({ exitCode }) => {
    // a terminal has one stream: what was said last is why there is nothing more to see
    const lines = last
      .toString()
      .trim()
      .split(/[\r\n]+/);
    if (exitCode !== 0) events.stderr(Buffer.from(printable(lines.at(-1) ?? "")));
    end.tell(exitCode);
  });
  return {
    input: (bytes) => {
      if (!end.over) terminal.write(bytes as unknown as string);
    },
    size: (cols, rows) => {
      if (end.over) return;
      try {
        terminal.resize(cols, rows);
      } catch {
        // it has closed, and its end is told in a moment
      }
    },
    pause: () => terminal.pause(),
    resume: () => terminal.resume(),
    close: () => {
      // the far session has one viewer less, as when a window is closed
      if (!end.over) terminal.kill("SIGHUP");
      end.tell(undefined);
    },
  };
}
