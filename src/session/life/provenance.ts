// What is kept of how a session came to be, beside its command: looked at once, in the background, when it
// starts.
import { setTimeout as delay } from "node:timers/promises";
import { surroundings } from "../../trainers/run/surroundings.ts";
import type { Session } from "./session.ts";

/**
 * So long (ms) after its start it is looked at what a session came from: whoever started it waits for its
 * screen, and the helper that looks is asked for that as well.
 */
const provenancePause = 100;

/**
 * Looks, and keeps what was found. What cannot be seen (a file server that does not answer) stays unknown;
 * nothing waits for it.
 * @param session which has just been started
 * @param kept whether the session is still there: of one that was removed nothing is kept.
 */
export async function learnProvenance(session: Session, kept: () => boolean): Promise<void> {
  // as it was started: it may have ended when it is looked at
  const { trainer, kind, command, directory, environment, runDirectory, created, ended, facts } = session.row;
  const started = { kind, command, directory, environment, runDirectory, created, ended, facts: { ...facts } };
  await delay(provenancePause, undefined, { ref: false });
  if (!kept()) return;
  const found = await surroundings(trainer, started).catch(() => undefined);
  if (found === undefined || !kept()) return;
  session.setFact("provenance", found);
  const cluster = await session.trainer.cluster?.(started).catch(() => undefined);
  if (cluster !== undefined && kept()) session.setFact("provenance", { ...found, cluster });
}

/** The key=value settings that `falcon relaunch` added to its command: they hold for all later parts. */
export function changesOf({ facts }: Pick<Session["row"], "facts">): readonly string[] {
  return Array.isArray(facts.changes) ? facts.changes : [];
}

/** Settings with later ones added; of one key the last counts, as it does for falcon. */
export function withChanges(earlier: readonly string[], later: readonly string[]): string[] {
  const keyOf = (setting: string) => setting.slice(0, setting.indexOf("="));
  const changed = new Set(later.map(keyOf));
  return [
    ...earlier.filter((setting) => !setting.includes("=") || setting.startsWith("-") || !changed.has(keyOf(setting))),
    ...later,
  ];
}
