// What a run leaves on disk, in falcon's layout: config.yml, a log per node, metrics in NPZ chunks, samples,
// the saved model.
import fs from "node:fs";
import path from "node:path";
import { npz } from "./npz.ts";

/** Entries that a metric gathers before they become a chunk file (falcon's logging.local.buffer_size). */
const chunkEntries = 100;

/** Lines of a log that are kept in memory for the display. */
const keptLines = 200;

/** Seconds resolution local time, as Python's logging writes it. */
export function timestamp(date: Date): string {
  const two = (n: number) => String(n).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}T${clock(date)}`;
}

/** hh:mm:ss local time. */
export function clock(date: Date): string {
  const two = (n: number) => String(n).padStart(2, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** One node's folder under graph/: its output.log, held open and appended to, and its metrics. */
export class NodeFiles {
  readonly folder: string;
  readonly #fd: number;
  readonly #now: () => Date;
  #tail: string[] = [];
  #metrics = new Map<string, { step: number[]; value: number[]; walltime: number[]; next: number; chunk: number }>();

  constructor(graph: string, name: string, now: () => Date) {
    this.folder = path.join(graph, name);
    this.#now = now;
    fs.mkdirSync(path.join(this.folder, "metrics"), { recursive: true });
    this.#fd = fs.openSync(path.join(this.folder, "output.log"), "a");
  }

  /** Appends a line as Python's logging would. */
  log(level: "DEBUG" | "INFO" | "WARNING" | "ERROR", message: string, now = this.#now()): void {
    const line = `${timestamp(now)} [${level}] ${message}`;
    fs.writeSync(this.#fd, `${line}\n`);
    this.#tail.push(...line.split("\n"));
    if (this.#tail.length > 2 * keptLines) this.#tail = this.#tail.slice(-keptLines);
  }

  /** The last lines of the log written by this process. */
  tail(lines: number): string[] {
    return this.#tail.slice(-lines);
  }

  /** Adds one entry to the metric `group:name`; every hundredth makes a chunk. */
  metric(name: string, value: number): void {
    let metric = this.#metrics.get(name);
    if (!metric) {
      metric = { step: [], value: [], walltime: [], next: 0, chunk: 0 };
      this.#metrics.set(name, metric);
    }
    metric.step.push(metric.next++);
    metric.value.push(value);
    metric.walltime.push(this.#now().getTime() / 1000);
    if (metric.step.length >= chunkEntries) this.#flush(name);
  }

  /** Writes what is gathered and closes the log. */
  close(): void {
    for (const name of this.#metrics.keys()) this.#flush(name);
    fs.closeSync(this.#fd);
  }

  #flush(name: string): void {
    const metric = this.#metrics.get(name);
    if (!metric || metric.step.length === 0) return;
    const folder = path.join(this.folder, "metrics", ...name.split(":"));
    fs.mkdirSync(folder, { recursive: true });
    const shape = [metric.step.length];
    const file = path.join(folder, `chunk_${String(metric.chunk++).padStart(6, "0")}.npz`);
    fs.writeFileSync(
      file,
      npz({
        step: { shape, values: metric.step, type: "int64" },
        value: { shape, values: metric.value, type: "float64" },
        walltime: { shape, values: metric.walltime, type: "float64" },
      }),
    );
    metric.step = [];
    metric.value = [];
    metric.walltime = [];
  }
}

/**
 * Writes one NPZ file a sample with the values of all nodes, numbered on from those that are there; returns
 * the folder.
 */
export function saveSamples(samples: string, kind: string, nodes: Readonly<Record<string, readonly number[][]>>): string {
  const folder = path.join(samples, kind);
  fs.mkdirSync(folder, { recursive: true });
  const start = fs.readdirSync(folder).filter((name) => name.endsWith(".npz")).length;
  const count = Math.min(...Object.values(nodes).map((values) => values.length));
  for (let i = 0; i < count; i++) {
    const arrays = Object.entries(nodes).map(([name, values]) => {
      const theta = values[i] as number[];
      return [name, { shape: [theta.length], values: theta, type: "float64" as const }] as const;
    });
    fs.writeFileSync(path.join(folder, `${String(start + i).padStart(6, "0")}.npz`), npz(Object.fromEntries(arrays)));
  }
  return folder;
}
