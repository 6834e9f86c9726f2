// Watches a run that was asked to stop, to its end: what it does meanwhile is told, and that it hangs.
// Nothing more is sent.

import type { Session } from "../../session/life/session.ts";
import type { Movement } from "../../session/run/movement.ts";
import type { Call } from "../dispatch/call.ts";

/** How often (ms) the run is looked at while it stops. */
const look = 1_000;

export interface StopWatchEffects {
  movement(): Promise<Movement>;
  /** Resolves to true when the session is over, or nobody listens any more; to false after `ms`. */
  over(ms: number): Promise<boolean>;
  /** ms; only differences count. */
  steady(): number;
  say(sentence: string): void;
  /**
   * Nothing that counts has moved for `still` ms: said once, until something moves again. May throw, which
   * ends the watch.
   */
  hangs(movement: Movement, still: number): void;
  /** What was said to hang moves again. */
  moves?(): void;
}

/** @param patience how long (ms) nothing may move before it is said to hang. */
export async function watchStop(effects: StopWatchEffects, patience: number): Promise<void> {
  let before = await effects.movement();
  let moved = effects.steady();
  let told = false;
  while (!(await effects.over(look))) {
    const now = await effects.movement();
    if (now.mark === null || now.mark !== before.mark) {
      moved = effects.steady();
      if (told) effects.moves?.();
      told = false;
    }
    if (now.sentence !== "" && now.sentence !== before.sentence) effects.say(now.sentence);
    before = now;
    const still = effects.steady() - moved;
    if (told || still < patience) continue;
    told = true;
    effects.hangs(now, still);
  }
}

/** Whether the session ended (or the caller went) within `ms`. */
export function endsWithin(session: Session, call: Pick<Call, "gone">, ms: number): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (ended: boolean) => {
      clearTimeout(timer);
      forget();
      resolve(ended);
    };
    const timer = setTimeout(() => settle(false), ms);
    const forget = session.onOver(() => settle(true));
    void call.gone.then(() => settle(true));
  });
}
