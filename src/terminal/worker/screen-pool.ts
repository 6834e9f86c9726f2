// Screens shared out among several worker threads: a session whose output is dear to draw takes the time of
// its own; those that are with another one do not meet it, and those that are with it leave where it takes
// the whole of its thread.
import type { ScreenThread } from "./screen-thread.ts";
import type { OpenOptions, ScreenEvents, ScreenHandle, Screens } from "./screens.ts";

/** Who opens screens. */
export type OpensScreens = Pick<Screens, "open" | "prepare">;

/** Workers at most: sessions are drawn while somebody looks, or a program floods, which are few at once. */
const mostWorkers = 4;

/** So many workers where there are so many processors: one for each, the main thread has its turn between. */
export function workersFor(processors: number): number {
  return Math.max(1, Math.min(mostWorkers, processors));
}

export class ScreenPool implements OpensScreens {
  readonly #workers: Screens[];
  readonly #mayGrow: () => boolean;

  /**
   * @param make another worker's screens, which may send one elsewhere; its thread starts with the first one.
   * @param mayGrow whether the system has room for another thread.
   */
  constructor(count: number, make: (elsewhere: () => Screens | undefined) => Screens, mayGrow: () => boolean) {
    this.#workers = Array.from({ length: count }, () => make(() => this.#elsewhere()));
    this.#mayGrow = mayGrow;
  }

  /** A screen stays with the worker that has least to do when it is opened. */
  open(id: string, options: OpenOptions, events: ScreenEvents): ScreenHandle {
    return this.#chosen().open(id, options, events);
  }

  prepare(): void {
    this.#chosen().prepare();
  }

  /** A thread that was started before there was a pool. */
  begin(thread: ScreenThread): void {
    this.#chosen().begin(thread);
  }

  #chosen(): Screens {
    const running = this.#workers.filter(({ state }) => state === "running");
    const least = running.reduce<Screens | undefined>((some, one) => (some && !isLess(one, some) ? some : one), undefined);
    if (least !== undefined && least.count === 0) return least;
    const another = this.#workers.find(({ state }) => state === "idle");
    if (another !== undefined && (least === undefined || this.#mayGrow())) return another;
    // none can be had: they are asked for again by whoever comes
    return least ?? (this.#workers[0] as Screens);
  }

  /** Where a screen goes from a worker whose thread stands in the turn of one. */
  #elsewhere(): Screens | undefined {
    const there = this.#chosen();
    return there.state === "running" || there.state === "idle" ? there : undefined;
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.dispose()));
  }
}

/** Whether a worker has less to do: what its screens have not drawn yet, and then how many they are. */
function isLess(one: Screens, other: Screens): boolean {
  return one.lag === other.lag ? one.count < other.count : one.lag < other.lag;
}
