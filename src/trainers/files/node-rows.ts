// What is kept of the rows of files of metrics: of each node how far it is, its losses, and every metric; and
// of all files of one session together no more than there is room for.
import { finite } from "../../base/numbers.ts";
import { type MetricKind, metricKind } from "../reading/metric-words.ts";
import { mostPoints, type Point, staying, thinned } from "../run/told.ts";
import type { Row } from "./rows.ts";

/** Names of what counts; the first one that a row has is its own. */
const epochNames = ["epoch", "epochs_done"];
const stepNames = ["step", "global_step", "iteration", "iter", "batch", "_step"];
const timeNames = ["time", "timestamp", "walltime", "wall_time", "created_at", "_timestamp"];
const totalNames = ["epochs", "max_epochs", "num_epochs", "total_epochs"];
const totalSteps = ["steps", "max_steps", "num_steps", "total_steps"];
const counters = new Set([...epochNames, ...stepNames, ...timeNames, ...totalNames, ...totalSteps]);

/** Metrics that are kept of one node, whose names may be anything up to this length (characters). */
const mostMetrics = 200;
const longestName = 200;

/** Nodes of all files of one session, whose names may be anything. */
const mostNodes = 100;

/**
 * Entries of all metrics of one session: 32 MB of numbers, and half as much again while tables grow. Fifty
 * metrics have all that one may have, and of the largest number of metrics each one has fifty.
 */
const mostEntries = 1_000_000;

/** Points of all nodes of one session, some 150 bytes each: twenty nodes have all that one may have. */
const mostPointsTogether = 400_000;

/** Something of which every second one of the older half can go. */
interface Thinnable {
  readonly length: number;
  thin(): void;
}

/** Those with more than an equal share go on with fewer, until all of them have no more than `most`. */
function keepWithin(most: number, parts: readonly Thinnable[]): void {
  while (parts.reduce((sum, { length }) => sum + length, 0) > most)
    for (const part of parts) if (part.length > most / parts.length) part.thin();
}

/** What the rows of all files of one session are kept in. */
export class SessionRows {
  readonly #nodes = new Set<NodeRows>();

  /** One more node's; undefined: there are too many. */
  add(): NodeRows | undefined {
    if (this.#nodes.size >= mostNodes) return undefined;
    const node = new NodeRows();
    this.#nodes.add(node);
    return node;
  }

  remove(nodes: Iterable<NodeRows>): void {
    for (const node of nodes) this.#nodes.delete(node);
  }

  /** To be called after each piece of a file: one of 1 MiB has at most half a million entries. */
  keepWithin(): void {
    const nodes = [...this.#nodes];
    keepWithin(
      mostEntries,
      nodes.flatMap(({ metrics }) => [...metrics.values()]),
    );
    keepWithin(
      mostPointsTogether,
      nodes.map(({ points }) => points),
    );
  }
}

const fields = ["step", "epoch", "time", "value"] as const;
type Entry = Record<(typeof fields)[number], number>;

/** Entries that a table has room for at first, and how much larger a full one becomes. */
const room = 8;
const growth = 1.5;

/**
 * The entries of one metric, as a table of numbers: an object for each would take four times as much. Which
 * fields a row did not have is NaN.
 */
class Entries implements Thinnable {
  #numbers = new Float64Array(room * fields.length);
  length = 0;

  push(entry: Entry): void {
    const at = this.length++ * fields.length;
    if (at === this.#numbers.length) {
      const numbers = new Float64Array(Math.ceil(this.length * growth) * fields.length);
      numbers.set(this.#numbers);
      this.#numbers = numbers;
    }
    for (let i = 0; i < fields.length; i++) this.#numbers[at + i] = entry[fields[i] as keyof Entry];
    if (this.length > mostPoints) this.thin();
  }

  thin(): void {
    const stays = staying(this.length);
    const all = this.#numbers.subarray(0, this.length * fields.length);
    this.#numbers = all.filter((_, i) => stays(Math.floor(i / fields.length)));
    this.length = this.#numbers.length / fields.length;
  }

  column(field: keyof Entry): number[] {
    const offset = fields.indexOf(field);
    return Array.from({ length: this.length }, (_, i) => this.#numbers[i * fields.length + offset] as number);
  }
}

/** The losses of one node, in ascending order. */
class Points implements Thinnable {
  all: Point[] = [];

  get length(): number {
    return this.all.length;
  }

  push(point: Point): void {
    const last = this.all.at(-1);
    if (last?.at === point.at) {
      Object.assign(last, point);
      return;
    }
    // another training goes into the same file; points ascend, so that each is looked at and taken out once
    while ((this.all.at(-1)?.at ?? Number.NEGATIVE_INFINITY) >= point.at) this.all.pop();
    this.all.push(point);
    if (this.all.length > mostPoints) this.thin();
  }

  thin(): void {
    this.all = thinned(this.all);
  }
}

/** What one node of a file wrote. */
export class NodeRows {
  readonly points = new Points();
  readonly metrics = new Map<string, Entries>();
  total: number | null = null;
  #epochs = false;
  #zeroBased = false;
  #last: number | undefined;

  get unit(): string {
    return this.#epochs ? "epoch" : "step";
  }

  /** Units that are done: an epoch 0 is done when it is told. */
  get done(): number | null {
    return this.points.all.at(-1)?.at ?? this.#last ?? null;
  }

  add(row: Row, seen: number): void {
    const epoch = numberIn(row, epochNames);
    const step = numberIn(row, stepNames);
    const time = timeIn(row) ?? seen;
    if (epoch !== undefined && !this.#epochs) {
      this.#epochs = true;
      this.points.all = [];
      this.#zeroBased = epoch === 0;
    }
    if (epoch === 0 && !this.#zeroBased) {
      this.#zeroBased = true;
      for (const point of this.points.all) point.at++;
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
    if (Object.keys(losses).length > 0) this.points.push({ at: this.#last, time, ...losses });
  }

  #keep(name: string, entry: Entry): void {
    let entries = this.metrics.get(name);
    if (entries === undefined) {
      if (this.metrics.size >= mostMetrics || name.length > longestName) return;
      entries = new Entries();
      this.metrics.set(name, entries);
    }
    entries.push(entry);
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
