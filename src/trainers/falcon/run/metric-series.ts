// Every metric of a node as arrays: by its log, an entry an epoch, and by the folders below `metrics`, an
// entry a call, of this part of the run and of the earlier ones.
import fs from "node:fs";
import path from "node:path";
import { aside } from "../../../base/aside/aside.ts";
import { onDisk } from "../../../base/text/bytes.ts";
import type { MetricSeries } from "../../run/series.ts";
import { joinPoints, MetricReader, mostPoints, sampled } from "./metrics.ts";
import type { NodeLog } from "./node-log.ts";
import type { Point } from "./npz.ts";

/**
 * Folders of metrics of one node, and how deep they lie below `metrics`: falcon has some twenty, at most two
 * deep.
 */
const mostMetrics = 200;
const deepest = 3;

/** Metrics that others are drawn by. */
const axes = ["epoch", "round", "n_samples"];

/** What a node's log tells of each epoch. @param zone what is to be added to its clock to get ours (ms). */
export function epochSeries(log: NodeLog, zone: number, only?: string): MetricSeries[] {
  const told = [
    ["train_loss", "loss"],
    ["val_loss", "validationLoss"],
  ] as const;
  return told.flatMap(([metric, field]) => {
    if (only !== undefined && metric !== only) return [];
    const epochs = [...log.epochs].filter((epoch) => epoch[field] !== undefined);
    if (epochs.length === 0) return [];
    return {
      node: log.name,
      metric,
      step: epochs.map(({ steps }) => steps ?? null),
      epoch: epochs.map(({ epoch }) => epoch),
      time: epochs.map(({ time }) => time + zone),
      samples: epochs.map(({ samples }) => samples ?? null),
      value: epochs.map((epoch) => epoch[field] as number),
    };
  });
}

/** What the earlier parts have; not whole where one of them did not answer. */
interface Kept {
  points: readonly Point[];
  whole: boolean;
}

/** What the parts have together, and of what that was made. */
interface Joined {
  earlier: readonly Point[];
  /** Of the run's own entries (MetricReader.revision). */
  revision: number;
  points: readonly Point[];
}

/** A node's folders of metrics, followed: a look reads the chunks that are new. */
export class MetricFolders {
  readonly #folder: string;
  readonly #node: string;
  readonly #readers = new Map<string, MetricReader>();
  /** What the earlier parts have of each metric, read once. */
  readonly #kept = new Map<string, Promise<Kept>>();
  readonly #joined = new Map<string, Joined>();

  /** @param folder has `metrics` in it */
  constructor(folder: string, node: string) {
    this.#folder = path.join(folder, "metrics");
    this.#node = node;
  }

  /**
   * Every metric that stands there by now.
   * @param earlierFolders the same node's folders of earlier parts, oldest first, as copies that nobody
   * writes to any more; undefined: they are not known now
   * @param only the one that is wanted: no other is looked for
   */
  async series(earlierFolders: readonly string[] | undefined, only?: string): Promise<MetricSeries[]> {
    if (only?.split("/").includes("..")) return [];
    const earlier = earlierFolders?.map((one) => path.join(one, "metrics"));
    const names = only === undefined ? await this.#names(earlier ?? []) : [only];
    const read = [...new Set([...names, ...(only === undefined ? [] : axes)])];
    const found = new Map(await Promise.all(read.map(async (name) => [name, await this.#points(name, earlier)] as const)));
    const pointsOf = (name: string) => found.get(name) ?? [];
    const [rounds, samples] = [pointsOf("round"), pointsOf("n_samples")];
    const epochs = rounds.length === 0 ? pointsOf("epoch") : countedOn(pointsOf("epoch"));
    return names.flatMap((metric) => {
      const points = pointsOf(metric);
      if (points.length === 0) return [];
      return {
        node: this.#node,
        metric,
        step: points.map(({ step }) => step),
        epoch: latestAt(points, epochs),
        time: points.map(({ time }) => time * 1000),
        samples: latestAt(points, samples),
        ...(rounds.length === 0 ? {} : { round: latestAt(points, rounds) }),
        value: points.map(({ value }) => value),
      };
    });
  }

  async #names(earlier: readonly string[]): Promise<string[]> {
    const folders = [this.#folder, ...earlier];
    const found = await Promise.all(folders.map((folder) => metricNames(folder).catch(() => [])));
    return [...new Set(found.flat())].sort().slice(0, mostMetrics);
  }

  /** The entries of all parts, joined anew only when something came. */
  async #points(name: string, earlierFolders: readonly string[] | undefined): Promise<readonly Point[]> {
    const reader = this.#readers.get(name) ?? new MetricReader(path.join(this.#folder, name));
    this.#readers.set(name, reader);
    const [earlier] = await Promise.all([this.#keptPoints(name, earlierFolders), reader.read()]);
    const { revision } = reader;
    if (earlier.length === 0) return reader.points;
    const before = this.#joined.get(name);
    if (before?.earlier === earlier && before.revision === revision) return before.points;
    const points = joinPoints([earlier, reader.points]);
    this.#joined.set(name, { earlier, revision, points });
    return points;
  }

  /** What the earlier parts have, read once; what did not answer is read again at the next look. */
  async #keptPoints(name: string, folders: readonly string[] | undefined): Promise<readonly Point[]> {
    if (folders === undefined || folders.length === 0) return [];
    const reading = this.#kept.get(name) ?? this.#readEarlier(name, folders);
    this.#kept.set(name, reading);
    const { points, whole } = await reading;
    if (!whole && this.#kept.get(name) === reading) this.#kept.delete(name);
    return points;
  }

  /** Of each earlier part an equal share of what a metric may have, so that the oldest is thinned no more. */
  async #readEarlier(name: string, folders: readonly string[]): Promise<Kept> {
    const share = Math.max(1, Math.floor(mostPoints / folders.length));
    const parts: (readonly Point[])[] = [];
    let whole = true;
    for (const folder of folders) {
      const reader = new MetricReader(path.join(folder, name));
      await reader.read();
      parts.push(sampled(reader.points, share));
      whole = !reader.unanswered;
      if (!whole) break; // the archive is one place: the rest would be waited for in vain
    }
    return { points: joinPoints(parts), whole };
  }
}

/** The epochs of all rounds, counted on where each begins anew. */
function countedOn(epochs: readonly Point[]): Point[] {
  let [before, last] = [0, 0];
  return epochs.map((point) => {
    if (point.value <= last) before += last;
    last = point.value;
    return { ...point, value: before + last };
  });
}

/** The last value of another metric at the time of each point. */
function latestAt(points: readonly Point[], of: readonly Point[]): (number | null)[] {
  let at = -1;
  return points.map(({ time }) => {
    while (at + 1 < of.length && (of[at + 1] as Point).time <= time) at++;
    return of[at]?.value ?? null;
  });
}

/** Folders with a first chunk, by their path below `metrics`. */
const metricNames = aside(
  "metricNames",
  (folder: string): string[] => {
    const found: string[] = [];
    const look = (below: string, depth: number): void => {
      for (const entry of fs.readdirSync(onDisk(path.join(folder, below)), { withFileTypes: true, encoding: "utf8" })) {
        if (found.length >= mostMetrics) return;
        if (entry.name === "chunk_000000.npz") found.push(below);
        else if (entry.isDirectory() && depth < deepest) look(path.posix.join(below, entry.name), depth + 1);
      }
    };
    look("", 0);
    return found.filter((name) => name !== "").sort();
  },
  ([folder]) => folder,
);
