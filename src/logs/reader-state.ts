// What a line reader knows between two pieces of a stream, as plain data, and how looks and runs are written
// in it.

import { Tokenizer, type TokenizerState } from "../base/text/tokenizer.ts";
import { applySgr, type CellStyle, defaultStyle } from "./cell-style.ts";
import { Row, type Run } from "./row.ts";

/** A finished line of the log. */
export interface LogLine {
  /** Counts from 0, without gaps. */
  number: number;
  /** Where in the stream it was last written to. */
  offset: number;
  runs: Run[];
}

/** A row whose content may still change, with whether it has been left by a line feed. */
export interface OpenLine {
  offset: number;
  runs: Run[];
  complete: boolean;
}

/** How the next character looks: its style and the character sets. */
export interface PenState {
  style: CellStyle;
  graphics: [boolean, boolean];
  shifted: boolean;
}

/** Everything that a reader knows; `LineReader.from` goes on from it. */
export interface ReaderState {
  version: 1;
  parser: TokenizerState;
  offset: number;
  number: number;
  cols: number;
  rows: number;
  screen: { runs: PackedRuns; width: number; wrapped: boolean; wrapsAt: number; touched: boolean; offset: number }[];
  joining: PackedRuns;
  joiningOffset: number;
  x: number;
  y: number;
  top: number;
  bottom: number;
  sgr: string;
  wrap: boolean;
  graphics: [boolean, boolean];
  shifted: boolean;
  saved: SavedState | null;
  drawn: (PlaceState & { region: boolean; saved: (PlaceState & SavedState & { since: number }) | null }) | null;
  last: string;
}

/** Text with the sequence of its style. */
export type PackedRuns = [string, string][];

export interface SavedState {
  x: number;
  y: number;
  sgr: string;
  graphics: [boolean, boolean];
  shifted: boolean;
}

export interface PlaceState {
  runs: PackedRuns;
  width: number;
  offset: number;
  x: number;
  y: number;
  flow: boolean;
  afterLine: boolean;
}

/** The cursor as ESC 7 or CSI s saves it. */
export interface Saved extends PenState {
  x: number;
  y: number;
}

export function freshPen(): PenState {
  return { style: defaultStyle, graphics: [false, false], shifted: false };
}

export function copyOf({ style, graphics, shifted }: PenState): PenState {
  return { style, graphics: [...graphics], shifted };
}

export function savedState({ x, y, style, graphics, shifted }: Saved): SavedState {
  return { x, y, sgr: style.sgr, graphics: [...graphics], shifted };
}

export function savedFrom({ x, y, sgr, graphics, shifted }: SavedState): Saved {
  return { x, y, style: styleOf(sgr), graphics: [...graphics], shifted };
}

export function packed(runs: readonly Run[]): PackedRuns {
  return runs.map(({ text, style }) => [text, style.sgr]);
}

export function unpacked(runs: PackedRuns): Run[] {
  return runs.map(([text, sgr]) => ({ text, style: styleOf(sgr) }));
}

export function rowFrom(runs: PackedRuns, width: number, offset: number): Row {
  return Row.from(unpacked(runs), width, offset);
}

/** The style that its own sequence sets. */
export function styleOf(sgr: string): CellStyle {
  let style = defaultStyle;
  new Tokenizer({
    text() {},
    control() {},
    esc() {},
    csi(_final, _prefix, _intermediate, params) {
      style = applySgr(defaultStyle, params);
    },
  }).feed(Buffer.from(sgr), 0);
  return style;
}
