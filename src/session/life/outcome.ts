// How a session ended, as one statement: derived here, from facts alone, and from nowhere else.
import type { JobEnd } from "../../batch/job-end.ts";
import type { Ending, ModelFiles } from "../../trainers/run/ending.ts";
import type { End } from "./state.ts";

/** What the end of a session was. */
export type OutcomeKind =
  /** it came to its own end: trained to the last epoch, or status 0 */
  | "completed"
  /** it was asked to end, and did */
  | "stopped"
  /** it was asked to end because its time was nearly over, or the batch system ended it at its time limit */
  | "time-limit"
  /** an exception, a status other than 0, a program that cannot be executed */
  | "failed"
  /** a signal ended it, or the batch system did */
  | "killed"
  /** nobody saw the end */
  | "lost";

/** The one statement. JSON-friendly; docs/guide/json.md describes it. */
export interface Outcome {
  kind: OutcomeKind;
  /**
   * Of a falcon launch: whether whole model files of this launch are there; null where that is not known, or
   * there is no model.
   */
  saved: boolean | null;
  /** Of one that was stopped or killed: who did it, where that can be told. */
  by: string | null;
  /** When it ended by what is known, ms since 1970: the batch system's own time where it tells one. */
  time: number | null;
  /** "stopped at its time limit, model saved": for a person, without the time that it took. */
  sentence: string;
}

/** Who sent the program a signal, or who asked for its graceful end. */
export type Sender =
  /** somebody typed Ctrl+C in an attached terminal */
  | "typed"
  /** `falcon stop` */
  | "stop"
  /** `falcon kill` */
  | "kill"
  /**
   * a signal that reached the waiting `falcon launch` or `falcon run` from outside (a batch system, `kill`, a
   * shell)
   */
  | "caller"
  /** a signal that reached the session server, and so the program as well */
  | "batch"
  /** the deadline of its job or run is near */
  | "deadline"
  /** its job ends */
  | "job";

/**
 * A signal that the program was sent by us, or has been sent by what sent it to us. `time` is ms since 1970.
 */
export interface SignalEvent {
  time: number;
  signal: string;
  by: Sender;
}

/**
 * Signals that are kept of a session: more than a person sends before it ends, and one that is sent every
 * second fills no disk.
 */
const mostSignals = 32;

/** What is kept of the signals after one more: the last ones count. */
export function withSignal(known: readonly SignalEvent[], event: SignalEvent): SignalEvent[] {
  return [...known, event].slice(-mostSignals);
}

/** The first graceful stop that was asked for. */
export interface StopRecord {
  time: number;
  by: Sender;
  /** The words that were told, such as "SIGUSR1 reached falcon launch". */
  why: string;
}

/** All that the statement is derived from. */
export interface OutcomeFacts {
  /** Its program saves a model at the end of a graceful stop (trainers/trainer.ts). */
  savesModel: boolean;
  /** How the program ended, undefined when the session is lost. */
  end: End | undefined;
  /** Of a lost session: why, in words. */
  lost: string | undefined;
  /** When it ended, or was last heard of (ms since 1970). */
  ended: number | null;
  /** The sentence about a program that could not be executed. */
  execError?: string | undefined;
  outOfMemory: boolean;
  /**
   * How full the memory was in its last minute, 0 to 1, of its control group's limit or the machine's; null:
   * not measured.
   */
  memoryShare?: number | null | undefined;
  limitBy?: "group" | "machine" | null | undefined;
  signals: readonly SignalEvent[];
  stop?: StopRecord | undefined;
  batch?: JobEnd | undefined;
  /** Of a falcon launch: what its model files say; undefined where nobody looked. */
  models?: ModelFiles | undefined;
  /** Of a falcon launch: its logs say that all of the training and the saving was done. */
  savedByLog?: boolean | undefined;
  /** Of a falcon launch: every trained node came to its own end; null: its logs do not tell. */
  trained?: boolean | null | undefined;
  /** falcon's own time limit (`--timeout`) was reached, by its log. */
  timedOut?: boolean | undefined;
  /** What the end of its output looks like: quoted where nothing better is known, and for a second Ctrl+C. */
  ending?: Ending | undefined;
}

/** Signals that people send to end a program; what ends it soon after one of them was ended by that. */
const ending = new Set(["SIGTERM", "SIGINT", "SIGKILL", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGABRT"]);

/**
 * So long (ms) after a signal that we know of an end is held to be its work: Ray's own end takes up to a
 * quarter of a minute.
 */
const effectOfSignal = 60_000;

/** The statement about an ended session. */
export function deriveOutcome(facts: OutcomeFacts): Outcome {
  const { end, batch, stop } = facts;
  const saved = savedOf(facts);
  const by = culprit(facts);
  const told = (kind: OutcomeKind, sentence: string, who: string | null = null): Outcome => ({
    kind,
    saved,
    by: who,
    time: batch?.time ?? facts.ended,
    sentence: sentence + savedWords(facts, saved, kind),
  });
  if (facts.execError !== undefined) return { ...told("failed", ""), saved: null, sentence: facts.execError };
  const limit = batch?.what === "time-limit" || stop?.by === "deadline" || facts.timedOut === true;
  if (facts.lost !== undefined || end === undefined) {
    if (limit && batch !== undefined) return told("time-limit", `killed at its time limit (${batch.job})`, by);
    if (batch !== undefined && batch.what !== "other") return told("killed", `killed: ${batchWords(batch)}`, by);
    return told("lost", `lost: ${facts.lost ?? "nobody saw its end"}`);
  }
  if (facts.outOfMemory && end.status !== 0)
    return told("killed", "killed by the kernel for want of memory", "the kernel, for want of memory");
  if (facts.ending === "out of memory" && end.status !== 0) return told("failed", `out of memory (${statusWords(end)})`);
  if (end.code === null && end.signal === null) return told("lost", "ended, its exit status could not be known");
  if (end.status === 0) {
    if (facts.trained === true || !wasStopped(facts)) return told("completed", "completed");
    return limit ? told("time-limit", "stopped at its time limit", by) : told("stopped", "stopped", by);
  }
  if (facts.ending === "forced") return told("stopped", "stopped by force", by);
  if (looksOutOfMemory(facts, end)) {
    const share = `memory was at ${Math.round((facts.memoryShare ?? 0) * 100)} % of ${facts.limitBy === "group" ? "the limit" : "the machine's"}`;
    return told(
      "killed",
      `ended by ${statusWords(end)}, probably out of memory: ${share}`,
      "probably the kernel, for want of memory",
    );
  }
  const hit = lastSignal(facts);
  if (limit && (hit !== undefined || end.signal !== null)) {
    return told("time-limit", `killed at its time limit (${statusWords(end)})`, by);
  }
  if (end.signal !== null || looksKilled(end, hit) || (facts.savesModel && hit !== undefined && facts.ending !== "failed"))
    return told("killed", `ended by ${hit?.signal ?? end.signal ?? statusWords(end)}${by === null ? "" : ` (${by})`}`, by);
  if (!facts.savesModel && stop !== undefined) return told("stopped", `stopped with status ${end.status}`, by);
  return told("failed", `ended with status ${end.status}`);
}

/** "stopped after 4m 10s, model saved": the sentence with the time that the program ran put in. */
export function sentenceAfter({ sentence }: Outcome, after: string): string {
  if (after === "") return sentence;
  const at = sentence.search(/[,:(]/);
  return at < 0
    ? `${sentence} after ${after}`
    : `${sentence.slice(0, at).trimEnd()} after ${after}${at > 0 && sentence[at] === "(" ? " " : ""}${sentence.slice(at)}`;
}

/** Saved is what can be read: whole files of this launch, of a save that came to its end. */
function savedOf({ savesModel, models, end, savedByLog }: OutcomeFacts): boolean | null {
  if (!savesModel || models === undefined || models.state === "unknown") return null;
  // a save that was cut off between two files leaves each of them whole
  return models.state === "whole" && (end?.status === 0 || savedByLog === true);
}

function savedWords({ savesModel, models }: OutcomeFacts, saved: boolean | null, outcome: OutcomeKind): string {
  if (!savesModel || saved === null || (outcome === "completed" && saved)) return "";
  if (saved) return ", model saved";
  return models !== undefined && models.damaged.length > 0
    ? `, model not saved (${models.damaged.join(", ")}: cut off)`
    : ", model not saved";
}

/**
 * Memory that was fuller than this (part of what may be used) in the last minute explains a SIGKILL that
 * nobody is known to have sent.
 */
const nearlyFull = 0.95;

/**
 * SIGKILL, or the 137 of a shell whose program got it, from nobody that we know of, and there was hardly any
 * memory left.
 */
function looksOutOfMemory({ signals, memoryShare, batch }: OutcomeFacts, end: End): boolean {
  if (end.signal !== "SIGKILL" && end.status !== 137) return false;
  if (signals.some(({ signal }) => signal === "SIGKILL") || (batch !== undefined && batch.what !== "other")) return false;
  return (memoryShare ?? 0) >= nearlyFull;
}

/** Whether it was asked to end, by what we did or by what its output says. */
function wasStopped({ stop, signals, savesModel, ending: seen, timedOut }: OutcomeFacts): boolean {
  if (stop !== undefined || timedOut === true || seen === "stopped" || seen === "forced") return true;
  return savesModel && signals.some(({ signal }) => signal === "SIGINT");
}

/** The last of the signals that may have ended it. */
function lastSignal({ signals, ended }: OutcomeFacts): SignalEvent | undefined {
  return signals.findLast(({ signal, time }) => ending.has(signal) && (ended === null || ended - time <= effectOfSignal));
}

/**
 * 128 + n is how a program says that it ended for a signal, and n how Ray's own handler of SIGTERM says it.
 */
function looksKilled({ status }: End, hit: SignalEvent | undefined): boolean {
  return status === 143 || status === 15 || (hit?.signal === "SIGTERM" && status === 1);
}

function statusWords({ signal, status }: End): string {
  return signal ?? `status ${status}`;
}

/** Who stopped or killed it. */
function culprit(facts: OutcomeFacts): string | null {
  const { batch, stop } = facts;
  if (batch !== undefined && batch.what !== "other") return batchWords(batch);
  if (facts.end?.signal === "SIGKILL") {
    const killed = facts.signals.findLast(({ signal }) => signal === "SIGKILL");
    return killed === undefined ? null : senders[killed.by];
  }
  const hit = lastSignal(facts);
  // what ended it is its last signal; one that went well was ended by what asked first
  const sender = facts.end?.status === 0 ? (stop?.by ?? hit?.by) : (hit?.by ?? stop?.by);
  return sender === undefined ? null : senders[sender];
}

const senders: Readonly<Record<Sender, string>> = {
  typed: "Ctrl+C",
  stop: "falcon stop",
  kill: "falcon kill",
  caller: "a signal to the waiting falcon",
  batch: "a signal to all of its job",
  deadline: "the time limit",
  job: "the end of its job",
};

function batchWords({ job, what }: JobEnd): string {
  const words: Readonly<Record<JobEnd["what"], string>> = {
    cancelled: `${job} was cancelled`,
    "time-limit": `${job} reached its time limit`,
    preempted: `${job} was preempted`,
    "node-failure": `the node of ${job} failed`,
    "step-end": `its step of ${job} ended`,
    "out-of-memory": `${job} ran out of memory`,
    other: job,
  };
  return words[what];
}
