// What is kept of the rows of a file of metrics: of each node how far it is, its losses, and every metric.
import { finite } from "../../base/numbers.ts";
import { type MetricKind, metricKind } from "../reading/metric-words.ts";
import { mostPoints, type Point, thinned } from "../run/told.ts";
import type { Row } from "./rows.ts";

/** Names of what counts; the first one that a row has is its own. */
const epochNames = ["epoch", "epochs_done"];
const stepNames = ["step", "global_step", "iteration", "iter", "batch", "_step"];
const timeNames = ["time", "timestamp", "walltime", "wall_time", "created_at", "_timestamp"];
const totalNames = ["epochs", "max_epochs", "num_epochs", "total_epochs"];
const totalSteps = ["steps", "max_steps", "num_steps", "total_steps"];
const counters = new Set([...epochNames, ...stepNames, ...timeNames, ...totalNames, ...totalSteps]);

/** Different metrics that are kept of one node, whose names may be anything. */
const mostMetrics = 200;

/** One entry of one metric; which fields the row did not have is NaN. */
interface Entry {
  step: number;
  epoch: number;
  time: number;
  value: number;
}

/** What one node of a file wrote. */
export class NodeRows {
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
