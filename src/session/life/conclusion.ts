// The conclusion of an ended session: its outcome (outcome.ts), its run's post-mortem and last progress,
// which say the same, and are kept.
import type { ShownRun } from "../../presentation/shown-run.ts";
import { summarise } from "../../presentation/summary.ts";
import type { SessionRow } from "../../store/session-store.ts";
import { trainerNamed } from "../../trainers/registry.ts";
import type { Ending, ModelFiles, PostMortem } from "../../trainers/run/ending.ts";
import { outOfMemory } from "./ending.ts";
import { deriveOutcome, type Outcome, type OutcomeFacts } from "./outcome.ts";
import type { Session } from "./session.ts";
import { endOf } from "./state.ts";

/** The end of the output that is read: a traceback of Ray's, repeated by several workers, has about 20 KB. */
const tail = 64 << 10;

/**
 * Concludes an ended session: looks at its model files, makes its post-mortem, derives its outcome, and keeps
 * all three with the session, so that
 * whoever asks is told the same.
 * @param run the state of its run directory after the end; null where there is none.
 * @param lost why nobody saw the end; undefined where its status is known, or known to be unknown.
 */
export async function conclude(session: Session, run: ShownRun | null, lost: string | undefined): Promise<void> {
  const models = run === null ? undefined : await session.trainer.models?.(run, session.row.started ?? session.row.created);
  const { row } = session;
  const { postMortem, savesModel } = session.trainer;
  const output = postMortem === undefined ? new Uint8Array() : await lastOutput(session);
  // last of all: a signal to every process of a job may reach this server behind the end of the program
  const facts = outcomeFacts(row, lost, run, models);
  const { code, signal } = facts.end ?? { code: null, signal: null };
  const story = (saved: boolean | null | undefined) =>
    postMortem?.({
      status: code,
      signal,
      output,
      outOfMemory: facts.outOfMemory,
      lost: lost !== undefined,
      interrupts: row.interrupts,
      saved,
      ...(run === null ? {} : { run }),
    });
  const outcome = deriveOutcome({ ...facts, ending: story(undefined)?.ending });
  const told = story(outcome.saved ?? undefined);
  if (told !== undefined) row.facts.postMortem = agreeing(told, outcome, code === 0);
  // what "stopped" means for a model is only said of a trainer that keeps one
  if (run !== null) row.facts.progress = savesModel ? settled(run, outcome) : run;
  session.setFact("outcome", outcome);
}

/** What an outcome is derived from, as far as the session's row tells. */
function outcomeFacts(
  row: SessionRow,
  lost: string | undefined,
  run: ShownRun | null,
  models: ModelFiles | undefined,
): OutcomeFacts {
  const trained = run?.nodes.filter((node) => node.status !== "idle") ?? [];
  const fractions = trained.flatMap((node) => node.fraction ?? []);
  return {
    savesModel: trainerNamed(row.trainer).savesModel,
    end: lost !== undefined ? undefined : endOf(row.waitStatus ?? -1),
    lost,
    ended: row.ended,
    execError: row.facts.execError,
    outOfMemory: outOfMemory(row.facts.memory),
    memoryShare: row.facts.usage?.memoryShare,
    limitBy: row.facts.usage?.limitBy,
    signals: row.facts.signals ?? [],
    stop: row.facts.stop,
    batch: row.facts.batchEnd,
    models,
    savedByLog: run?.saved,
    // "Training completed" is falcon's word for a training that was stopped, too: the epochs tell
    trained: trained.length === 0 || fractions.length < trained.length ? null : fractions.every((fraction) => fraction >= 1),
    timedOut: run?.timedOut,
  };
}

/**
 * The outcome that was kept; of a session that is just ending, by what is known without its files. Undefined
 * while it runs.
 */
export function outcomeOf(session: Session): Outcome | undefined {
  if (session.live) return undefined;
  const kept = session.row.facts.outcome;
  if (kept !== undefined) return kept;
  const { ending } = session.row.facts.postMortem ?? {};
  const lost = session.row.state === "lost" ? session.row.reason : undefined;
  return deriveOutcome({ ...outcomeFacts(session.row, lost, null, undefined), ending });
}

/** Whether its outcome is the one that is kept: until then it is told by what its end alone says. */
export function isConcluded({ live, row }: Pick<Session, "live" | "row">): boolean {
  return !live && row.facts.outcome !== undefined;
}

/**
 * How it stands or how it ended, in the words that a person reads: its state while it lives, then its
 * outcome.
 */
export function standing(session: Session): string {
  if (session.live) return session.row.state;
  return outcomeWord(outcomeOf(session)?.kind ?? "lost");
}

/** An outcome's kind as people read it. */
export function outcomeWord(kind: string): string {
  return kind === "time-limit" ? "time limit" : kind;
}

/** The end of the output, for a traceback and falcon's summary, also behind what a full disk took. */
async function lastOutput(session: Session): Promise<Uint8Array> {
  const log = session.openLog();
  try {
    const out: Buffer[] = [];
    for await (const piece of log.pieces(Math.max(log.base, log.end - tail))) if ("bytes" in piece) out.push(piece.bytes);
    return Buffer.concat(out);
  } finally {
    log.close();
  }
}

/** The post-mortem in the outcome's words, where falcon's own would say something else. */
function agreeing(story: PostMortem, outcome: Outcome, well: boolean): PostMortem {
  const ending: Readonly<Record<Outcome["kind"], Ending>> = {
    completed: "completed",
    stopped: story.ending === "forced" ? "forced" : "stopped",
    "time-limit": well ? "stopped" : "killed",
    failed: story.ending === "out of memory" ? "out of memory" : "failed",
    killed: story.ending === "out of memory" ? "out of memory" : "killed",
    lost: "lost",
  };
  const same =
    story.ending === ending[outcome.kind] && ["completed", "stopped", "forced", "failed", "lost"].includes(outcome.kind);
  return { ...story, ending: ending[outcome.kind], sentence: same ? story.sentence : outcome.sentence };
}

/**
 * The run's state in the outcome's words: falcon writes "completed" also when SIGTERM ended it, and 0.3 never
 * wrote how it ended.
 */
export function settled(run: ShownRun, outcome: Pick<Outcome, "kind" | "saved">): ShownRun {
  const phase =
    outcome.kind === "completed"
      ? run.phase === "broken off"
        ? "completed"
        : run.phase
      : outcome.kind === "stopped" || outcome.kind === "time-limit"
        ? "interrupted"
        : run.phase === "completed" || run.phase === "interrupted"
          ? "broken off"
          : run.phase;
  const known: ShownRun = { ...run, phase: run.phase === "unknown" ? "unknown" : phase, saved: outcome.saved ?? run.saved };
  return { ...known, summary: summarise(known) };
}
