// The watch's column by choice: the last value of one metric, whichever the runs write, of each of their
// nodes.
import { printable } from "../../base/text/printable.ts";
import type { Session } from "../../session/life/session.ts";
import type { MetricSeries } from "../../trainers/run/series.ts";

/** Characters of a metric's name above its column. */
export const longestTitle = 40;

/** Reads one metric of a session's run. It may throw. */
export type ReadMetric = (session: Session, name: string) => Promise<readonly MetricSeries[]>;

export class MetricColumn {
  readonly #read: ReadMetric;
  #name = "";
  /** Last values by node, of each session that was looked at. */
  #values = new Map<string, ReadonlyMap<string, number>>();
  /** Sessions that were read after their end. */
  #concluded = new Set<string>();

  constructor(read: ReadMetric) {
    this.#read = read;
  }

  /** As the runs write it; "": there is no such column. */
  get name(): string {
    return this.#name;
  }

  /** What stands above it. */
  get title(): string {
    return printable(this.#name).slice(0, longestTitle);
  }

  /** Another metric, or none (""). What is known of the one before is forgotten. */
  choose(name: string): void {
    this.#name = name;
    this.#values = new Map();
    this.#concluded = new Set();
  }

  /** Looks at these sessions' runs; one that has ended is read once more. */
  async look(sessions: readonly Session[]): Promise<void> {
    const name = this.#name;
    if (name === "") return;
    await Promise.all(
      sessions
        .filter((session) => !this.#concluded.has(session.id))
        .map(async (session) => {
          const ended = !session.live;
          const series = await this.#read(session, name).catch(() => undefined);
          // where its files do not answer, what was read before stays; or another one was chosen meanwhile
          if (series === undefined || this.#name !== name) return;
          if (ended) this.#concluded.add(session.id);
          const last = series.map(({ node, value }) => [node, value.at(-1)] as const);
          this.#values.set(session.id, new Map(last.filter((one): one is [string, number] => one[1] !== undefined)));
        }),
    );
  }

  /** Of one node; undefined: it is not known, or has none. */
  value(session: string, node: string): number | undefined {
    return this.#values.get(session)?.get(node);
  }
}
