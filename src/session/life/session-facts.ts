// What is known of a session beyond its columns: each fact by its name in the database, session.json and
// part.json, where it keeps its name and its form (names only grow; a form that must change gets a new name).
// What older versions stored has these forms; what was never stored is missing.

import type { Scheduling } from "../../base/limits.ts";
import type { JobEnd } from "../../batch/job-end.ts";
import type { ShownRun } from "../../presentation/shown-run.ts";
import type { Usage } from "../../resources/usage.ts";
import type { NamedFile } from "../../trainers/reading/metrics-files.ts";
import type { PostMortem } from "../../trainers/run/ending.ts";
import type { Surroundings } from "../../trainers/run/surroundings.ts";
import type { Told } from "../events/run-events.ts";
import type { DeadlineFact } from "../run/deadline.ts";
import type { PartFact } from "../run/parts.ts";
import type { MemoryWatch } from "./ending.ts";
import type { Outcome, SignalEvent, StopRecord } from "./outcome.ts";
import type { Tags } from "./tags.ts";

/** A process of the batch system whose end is that of a job, or of one of its steps. */
export interface Keeper {
  pid: number;
  /** When it started (platform/processes.ts), by which it is told from a later one of its number. */
  start: number | null;
}

/** A signal that came from outside, or went to every process of the session's job. */
export interface OutsideSignal {
  signal: string;
  time: number;
}

declare module "../../store/session-store.ts" {
  interface SessionFacts {
    // ---- from its start

    /** The words that were asked for, before launch made the command of them. */
    asked?: readonly string[];
    /** A person chose the name: the run's own does not replace it. */
    named?: true;
    /** Falcon's plain lines were our choice, for want of a terminal: a relaunch decides anew. */
    plain?: true;
    /** Settings that `falcon relaunch` added. */
    changes?: readonly string[];
    /** What the program understands as the order to end, where `--stop-signal` named it. */
    stopSignal?: NodeJS.Signals;
    /** The caller's niceness, processors and readiness to be ended for want of memory. */
    scheduling?: Scheduling;
    /** The longest file that the server's shell allowed (bytes, in decimal). */
    fileLimit?: string;
    part?: PartFact;
    tags?: Tags;
    /** What it was started with, as it was found. */
    provenance?: Surroundings;

    /** The files that `falcon run --metrics` named. */
    metrics?: readonly NamedFile[];

    // ---- of its job

    /** The job that it runs in, by the name of its home. */
    job?: string;
    keeper?: Keeper;
    /** `--requeue`: its job is to be run again when it ends early. */
    requeue?: boolean;
    /** That its job is run again, or why not: a sentence. */
    requeued?: string;
    batchEnd?: JobEnd;
    /** It was brought in from a part that a job left behind. */
    broughtIn?: true;
    /** Why its part cannot be kept where later jobs find it: a sentence. */
    unpublished?: string;

    // ---- while it runs

    deadline?: DeadlineFact;
    /** Where its control group counts what was ended for want of memory. */
    memory?: MemoryWatch | undefined;
    signals?: SignalEvent[];
    /** Of its interrupts, those that went past the server: what the holder has told of them. */
    interruptsPassed?: number;
    stop?: StopRecord;
    /** The first signal that a waiting `falcon launch` got. */
    outside?: OutsideSignal;
    /** What went to every process of its job, and may have reached the program. */
    hit?: OutsideSignal;
    /** What the trainer read so far, in its own form. */
    watched?: unknown;
    /** Events that were told already. */
    told?: Told;
    usage?: Usage;
    /** That a holder was killed and replaced: a sentence. */
    holderLost?: string;

    // ---- of its end

    /** Why the program could not be started: a sentence. */
    execError?: string;
    outcome?: Outcome;
    postMortem?: PostMortem;
    progress?: ShownRun;
    /** The last display, which its end took away. */
    lastFrame?: string[];
    /** Processes that it left behind and that were ended. */
    leftovers?: string[];
    /** Its end has not been told yet (on_event). */
    untold?: boolean;
    /** When its age began, where the clock was not set at its end (ms since 1970). */
    agesFrom?: number;
  }
}
