// Follows one file of metrics: JSON lines, or CSV with a header, as Lightning's CSVLogger and plain loops
// write them.
import type { FileStat, StatFiles } from "../../base/aside/stat-files.ts";
import { LogReader } from "../reading/log-reader.ts";
import { type Before, oldBytes } from "../reading/metrics-files.ts";
import type { MetricSeries } from "../run/series.ts";
import type { Told } from "../run/told.ts";
import { type NodeRows, SessionRows } from "./node-rows.ts";
import { RowReader } from "./rows.ts";

/** Of a file that is read from its start this much at most is read in one look; the next one goes on. */
const budget = 16 << 20;

/** Follows one file; never throws because of what stands in it. */
export class MetricsFile {
  readonly file: string;
  /** What its only node is called. */
  readonly name: string;
  readonly #look: StatFiles;
  #reader: LogReader;
  #rows = new RowReader();
  readonly #kept: SessionRows;
  readonly #before: Before;
  /** Bytes at its beginning that are not read; undefined: not found out yet. */
  #from: number | undefined;
  readonly #nodes = new Map<string, NodeRows>();
  #sign: number | undefined;

  /** @param kept what the rows of all files of its session are kept in. */
  constructor(file: string, name: string, before: Before, look: StatFiles, kept = new SessionRows()) {
    this.name = name;
    this.file = file;
    this.#before = before;
    this.#look = look;
    this.#kept = kept;
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
      if (news.lines.length > 0) {
        this.#kept.keepWithin();
        this.#sign = this.#reader.modified;
      }
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
    this.forget();
    return true;
  }

  /** Nothing of it is kept any more. */
  forget(): void {
    this.#kept.remove(this.#nodes.values());
    this.#nodes.clear();
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
      node = this.#kept.add();
      if (node === undefined) return;
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
      return {
        node,
        told: { unit, points: points.all, done, total, fraction, left: null, perMinute: null, sign: this.#sign ?? null },
      };
    });
  }

  /** Every metric, as the file has it. */
  series(): MetricSeries[] {
    const known = (values: number[]) => values.map((value) => (Number.isNaN(value) ? null : value));
    return [...this.#nodes].flatMap(([node, { metrics }]) =>
      [...metrics].map(([metric, entries]) => ({
        node,
        metric,
        step: known(entries.column("step")),
        epoch: known(entries.column("epoch")),
        time: known(entries.column("time")),
        samples: new Array<null>(entries.length).fill(null),
        value: entries.column("value"),
      })),
    );
  }
}
