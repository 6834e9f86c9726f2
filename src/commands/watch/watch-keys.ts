// The keys of `falcon sessions --watch`, as data: what each does, where it stands in the footer, and how the
// help describes it.
import type { ViewKey } from "../../session/keys/view-keys.ts";
import { widthOf } from "../text/table.ts";

export type WatchAction =
  | "down"
  | "up"
  | "page-down"
  | "page-up"
  | "first"
  | "last"
  | "open"
  | "fold"
  | "filter"
  | "sort"
  | "reverse"
  | "usage"
  | "help"
  | "leave";

interface Binding {
  readonly action: WatchAction;
  readonly keys: readonly ViewKey[];
  /** How the keys are written for a person. */
  readonly label: string;
  readonly help: string;
  /**
   * Its word in the footer; those with the lowest rank go first where it is narrow. Without one it is in the
   * help alone.
   */
  readonly footer?: { readonly word: string; readonly rank: number };
}

/** All keys, in the order of the help. A key that stands here twice belongs to the first. */
export const watchKeys: readonly Binding[] = [
  {
    action: "down",
    keys: ["j", "down"],
    label: "j, Down, wheel",
    help: "the next line",
    footer: { word: "j/k select", rank: 8 },
  },
  { action: "up", keys: ["k", "up"], label: "k, Up, wheel", help: "the line before" },
  { action: "page-down", keys: ["page-down", " "], label: "PageDown, Space", help: "a page down" },
  { action: "page-up", keys: ["page-up"], label: "PageUp", help: "a page up" },
  { action: "first", keys: ["g", "home"], label: "g, Home", help: "the first line" },
  { action: "last", keys: ["G", "end"], label: "G, End", help: "the last line" },
  {
    action: "open",
    keys: ["enter"],
    label: "Enter",
    help: "attach (d comes back here), or an ended run's report",
    footer: { word: "Enter attach", rank: 7 },
  },
  { action: "fold", keys: ["e"], label: "e", help: "fold or unfold the ended ones", footer: { word: "e ended", rank: 2 } },
  {
    action: "filter",
    keys: ["/"],
    label: "/",
    help: "only what has this text in it; Esc shows all",
    footer: { word: "/ filter", rank: 3 },
  },
  { action: "sort", keys: ["s"], label: "s", help: "sort by age, name, status, loss", footer: { word: "s sort", rank: 4 } },
  { action: "reverse", keys: ["r"], label: "r", help: "the other way round", footer: { word: "r reverse", rank: 1 } },
  { action: "usage", keys: ["u"], label: "u", help: "CPU, memory and GPU before other columns, where not all have room" },
  { action: "help", keys: ["?"], label: "?", help: "this list", footer: { word: "? keys", rank: 5 } },
  {
    action: "leave",
    keys: ["q", "d", "escape", "interrupt"],
    label: "q, d, Esc, Ctrl+C",
    help: "leave; everything goes on",
    footer: { word: "q leave", rank: 6 },
  },
];

/** What a key does in the table. */
export function watchAction(key: ViewKey): WatchAction | undefined {
  return watchKeys.find(({ keys }) => keys.includes(key))?.action;
}

/** As many of the keys as `cols` columns take, in the order of the help. `sort`: what is sorted by. */
export function footer(sort: string, cols: number): string {
  const items = watchKeys.flatMap(({ action, footer: shown }) =>
    shown === undefined ? [] : [{ text: action === "sort" ? `${shown.word}: ${sort}` : shown.word, rank: shown.rank }],
  );
  const line = () => items.map(({ text }) => text).join(" · ");
  while (items.length > 1 && widthOf(line()) > cols) {
    const least = items.reduce((a, b) => (b.rank < a.rank ? b : a));
    items.splice(items.indexOf(least), 1);
  }
  return line();
}

/** The list of all keys, a line each. */
export function helpLines(): string[] {
  const width = Math.max(...watchKeys.map(({ label }) => label.length)) + 2;
  return watchKeys.map(({ label, help }) => `  ${label.padEnd(width)}${help}`);
}
