// The table of `falcon sessions`: which columns there are, in which order of worth, and what gives way where
// the terminal is narrow.
import path from "node:path";
import { printable, printableColoured } from "../../base/printable.ts";
import type { StatusWord } from "../text/status-word.ts";
import { paintStatus } from "../text/status-word.ts";
import { type coloursFor, cut, widthOf } from "../text/table.ts";
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
  /** The columns of what is used stand also where there is no room for them. */
  usage?: boolean;
}

/** A long reason does not stretch the table beyond this; `falcon show` has all of it. */
const longestProgress = 100;

/**
 * What columns can be made narrower, in this order, and to which width: first to one that still tells much,
 * then to the least.
 */
const narrowings: readonly [column: "RUN" | "PROGRESS" | "NAME", least: number][] = [
  ["NAME", 28],
  ["RUN", 20],
  ["PROGRESS", 36],
  ["NAME", 14],
  ["RUN", 0],
  ["PROGRESS", 16],
  ["NAME", 8],
];

const gap = 2;

/** The table, or in a pipe one without colours and uncut, with its last line not ended. */
export function sessionTable(given: readonly ListLine[], place: ListPlace, colours: ReturnType<typeof coloursFor>): string {
  // names, titles and paths are what programs and people made of them
  const lines = given.map((line) => ({
    ...line,
    progress: printableColoured(line.progress),
    name: printable(line.name),
    place: printable(line.place),
  }));
  const places = lines.map((line) => shownPlace(line.place, place));
  const several = (values: readonly string[]) => new Set(values).size > 1;
  const columns: { title: string; right?: true; cells: string[] }[] = [
    { title: "STATE", cells: lines.map(({ status }) => paintStatus(status, colours)) },
    { title: "PROGRESS", cells: lines.map(({ progress }) => (place.width > 0 ? cut(progress, longestProgress) : progress)) },
    { title: "NAME", cells: lines.map(({ name }) => name) },
    { title: "ID", cells: lines.map(({ id }) => id) },
    { title: "AGE", right: true, cells: lines.map(({ age }) => age) },
  ];
  if (lines.some(({ viewers }) => viewers > 0))
    columns.push({ title: "VIEWERS", right: true, cells: lines.map(({ viewers }) => (viewers === 0 ? "" : String(viewers))) });
  if (lines.some(({ job }) => job !== "")) columns.push({ title: "JOB", cells: lines.map(({ job }) => job) });
  if (several(lines.map(({ host }) => host))) columns.push({ title: "HOST", cells: lines.map(({ host }) => host) });
  if (places.some((shown) => shown !== ".")) columns.push({ title: "RUN", cells: places });
  const used = usageColumns(lines);
  const runAt = () => (columns.at(-1)?.title === "RUN" ? columns.length - 1 : columns.length);
  if (place.usage === true) columns.splice(runAt(), 0, ...used);
  // in a pipe a longer text stands beyond its column, instead of being cut
  const widthOfColumn = ({ title, cells }: { title: string; cells: string[] }) =>
    Math.max(
      widthOf(title),
      ...cells.map((text) => (title === "PROGRESS" ? Math.min(longestProgress, widthOf(text)) : widthOf(text))),
    );
  const surplus = () =>
    place.width === 0 ? 0 : columns.reduce((sum, column) => sum + widthOfColumn(column) + gap, -gap) - place.width;
  // by themselves where everything else is whole, from the first on
  if (place.usage !== true && place.width > 0) {
    for (const column of used) {
      if (surplus() + widthOfColumn(column) + gap > 0) break;
      columns.splice(runAt(), 0, column);
    }
  }
  for (const [title, least] of narrowings) {
    const at = columns.findIndex((column) => column.title === title);
    const column = columns[at];
    if (column === undefined || surplus() <= 0) continue;
    const width = Math.max(least, widthOfColumn(column) - surplus());
    if (width < title.length) columns.splice(at, 1);
    else column.cells = column.cells.map((text) => (title === "PROGRESS" ? cut(text, width) : cutMiddle(text, width)));
  }
  const widths = columns.map(widthOfColumn);
  const draw = (texts: readonly string[]) =>
    columns
      .map(({ right }, i) => {
        const text = texts[i] as string;
        const blank = " ".repeat(Math.max(0, (widths[i] as number) - widthOf(text)));
        return right ? blank + text : text + blank;
      })
      .join(" ".repeat(gap))
      .trimEnd();
  return [columns.map(({ title }) => title), ...lines.map((_, i) => columns.map(({ cells }) => cells[i] as string))]
    .map(draw)
    .join("\n");
}

/** What is used, where any of them tells it. */
function usageColumns(lines: readonly ListLine[]): { title: string; right: true; cells: string[] }[] {
  return (Object.keys(usageTitles) as (keyof UsageCells)[])
    .map((key) => ({ title: usageTitles[key], right: true as const, cells: lines.map(({ usage }) => usage[key]) }))
    .filter(({ cells }) => cells.some((cell) => cell !== ""));
}

/** A place as a person there calls it: below the directory without it, below the home with `~`. */
export function shownPlace(place: string, { directory, home }: Pick<ListPlace, "directory" | "home">): string {
  const relative = path.relative(directory, place);
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
  const characters = [...text];
  const head = cut(text, Math.max(1, Math.ceil(width / 3)));
  let tail = "";
  while (characters.length > 0 && widthOf(head) + widthOf(characters.at(-1) as string) + widthOf(tail) <= width)
    tail = (characters.pop() as string) + tail;
  return head + tail;
}
