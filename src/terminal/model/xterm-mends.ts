// What xterm.js does wrong or without bound, mended from outside: faults of ED, counts and marks that never
// end.
import type { Terminal } from "@xterm/headless";
import { type CoreLine, coreOf } from "./xterm-core.ts";

/**
 * Mends two faults of xterm.js' ED. Erasing from the start to a cursor in the lower right corner (ED 1)
 * throws, because the line below does not
 * exist: what it had still to do is done here. Clearing the scrollback (ED 3) leaves saved cursors at their
 * line's old number, so that they move
 * down by as many lines as went, in a viewer's terminal by others than here; no other terminal moves them.
 */
export function mendErase(terminal: Terminal): void {
  const { _inputHandler: input, _bufferService: service } = coreOf(terminal);
  const erase = input.eraseInDisplay.bind(input);
  input.eraseInDisplay = (parameters, respectProtect) => {
    const buffer = service.buffers.active;
    const { ybase } = buffer;
    try {
      return erase(parameters, respectProtect);
    } catch (error) {
      if (parameters.params[0] !== 1) throw error;
      for (let y = terminal.buffer.active.cursorY - 1; y >= 0; y--) input._resetBufferLine(y, respectProtect);
      return true;
    } finally {
      buffer.savedY += buffer.ybase - ybase;
    }
  };
}

/**
 * Methods of xterm.js that do something as often as a program says, each time anew, up to 2^31 times:
 * minutes, for all sessions of a worker.
 */
const counting = [
  "insertLines",
  "deleteLines",
  "scrollUp",
  "scrollDown",
  "cursorForwardTab",
  "cursorBackwardTab",
  "repeatPrecedingCharacter",
] as const;

/**
 * Characters that one REP prints, in any case: more are printed where they can still be seen on the screen.
 */
const mostRepeated = 1 << 14;

/**
 * Bounds what one sequence may make xterm.js do. More lines than the screen has, more tabs than columns,
 * change nothing that fewer would not; of
 * a character that is repeated as many are printed as screen and scrollback hold, at the columns where all
 * would have come to stand. Of more
 * than `mostRepeated` those that scroll out of the screen are missing in the scrollback.
 */
export function boundCounts(terminal: Terminal): void {
  const input = coreOf(terminal)._inputHandler;
  for (const name of counting) {
    const method = input[name].bind(input);
    input[name] = (parameters) => {
      const { params } = parameters;
      const count = params[0] as number;
      const { cols, rows } = terminal;
      if (name !== "repeatPrecedingCharacter") params[0] = Math.min(count, Math.max(cols, rows));
      else {
        const most = Math.max(cols * rows, Math.min(mostRepeated, cols * (rows + (terminal.options.scrollback ?? 0))));
        // in a row there is room for so many of them: the bits of its width
        const inRow = Math.max(1, Math.floor(cols / Math.max(1, (input._parser.precedingJoinState >> 1) & 3)));
        if (count > most) params[0] = most + ((count - most) % inRow);
      }
      return method(parameters);
    };
  }
}

/**
 * UTF-16 units of one cell's character with its marks: the longest emoji has 35, and what goes on for ever is
 * nothing that is seen.
 */
const longestCell = 64;

/**
 * Bounds the marks that are put on one character; without it one cell grows with everything that a program
 * prints.
 */
export function boundMarks(terminal: Terminal): void {
  const { active } = coreOf(terminal)._bufferService.buffers;
  // the lines of all terminals have their methods in one place
  const lines = Object.getPrototypeOf(active.lines.get(0)) as MarkedLines;
  const { addCodepointToCell } = lines;
  if (addCodepointToCell === undefined || addCodepointToCell.bounded) return;
  const bounded: MarkedLines["addCodepointToCell"] = function (this: CoreLine, x, codePoint, width) {
    if ((this._combined[x]?.length ?? 0) < longestCell) addCodepointToCell.call(this, x, codePoint, width);
  };
  bounded.bounded = true;
  lines.addCodepointToCell = bounded;
}

interface MarkedLines {
  addCodepointToCell: {
    (this: CoreLine, x: number, codePoint: number, width: number): void;
    bounded?: boolean;
  };
}
