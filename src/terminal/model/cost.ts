// What output costs a screen, by the cells that it touches: three bytes can fill the whole of it, so that work is not shared out by bytes.

const esc = 0x1b;

/** Cost of a cell that is filled, moved, and written by REP, in bytes of ordinary text (40 ns): measured with xterm.js at 80x24 to 1000x500. */
const weights = { fill: 1 / 8, move: 1, repeat: 2 };

/** Final bytes of control sequences that may touch every cell: erase, modes (the alternate screen), reset; insert and delete columns. */
const filling = finals("Jhlp}~");
/** … that move lines or characters, as often as they are told. */
const moving = finals("LMST@P");
/** … that touch a line. */
const inLine = finals("KX");
const repeating = 0x62;

function finals(text: string): Set<number> {
  return new Set(Buffer.from(text));
}

/**
 * Where a piece of output ends that costs so much: behind the sequence by which it does, else behind a line, where it can, since a sequence is seldom
 * cut there. At least one sequence is taken.
 * @param budget in bytes of ordinary text.
 * @param size of the screen.
 */
export function endOfSlice(
  bytes: Uint8Array,
  from: number,
  budget: number,
  { cols, rows }: { cols: number; rows: number },
): number {
  const cells = cols * rows;
  const most = Math.min(bytes.length, from + budget);
  let cost = 0;
  for (let at = from; at < most; at++) {
    const byte = bytes[at] as number;
    if (byte > esc && byte !== 0xc2) continue;
    if (byte >= 0x0a && byte <= 0x0c) {
      cost += cols * weights.fill;
    } else if (byte === esc || (byte === 0xc2 && (bytes[at + 1] as number) >= 0x80 && (bytes[at + 1] as number) < 0xa0)) {
      at++;
      // the eight-bit controls are those that ESC and a letter stand for
      const kind = byte === esc ? bytes[at] : (bytes[at] as number) - 0x40;
      if (kind === 0x5b) {
        at = endOfParameters(bytes, at + 1);
        cost += costOf(bytes[at], cols, cells);
      } else if (kind === 0x23 || kind === 0x63) {
        // ESC # 8, ESC c
        if (kind === 0x23) at++;
        cost += cells * weights.fill;
      } else if (kind === 0x44 || kind === 0x45 || kind === 0x4d) {
        cost += cols * weights.fill;
      }
    }
    if (cost + at - from >= budget) return Math.min(bytes.length, at + 1);
  }
  if (most === bytes.length) return most;
  const line = bytes.lastIndexOf(0x0a, most - 1) + 1;
  return line > from + budget / 2 ? line : most;
}

/** Place of the final byte: controls among the parameters are obeyed, and do not end them, but for ESC, CAN and SUB. */
function endOfParameters(bytes: Uint8Array, from: number): number {
  let at = from;
  for (; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (byte >= 0x40 || byte === 0x18 || byte === 0x1a) break;
    if (byte === esc) return at - 1;
  }
  return at;
}

function costOf(final: number | undefined, cols: number, cells: number): number {
  if (final === undefined) return 0;
  if (filling.has(final)) return cells * weights.fill;
  if (moving.has(final)) return cells * weights.move;
  if (final === repeating) return cells * weights.repeat;
  return inLine.has(final) ? cols * weights.fill : 0;
}
