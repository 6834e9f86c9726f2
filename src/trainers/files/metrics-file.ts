// Follows one file of metrics: JSON lines, or CSV with a header, as Lightning's CSVLogger and plain loops
// write them.
import type { FileStat, StatFiles } from "../../base/aside/stat-files.ts";
import { finite } from "../../base/numbers.ts";
import { LogReader } from "../reading/log-reader.ts";
import { type MetricKind, metricKind } from "../reading/metric-words.ts";
import { type Before, oldBytes } from "../reading/metrics-files.ts";
import type { MetricSeries } from "../run/series.ts";
import { mostPoints, type Point, type Told, thinned } from "../run/told.ts";
import { type Row, RowReader } from "./rows.ts";

/** Of a file that is read from its start this much at most is read in one look; the next one goes on. */
const budget = 16 << 20;

/** Names of what counts; the first one that a row has is its own. */
const epochNames = ["epoch", "epochs_done"];
const stepNames = ["step", "global_step", "iteration", "iter", "batch", "_step"];
const timeNames = ["time", "timestamp", "walltime", "wall_time", "created_at", "_timestamp"];
const totalNames = ["epochs", "max_epochs", "num_epochs", "total_epochs"];
const totalSteps = ["steps", "max_steps", "num_steps", "total_steps"];
const counters = new Set([...epochNames, ...stepNames, ...timeNames, ...totalNames, ...totalSteps]);

/** Different metrics that are kept of one node, and nodes of one file, whose names may be anything. */
const mostMetrics = 200;
const mostNodes = 100;

/** One entry of one metric; which fields the row did not have is NaN. */
interface Entry {
  step: number;
  epoch: number;
  time: number;
  value: number;
}

/** What one node of a file wrote. */
class NodeRows {
  points: Point[] = [];
  readonly metrics = new Map<string, Entry[]>();
  total: number | null = null;
  #epochs = false;
  #zeroBased = false;
  #last: number | undefined;

  get unit(): string {
    return this.#epochs ? "epoch" : "step";
  }

  /** Units that are done: an epoch 0 is done when it is told. */
  get done(): number | null {
    return this.points.at(-1)?.at ?? this.#last ?? null;
  }

  add(row: Row, seen: number): void {
    const epoch = numberIn(row, epochNames);
    const step = numberIn(row, stepNames);
    const time = timeIn(row) ?? seen;
    if (epoch !== undefined && !this.#epochs) {
      this.#epochs = true;
      this.points = [];
      this.#zeroBased = epoch === 0;
    }
    if (epoch === 0 && !this.#zeroBased) {
      this.#zeroBased = true;
      for (const point of this.points) point.at++;
    }
    this.total = numberIn(row, this.#epochs ? totalNames : totalSteps) ?? this.total;
    const at = this.#epochs ? (epoch === undefined ? undefined : epoch + (this.#zeroBased ? 1 : 0)) : step;
    const losses: Partial<Record<MetricKind, number>> = {};
    for (const [name, value] of row) {
      if (typeof value !== "number" || counters.has(name)) continue;
      this.#keep(name, { step: step ?? Number.NaN, epoch: epoch ?? Number.NaN, time, value });
      const kind = metricKind(name);
      // of "train_loss_step" and "train_loss_epoch" in one row the latter is the epoch's
      if (kind !== undefined && !(name.endsWith("_step") && losses[kind] !== undefined)) losses[kind] = value;
    }
    if (at === undefined && (epoch !== undefined || this.#epochs)) return;
    this.#last = at ?? (this.#last ?? 0) + 1;
    if (Object.keys(losses).length > 0) this.#point({ at: this.#last, time, ...losses });
  }

  #point(point: Point): void {
    const last = this.points.at(-1);
    if (last?.at === point.at) {
      Object.assign(last, point);
      return;
    }
    // another training goes into the same file; points ascend, so that each is looked at and taken out once
    while ((this.points.at(-1)?.at ?? Number.NEGATIVE_INFINITY) >= point.at) this.points.pop();
    this.points.push(point);
    if (this.points.length > mostPoints) this.points = thinned(this.points);
  }

  #keep(name: string, entry: Entry): void {
    const entries = this.metrics.get(name);
    if (entries === undefined) {
      if (this.metrics.size < mostMetrics) this.metrics.set(name, [entry]);
      return;
    }
    entries.push(entry);
    if (entries.length > mostPoints) this.metrics.set(name, thinned(entries));
  }
}

/** Follows one file; never throws because of what stands in it. */
export class MetricsFile {
  readonly file: string;
  /** What its only node is called. */
  readonly name: string;
  readonly #look: StatFiles;
  #reader: LogReader;
  #rows = new RowReader();
  readonly #before: Before;
  /** Bytes at its beginning that are not read; undefined: not found out yet. */
  #from: number | undefined;
  #nodes = new Map<string, NodeRows>();
  #sign: number | undefined;

  constructor(file: string, name: string, before: Before, look: StatFiles) {
    this.name = name;
    this.file = file;
    this.#before = before;
    this.#look = look;
    this.#reader = new LogReader(file, look, true);
  }

  get lookedAt() {
    return this.#reader.lookedAt;
  }

  /** Reads what is new. @param seen what a look at `lookedAt` has found just now. */
  async read(seen: FileStat | undefined): Promise<void> {
    if (this.#from === undefined && !(seen?.error === 0 && (await this.#begin()))) return;
    let left = budget;
    for (let stat = seen; ; stat = undefined) {
      const before = this.#reader.unread;
      const news = await this.#reader.read(stat);
      // emptied, replaced, or written anew with another column: all of it is read again, and all of it is new
      if (news.restarted && !(await this.#begin())) return;
      for (const [i, line] of news.lines.entries()) this.#line(line, news.ends[i] as number);
      if (news.lines.length > 0) this.#sign = this.#reader.modified;
      const { unread } = this.#reader;
      left -= Math.max(before - unread, 1 << 20);
      if (unread === 0 || left <= 0 || (news.lines.length === 0 && stat === undefined)) return;
    }
  }

  /** Begins behind what is old. False where that cannot be told now: all of it is left to the next look. */
  async #begin(): Promise<boolean> {
    this.#from = await oldBytes(this.file, this.#before);
    if (this.#from === undefined) {
      this.#reader = new LogReader(this.file, this.#look, true);
      return false;
    }
    this.#rows = new RowReader();
    this.#nodes = new Map();
    return true;
  }

  /** @param end where it ends in the file. */
  #line(line: string, end: number): void {
    const row = this.#rows.row(line);
    if (row === undefined || end <= (this.#from as number)) return;
    if (![...row.values()].some((value) => typeof value === "number")) return;
    const name = row.get("node");
    const key = typeof name === "string" && name !== "" ? name.slice(0, 100) : this.name;
    let node = this.#nodes.get(key);
    if (node === undefined) {
      if (this.#nodes.size >= mostNodes) return;
      node = new NodeRows();
      this.#nodes.set(key, node);
    }
    node.add(row, this.#reader.modified ?? 0);
  }

  /** What it tells, by node: one of the file's own name, unless its lines name nodes. */
  told(): { node: string; told: Told }[] {
    return [...this.#nodes].flatMap(([node, rows]) => {
      const { unit, points, done, total } = rows;
      if (done === null) return [];
      const fraction = total !== null && total > 0 ? Math.min(1, done / total) : null;
      return { node, told: { unit, points, done, total, fraction, left: null, perMinute: null, sign: this.#sign ?? null } };
    });
  }

  /** Every metric, as the file has it. */
  series(): MetricSeries[] {
    const known = (value: number) => (Number.isNaN(value) ? null : value);
    return [...this.#nodes].flatMap(([node, { metrics }]) =>
      [...metrics].map(([metric, entries]) => ({
        node,
        metric,
        step: entries.map(({ step }) => known(step)),
        epoch: entries.map(({ epoch }) => known(epoch)),
        time: entries.map(({ time }) => known(time)),
        samples: entries.map(() => null),
        value: entries.map(({ value }) => value),
      })),
    );
  }
}

function numberIn(row: Row, names: readonly string[]): number | undefined {
  for (const name of names) {
    const value = row.get(name);
    if (typeof value === "number" && Number.isFinite(value)) return value;
  }
  return undefined;
}

/**
 * A time since 1970 in seconds, their thousandths, millionths or billionths, or in words (ISO 8601); in ms.
 * Seconds since a start are none.
 */
function timeIn(row: Row): number | undefined {
  for (const name of timeNames) {
    const value = row.get(name);
    let ms = typeof value === "string" ? Date.parse(value) : (finite(value) ?? Number.NaN) * 1000;
    while (ms > 1e14) ms /= 1000;
    if (ms > 1e11) return ms;
  }
  return undefined;
}
