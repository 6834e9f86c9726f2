// Brings a screen from an earlier state to the present: the output since, and the sizes that the terminal
// had, each at its place.
import type { SizeMark } from "../../store/times.ts";

/** What is brought to the present. */
export interface Followed {
  feed(bytes: Uint8Array): void;
  resize(cols: number, rows: number): void;
}

export class CatchUp {
  /** Offset of the present: what the holder had when it was asked. */
  readonly until: number;
  #marks: readonly SizeMark[];
  #next: number;

  /**
   * @param from offset that the screen stands for.
   * @param marks every size of the terminal, by offset.
   */
  constructor(from: number, until: number, marks: readonly SizeMark[]) {
    this.until = until;
    this.#marks = marks;
    const next = marks.findIndex((mark) => mark.offset >= from);
    this.#next = next < 0 ? marks.length : next;
  }

  /** The size at the present; undefined where none is known. */
  get last(): SizeMark | undefined {
    return this.#marks.at(-1);
  }

  /** Feeds output that begins at `offset`; a size is applied before the byte that it precedes. */
  feed(screen: Followed, offset: number, bytes: Buffer): void {
    let at = 0;
    for (;;) {
      const mark = this.#marks[this.#next];
      if (mark === undefined || mark.offset >= offset + bytes.length) break;
      const end = Math.max(at, mark.offset - offset);
      if (end > at) screen.feed(bytes.subarray(at, end));
      at = end;
      screen.resize(mark.cols, mark.rows);
      this.#next++;
    }
    if (at < bytes.length) screen.feed(bytes.subarray(at));
  }

  /** Applies what comes after the last byte. */
  finish(screen: Followed): void {
    for (; this.#next < this.#marks.length; this.#next++) {
      const mark = this.#marks[this.#next] as SizeMark;
      screen.resize(mark.cols, mark.rows);
    }
  }
}

/** The size that the terminal had at `offset`; undefined where no mark tells. */
export function sizeAt(marks: readonly SizeMark[], offset: number): SizeMark | undefined {
  return marks.findLast((mark) => mark.offset <= offset) ?? marks[0];
}
