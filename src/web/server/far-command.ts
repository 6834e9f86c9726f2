// A command on a session of another machine. The session server answers with the program that runs it there
// (ssh, srun, the client's byte channel), which a client becomes; here it is a process of its own.
import { spawn as spawnOnTerminal } from "node-pty";
import { spawnOutside } from "../../base/outside-program.ts";
import { printable } from "../../base/printable.ts";
import type { Events, Line } from "./line.ts";

/** What a client would become. */
export interface FarProgram {
  file: string;
  /** Without its own name. */
  args: readonly string[];
}

/** Characters of what is said at an end: a sentence. */
const longestReason = 1_000;

/** What is said when it cannot be started; the status that a shell has for that. */
const cannotStart = 126;

/** Without a terminal: nobody is asked for a login, which the session server has seen to. */
export function farCommand({ file, args }: FarProgram, events: Events): Line {
  const child = spawnOutside(file, args, { stdio: ["ignore", "pipe", "pipe"] });
  let over = false;
  const end = (status: number | undefined) => {
    if (over) return;
    over = true;
    events.over(status);
  };
  child.stdout.on("data", (bytes: Buffer) => events.stdout(bytes));
  child.stderr.on("data", (bytes: Buffer) => events.stderr(bytes));
  child.on("error", (error) => {
    events.stderr(Buffer.from(error.message));
    end(cannotStart);
  });
  child.on("close", (status) => end(status ?? undefined));
  return {
    input: () => {},
    size: () => {},
    pause: () => child.stdout.pause(),
    resume: () => child.stdout.resume(),
    close: () => {
      child.kill();
      end(undefined);
    },
  };
}

/** On a terminal of this size: what it shows goes to `events.stdout`. */
export function farTerminal({ file, args }: FarProgram, size: { cols: number; rows: number }, events: Events): Line {
  const terminal = spawnOnTerminal(file, [...args], {
    ...size,
    env: { ...process.env, TERM: "xterm-256color", COLORTERM: "truecolor" },
    encoding: null,
  });
  let over = false;
  const end = (status: number | undefined) => {
    if (over) return;
    over = true;
    events.over(status);
  };
  let last = "";
  terminal.onData((data) => {
    const bytes = data as unknown as Buffer;
    last = (last + bytes.toString()).slice(-longestReason);
    events.stdout(bytes);
  });
  terminal.onExit(({ exitCode }) => {
    // a terminal has one stream: what was said last is why there is nothing more to see
    if (exitCode !== 0)
      events.stderr(
        Buffer.from(
          printable(
            last
              .trim()
              .split(/[\r\n]+/)
              .at(-1) ?? "",
          ),
        ),
      );
    end(exitCode);
  });
  return {
    input: (bytes) => terminal.write(bytes as unknown as string),
    size: (cols, rows) => terminal.resize(cols, rows),
    pause: () => terminal.pause(),
    resume: () => terminal.resume(),
    close: () => {
      // the far session has one viewer less, as when a window is closed
      if (!over) terminal.kill("SIGHUP");
      end(undefined);
    },
  };
}
