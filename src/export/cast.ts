// A session as an asciicast (asciinema's recording format), version 2 or 3, written while the log is read.
import { StringDecoder } from "node:string_decoder";
import { logEvents } from "../store/log-events.ts";
import type { OutputLog } from "../store/output-log.ts";

export interface CastOptions {
  version: 2 | 3;
  /** Pauses longer than this (seconds) are shortened to it; 0: none is. */
  idle: number;
  title: string;
  /** Stands in the header's `env`. */
  environment: Record<string, string>;
  /** What puts a terminal into the state at the recording's first byte; empty at a session's start. */
  before: Uint8Array;
  /** The recording's first byte, and where it ends. */
  from: number;
  to: number;
  /** Status of the program, where it has ended. */
  status: number | undefined;
}

/** Bytes of one event at most, and characters of a piece of the file. */
const joinBytes = 64 << 10;

/** The recording in pieces of text, each a few whole lines. */
export async function* castOf(log: OutputLog, options: CastOptions): AsyncGenerator<string> {
  const { from, to } = options;
  const size = log.times.sizeAt(from) ?? { cols: 80, rows: 24 };
  const start = log.times.timeAt(from) ?? 0;
  yield header(options, size, start);
  const clock = new CastClock(options, start);
  if (options.before.length > 0) yield event(clock.at(start), "o", Buffer.from(options.before).toString("utf8"));
  const decoder = new StringDecoder("utf8");
  let time = start;
  let out = "";
  for await (const next of logEvents(log, from, to, true)) {
    if (next.kind === "time") time = next.time;
    else if (next.kind === "size") {
      time = next.time;
      if (next.offset < to) out += event(clock.at(time), "r", `${next.cols}x${next.rows}`);
    } else if (next.kind === "bytes") {
      for (let at = 0; at < next.bytes.length; at += joinBytes) {
        const text = decoder.write(next.bytes.subarray(at, at + joinBytes));
        if (text !== "") out += event(clock.at(time), "o", text);
      }
    }
    if (out.length >= joinBytes) {
      yield out;
      out = "";
    }
  }
  if (out !== "") yield out;
  const rest = decoder.end();
  if (rest !== "") yield event(clock.at(time), "o", rest);
  if (options.version === 3 && options.status !== undefined) yield event(clock.at(time), "x", String(options.status));
}

function header({ version, title, environment, idle }: CastOptions, size: { cols: number; rows: number }, start: number): string {
  const timestamp = Math.floor(start / 1000);
  const common = { ...(idle > 0 ? { idle_time_limit: idle } : {}), title, env: environment };
  const head =
    version === 2
      ? { version, width: size.cols, height: size.rows, timestamp, ...common }
      : { version, term: { cols: size.cols, rows: size.rows, type: "xterm-256color" }, timestamp, ...common };
  return `${JSON.stringify(head)}\n`;
}

function event(time: number, code: string, data: string): string {
  return `[${time.toFixed(6)}, ${JSON.stringify(code)}, ${JSON.stringify(data)}]\n`;
}

/**
 * Times as the file has them: seconds since the start in version 2, since the event before in version 3;
 * pauses shortened.
 */
class CastClock {
  readonly #options: CastOptions;
  #last: number;
  #total = 0;

  constructor(options: CastOptions, start: number) {
    this.#options = options;
    this.#last = start;
  }

  at(time: number): number {
    const pause = Math.max(0, time - this.#last) / 1000;
    const kept = this.#options.idle > 0 ? Math.min(pause, this.#options.idle) : pause;
    this.#last = Math.max(this.#last, time);
    this.#total += kept;
    return this.#options.version === 2 ? this.#total : kept;
  }
}
