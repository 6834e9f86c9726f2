// What `falcon sessions --watch` draws: the table, as many of its columns as fit, the log of the selected
// node below it, and the other pages.
import { type Action, type Bindings, footerOf, labelOf } from "../../base/keymap.ts";
import { printable, printableColoured } from "../../base/text/printable.ts";
import { drawChart } from "../../presentation/chart.ts";
import type { ShownNode } from "../../presentation/shown-run.ts";
import { sparkline } from "../../presentation/sparkline.ts";
import { epochText, leftSpan, lossThatIsNone, number, span } from "../../presentation/summary.ts";
import { cutMiddle } from "../list/session-list.ts";
import { cutFacts } from "../text/cut-facts.ts";
import { paintStatus, statusWord } from "../text/status-word.ts";
import { type Colours, colourless, cut, table, widthOf } from "../text/table.ts";
import { type UsageCells, usageTitles } from "../text/usage-text.ts";
import { duration } from "../text/wording.ts";
import { type SessionRow, statusOf, type WatchRow } from "./watch-rows.ts";

export interface Frame {
  cols: number;
  rows: number;
  now: number;
  colours: Colours;
  /** What is sorted by, for the footer. */
  sort: string;
  bindings: Bindings<"watch">;
  /** Stands instead of the keys: a notice, or what is being typed. */
  prompt: string;
  /** First line of the table that is shown. */
  top: number;
  /** What is used keeps its columns where others have no room. */
  usage: boolean;
  /** The metric that was chosen, as a column. */
  metric?: WatchColumn | undefined;
  /** The last lines below the table, at most so many. */
  log(count: number): string[];
}

export interface WatchColumn {
  title: string;
  right?: true;
  /** Columns with the lowest rank are left out first where the terminal is narrow; without a rank: never. */
  rank?: number;
  /** What it is called where it stands outside of the table: before it, or behind it. */
  label?: string;
  unit?: string;
  text(row: SessionRow, now: number, colours: Colours): string;
}

/** Blanks between two columns, as table() has them. */
const gap = 2;

/** Bars of the trend. */
const trendWidth = 12;

/** Above the ranks of all other columns. */
const mostRank = 100;

/** Lines that are not the table's: its head, the ruler, the footer. */
const frameLines = 3;

/** Part of the screen that the table may take from the log below it. */
const tablePart = 0.6;

/**
 * What is used; of a run on its first line, since its nodes share the machine. Only where there is something
 * to tell.
 */
const usageColumns = (Object.keys(usageTitles) as (keyof UsageCells)[]).map(
  (key, i): WatchColumn => ({
    title: usageTitles[key],
    right: true,
    // below all others, and GPU memory first
    rank: 0.9 - i / 10,
    label: usageTitles[key].toLowerCase(),
    text: ({ session, node, progress }) =>
      node === undefined || progress?.nodes.find(({ status }) => status !== "idle") === node ? session.usage[key] : "",
  }),
);

/**
 * The selected node's curve stands above its log where that many lines and columns are free: the log keeps
 * the better half.
 */
const chartNeeds = { lines: 26, cols: 60 };

/** Size of that curve: wider, its 40 points would be far apart. */
const chartSize = { lines: 11, cols: 110 };

const nameTitle = "SESSION";

/** A longer name is cut in its middle before a column is left out for it. */
const comfortableName = 24;

/** In the narrowest of terminals the table is cut instead. */
const leastName = 8;

/** Where several machines and jobs have sessions. */
const whereColumns: readonly WatchColumn[] = [
  { title: "HOST", rank: 6.5, label: "on", text: ({ session }) => session.host ?? "" },
  { title: "JOB", rank: 1.5, label: "job", text: ({ session }) => session.job ?? "" },
];

const columns: readonly WatchColumn[] = [
  { title: nameTitle, text: ({ session }) => session.name },
  { title: "NODE", text: ({ session, node }) => (session.live ? (node?.name ?? "") : "") },
  {
    title: "STATUS",
    text: (row, _now, colours) => paintStatus(row.session.live ? statusWord(statusOf(row)) : row.session.status, colours),
  },
  { title: "EPOCH", right: true, text: ({ node }) => (node === undefined ? "" : epochText(node)) },
  {
    title: "VAL LOSS",
    right: true,
    text: ({ node }, _now, colours) => (node === undefined ? "" : lossCell(node, colours)),
  },
  { title: "TREND", rank: 6, text: ({ node }) => (node === undefined ? "" : sparkline(node.trend, trendWidth)) },
  { title: "SAMPLES", right: true, rank: 3, unit: "samples", text: ({ node }) => known(node?.samples, String) },
  { title: "LR", right: true, rank: 2, label: "lr", text: ({ node }) => known(node?.learningRate, number) },
  { title: "EP/MIN", right: true, rank: 4, unit: "ep/min", text: ({ node }) => known(node?.epochsPerMinute, number) },
  {
    title: "LEFT",
    right: true,
    rank: 7,
    unit: "left",
    text: ({ session, node, progress }) =>
      session.live && node !== undefined && progress?.stopping !== true ? leftSpan([node]) : "",
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
    label: "age",
    text: ({ session }, now) =>
      session.live
        ? duration(now - (session.started ?? session.created))
        : `${duration(now - (session.ended ?? now)).split(" ")[0]} ago`,
  },
];

/** How many lines of the table are on the screen. */
export function tableHeight(count: number, rows: number): number {
  const room = Math.max(1, rows - frameLines);
  return Math.max(1, Math.min(count, Math.max(Math.min(room, 3), Math.floor(room * tablePart))));
}

/** The whole screen: `rows` lines, none wider than `cols`. */
export function picture(lines: readonly WatchRow[], chosen: WatchRow | undefined, frame: Frame): string[] {
  const { cols, rows, colours, top } = frame;
  const room = tableHeight(lines.length, rows);
  const part = lines.slice(top, top + room);
  const space = Math.max(0, rows - part.length - frameLines);
  const sessions = lines.filter((row) => row.kind === "session");
  const inSight = new Set(part);
  const texts = new Map(sessions.map((row) => [row, textsOf(row, chosen, inSight.has(row), frame)]));
  const { shown, left, name, widths } = fitting([...texts.values()], cols, frame);
  const visible = part.filter((row): row is SessionRow => row.kind === "session");
  const cells = visible.map((row) =>
    shown.map((column) => {
      const text = texts.get(row)?.get(column) ?? "";
      return column.title === nameTitle ? cutMiddle(text, name) : text;
    }),
  );
  // as wide as for all lines, so that the columns do not move while the table is scrolled
  const widest = shown.map((column) =>
    " ".repeat(Math.min(widths.get(column) ?? 0, column.title === nameTitle ? name : Infinity)),
  );
  const [head = "", ...body] = table(shown, [...cells, widest], cols).split("\n");
  const drawn = part.map((row) => {
    const line = row.kind === "ended" ? cutFacts(endedLine(row), cols, ", ") : cut(body[visible.indexOf(row)] ?? "", cols);
    if (row === chosen) return `\x1b[7m${pad(line, cols)}\x1b[27m`;
    return row.kind === "ended" ? colours.dim(line) : line;
  });
  const curve = space < chartNeeds.lines || cols < chartNeeds.cols ? [] : curveOf(chosen, cols, colours);
  const log = [...curve, ...frame.log(space - curve.length)];
  return [
    colours.bold(cut(head, cols)),
    ...drawn,
    colours.dim(ruler(chosen, left, scrollMark(top, Math.max(0, lines.length - top - room)), frame)),
    ...log.map((line) => cut(line, cols)),
    ...new Array(Math.max(0, space - log.length)).fill(""),
    bottomRow(frame),
  ].slice(0, rows);
}

/** The keys, or what stands in their place. */
function bottomRow({ cols, colours, bindings, sort, prompt }: Frame): string {
  return prompt === "" ? colours.dim(cut(footerOf(bindings, cols, { sort }), cols)) : cut(prompt, cols);
}

/** The screen where there is nothing to list. `filter`: the text that nothing fits. */
export function emptyPicture(filter: string, frame: Frame): string[] {
  const { cols, rows, colours } = frame;
  const texts =
    filter === ""
      ? [colours.bold("no session runs"), "", "falcon launch starts one"]
      : [colours.bold("nothing fits"), "", `no session has '${printable(filter)}' in it; Esc shows all again`];
  const body = texts.map((line) => cut(line, cols)).slice(0, rows - 1);
  return [...body, ...new Array(Math.max(0, rows - body.length - 1)).fill(""), bottomRow(frame)];
}

/** A page of text over the whole screen: the keys, or a session's report. */
export function pageOf(
  title: string,
  text: readonly string[],
  top: number,
  { cols, rows, colours, bindings }: Pick<Frame, "cols" | "rows" | "colours" | "bindings">,
): string[] {
  const room = Math.max(0, rows - 2);
  const below = Math.max(0, text.length - top - room);
  const label = (action: Action<"watch">) => labelOf(bindings, action);
  const back = `${label("leave")} back`;
  const keys = text.length > room ? `${label("down")}/${label("up")} ${label("page-down")} ${label("page-up")} · ${back}` : back;
  return [
    colours.bold(cut(printable(title), cols)),
    ...text.slice(top, top + room).map((line) => cut(line, cols)),
    ...new Array(Math.max(0, room - text.slice(top, top + room).length)).fill(""),
    colours.dim(cut(`${keys}${scrollMark(top, below) === "" ? "" : ` · ${scrollMark(top, below)}`}`, cols)),
  ].slice(0, rows);
}

/** "↑3 ↓14": how many lines are out of sight. */
function scrollMark(above: number, below: number): string {
  return [above > 0 ? `↑${above}` : "", below > 0 ? `↓${below}` : ""].filter(Boolean).join(" ");
}

function endedLine({ folded, counts }: Extract<WatchRow, { kind: "ended" }>): string {
  const total = counts.reduce((sum, { count }) => sum + count, 0);
  return `${folded ? "▸" : "▾"} ${total} ended: ${counts.map(({ word, count }) => `${count} ${word}`).join(", ")}`;
}

/** What a line has in each column. */
type Texts = ReadonlyMap<WatchColumn, string>;

const allColumns: readonly WatchColumn[] = [...columns, ...whereColumns, ...usageColumns];

/** Behind the loss, and left out after all others: it was asked for. */
const metricPlace = columns.findIndex(({ title }) => title === "VAL LOSS") + 1;

/** A metric as a column. @param value the last one in a line; undefined: not known */
export function metricColumn(name: string, value: (row: SessionRow) => number | undefined): WatchColumn {
  return { title: name, right: true, rank: mostRank - 1, label: name, text: (row) => known(value(row), number) };
}

/** Texts of lines as they were last made, by what they tell of. */
const lastTexts = new WeakMap<object, Texts>();

/**
 * A line out of sight is read now and then; its texts, which only the widths need, are made anew when it was.
 */
function textsOf(row: SessionRow, chosen: WatchRow | undefined, inSight: boolean, { now, colours, metric }: Frame): Texts {
  const told = row.node ?? row.session;
  const before = inSight ? undefined : lastTexts.get(told);
  if (before !== undefined) return before;
  // the selected line is inverted as a whole: a colour in it would be a patch
  const paint = row === chosen ? colourless : colours;
  const all = metric === undefined ? allColumns : [...allColumns, metric];
  const texts = new Map(all.map((column) => [column, printableColoured(column.text(row, now, paint))]));
  lastTexts.set(told, texts);
  return texts;
}

/** The columns that fit, those that do not, how wide each is, and how wide a name may be. */
function fitting(
  lines: readonly Texts[],
  cols: number,
  { usage, metric }: Frame,
): { shown: WatchColumn[]; left: WatchColumn[]; widths: ReadonlyMap<WatchColumn, number>; name: number } {
  const told = [...whereColumns, ...usageColumns].filter((column) => lines.some((texts) => texts.get(column) !== ""));
  const shown = [
    ...columns.slice(0, metricPlace),
    ...(metric === undefined ? [] : [metric]),
    ...columns.slice(metricPlace),
    ...told,
  ];
  const rank = (column: WatchColumn) => (column.rank as number) + (usage && usageColumns.includes(column) ? mostRank : 0);
  const left: WatchColumn[] = [];
  const widths = new Map(shown.map((column) => [column, widest(column, lines)]));
  const names = widths.get(shown[0] as WatchColumn) as number;
  const others = () => shown.slice(1).reduce((sum, column) => sum + gap + (widths.get(column) as number), 0);
  const width = () => Math.min(names, comfortableName) + others();
  while (width() > cols) {
    const ranked = shown.filter((column) => column.rank !== undefined);
    if (ranked.length === 0) break;
    const least = ranked.reduce((a, b) => (rank(b) < rank(a) ? b : a));
    shown.splice(shown.indexOf(least), 1);
    left.unshift(least);
  }
  return { shown, left, widths, name: Math.max(leastName, Math.min(names, cols - others())) };
}

function widest(column: WatchColumn, lines: readonly Texts[]): number {
  return lines.reduce((width, texts) => Math.max(width, widthOf(texts.get(column) ?? "")), widthOf(column.title));
}

/**
 * The line above the log: whose log it is, what of its line found no room in the table, and what is out of
 * sight.
 */
function ruler(chosen: WatchRow | undefined, left: readonly WatchColumn[], mark: string, { cols, now, colours }: Frame): string {
  const end = mark === "" ? "" : ` ${mark} ──`;
  const whole = chosen?.kind === "session" ? titleOf(chosen, left, now, colours) : "";
  const title = whole === "" ? "" : `${cutFacts(whole, Math.max(0, cols - widthOf(end) - 1))} `;
  return cut(`${title}${"─".repeat(Math.max(0, cols - widthOf(title) - widthOf(end)))}${end}`, cols);
}

function titleOf(chosen: SessionRow, left: readonly WatchColumn[], now: number, colours: Colours): string {
  const facts = left
    .toSorted((a, b) => (b.rank ?? 0) - (a.rank ?? 0))
    .flatMap((column) => {
      const text = column.text(chosen, now, colours);
      return text === "" || text === "-" ? [] : [[column.label, text, column.unit].filter(Boolean).join(" ")];
    });
  const node = chosen.session.live && chosen.node !== undefined ? ` / ${chosen.node.name}` : "";
  return printableColoured(`── ${[`${chosen.session.name}${node}`, ...facts].join(" · ")}`);
}

/**
 * Part of a launch that its curve leaves out: the fall of the first epochs, which would flatten all that
 * comes later.
 */
const firstFall = 0.15;

/** The losses of this launch by epoch, of which the trend is a small picture. */
function curveOf(chosen: WatchRow | undefined, cols: number, colours: Colours): string[] {
  const node = chosen?.kind === "session" ? chosen.node : undefined;
  if (node === undefined || node.epoch === null || node.trend.length < 3) return [];
  const { trend, epoch, epochsBefore } = node;
  const first = (epochsBefore ?? 0) + 1;
  const skipped = Math.floor(trend.length * firstFall);
  const x = trend.map((_, i) => Math.round(first + ((epoch - first) * i) / (trend.length - 1))).slice(skipped);
  const label = `${node.validationLoss === null ? "training" : "validation"} loss by epoch, from ${x[0]} on`;
  const { rows } = drawChart([{ x, y: trend.slice(skipped) }], Math.min(cols, chartSize.cols), chartSize.lines - 2);
  return [colours.dim(label), ...rows.map((row) => colours.blue(row)), ""];
}

/** The validation loss, or the training loss with its name; one that is no number is what one looks for. */
function lossCell(node: ShownNode, colours: Colours): string {
  const { validationLoss, loss } = node;
  const none = lossThatIsNone(node);
  if (none !== undefined) return colours.red(`${none.metric === "loss" ? "train " : ""}${none.value} since ${none.epoch}`);
  return validationLoss !== null ? number(validationLoss) : known(loss, (value) => `train ${number(value)}`);
}

function known<T>(value: T | null | undefined, text: (value: T) => string): string {
  return value === null || value === undefined ? "" : text(value);
}

function pad(text: string, width: number): string {
  const short = cut(text, width);
  return short + " ".repeat(Math.max(0, width - widthOf(short)));
}
