// The alternate screen as far as lines need it: what is printed there and ended by a line feed while a scroll
// region is set (falcon's driver lines).

import type { CellStyle } from "./cell-style.ts";
import { longestLine, mostRows } from "./printed-screen.ts";
import {
  copyOf,
  type OpenLine,
  type PenState,
  type PlaceState,
  packed,
  type ReaderState,
  rowFrom,
  type Saved,
  savedFrom,
  savedState,
} from "./reader-state.ts";
import { Row, type Run } from "./row.ts";

/**
 * A cursor that was saved and not restored for so many bytes was not saved to draw a footer (falcon's takes 3
 * KB, at most 60 KB).
 */
const longestFooter = 256 << 10;

/** Where something is printed. */
interface Place {
  row: Row;
  x: number;
  y: number;
  /**
   * The cursor came to its row by printing, or by a move outside of save and restore: what a line feed ends
   * here is a line.
   */
  flow: boolean;
  /**
   * The last line was ended in this very place, so that an empty one after it is part of the same message.
   */
  afterLine: boolean;
}

export class DrawnScreen {
  readonly #finish: (runs: readonly Run[], offset: number) => void;
  #place: Place = { row: new Row(), x: 0, y: 0, flow: true, afterLine: false };
  /** The program has set a scroll region that is not the whole screen. */
  region = false;
  /** What the cursor goes back to; `since` is the offset at which it was saved. */
  #saved: (Place & Saved & { since: number }) | null = null;

  /** @param finish told of every finished line. */
  constructor(finish: (runs: readonly Run[], offset: number) => void, from?: NonNullable<ReaderState["drawn"]>) {
    this.#finish = finish;
    if (from === undefined) return;
    this.#place = placeFrom(from);
    this.region = from.region;
    this.#saved = from.saved && { ...placeFrom(from.saved), ...savedFrom(from.saved), since: from.saved.since };
  }

  state(): NonNullable<ReaderState["drawn"]> {
    const saved = this.#saved;
    return {
      ...placeState(this.#place),
      region: this.region,
      saved: saved && { ...placeState(saved), ...savedState(saved), since: saved.since },
    };
  }

  get x(): number {
    return this.#place.x;
  }
  set x(x: number) {
    this.#place.x = x;
  }
  get y(): number {
    return this.#place.y;
  }

  /** Whether what is printed now may belong to a line. */
  get takesText(): boolean {
    const { flow, row } = this.#place;
    return flow && this.region && row.width <= longestLine;
  }

  print(text: string, width: number, style: CellStyle, offset: number): void {
    const place = this.#place;
    place.row.put(place.x, text, width, style, offset);
    place.x += width;
  }

  /** @param now offset of the bytes that are being read. */
  move(x: number, y: number, now: number): void {
    const place = this.#place;
    const row = Math.min(Math.max(0, y), mostRows);
    if (this.#saved && now - this.#saved.since > longestFooter) this.#saved = null;
    if (this.#saved || row !== place.y) {
      place.row = new Row();
      place.afterLine = false;
    }
    place.flow = !this.#saved;
    place.y = row;
    place.x = Math.max(0, x);
  }

  save(pen: PenState, now: number): void {
    const place = this.#place;
    this.#saved = { ...copyOf(pen), ...place, since: now };
    // on a terminal lower than the footer the program's moves are invalid, and it draws into this very row
    place.row = Row.from(place.row.wholeRuns(), place.row.width, place.row.offset);
  }

  /** Back to where the cursor was saved; answers the look of then. */
  restore(now: number): PenState | null {
    const saved = this.#saved;
    if (saved === null) {
      this.move(0, 0, now);
      return null;
    }
    const { row, x, y, flow, afterLine } = saved;
    this.#place = { row, x, y, flow, afterLine };
    this.#saved = null;
    return copyOf(saved);
  }

  lineFeed(offset: number): void {
    const place = this.#place;
    if (place.flow && this.region) {
      const { blank } = place.row;
      if (!blank || place.afterLine) {
        this.#finish(place.row.runs(), blank ? offset : place.row.offset);
        place.afterLine = true;
      }
    }
    place.row = new Row();
  }

  /** The row of the cursor, for erasing and editing. */
  get row(): Row {
    return this.#place.row;
  }

  /** A line that is being written. */
  open(): OpenLine[] {
    const { row, flow } = this.#saved ?? this.#place;
    return flow && this.region && !row.blank ? [{ offset: row.offset, runs: row.runs(), complete: false }] : [];
  }
}

function placeState({ row, x, y, flow, afterLine }: Place): PlaceState {
  return { runs: packed(row.wholeRuns()), width: row.width, offset: row.offset, x, y, flow, afterLine };
}

function placeFrom({ runs, width, offset, x, y, flow, afterLine }: PlaceState): Place {
  return { row: rowFrom(runs, width, offset), x, y, flow, afterLine };
}
