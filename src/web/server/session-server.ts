// The session server as the web process sees it: asked over its socket as a client asks, and started anew
// where it is gone. It sends us on to a batch job's server for a session of that job, and tells the program
// that asks another machine for one of there.
import { spawn } from "node:child_process";
import type net from "node:net";
import path from "node:path";
import { steady } from "../../base/clock.ts";
import { Status, sentence } from "../../base/failure.ts";
import { textOf } from "../../base/text/bytes.ts";
import { jobHomes } from "../../platform/job-homes.ts";
import { nativeFolder } from "../../platform/native-files.ts";
import { connectOwn } from "../../platform/own-socket.ts";
import { ClientFrame, mostFromServer, ServerFrame } from "../../protocol/client.ts";
import { encodeFrame, FrameReader } from "../../protocol/frame.ts";
import { encodeOwnRequest, encodeSize } from "../../protocol/own-request.ts";
import { type FarProgram, farCommand, farTerminal } from "./far-command.ts";
import type { Events, Line } from "./line.ts";
import { Tail } from "./tail.ts";

/**
 * An answer may take so long (ms), and so long may nothing come of one that is passed on: a search of a day's
 * output does.
 */
export const longestAnswer = 120_000;
/** Bytes of what it says on stderr, the last: a sentence on why there is no answer. */
export const longestComplaint = 4 << 10;
/** Between two attempts to start a server (ms). */
const startPause = 2_000;
/** What a command printed. */
export interface Answer {
  status: number;
  stdout: Buffer;
  /** Its end. */
  stderr: string;
}

/** The answer is longer than was allowed. */
export class AnswerTooLong extends Error {}
/** There is no server, and none could be started. */
export class NoServer extends Error {}

export class SessionServer {
  readonly #home: string;
  readonly #socketPath: string;
  #started = 0;

  constructor(home: string) {
    this.#home = home;
    this.#socketPath = path.join(home, "server.sock");
  }

  /** What a command prints. @throws AnswerTooLong, NoServer */
  async ask(args: readonly string[], most: number): Promise<Answer> {
    const out: Buffer[] = [];
    const errors = new Tail(longestComplaint);
    let length = 0;
    let limit: NodeJS.Timeout | undefined;
    const told = this.stream(
      args,
      (bytes, line) => {
        length += bytes.length;
        out.push(Buffer.from(bytes));
        if (length > most) line.close();
      },
      (bytes) => errors.add(bytes),
      (line) => {
        limit = setTimeout(() => line.close(), longestAnswer);
      },
    );
    // the line was closed by us then, which is no loss of the server
    const status = await told
      .catch((error) => {
        throw length > most ? new AnswerTooLong(`more than ${most} bytes`) : error;
      })
      .finally(() => clearTimeout(limit));
    return { status, stdout: Buffer.concat(out), stderr: errors.toString() };
  }

  /**
   * Passes on what a command prints, as it comes; answers its status. It is given up when nothing has come
   * for long, though whoever takes it was ready. @throws NoServer
   */
  async stream(
    args: readonly string[],
    stdout: (bytes: Buffer, line: Line) => void,
    stderr: (bytes: Buffer) => void = () => {},
    begun: (line: Line) => void = () => {},
  ): Promise<number> {
    let limit: NodeJS.Timeout | undefined;
    let line: Line | undefined;
    let paused = false;
    const wait = () => {
      clearTimeout(limit);
      // what was on its way still comes
      if (line !== undefined && !paused) limit = setTimeout(() => line?.close(), longestAnswer);
    };
    return new Promise((resolve, reject) => {
      const opened = this.#open(args, undefined, {
        stdout: (bytes) => {
          if (line === undefined) return;
          wait();
          stdout(bytes, line);
        },
        stderr: (bytes) => {
          wait();
          stderr(bytes);
        },
        over: (status) => {
          line = undefined;
          clearTimeout(limit);
          if (status === undefined) reject(new NoServer("the session server went away"));
          else resolve(status);
        },
      });
      opened.then((made) => {
        line = {
          ...made,
          pause: () => {
            paused = true;
            clearTimeout(limit);
            made.pause();
          },
          resume: () => {
            paused = false;
            wait();
            made.resume();
          },
        };
        wait();
        begun(line);
      }, reject);
    });
  }

  /** A command with a terminal. @throws NoServer */
  terminal(args: readonly string[], cols: number, rows: number, events: Events): Promise<Line> {
    return this.#open(args, { cols, rows }, events);
  }

  /** A line to whichever server of this host has the session. @throws NoServer */
  async #open(args: readonly string[], size: { cols: number; rows: number } | undefined, events: Events): Promise<Line> {
    let now = size;
    let closed = false;
    let paused = false;
    const goOn = (next: Line) => {
      line = next;
      if (paused) line.pause();
    };
    const inJob = async (place: string, there: readonly string[]) => {
      const home = jobHomes(this.#home).find(({ job }) => job === place)?.home;
      // nobody from outside starts a job's server: its own processes do, or it is over
      const socket = home === undefined ? undefined : await connectOwn(path.join(home, "server.sock"));
      if (socket !== undefined && !closed) return goOn(speak(socket, encodeOwnRequest(there, now), events, lost));
      socket?.destroy();
      lost();
    };
    const lost = () => events.over(undefined);
    // `@job` and a name, of a server of this host; else a program that a client would become
    const sentOn = (program: FarProgram) => {
      const [order, place, ...there] = program.args;
      if (order === "@job" && place !== undefined) return void inJob(place, there);
      try {
        goOn(now === undefined ? farCommand(program, events) : farTerminal(program, now, events));
      } catch (error) {
        events.stderr(Buffer.from(sentence(error)));
        events.over(Status.notExecutable);
      }
    };
    let line = speak(await this.#connect(), encodeOwnRequest(args, now), events, sentOn);
    return {
      input: (bytes) => line.input(bytes),
      size: (cols, rows) => {
        now = { cols, rows };
        line.size(cols, rows);
      },
      pause: () => {
        paused = true;
        line.pause();
      },
      resume: () => {
        paused = false;
        line.resume();
      },
      close: () => {
        closed = true;
        line.close();
      },
    };
  }

  /** An event for server.log, for which a server is started where none runs. */
  audit(event: string, facts: Record<string, unknown>): void {
    this.#noted(event, facts).catch(() => {});
  }

  /** An event that is worth no start of a server. Answers whether it is in server.log. */
  async auditWhereRuns(event: string, facts: Record<string, unknown>): Promise<boolean> {
    const running = await connectOwn(this.#socketPath);
    running?.destroy();
    if (running === undefined) return false;
    return this.#noted(event, facts).then(
      () => true,
      () => false,
    );
  }

  #noted(event: string, facts: Record<string, unknown>): Promise<Answer> {
    return this.ask(["@audit", event, JSON.stringify(facts)], 1 << 16);
  }

  async #connect(): Promise<net.Socket> {
    const first = await connectOwn(this.#socketPath);
    if (first !== undefined) return first;
    await this.#start();
    const second = await connectOwn(this.#socketPath);
    if (second === undefined) throw new NoServer("the session server does not run and could not be started");
    return second;
  }

  /** The client knows how a server is started; many that miss it at once start it once. */
  async #start(): Promise<void> {
    const now = steady();
    if (this.#started > 0 && now - this.#started < startPause)
      return new Promise((resolve) => setTimeout(resolve, startPause - (now - this.#started)));
    this.#started = now;
    await new Promise<void>((resolve) => {
      const child = spawn(path.join(nativeFolder, "falcon"), ["server", "status"], { stdio: "ignore" });
      child.on("error", () => resolve());
      child.on("close", () => resolve());
    });
  }
}

/**
 * Sends a request and passes on what comes, until EXIT or the end of the connection.
 * @param sentOn called instead of that where a client would become another program.
 */
function speak(socket: net.Socket, asked: Buffer, events: Events, sentOn: (program: FarProgram) => void): Line {
  let over = false;
  const end = (status: number | undefined) => {
    if (over) return;
    over = true;
    socket.destroy();
    events.over(status);
  };
  const reader = new FrameReader(mostFromServer, (type, payload) => {
    if (over) return;
    if (type === ServerFrame.stdout) events.stdout(payload);
    else if (type === ServerFrame.stderr) events.stderr(payload);
    else if (type === ServerFrame.exit) end(payload[0] ?? 0);
    else if (type === ServerFrame.exec) {
      const [file = "", , ...args] = textOf(payload).split("\0").slice(0, -1);
      over = true;
      socket.destroy();
      sentOn({ file, args });
    } else if (type === ServerFrame.reconnect) end(undefined);
  });
  socket.on("data", (chunk) => {
    try {
      reader.feed(chunk);
    } catch {
      end(undefined);
    }
  });
  socket.on("error", () => end(undefined));
  socket.on("close", () => end(undefined));
  socket.write(asked);
  const send = (frame: Buffer) => {
    if (!over) socket.write(frame);
  };
  return {
    input: (bytes) => send(encodeFrame(ClientFrame.input, bytes)),
    size: (cols, rows) => send(encodeSize(cols, rows)),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    close: () => end(undefined),
  };
}
