// A session as an asciicast (asciinema's recording format), version 2 or 3, written while the log is read.
import { StringDecoder } from "node:string_decoder";
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

/** Output that was written within so much time (s) becomes one event; the log's own marks are 0.1 s apart. */
const joinBytes = 64 << 10;

/** The recording in pieces of text, each a few whole lines. */
export async function* castOf(log: OutputLog, options: CastOptions): AsyncGenerator<string> {
  const { from, to } = options;
  const size = log.times.sizeAt(from) ?? { cols: 80, rows: 24 };
  const start = log.timeAt(from) ?? 0;
  yield header(options, size, start);
  const clock = new CastClock(options, start);
  if (options.before.length > 0) yield event(clock.at(start), "o", Buffer.from(options.before).toString("utf8"));
  const decoder = new StringDecoder("utf8");
  const steps = stepsOf(log, from, to);
  let step = steps.next();
  let time = start;
  for await (const piece of log.pieces(from, to)) {
    const length = "hole" in piece ? piece.hole.length : piece.bytes.length;
    let at = 0;
    let out = "";
    while (at < length) {
      while (!step.done && step.value.offset <= piece.offset + at) {
        time = step.value.time;
        if (step.value.size !== undefined && step.value.offset > from) out += event(clock.at(time), "r", step.value.size);
        step = steps.next();
      }
      const next = step.done ? length : Math.min(length, step.value.offset - piece.offset);
      const end = Math.min(next, at + joinBytes);
      if (!("hole" in piece)) {
        const text = decoder.write(piece.bytes.subarray(at, end));
        if (text !== "") out += event(clock.at(time), "o", text);
      }
      at = end;
    }
    if (out !== "") yield out;
  }
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

/** Every place where the time or the size changes, in order. */
function* stepsOf(log: OutputLog, from: number, to: number): Generator<{ offset: number; time: number; size?: string }> {
  const sizes = log.sizes();
  let next = 0;
  for (const mark of log.times.marks(from)) {
    if (mark.offset >= to) return;
    while (next < sizes.length && (sizes[next] as { offset: number }).offset <= mark.offset) {
      const size = sizes[next++] as (typeof sizes)[number];
      if (size.offset > from) yield { offset: size.offset, time: size.time, size: `${size.cols}x${size.rows}` };
    }
    yield mark;
  }
}
