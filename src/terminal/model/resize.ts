// Changes the size of a model so that what stands below a scroll region stays at the bottom edge, as a
// program that watches only the height expects.

import type { BufferView } from "./buffer-view.ts";
import { Content, type Row, slots } from "./cells.ts";
import type { Model } from "./model.ts";
import type { SqueezedRegion } from "./tracked.ts";
import type { Tracker } from "./tracker.ts";

/**
 * Gives the model another size. Scrollback is wrapped anew, as xterm.js does. A scroll region keeps its
 * distance to both edges, which any
 * terminal would forget; rows are taken out of it or put into it.
 */
export function resizeModel(model: Model, tracker: Tracker, cols: number, rows: number): void {
  const before = model.rows;
  // the character that was printed last may stand elsewhere now
  model.joining = 0;
  const normal = regionOf(model.normal, tracker.squeezed(0), before);
  const alternate = model.alternate.length > 0 ? regionOf(model.alternate, tracker.squeezed(1), before) : undefined;
  if (alternate !== undefined) moveRows(model, alternate, rows - before);
  const footer = normal === undefined ? 0 : Math.min(normal.footer, before - 1);
  const cursors = fromBottom(model.normal, before, footer);
  model.resize(cols, rows, footer);
  putBack(model.normal, cursors, rows);
  tracker.setSqueezed(0, normal === undefined ? null : setRegion(model.normal, normal, rows));
  tracker.setSqueezed(1, alternate === undefined ? null : setRegion(model.alternate, alternate, rows));
  const { screen } = model;
  // under origin mode no output can put the cursor outside of the region
  if (model.modes.origin) screen.setCursor(screen.x, Math.min(Math.max(screen.y, screen.top), screen.bottom));
  for (const view of [model.normal, model.alternate]) keepOnScreen(view, rows);
}

/** A saved cursor that fell off the lower edge is restored in the last row: there it counts from now on. */
function keepOnScreen(view: BufferView, rows: number): void {
  const { saved } = view;
  if (saved.y > rows - 1) view.setSaved({ ...saved, y: rows - 1 });
}

/**
 * The region that a program set, also where a smaller size left no room for it; undefined for the whole
 * screen.
 */
function regionOf(view: BufferView, squeezed: SqueezedRegion | null, rows: number): SqueezedRegion | undefined {
  if (squeezed !== null) return squeezed;
  if (view.top === 0 && view.bottom === rows - 1) return undefined;
  return { top: view.top, footer: rows - 1 - view.bottom };
}

/** Sets the region again; one that has no room is remembered. */
function setRegion(view: BufferView, region: SqueezedRegion, rows: number): SqueezedRegion | null {
  const bottom = rows - 1 - region.footer;
  // a region has at least two rows
  if (bottom > region.top) {
    view.setRegion(region.top, bottom);
    return null;
  }
  view.setRegion(0, rows - 1);
  return region;
}

/** Takes rows out of the alternate screen's region, or puts blank ones in; the cursors go with their rows. */
function moveRows(model: Model, region: SqueezedRegion, change: number): void {
  const view = model.alternate;
  const { rows } = model;
  const last = Math.min(rows - 1, Math.max(region.top, rows - 1 - region.footer));
  const map = { y: view.y, savedY: view.saved.y };
  const shift = (from: number, by: number) => {
    if (map.y >= from) map.y = Math.max(map.y + by, from);
    if (map.savedY >= from) map.savedY = Math.max(map.savedY + by, from);
  };
  if (change > 0) {
    // below a text that does not fill the region yet, otherwise above it: the newest line stays next to the
    // footer
    const below = isBlank(view.line(view.base + last)) && view.y < last && region.top < rows - 1 - region.footer;
    const at = below ? last + 1 : Math.min(region.top, rows);
    view.insertRows(at, change);
    shift(at, change);
  } else {
    let left = -change;
    // blank rows that nothing was written to yet
    for (let y = last; left > 0 && y > region.top && y > view.y && isBlank(view.line(view.base + y)); y--) {
      view.removeRows(y, 1);
      shift(y + 1, -1);
      left--;
    }
    const at = Math.min(region.top, rows - 1 + change);
    view.removeRows(at, left);
    shift(at, -left);
  }
  view.setCursor(view.x, map.y);
  view.setSaved({ ...view.saved, y: map.savedY });
}

function isBlank(line: Row): boolean {
  for (let x = 0; x < line.length; x++)
    if ((line.data[x * slots] as number) & Content.any || line.data[x * slots + 2] !== 0) return false;
  return true;
}

interface Cursors {
  /** Rows above the bottom edge; undefined where the cursor is not in the footer. */
  y: number | undefined;
  savedY: number | undefined;
}

function fromBottom(view: BufferView, rows: number, footer: number): Cursors {
  const first = rows - footer;
  const { saved } = view;
  return {
    y: view.y >= first ? rows - 1 - view.y : undefined,
    savedY: saved.y >= first && saved.y < rows ? rows - 1 - saved.y : undefined,
  };
}

function putBack(view: BufferView, cursors: Cursors, rows: number): void {
  if (cursors.y !== undefined) view.setCursor(view.x, Math.max(0, rows - 1 - cursors.y));
  if (cursors.savedY !== undefined) view.setSaved({ ...view.saved, y: Math.max(0, rows - 1 - cursors.savedY) });
}
