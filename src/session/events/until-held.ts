// Sessions that `falcon wait --until` waits for: looked at by the one tick until the condition holds for
// each, or it has ended.
import type { RunProgress } from "../../trainers/run/run.ts";
import type { MetricSeries } from "../../trainers/run/series.ts";
import type { Session } from "../life/session.ts";
import type { RunTick } from "./run-tick.ts";
import type { Until } from "./until.ts";

/** What the wait needs of the server. */
export interface HeldEffects {
  readonly tick: Pick<RunTick, "watch">;
  readonly progress: {
    of(session: Session): Promise<RunProgress | null>;
    series(session: Session): Promise<MetricSeries[]>;
  };
}

/** The wait, until it is stopped. */
export interface Held {
  /** Resolves when nothing is open any more. */
  readonly all: Promise<void>;
  /** Whether the condition held once. */
  has(session: Session): boolean;
  /** Whether it may still hold: the session runs, or its end has not been looked at yet. */
  isOpen(session: Session): boolean;
  stop(): void;
}

/** Begins to look. */
export function untilHeld({ tick, progress }: HeldEffects, sessions: readonly Session[], until: Until): Held {
  const held = new Set<Session>();
  /** Those that have ended and were looked at for the last time. */
  const over = new Set<Session>();
  const isOpen = (session: Session) => !held.has(session) && !over.has(session);
  let done!: () => void;
  const all = new Promise<void>((resolve) => {
    done = resolve;
  });
  const check = async (session: Session, run: RunProgress | null) => {
    // of files that do not answer nothing is known now
    const series = until.metrics ? { series: await progress.series(session).catch(() => []) } : {};
    if (until({ run, ended: !session.live, ...series })) held.add(session);
  };
  const settle = () => {
    if (!sessions.some(isOpen)) done();
  };
  const left = new AbortController();
  const unwatch = tick.watch((session, run) => {
    if (sessions.includes(session)) void check(session, run).then(settle);
  });
  // a session that is over may have fulfilled it with its last lines: its end counts after a look at them
  for (const session of sessions)
    void session
      .whenOver(left.signal)
      .then(async () => check(session, await progress.of(session).catch(() => null)))
      .then(() => {
        over.add(session);
        settle();
      });
  // of no sessions nothing is open
  settle();
  const stop = () => {
    unwatch();
    left.abort();
  };
  return { all, has: (session) => held.has(session), isOpen, stop };
}
