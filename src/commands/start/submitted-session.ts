// A submitted session that is not here (yet): how it is listed, and what the commands on one session do with
// it.
import { Failure, Status } from "../../base/failure.ts";
import { printable } from "../../base/text/printable.ts";
import { localTime } from "../../base/text/zone.ts";
import { askedBy, Slurm } from "../../batch/slurm.ts";
import { signalName } from "../../platform/signals.ts";
import { bareSessionJson } from "../../session/machines/bare-session-json.ts";
import { onceEach, type RemoteSession } from "../../session/machines/remote-session.ts";
import { type JobWord, keptAfterEnd, lives, type Submission, waits } from "../../session/machines/submissions.ts";
import type { Call, Context } from "../dispatch/call.ts";
import type { Listing } from "../list/session-json.ts";

/** One that is listed: a submission, and what Slurm says of its job. */
export interface Submitted {
  submission: Submission;
  word: JobWord | undefined;
  /** "pending", or of one on another node "running", or how it ended there: "exited", "lost". */
  state: "pending" | "running" | "exited" | "lost";
  /** Why it waits, where it runs, or how it ended, in words. */
  text: string;
}

/**
 * The submissions that no server here has a session of, asked of Slurm at most each 30 s. Those that are over
 * and have their session here are forgotten, and those that have been over for long.
 * @param present ids of the sessions that are here, and when each ended (Infinity: it runs).
 */
export async function submittedElsewhere(
  call: Call,
  context: Context,
  present: ReadonlyMap<string, number>,
): Promise<Submitted[]> {
  if (context.neighbours.place.job !== null) return [];
  const before = waitingIds(context);
  await context.submissions.refresh(call.request.environment);
  // other machines list what waits by our word
  if (waitingIds(context) !== before) context.roster.changed();
  return submittedKnown(context, present);
}

function waitingIds({ submissions }: Context): string {
  const waiting = submissions.all().filter(({ id }) => waits(submissions.word(id)));
  return waiting.map(({ id }) => id).join();
}

/** The same by Slurm's last word, which nobody waits for. */
export function submittedKnown(context: Context, present: ReadonlyMap<string, number>): Submitted[] {
  const { submissions } = context;
  if (context.neighbours.place.job !== null) return [];
  return submissions.all().flatMap((submission): Submitted[] => {
    const word = submissions.word(submission.id);
    const here = present.get(submission.id);
    if (here === Number.POSITIVE_INFINITY) return [];
    const since = word?.job?.end ?? submission.created;
    if (!lives(word) && (here !== undefined || context.clock() - since > keptAfterEnd)) {
      submissions.remove(submission.id);
      return [];
    }
    // it ran here: to run again is what Slurm says of it afterwards
    if (here !== undefined && (word === undefined || word.asked <= here || !waits(word))) return [];
    return [described(submission, word)];
  });
}

/**
 * What the user's machines and Slurm say of the same sessions, as one line each. A job that was killed told
 * nothing more: where Slurm, asked after the session began, says that its job waits (again) or is over, that
 * holds; else what its machine told, which is more.
 */
export function asOne(waiting: readonly Submitted[], remote: readonly RemoteSession[]): [Submitted[], RemoteSession[]] {
  const left: Submitted[] = [];
  let told = onceEach(remote).sort((a, b) => a.created - b.created);
  for (const one of waiting) {
    const { submission, word, state } = one;
    const same = told.filter((s) => isOf(s, submission));
    const newest = same.at(-1);
    if (newest === undefined) {
      left.push(one);
      continue;
    }
    const since = newest.live ? (newest.started ?? newest.created) : (newest.ended ?? newest.created);
    // of one that ended there only another run of its job is news
    const knows = word !== undefined && word.asked > since;
    const over = knows && (newest.live ? state !== "running" : state === "pending" || runsSince(one, since));
    if (over) left.push(one);
    told = told.filter((s) => !isOf(s, submission) || !s.live || (s === newest && !over));
  }
  return [left, told];
}

/** Whether it is a part of the submitted session: each has the job's number, and its name. */
function isOf({ id, job, name }: RemoteSession, submission: Submission): boolean {
  return id === submission.id || (job?.slice(1).replace(/\..*/, "") === submission.job && name === submission.name);
}

/** The job runs again, and its machine has not told of that yet. */
function runsSince({ state, word }: Submitted, since: number): boolean {
  return state === "running" && (word?.job?.start ?? 0) > since;
}

function described(submission: Submission, word: JobWord | undefined): Submitted {
  const { job } = submission;
  if (waits(word)) {
    const reason = word?.job?.reason ?? "";
    return { submission, word, state: "pending", text: `job ${job} waits${reason === "" ? "" : `: ${reason}`}` };
  }
  const known = word?.job;
  if (known === undefined) return { submission, word, state: "lost", text: `Slurm does not know job ${job} any more` };
  if (lives(word)) return { submission, word, state: "running", text: `job ${job} on ${known.nodes || "a node"}` };
  const ran = known.nodes === "" || known.start === null ? "before it ran" : `on ${known.nodes}`;
  const ended = known.state === "COMPLETED" || known.state === "FAILED";
  return { submission, word, state: ended ? "exited" : "lost", text: `job ${job} ${known.state.toLowerCase()} ${ran}` };
}

/** What is meant of them; undefined: none. */
export function submittedMeant(all: readonly Submitted[], wanted: string): Submitted | undefined {
  if (wanted === "") return undefined;
  const by = [
    (s: Submission) => s.id === wanted,
    (s: Submission) => s.name === wanted,
    (s: Submission) => s.job === wanted,
    (s: Submission) => s.id.startsWith(wanted),
  ];
  for (const fits of by) {
    const found = all.filter(({ submission }) => fits(submission));
    if (found.length > 0) return found.at(-1);
  }
  return undefined;
}

/** The options of a command that matter to a submitted session. */
export interface SubmittedOptions {
  json?: true;
  /** Of kill: the signal's number. */
  signal?: number;
}

/** Whether Slurm can do it for a job on any node: it ends jobs, and passes a program no signal of ours. */
export function doneBySlurm(command: string, { signal }: SubmittedOptions): boolean {
  return command === "stop" || (command === "kill" && ["SIGTERM", "SIGKILL"].includes(signalName(signal ?? 0)));
}

/**
 * Does a command on a submitted session that is not here.
 * @throws Failure where the command needs the session itself.
 */
export async function onSubmitted(
  call: Call,
  context: Context,
  command: string,
  options: SubmittedOptions,
  meant: Submitted,
): Promise<number> {
  const { submission, state, text } = meant;
  const { id, name, job } = submission;
  if (command === "show") {
    call.stdout(options.json ? `${JSON.stringify(submittedListing(meant), null, 2)}\n` : submittedText(meant, call));
    return Status.ok;
  }
  if (command === "remove" && (state === "exited" || state === "lost")) {
    context.submissions.remove(id);
    context.roster.changed();
    return Status.ok;
  }
  if (doneBySlurm(command, options)) {
    await endBySlurm(call, context, command, submission);
    return Status.ok;
  }
  const { signal } = options;
  const words = signal === undefined ? command : `${command} --signal ${signalName(signal).replace("signal ", "")}`;
  const remedy =
    state === "pending"
      ? "try again when it runs"
      : state === "running"
        ? `on its node: srun --overlap --jobid=${job} --pty falcon ${words} ${id}`
        : `'falcon sessions --all' lists what is here`;
  throw new Failure(`session ${id} (${name}) is not on this host: ${text}; ${remedy}`, Status.noSession);
}

/** Stop of one that waits cancels it, and of one that runs lets it save; kill ends either. */
async function endBySlurm(call: Call, context: Context, command: string, submission: Submission): Promise<void> {
  const { submissions, roster } = context;
  const { id, name, job } = submission;
  const slurm = new Slurm(askedBy(call.request.environment, submission.environment));
  /** What waited half a minute ago may run by now: Slurm's last word is no reason to cancel it. */
  const asked = async (unknown: string) => {
    const silence = await submissions.ask(submission, call.request.environment);
    if (silence !== undefined && command === "stop") throw new Failure(`${silence}; ${unknown}`);
    return described(submission, submissions.word(id));
  };
  const isOver = ({ state }: Submitted) => state === "exited" || state === "lost";
  let now = await asked(`job ${job} was not stopped`);
  if (isOver(now)) throw new Failure(`session ${id} (${name}) is over: ${now.text}`, Status.noSession);
  if (now.state === "pending" || command === "kill") {
    // it may begin while scancel is on its way
    const onlyWaiting = command === "stop" && now.word?.job?.state === "PENDING";
    await slurm.cancel(job, onlyWaiting ? ["--state=PENDING"] : []);
    now = await asked(`whether job ${job} was cancelled is not known`);
    roster.changed();
    if (!onlyWaiting || isOver(now)) {
      call.stderr(`[${name}] job ${job} is cancelled\n`);
      return;
    }
    if (now.state === "pending") throw new Failure(`job ${job} was not cancelled: Slurm says that it still waits`);
  }
  // a run with --requeue would take the signal for one of the batch system's, and ask for its next part
  await slurm.keepFromRequeue(job);
  await slurm.signalScript(job, "USR1");
  call.stderr(`[${name}] asked to stop (SIGUSR1 to ${now.text}); it saves and ends\n`);
}

/** For a person. */
function submittedText({ submission, state, text }: Submitted, call: Call): string {
  const { id, name, command, directory, runDirectory, created } = submission;
  const lines: [string, string][] = [
    ["session", `${id}  ${name}`],
    ["state", `${state}: ${text}`],
    ["command", command.join(" ")],
    ["directory", directory],
    ["run", runDirectory ?? ""],
    ["submitted", localTime(created, call.request.environment)],
  ];
  const known = lines.filter(([, words]) => words !== "");
  return `${known.map(([label, words]) => `${label.padEnd(10)}${printable(words)}`).join("\n")}\n`;
}

/**
 * As `sessions --json` has any session (docs/guide/json.md); what only a session that began has is null or
 * empty.
 */
export function submittedListing({ submission, state, text, word }: Submitted): Record<keyof Listing, unknown> {
  const { id, name, kind, command, directory, runDirectory, job, created } = submission;
  return bareSessionJson({
    ...{ id, name, kind, command, directory, runDirectory, created, state, reason: text },
    host: word?.job?.nodes ?? "",
    job: `s${job}`,
    started: state === "pending" ? null : word?.job?.start,
    ended: state === "exited" || state === "lost" ? word?.job?.end : null,
  });
}
