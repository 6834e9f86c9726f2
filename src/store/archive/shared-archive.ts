// The archive of parts as the server asks it: aside, since all machines of a user share the folder, and the
// file system that it is on may be away.
import { aside, newSeries, operation } from "../../base/aside/aside.ts";
import { type ArchivedPart, type KeptCurve, type NewestPart, PartArchive, type Publication } from "./part-archive.ts";

type Method = "parts" | "newest" | "ofJob" | "named" | "curvesBefore" | "graphsBefore";

const ask = aside(
  "partArchive",
  (root: string, method: Method, args: readonly unknown[]): unknown => {
    const archive = new PartArchive(root);
    return (archive[method] as (...given: unknown[]) => unknown).apply(archive, [...args]);
  },
  ([root]) => root,
);
operation("partArchive.open", (root: string) => new PartArchive(root).make());
operation("partArchive.look", (root: string) => new PartArchive(root).isThere);
operation("partArchive.publish", (root: string, publication: Publication) => new PartArchive(root).publish(publication));
operation("partArchive.copyTo", (root: string, part: ArchivedPart, folder: string) => new PartArchive(root).copyTo(part, folder));
operation("partArchive.sweep", (root: string, before: number) => new PartArchive(root).sweep(before));

/** Everything in it throws NoAnswer where the archive does not answer. */
export class SharedArchive {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  /**
   * In a helper of its own, in an archive that is made or has to be there: what takes seconds, a large log or
   * many old runs, would be ended by the pool, and hold up who asks for anything else in the same file
   * system.
   */
  async #alone(first: "open" | "look", name: string, args: readonly unknown[]): Promise<unknown> {
    const series = newSeries(this.root);
    try {
      // whether it answers at all is known soon
      const there = await series.ask(`partArchive.${first}`, [this.root]);
      return there ? await series.ask(`partArchive.${name}`, [this.root, ...args]) : undefined;
    } finally {
      series.end();
    }
  }

  /**
   * Writes or brings up to date a part.
   * @returns its number, as PartArchive tells it.
   * @throws the file system's error; what was there before stays readable.
   */
  async publish(publication: Publication): Promise<number> {
    return (await this.#alone("open", "publish", [publication])) as number;
  }

  /** All parts of a run, oldest first. */
  async parts(run: string): Promise<ArchivedPart[]> {
    return (await ask(this.root, "parts", [run])) as ArchivedPart[];
  }

  /** What tells the runs apart, of the newest part of each. */
  async newest(): Promise<NewestPart[]> {
    return (await ask(this.root, "newest", [])) as NewestPart[];
  }

  /** The newest part of the run with which a job began, by `jobKey`. */
  async ofJob(key: string): Promise<ArchivedPart | undefined> {
    return (await ask(this.root, "ofJob", [key])) as ArchivedPart | undefined;
  }

  /** The part of a batch job's session that has this id or name. */
  async named(word: string): Promise<ArchivedPart | undefined> {
    return (await ask(this.root, "named", [word])) as ArchivedPart | undefined;
  }

  /** The curves that were kept of the parts before the nth, oldest first. */
  async curvesBefore(run: string, n: number): Promise<KeptCurve[][]> {
    return (await ask(this.root, "curvesBefore", [run, n])) as KeptCurve[][];
  }

  /** The folders of the metrics that were kept of the parts before the nth, oldest first. */
  async graphsBefore(run: string, n: number): Promise<string[]> {
    return (await ask(this.root, "graphsBefore", [run, n])) as string[];
  }

  /**
   * Copies a part's log and record into a session folder that is not there yet; answers whether it was made.
   */
  async copyTo(part: ArchivedPart, folder: string): Promise<boolean> {
    return (await this.#alone("look", "copyTo", [part, folder])) === true;
  }

  /** Removes the runs whose newest part was written before this time (ms since 1970). */
  async sweep(before: number): Promise<void> {
    await this.#alone("look", "sweep", [before]);
  }
}
