// What `falcon sessions --watch` draws: the table of nodes, as many of its columns as fit, and the selected node's log below.
import { printable } from "../base/printable.ts";
import { sparkline } from "../falcon/curve.ts";
import type { NodeProgress } from "../falcon/node-progress.ts";
import type { RunProgress } from "../falcon/run-progress.ts";
import { epochText, number, span } from "../falcon/summary.ts";
import { type coloursFor, cut, table, widthOf } from "./table.ts";
import { duration } from "./wording.ts";

/** What is shown of a session. Times are ms since 1970. */
export interface Watched {
  name: string;
  live: boolean;
  state: string;
  created: number;
  started: number | null;
  ended: number | null;
}

/** One line of the table: a node of a run, or a session without nodes. */
export interface WatchLine {
  session: Watched;
  progress: RunProgress | null;
  node: NodeProgress | undefined;
}

export const sorts = ["age", "name", "status", "loss"] as const;
export type Sort = (typeof sorts)[number];

export interface Frame {
  cols: number;
  rows: number;
  now: number;
  colours: ReturnType<typeof coloursFor>;
  sort: Sort;
  /** Instead of the keys, once: why a key did nothing. */
  notice: string;
  /** The last lines below the table, at most so many. */
  log(count: number): string[];
}

interface WatchColumn {
  title: string;
  right?: true;
  /** Columns with the lowest rank are left out first where the terminal is narrow; without a rank: never. */
  rank?: number;
  /** What it is called where it stands outside of the table. */
  unit?: string;
  text(line: WatchLine, now: number): string;
}

/** Blanks between two columns, as table() has them. */
const gap = 2;

/** Bars of the trend. */
const trendWidth = 12;

const columns: readonly WatchColumn[] = [
  { title: "SESSION", text: ({ session }) => session.name },
  { title: "NODE", text: ({ node }) => node?.name ?? "" },
  { title: "STATUS", text: statusOf },
  { title: "EPOCH", right: true, text: ({ node }) => (node === undefined ? "" : epochText(node)) },
  { title: "LOSS", right: true, text: ({ node }) => known(node?.validationLoss ?? node?.loss, number) },
  { title: "TREND", rank: 6, text: ({ node }) => (node === undefined ? "" : sparkline(node.trend, trendWidth)) },
  { title: "SAMPLES", right: true, rank: 3, unit: "samples", text: ({ node }) => known(node?.samples, String) },
  { title: "LR", right: true, rank: 2, unit: "lr", text: ({ node }) => known(node?.learningRate, number) },
  { title: "EP/MIN", right: true, rank: 4, unit: "ep/min", text: ({ node }) => known(node?.epochsPerMinute, number) },
  {
    title: "LEFT",
    right: true,
    rank: 7,
    unit: "left",
    text: ({ session, node }) => (session.live ? known(node?.timeLeft, span) : ""),
  },
  {
    title: "SILENT",
    right: true,
    rank: 5,
    unit: "silent",
    text: ({ session, node }, now) => (session.live && node?.lastSign ? span((now - node.lastSign) / 1000) : ""),
  },
  {
    title: "AGE",
    right: true,
    rank: 1,
    unit: "old",
    text: ({ session }, now) => duration((session.ended ?? now) - (session.started ?? session.created)),
  },
];

/** A line's state in one word: the session's when it is over, "stalled", else the node's. */
export function statusOf({ session, node, progress }: WatchLine): string {
  if (!session.live) return session.state;
  if (node?.stalled === true || progress?.stalled === true) return "stalled";
  return node?.status ?? session.state;
}

/** In the order of `sort`; equal ones keep theirs. */
export function sorted<Line extends WatchLine>(lines: readonly Line[], sort: Sort): Line[] {
  const loss = ({ node }: WatchLine) => node?.validationLoss ?? node?.loss ?? Number.POSITIVE_INFINITY;
  const by: Record<Sort, (a: WatchLine, b: WatchLine) => number> = {
    age: (a, b) => a.session.created - b.session.created,
    name: (a, b) => a.session.name.localeCompare(b.session.name),
    status: (a, b) => statusOf(a).localeCompare(statusOf(b)),
    // two that have none: their difference would be NaN
    loss: (a, b) => (loss(a) === loss(b) ? 0 : loss(a) - loss(b)),
  };
  return [...lines].sort(by[sort]);
}

/** The whole screen: `rows` lines, none wider than `cols`. */
export function picture(lines: readonly WatchLine[], chosen: WatchLine | undefined, frame: Frame): string[] {
  const { cols, rows, now, colours, sort } = frame;
  if (lines.length === 0) {
    const texts = [colours.bold("no session runs"), "", "falcon launch starts one · q leaves"].map((line) => cut(line, cols));
    return [...texts, ...new Array(rows).fill("")].slice(0, rows);
  }
  const texts = new Map(columns.map((column) => [column, lines.map((line) => printable(column.text(line, now)))]));
  const { shown, left } = fitting(texts, cols);
  const cells = lines.map((_, i) => shown.map((column) => texts.get(column)?.[i] ?? ""));
  const [head = "", ...body] = table(shown, cells, cols).split("\n");
  const at = chosen === undefined ? 0 : Math.max(0, lines.indexOf(chosen));
  // the table takes at most half of the screen; the selected line stays in sight
  const room = Math.max(1, Math.min(body.length, Math.floor((rows - 3) / 2)));
  const first = Math.max(0, Math.min(at - Math.floor(room / 2), body.length - room));
  const part = body
    .slice(first, first + room)
    .map((line, i) => (first + i === at ? `\x1b[7m${pad(line, cols)}\x1b[27m` : cut(line, cols)));
  const space = Math.max(0, rows - part.length - 3);
  const log = frame.log(space);
  const title = chosen === undefined ? "" : titleOf(chosen, left, now);
  return [
    colours.bold(cut(head, cols)),
    ...part,
    colours.dim(cut(`${title}${"─".repeat(Math.max(0, cols - widthOf(title)))}`, cols)),
    ...log.map((line) => cut(line, cols)),
    ...new Array(Math.max(0, space - log.length)).fill(""),
    frame.notice === "" ? colours.dim(keys(sort, cols)) : cut(frame.notice, cols),
  ].slice(0, rows);
}

/** The columns that fit, and those that do not. */
function fitting(texts: ReadonlyMap<WatchColumn, string[]>, cols: number): { shown: WatchColumn[]; left: WatchColumn[] } {
  const widths = new Map(
    columns.map((column) => [column, Math.max(widthOf(column.title), ...(texts.get(column) ?? []).map(widthOf))]),
  );
  const shown = [...columns];
  const left: WatchColumn[] = [];
  const width = () => shown.reduce((sum, column) => sum + (widths.get(column) ?? 0), 0) + gap * (shown.length - 1);
  while (width() > cols) {
    const ranked = shown.filter((column) => column.rank !== undefined);
    if (ranked.length === 0) break;
    const least = ranked.reduce((a, b) => ((b.rank as number) < (a.rank as number) ? b : a));
    shown.splice(shown.indexOf(least), 1);
    left.unshift(least);
  }
  return { shown, left };
}

/** The ruler above the log: whose log it is, and what of its line found no room in the table. */
function titleOf(chosen: WatchLine, left: readonly WatchColumn[], now: number): string {
  const facts = left
    .toSorted((a, b) => (b.rank ?? 0) - (a.rank ?? 0))
    .flatMap((column) => {
      const text = column.text(chosen, now);
      if (text === "" || column.unit === undefined) return text === "" ? [] : [text];
      return [column.unit === "lr" ? `lr ${text}` : `${text} ${column.unit}`];
    });
  const name = `${chosen.session.name}${chosen.node === undefined ? "" : ` / ${chosen.node.name}`}`;
  return printable(`── ${[name, ...facts].join(" · ")} `);
}

/** What can be typed, as long as there is room for. */
function keys(sort: Sort, cols: number): string {
  const texts = [
    `j/k select · Enter attaches · s sorts (by ${sort}) · q leaves`,
    `j/k · Enter attaches · s: by ${sort} · q`,
    `j k Enter s:${sort} q`,
  ];
  return cut(texts.find((text) => widthOf(text) <= cols) ?? (texts.at(-1) as string), cols);
}

function known(value: number | null | undefined, text: (value: number) => string): string {
  return value === null || value === undefined ? "" : text(value);
}

function pad(text: string, width: number): string {
  const short = cut(text, width);
  return short + " ".repeat(Math.max(0, width - widthOf(short)));
}
