// The table of `falcon sessions`: which columns there are, in which order of worth, and what gives way where
// the terminal is narrow.
import path from "node:path";
import { printable, printableColoured } from "../../base/text/printable.ts";
import { cutFacts } from "../text/cut-facts.ts";
import { paintStatus, type StatusWord } from "../text/status-word.ts";
import { type Colours, cut, isPlain, widthOf } from "../text/table.ts";
import { type UsageCells, usageTitles } from "../text/usage-text.ts";

/** One session as the list shows it. */
export interface ListLine {
  status: StatusWord;
  /** How far it is, or what came of it and why it ended. */
  progress: string;
  name: string;
  id: string;
  /** "3h 05m" while it runs, "3h ago" after it. */
  age: string;
  viewers: number;
  job: string;
  host: string;
  usage: UsageCells;
  /** Run directory, else working directory; absolute. */
  place: string;
}

/** Where the list is looked at. */
export interface ListPlace {
  /** Columns of the terminal; 0 for none: nothing is cut then. */
  width: number;
  /** The caller's, against which places are shown. */
  directory: string;
  home: string | undefined;
  /** This machine: where all are on one other, that is said, too. */
  host?: string;
  /** The columns of what is used stand also where there is no room for them. */
  usage?: boolean;
}

/** A long reason does not stretch the table beyond this; `falcon show` has all of it. */
const longestProgress = 100;

/**
 * Of less worth than how far a run is: left out, in this order, where PROGRESS would become narrower than
 * that. With 48 columns it has epoch, loss and time left, or most of a reason; with 28 what matters most.
 */
const spared: readonly [title: string, progress: number][] = [
  ["VIEWERS", 48],
  ["RUN", 48],
  ["JOB", 28],
  ["HOST", 28],
];

/** Widths in which the other columns that can be cut still tell much. */
const comfortable: Readonly<Record<string, number>> = { NAME: 14, RUN: 12 };

/**
 * What columns can be made narrower, in this order, and to which width: first to one that still tells much,
 * then to the least.
 */
const narrowings: readonly [column: "RUN" | "PROGRESS" | "NAME", least: number][] = [
  ["NAME", 28],
  ["RUN", 20],
  ["PROGRESS", 36],
  ["NAME", 14],
  ["RUN", 12],
  ["PROGRESS", 16],
  ["NAME", 8],
];

const gap = 2;
const between = " ".repeat(gap);

interface DrawnColumn {
  title: string;
  right?: true;
  cells: string[];
}

/** In a pipe a longer text stands beyond its column, instead of being cut. */
function columnWidth({ title, cells }: DrawnColumn): number {
  const most = title === "PROGRESS" ? longestProgress : Number.POSITIVE_INFINITY;
  let width = widthOf(title);
  for (const text of cells) width = Math.max(width, Math.min(most, widthOf(text)));
  return width;
}

/** The table, or in a pipe one without colours and uncut, with its last line not ended. */
export function sessionTable(given: readonly ListLine[], place: ListPlace, colours: Colours): string {
  // names, titles and paths are what programs and people made of them
  const lines = given.map((line) => ({
    ...line,
    progress: printableColoured(line.progress),
    name: printable(line.name),
    place: printable(line.place),
  }));
  const places = lines.map((line) => shownPlace(line.place, place));
  const several = (values: readonly string[]) => new Set(values).size > 1;
  const columns: DrawnColumn[] = [
    { title: "STATE", cells: lines.map(({ status }) => paintStatus(status, colours)) },
    { title: "PROGRESS", cells: lines.map(({ progress }) => (place.width > 0 ? cutFacts(progress, longestProgress) : progress)) },
    { title: "NAME", cells: lines.map(({ name }) => name) },
    { title: "ID", cells: lines.map(({ id }) => id) },
    { title: "AGE", right: true, cells: lines.map(({ age }) => age) },
  ];
  if (lines.some(({ viewers }) => viewers > 0))
    columns.push({ title: "VIEWERS", right: true, cells: lines.map(({ viewers }) => (viewers === 0 ? "" : String(viewers))) });
  if (lines.some(({ job }) => job !== "")) columns.push({ title: "JOB", cells: lines.map(({ job }) => job) });
  const hosts = lines.map(({ host }) => host);
  if (several(place.host === undefined ? hosts : [place.host, ...hosts])) columns.push({ title: "HOST", cells: hosts });
  if (places.some((shown) => shown !== ".")) columns.push({ title: "RUN", cells: places });
  const used = usageColumns(lines);
  const runAt = () => (columns.at(-1)?.title === "RUN" ? columns.length - 1 : columns.length);
  if (place.usage === true) columns.splice(runAt(), 0, ...used);
  const widths = columns.map(columnWidth);
  const least = (progress: number) => {
    const wanted: Readonly<Record<string, number>> = { ...comfortable, PROGRESS: progress };
    return columns.reduce(
      (sum, { title }, i) => sum + gap + Math.min(widths[i] as number, wanted[title] ?? Number.POSITIVE_INFINITY),
      -gap,
    );
  };
  for (const [title, progress] of spared) {
    const at = columns.findIndex((column) => column.title === title);
    if (place.width === 0 || at < 0 || least(progress) <= place.width) continue;
    columns.splice(at, 1);
    widths.splice(at, 1);
  }
  const surplus = () => (place.width === 0 ? 0 : widths.reduce((sum, width) => sum + width + gap, -gap) - place.width);
  // by themselves where everything else is whole, from the first on
  if (place.usage !== true && place.width > 0) {
    for (const column of used) {
      const width = columnWidth(column);
      if (surplus() + width + gap > 0) break;
      widths.splice(runAt(), 0, width);
      columns.splice(runAt(), 0, column);
    }
  }
  // narrowed a second time a column is cut from its whole texts: a cut one would lose more than it must
  const whole = new Map(columns.map(({ title, cells }) => [title, cells]));
  for (const [title, least] of narrowings) {
    const at = columns.findIndex((column) => column.title === title);
    const column = columns[at];
    if (column === undefined || surplus() <= 0) continue;
    const width = Math.max(least, (widths[at] as number) - surplus());
    column.cells = (whole.get(title) as string[]).map((text) =>
      title === "PROGRESS" ? cutFacts(text, width) : cutMiddle(text, width),
    );
    widths[at] = columnWidth(column);
  }
  const draw = (texts: readonly string[]) => {
    let line = "";
    for (const [i, { right }] of columns.entries()) {
      const text = texts[i] as string;
      const blank = " ".repeat(Math.max(0, (widths[i] as number) - widthOf(text)));
      line += `${i > 0 ? between : ""}${right ? blank + text : text + blank}`;
    }
    return line.trimEnd();
  };
  return [columns.map(({ title }) => title), ...lines.map((_, i) => columns.map(({ cells }) => cells[i] as string))]
    .map(draw)
    .join("\n");
}

/** What is used, where any of them tells it. */
function usageColumns(lines: readonly ListLine[]): DrawnColumn[] {
  return (Object.keys(usageTitles) as (keyof UsageCells)[])
    .map((key): DrawnColumn => ({ title: usageTitles[key], right: true, cells: lines.map(({ usage }) => usage[key]) }))
    .filter(({ cells }) => cells.some((cell) => cell !== ""));
}

/** A place as a person there calls it: below the directory without it, below the home with `~`. */
export function shownPlace(place: string, { directory, home }: Pick<ListPlace, "directory" | "home">): string {
  // thousands may be listed: what is plainly elsewhere is not taken apart
  const below = place.startsWith(directory) || place.includes("/.") || !path.isAbsolute(place);
  const relative = below ? path.relative(directory, place) : "..";
  if (relative === "") return ".";
  if (!relative.startsWith("..") && !path.isAbsolute(relative)) return relative;
  if (home !== undefined && home !== "" && home !== "/" && `${place}/`.startsWith(`${home}/`))
    return `~${place.slice(home.length)}`;
  return place;
}

/**
 * A text in at most `width` columns: its middle is left out, since a path and a numbered name tell most at
 * their end.
 */
export function cutMiddle(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  if (isPlain(text)) {
    const kept = Math.max(1, Math.ceil(width / 3));
    return `${text.slice(0, kept - 1)}…${text.slice(text.length - (width - kept))}`;
  }
  const characters = [...text];
  const head = cut(text, Math.max(1, Math.ceil(width / 3)));
  let tail = "";
  while (characters.length > 0 && widthOf(head) + widthOf(characters.at(-1) as string) + widthOf(tail) <= width)
    tail = (characters.pop() as string) + tail;
  return head + tail;
}
