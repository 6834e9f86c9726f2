// The archive of parts as the server asks it: aside, since all machines of a user share the folder, and the
// file system that it is on may be away.
import { aside, newSeries, operation } from "../base/aside.ts";
import { type ArchivedPart, type KeptCurve, type NewestPart, PartArchive, type Publication } from "./part-archive.ts";

type Method = "parts" | "newest" | "ofJob" | "named" | "curvesBefore" | "copyTo" | "sweep";

const ask = aside(
  "partArchive",
  (root: string, method: Method, args: readonly unknown[]): unknown => {
    const archive = new PartArchive(root);
    return (archive[method] as (...given: unknown[]) => unknown).apply(archive, [...args]);
  },
  ([root]) => root,
);
operation("partArchive.open", (root: string) => new PartArchive(root).make());
operation("partArchive.publish", (root: string, publication: Publication) => new PartArchive(root).publish(publication));

/** Everything in it throws NoAnswer where the archive does not answer. */
export class SharedArchive {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  /**
   * Writes or brings up to date a part. What takes seconds, a large log, has a helper of its own.
   * @throws the file system's error; what was there before stays readable.
   */
  async publish(publication: Publication): Promise<void> {
    const series = newSeries(this.root);
    try {
      await series.ask("partArchive.open", [this.root]);
      await series.ask("partArchive.publish", [this.root, publication]);
    } finally {
      series.end();
    }
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

  /**
   * Copies a part's log and record into a session folder that is not there yet; answers whether it was made.
   */
  async copyTo(part: ArchivedPart, folder: string): Promise<boolean> {
    return (await ask(this.root, "copyTo", [part, folder])) as boolean;
  }

  /** Removes the runs whose newest part was written before this time (ms since 1970). */
  async sweep(before: number): Promise<void> {
    await ask(this.root, "sweep", [before]);
  }
}
