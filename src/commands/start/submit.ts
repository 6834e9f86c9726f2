// falcon submit: a session as a Slurm job, whose id, name and run directory are fixed before it runs.
import fs from "node:fs";
import path from "node:path";
import { Failure, Status, sentence } from "../../base/failure.ts";
import { replaceFile } from "../../base/replace-file.ts";
import { limitSignalFrom } from "../../batch/limit-signal.ts";
import { sbatchOption } from "../../batch/sbatch-options.ts";
import { batchScript, graceFor, limitOf } from "../../batch/script.ts";
import { Slurm, type SubmittedJob } from "../../batch/slurm.ts";
import { nativeFolder } from "../../platform/native-files.ts";
import type { Submission } from "../../session/machines/submissions.ts";
import { launcher } from "../../trainers/registry.ts";
import type { Call, Context } from "../dispatch/call.ts";
import type { CommandSpec } from "../dispatch/command.ts";
import { callersLine } from "../dispatch/command-line.ts";
import { launch } from "./launch.ts";
import { run, stopSignalOf } from "./run.ts";
import { lastPart, nameFrom, sessionOptions } from "./start-session.ts";

const array = "a job array has one session for each task: submit a script with 'exec falcon launch', or each by itself";

/**
 * Options of sbatch that would make several sessions of one, or another script, or wait: as getopt_long(3)
 * takes them, so also abbreviated, and behind letters without a value.
 */
const refused: readonly (readonly [RegExp, string])[] = [
  [/^(--ar(r(ay?)?)?(=|$)|-[HIOQsv]*a)/, array],
  [/^--wr(ap?)?(=|$)/, "the script is written by falcon: leave --wrap out"],
  [/^(--wait$|-[HIOQsv]*W)/, "it would be waited for here: leave it out, and say 'falcon wait' of the session"],
];

export const submit: CommandSpec = {
  name: "submit",
  group: "start",
  summary: "submit a launch or run as a Slurm job; it is listed at once",
  examples: [
    ["falcon submit --time=4:00:00 -- launch --name night -o run", "a training as a Slurm job"],
    ["falcon submit --dry-run --mem=8G -- run python fit.py", "show the batch script, submit nothing"],
  ],
  define(command) {
    command
      .option("--dry-run", "show the batch script and submit nothing")
      .argument("[words...]", "sbatch's options, then --, then launch or run with its words")
      .allowUnknownOption()
      .usage("[--dry-run] [SBATCH OPTIONS] -- launch|run …");
  },
  async run(call, context) {
    const order = orderOf(call, context);
    const script = batchScript(order.script);
    const command = ["sbatch", ...order.options];
    if (order.dryRun) {
      call.stdout(`# ${command.join(" ")} SCRIPT\n${script}`);
      return Status.ok;
    }
    if (context.neighbours.place.job !== null)
      throw new Failure("submit from outside of a batch job: this one's home ends with it", Status.usage);
    await submitOrder(call, context, order, script);
    return Status.ok;
  },
};

interface Order {
  dryRun: boolean;
  options: string[];
  submission: Omit<Submission, "job">;
  script: Parameters<typeof batchScript>[0];
}

/** @throws Failure for everything that is wrong with the order. */
function orderOf(call: Call, context: Context): Order {
  const words = call.request.arguments.slice(1);
  const end = words.indexOf("--");
  const [kind, ...args] = end < 0 ? [] : words.slice(end + 1);
  if (kind !== "launch" && kind !== "run")
    throw new Failure("say what to submit after --: falcon submit --time=4:00:00 -- launch …, or -- run COMMAND", Status.usage);
  const before = words.slice(0, end);
  const options = before.filter((word) => word !== "--dry-run");
  for (const word of options) {
    const why = refused.find(([pattern]) => pattern.test(word))?.[1];
    if (why !== undefined) throw new Failure(`${word}: ${why}`, Status.usage);
  }
  const { SBATCH_ARRAY_INX, SBATCH_TIMELIMIT, SBATCH_SIGNAL } = call.request.environment;
  if (SBATCH_ARRAY_INX) throw new Failure(`SBATCH_ARRAY_INX: ${array}`, Status.usage);
  // as sbatch reads them: before its options, which win
  const told = [
    ...(SBATCH_TIMELIMIT ? [`--time=${SBATCH_TIMELIMIT}`] : []),
    ...(SBATCH_SIGNAL ? [`--signal=${SBATCH_SIGNAL}`] : []),
    ...options,
  ];
  const line = callersLine(kind === "launch" ? launch : run, call).action(() => {});
  const given = line.parse(args, { from: "user" }).opts();
  if (given.detach) throw new Failure("leave -d out: the job ends with its script, which waits for the run", Status.usage);
  if (given.attach) throw new Failure("leave --attach out: a job has nothing to attach to", Status.usage);
  // the job is given the words as they stand: what it would refuse is refused here
  const { asked, deadline } = sessionOptions(given, context.clock(), call.request.environment);
  stopSignalOf(given);
  const { directory } = call.request;
  const id = context.table.freeId(call.request.token);
  const output = kind === "launch" ? launcher.request(args).output : undefined;
  const from = kind === "launch" ? (output ?? directory) : (line.args[0] as string);
  const name = asked ?? nameFrom(lastPart(path.resolve(directory, from)));
  const runDirectory = kind === "run" ? null : path.resolve(directory, output ?? path.join("output", `${name}-${id}`));
  const grace = graceFor(graceAsked(deadline?.saveBefore, context), limitOf(told));
  const fixed = ["--session-id", id, ...(asked === undefined ? ["--name", name] : [])];
  const launchWords = kind === "launch" && output === undefined ? ["-o", runDirectory as string, ...args] : args;
  return {
    dryRun: before.includes("--dry-run"),
    options,
    submission: {
      id,
      name,
      kind,
      command: [kind, ...args],
      directory,
      runDirectory,
      created: context.clock(),
      environment: waysToSlurm(call.request.environment),
    },
    script: {
      name,
      directory,
      grace,
      signal: signalOf(told),
      command: [path.join(nativeFolder, "falcon"), kind, ...fixed, ...launchWords],
    },
  };
}

/** sbatch's own `--signal`, where it can be read; sbatch refuses any other. */
function signalOf(options: readonly string[]): string | undefined {
  const text = sbatchOption(options, "--signal");
  return text !== undefined && limitSignalFrom(text) !== undefined ? text : undefined;
}

/** Seconds; undefined where nobody said any. */
function graceAsked(saveBefore: number | undefined, { config }: Context): number | undefined {
  const ms = saveBefore ?? config.saveBefore;
  return ms === null ? undefined : Math.ceil(ms / 1000);
}

/** What leads to Slurm's programs and to the cluster. */
function waysToSlurm(environment: Record<string, string>): Record<string, string> {
  const names = ["PATH", "SLURM_CONF", "SLURM_CONF_SERVER", "HOME", "USER"];
  return Object.fromEntries(names.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]])));
}

async function submitOrder(call: Call, context: Context, order: Order, script: string): Promise<void> {
  // by a server before us, which could not say so any more
  const done = context.submissions.all().find(({ id }) => id === order.submission.id);
  const { id, name, job } = done ?? (await submitted(call, context, order, script));
  call.stdout(`${id}\n`);
  call.stderr(`[${name}] submitted as job ${job}; 'falcon sessions' lists it, 'falcon stop ${id}' cancels it\n`);
}

/** Has Slurm take the job, and keeps it. */
async function submitted(call: Call, context: Context, order: Order, script: string): Promise<Submission> {
  const { options, submission } = order;
  const slurm = new Slurm(call.request.environment);
  const { submissions } = context;
  fs.mkdirSync(submissions.folder, { recursive: true, mode: 0o700 });
  const file = path.join(submissions.folder, `${submission.id}.sh`);
  let made: SubmittedJob;
  try {
    // an earlier sbatch may read it still
    replaceFile(file, script);
    call.resume(call.request.arguments);
    // the server before us may have gone while it waited for sbatch
    const again = (call.request.sentBefore ?? 0) > 0;
    made = await slurm.submit([`--chdir=${submission.directory}`, ...options], file, again);
  } finally {
    fs.rmSync(file, { force: true });
  }
  const { number: job, cluster } = made;
  const environment = { ...submission.environment, ...(cluster === undefined ? {} : { SLURM_CLUSTERS: cluster }) };
  const kept = { ...submission, job, environment };
  try {
    submissions.add(kept);
  } catch (error) {
    await new Slurm({ ...call.request.environment, ...environment }).cancel(job);
    throw new Failure(`job ${job} was cancelled again, since it cannot be kept in ${submissions.folder}: ${sentence(error)}`);
  }
  context.log("session.submitted", { id: kept.id, job, name: kept.name });
  await submissions.ask(kept, call.request.environment);
  context.roster.changed();
  return kept;
}
