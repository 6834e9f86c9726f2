// What an output log tells, as one stream in order of offsets: bytes, holes, the sizes that the terminal was
// given, and when what was reached.
import type { OutputLog } from "./output-log.ts";
import type { Mark, SizeMark } from "./times.ts";

/**
 * One event, at its place in the log. What stands at an offset comes before the byte there. `time` says when
 * (ms since 1970) the log was so long; a `size` comes behind the time at which it was given.
 */
export type LogEvent =
  | { kind: "bytes"; offset: number; bytes: Buffer }
  | { kind: "hole"; offset: number; length: number }
  | ({ kind: "size" } & SizeMark)
  | ({ kind: "time" } & Mark);

/**
 * The events from `from` to `to`: sizes behind `from`, those at `to` included; the first time is the one that
 * holds at `from`. A log knows no seams: where a run has several parts, each has a log of its own.
 * @param times whether times are told; without them bytes come in the largest pieces.
 */
export async function* logEvents(log: OutputLog, from: number, to: number, times = false): AsyncGenerator<LogEvent> {
  const steps = stepsOf(log, from, to, times);
  let step = steps.next();
  for await (const piece of log.pieces(from, to)) {
    const length = "hole" in piece ? piece.hole.length : piece.bytes.length;
    for (let at = 0; at < length; ) {
      for (; !step.done && step.value.offset <= piece.offset + at; step = steps.next()) yield step.value;
      const end = step.done ? length : Math.min(length, step.value.offset - piece.offset);
      const offset = piece.offset + at;
      if ("hole" in piece) yield { kind: "hole", offset, length: end - at };
      else yield { kind: "bytes", offset, bytes: piece.bytes.subarray(at, end) };
      at = end;
    }
  }
  for (; !step.done; step = steps.next()) yield step.value;
}

/** Every place where the size or the time changes, in order. */
function* stepsOf(log: OutputLog, from: number, to: number, times: boolean): Generator<LogEvent> {
  const sizes = log.sizes().filter(({ offset }) => offset > from && offset <= to);
  let next = 0;
  const sizesUntil = function* (mark: Mark): Generator<LogEvent> {
    for (let size = sizes[next]; size !== undefined; size = sizes[++next]) {
      if (size.offset > mark.offset || (size.offset === mark.offset && size.time >= mark.time)) return;
      yield { kind: "size", ...size };
    }
  };
  if (times)
    for (const mark of log.times.marks(from)) {
      if (mark.offset >= to) break;
      yield* sizesUntil(mark);
      yield { kind: "time", ...mark };
    }
  for (const size of sizes.slice(next)) yield { kind: "size", ...size };
}
