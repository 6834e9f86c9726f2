// What the rows of a screen say of a training: how far it is, how fast, and its losses. What they do not say
// is unknown.
import { type MetricKind, metricKind, numberOf, numberPattern } from "../reading/metric-words.ts";
import type { Point, Told } from "../run/told.ts";
import { type Bar, barOf } from "./bars.ts";

/** The losses that stand beside a number of epochs, steps, …, of one training in order. */
export type Mark = Omit<Point, "time">;

/** What a screen says. `null`: it does not. */
export interface Reading extends Pick<Told, "unit" | "done" | "total" | "fraction" | "left"> {
  /** Units a second. */
  rate: number | null;
  marks: Mark[];
  /** Values that stand in the row that is written now. */
  now: Partial<Record<MetricKind, number>>;
}

/**
 * Rows that a display of bars may have below its first one that is not full: what stands higher is history.
 */
const displayRows = 8;

/** Rows, the last ones, and columns that are read: what a program shows of its progress is within them. */
const mostRows = 120;
const mostColumns = 400;

/** A row that begins with so many blanks goes on with the row before it (rich wraps a column). */
const continued = /^ {20,}\S/;

/** A bar of these words says nothing of how far the training is. */
const aside = /\b(?:valid|validation|validating|eval|evaluating|sanity|test|testing|download\w*)\b/i;

interface Row {
  bar: Bar | undefined;
  /** "Epoch 3/10": its number as it stands there. */
  epoch: { number: number; total: number | null; zeroBased: boolean } | undefined;
  step: { number: number; total: number | null } | undefined;
  values: Partial<Record<MetricKind, number>>;
}

/** @param rows top first; undefined where nothing in them is known. */
export function readRows(rows: readonly string[]): Reading | undefined {
  const read = joined(rows)
    .map(rowOf)
    .filter(({ bar, epoch, step }) => bar !== undefined || epoch !== undefined || step !== undefined);
  if (read.length === 0) return undefined;
  const training = read.filter(({ bar }) => bar === undefined || !aside.test(bar.label));
  return read.some(({ epoch }) => epoch !== undefined) ? byEpochs(training) : (byBars(training) ?? bySteps(training));
}

function joined(rows: readonly string[]): string[] {
  const whole: string[] = [];
  for (const long of rows.slice(-mostRows)) {
    const row = long.slice(0, mostColumns);
    if (row.trim() === "") continue;
    if (continued.test(row) && whole.length > 0) whole.push(`${whole.pop()} ${row.trim()}`);
    else whole.push(row);
  }
  return whole;
}

function rowOf(row: string): Row {
  const bar = barOf(row);
  const values = valuesOf(row);
  const epoch = /\bepochs?\b['"]?[\s:=#[(]*(\d+(?:\.\d+)?)(?:\s*(?:\/|of)\s*(\d+))?/i.exec(bar === undefined ? row : bar.label);
  const step = /\b(?:step|iter|iteration|update)s?\b['"]?[\s:=#[(]*(\d+)(?:\s*(?:\/|of)\s*(\d+))?/i.exec(row);
  // Lightning counts from 0, and its total is the last number
  const zeroBased = epoch?.[1] === "0" || /\bv_num\b/.test(row);
  const last = epoch?.[2] === undefined ? null : Number(epoch[2]);
  return {
    bar,
    epoch: epoch ? { number: Number(epoch[1]), total: last === null ? null : last + (zeroBased ? 1 : 0), zeroBased } : undefined,
    step:
      bar === undefined && step ? { number: Number(step[1]), total: step[2] === undefined ? null : Number(step[2]) } : undefined,
    values,
  };
}

const named = new RegExp(
  String.raw`['"]?([A-Za-z][\w/.]{0,40}(?: (?=loss)\w{1,20})?)['"]?\s*[:=]\s*['"]?(${numberPattern})`,
  "gi",
);
const bare = new RegExp(String.raw`\b((?:(?:train|training|val|valid|validation|eval)[ _/.-])?loss)\s+(${numberPattern})`, "gi");

function valuesOf(row: string): Row["values"] {
  const values: Row["values"] = {};
  for (const found of [...row.matchAll(bare), ...row.matchAll(named)]) {
    const kind = metricKind(found[1] as string);
    const value = numberOf(found[2] as string);
    if (kind !== undefined && value !== undefined) values[kind] = value;
  }
  return values;
}

function hasLoss({ loss, validationLoss }: Row["values"]): boolean {
  return loss !== undefined || validationLoss !== undefined;
}

/** Epochs by number, each with a bar of its own or none. */
function byEpochs(rows: readonly Row[]): Reading {
  let marks: Mark[] = [];
  let current: NonNullable<Row["epoch"]> = { number: 0, total: null, zeroBased: false };
  let bar: Bar | undefined;
  let done = 0;
  let now: Row["values"] = {};
  const zeroBased = rows.some(({ epoch }) => epoch?.zeroBased === true);
  for (const row of rows) {
    if (row.epoch !== undefined) {
      // another training began
      if (row.epoch.number < current.number) marks = [];
      current = row.epoch;
      bar = undefined;
      done = zeroBased ? current.number : current.number - (hasLoss(row.values) && row.bar === undefined ? 0 : 1);
    }
    if (row.bar !== undefined) {
      bar = row.bar;
      if (row.bar.part === 1) done = current.number + (zeroBased ? 1 : 0);
    }
    if (row.epoch === undefined && row.bar === undefined) continue;
    now = row.values;
    // a Lightning bar shows the validation of the epoch before
    const at = zeroBased && row.bar !== undefined ? done : zeroBased ? current.number + 1 : current.number;
    if (hasLoss(row.values) && at > 0) put(marks, { at, ...row.values });
  }
  const { total } = current;
  const part = bar?.part === null || bar?.part === undefined || bar.part === 1 ? 0 : bar.part;
  const fraction = total === null ? null : Math.min(1, Math.max(0, (done + part) / total));
  return { unit: "epoch", done: Math.max(0, done), total, fraction, rate: null, left: null, marks, now };
}

/**
 * Bars without a number of epochs: the outermost that is not full tells how far it is, the next one refines
 * it.
 */
function byBars(rows: readonly Row[]): Reading | undefined {
  const shown = rows.slice(-displayRows).filter((row) => row.bar !== undefined);
  const open = shown.filter(({ bar }) => bar?.part !== 1);
  const outer = open[0] ?? shown.at(-1);
  if (outer?.bar === undefined) return undefined;
  const { bar } = outer;
  const inner = open[1];
  const part = inner?.bar?.part ?? 0;
  const refined = part < 1 && bar.total !== null && bar.done !== null ? part / bar.total : 0;
  const values = { ...outer.values, ...inner?.values };
  const unit = /\bepochs?\b/i.test(`${bar.label} ${bar.unit}`) ? "epoch" : bar.unit === "it" ? "step" : bar.unit;
  // rich's own bar counts nothing: it is a percentage
  const percent = bar.done === null && bar.part !== null ? Math.round(bar.part * 100) : null;
  return {
    unit: percent === null ? unit : "%",
    done: percent ?? bar.done,
    total: percent === null ? bar.total : 100,
    fraction: bar.part === null ? null : Math.min(1, bar.part + refined),
    rate: bar.rate,
    left: bar.left,
    marks: hasLoss(values) && bar.done !== null ? [{ at: bar.done, ...values }] : [],
    now: values,
  };
}

/** "step 250: train loss 2.1, val loss 2.2": lines of a plain loop. */
function bySteps(rows: readonly Row[]): Reading | undefined {
  let marks: Mark[] = [];
  let last: Row | undefined;
  for (const row of rows) {
    if (row.step === undefined) continue;
    if (row.step.number < (last?.step?.number ?? 0)) marks = [];
    last = row;
    if (hasLoss(row.values)) put(marks, { at: row.step.number, ...row.values });
  }
  if (last?.step === undefined) return undefined;
  const { number, total } = last.step;
  return {
    unit: "step",
    done: number,
    total,
    fraction: total === null || total === 0 ? null : Math.min(1, number / total),
    rate: null,
    left: null,
    marks,
    now: last.values,
  };
}

/** Beside what is known of the same number. */
function put(marks: Mark[], mark: Mark): void {
  const last = marks.at(-1);
  if (last?.at === mark.at) Object.assign(last, mark);
  else marks.push(mark);
}
