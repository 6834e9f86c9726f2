// What the page refused, for server.log: the first of a kind at once, what comes behind it as a number.
// Whoever asks may be anybody, and must not decide how much is written, nor what else still stands there.

/**
 * Behind a line the next one of its kind waits for so long (ms), each time twice as long, until it has been
 * quiet for the longest: what anybody sends takes weeks to fill server.log, of which 8 MiB are kept.
 */
export const shortestSilence = 1_000;
export const longestSilence = 600_000;

/** How a request was wrong. */
export type Refused = "host" | "origin" | "token";

/** What is known of a kind of them. */
interface Kind {
  /** Since the last line. */
  times: number;
  /** Of the last one. */
  facts: Record<string, string>;
  silence: number;
  silent: boolean;
  told: number;
}

export class Refusals {
  readonly #write: (facts: Record<string, unknown>) => Promise<boolean>;
  readonly #steady: () => number;
  readonly #kinds = new Map<Refused, Kind>();

  /** @param write answers whether it is in server.log: what is not stays in the number of the next line. */
  constructor(write: (facts: Record<string, unknown>) => Promise<boolean>, steady: () => number) {
    this.#write = write;
    this.#steady = steady;
  }

  note(why: Refused, facts: Record<string, string> = {}): void {
    const kind = this.#kinds.get(why) ?? { times: 0, facts, silence: shortestSilence, silent: false, told: this.#steady() };
    this.#kinds.set(why, kind);
    kind.times++;
    kind.facts = facts;
    if (kind.silent) return;
    if (this.#steady() - kind.told > longestSilence) kind.silence = shortestSilence;
    void this.#tell(why, kind);
  }

  async #tell(why: Refused, kind: Kind): Promise<void> {
    const { times, facts, silence } = kind;
    kind.silent = true;
    kind.told = this.#steady();
    kind.silence = Math.min(longestSilence, 2 * silence);
    if (await this.#write({ why, times, ...facts })) kind.times -= times;
    setTimeout(() => {
      kind.silent = false;
      if (kind.times > 0) void this.#tell(why, kind);
    }, silence).unref();
  }
}
