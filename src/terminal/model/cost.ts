// What output costs a screen, by the cells that it touches: three bytes can fill the whole of it, so that
// work is not shared out by bytes.
import { noCode, Position, State } from "../../base/text/control-sequences.ts";

/**
 * Cost of a cell that is filled, moved, written by REP, and passed by a tab, in bytes of ordinary text
 * (40 ns): measured with xterm.js at 80x24 to 1000x500.
 */
const weights = { fill: 1 / 8, move: 1, repeat: 2, tab: 8 };

/**
 * Final bytes of control sequences that may touch every cell: erase, modes (the alternate screen), reset;
 * insert and delete columns.
 */
const filling = finals("Jhlp}~");
/** Those that move lines or characters, as often as they are told. */
const moving = finals("LMST@P");
/** Those that touch a line. */
const inLine = finals("KX");
/** Those that look for tabs in a line. */
const tabbing = finals("IZ");
/** REP. */
const repeating = 0x62;
/** SM. */
const setting = 0x68;

/** What is drawn on. */
export interface Drawn {
  readonly cols: number;
  readonly rows: number;
  /** Whether what is written moves the rest of its line (IRM). */
  readonly insertMode: boolean;
}

/**
 * Where a piece of output ends that costs so much: behind the sequence by which it does, else behind a line,
 * where it can, since a sequence is seldom cut there. At least one sequence is taken. A slice ends where
 * insertion may begin, for the next one knows of it.
 * @param budget in bytes of ordinary text.
 */
export function endOfSlice(bytes: Uint8Array, from: number, budget: number, drawn: Drawn): number {
  const most = Math.min(bytes.length, from + budget);
  const moved = drawn.insertMode ? drawn.cols * weights.move : 0;
  const position = new Position();
  let cost = 0;
  for (let at = from; at < most; at++) {
    const byte = bytes[at] as number;
    // of text only C1 controls cost something, which begin with C2
    if (byte > 0x1b && byte !== 0xc2 && position.ground) {
      if (moved === 0) continue;
      cost += moved;
      if (cost + at - from >= budget) return at + 1;
      continue;
    }
    const before = position.state;
    const code = position.take(byte);
    if (code !== noCode) cost += costOf(before, position.state, code, drawn);
    if (cost + at - from >= budget) return at + 1;
    if (code === setting && before === State.csiParameter && position.ground && isAnsi(bytes, at)) return at + 1;
  }
  if (most === bytes.length) return most;
  const line = bytes.lastIndexOf(0x0a, most - 1) + 1;
  return line > from + budget / 2 ? line : most;
}

/** Whether the sequence that ends here sets modes of ANSI's, and not of DEC's. */
function isAnsi(bytes: Uint8Array, end: number): boolean {
  let at = end - 1;
  while (at >= 0 && (bytes[at] as number) >= 0x30 && (bytes[at] as number) <= 0x3b) at--;
  return bytes[at] !== 0x3f;
}

/** What a code costs that leads from one state of the grammar to another. */
function costOf(from: number, to: number, code: number, { cols, rows }: Drawn): number {
  // also within a control sequence, where they do what they do in text
  if (code >= 0x0a && code <= 0x0c) return cols * weights.fill;
  if (to !== State.ground) return 0;
  const whole = cols * rows;
  if (from === State.csiEntry || from === State.csiParameter || from === State.csiIntermediate) {
    if (filling.has(code)) return whole * weights.fill;
    if (moving.has(code)) return whole * weights.move;
    if (tabbing.has(code)) return cols * weights.tab;
    if (code === repeating) return whole * weights.repeat;
    return inLine.has(code) ? cols * weights.fill : 0;
  }
  // DECALN (ESC # 8)
  if (from === State.escapeIntermediate) return code === 0x38 ? whole * weights.fill : 0;
  // RIS, and those that scroll, in seven bits and in eight
  const letter = from === State.escape ? code : code - 0x40;
  if (letter === 0x63) return whole * weights.fill;
  return letter === 0x44 || letter === 0x45 || letter === 0x4d ? cols * weights.fill : 0;
}

function finals(text: string): Set<number> {
  return new Set(Buffer.from(text));
}
