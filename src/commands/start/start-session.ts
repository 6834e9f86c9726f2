// What launch, run and relaunch share: from a call and its session options to a session, and then to the
// caller's terminal.
import path from "node:path";
import { type Command, Option, type OptionValues } from "commander";
import { Failure, Status } from "../../base/failure.ts";
import { isPlain } from "../../base/text/bytes.ts";
import { unreached } from "../../batch/reach.ts";
import { Slurm } from "../../batch/slurm.ts";
import { longestFile, shortfallSentence, systemAllowance } from "../../platform/allowance.ts";
import { catches, nameOf, parentOf } from "../../platform/processes.ts";
import { learnRunDirectories, sessionsOfRun } from "../../session/life/select-session.ts";
import type { Session } from "../../session/life/session.ts";
import { longestName } from "../../session/life/session-table.ts";
import { checkDirectory } from "../../session/life/working-directory.ts";
import type { NamedFile } from "../../trainers/reading/metrics-files.ts";
import { launcher } from "../../trainers/registry.ts";
import { attachHere } from "../attach/attach-terminal.ts";
import { whyItWaits } from "../attach/cannot-detach.ts";
import { followPlain } from "../attach/follow-output.ts";
import type { Call, Context } from "../dispatch/call.ts";
import { factsOfRun, refuseGraceBeyondJob, requeueOption } from "./continue-run.ts";
import { deadlineOptions, defineDeadlineOptions } from "./deadline-options.ts";

/** Terminal size of a session that was started without a terminal. */
const unseenSize = { cols: 120, rows: 40 };

/** Sizes that are taken: below, most programs break; above, a screen costs tens of megabytes. */
const smallestSize = { cols: 2, rows: 2 };
const largestSize = { cols: 1000, rows: 500 };

/** The options that every starting command has. */
export function defineSessionOptions(command: Command): void {
  command
    .option("-d, --detach", "start in the background, print the session's id")
    .option("--name <name>", "name of the session")
    .option("--size <COLSxROWS>", "pin the size of its terminal")
    // what falcon submit has promised
    .addOption(new Option("--session-id <id>", "the session's id").hideHelp().argParser(parseId));
  defineDeadlineOptions(command);
  command.option("--requeue", "in a Slurm job: have it run again when the session ends, unless it completed");
}

/** A size as given by --size. @throws Failure 2 when it is none. */
export function parseSize(text: string): { cols: number; rows: number } {
  const found = /^(\d+)x(\d+)$/i.exec(text);
  const size = { cols: Number(found?.[1]), rows: Number(found?.[2]) };
  const { cols: c, rows: r } = size;
  if (found === null || c < smallestSize.cols || r < smallestSize.rows || c > largestSize.cols || r > largestSize.rows) {
    throw new Failure(
      `--size ${text}: give COLSxROWS, from ${smallestSize.cols}x${smallestSize.rows} ` +
        `to ${largestSize.cols}x${largestSize.rows}, such as 120x40`,
      Status.usage,
    );
  }
  return size;
}

/** @throws Failure 2 for what no id looks like. */
function parseId(text: string): string {
  if (!/^[a-z0-9]{6}$/.test(text)) throw new Failure(`--session-id ${text}: give six characters of a-z and 0-9`, Status.usage);
  return text;
}

/** A session's name as given by --name. @throws Failure 2 when it cannot be one. */
export function parseName(name: string): string {
  if (name.trim() === "" || name.length > longestName || /[\p{Cc}/]/u.test(name) || !isPlain(name)) {
    throw new Failure(
      `--name ${JSON.stringify(name)}: give 1 to ${longestName} characters of UTF-8 without '/' and control characters`,
      Status.usage,
    );
  }
  return name;
}

/**
 * What the session options say, checked: by what starts, and before by falcon submit, whose job would be
 * refused them after hours of waiting. @throws Failure 2 for what makes no sense.
 */
export function sessionOptions(options: OptionValues, now: number, environment: Readonly<Record<string, string>>) {
  return {
    size: options.size === undefined ? undefined : parseSize(options.size),
    asked: options.name === undefined ? undefined : parseName(options.name),
    deadline: deadlineOptions(options, now, environment),
  };
}

export interface Starting {
  kind: "launch" | "run";
  command: string[];
  name: string;
  runDirectory: string | null;
  /**
   * Falcon's plain lines were asked for by us, for want of a terminal (launch.ts): a relaunch decides anew.
   */
  plain?: boolean;
  /** Of a run that goes on: the session that was its last part. Undefined: by its run directory. */
  earlier?: Session | undefined;
  /** The words of the command as they were typed. */
  words: readonly string[];
  /** Settings among them that a relaunch added, now or before. */
  changes?: readonly string[];
  /** Variables that the program gets besides the caller's. */
  variables?: Readonly<Record<string, string>>;
  /** Name of the signal by which the program is asked to end; undefined: a Ctrl+C. */
  stopSignal?: NodeJS.Signals;
  /** Files of metrics that the program writes. */
  metrics?: readonly NamedFile[];
  /** Of an earlier session, when its run is started again; else the caller's count. */
  again?: { directory: string; environment: Record<string, string> };
  /** What the caller is to be told as soon as it starts, a line. */
  notice?: string;
}

/** Names of the outer terminal's multiplexer and of what only it can do: they would mislead the program. */
const outerOnly = [
  "TMUX",
  "TMUX_PANE",
  "STY",
  "WINDOW",
  "ZELLIJ",
  "ZELLIJ_SESSION_NAME",
  "ZELLIJ_PANE_ID",
  "TERMCAP",
  "COLUMNS",
  "LINES",
  // of the shim that the caller came through: a falcon that the program calls has its own
  launcher.shimVariable,
];

/** The caller's environment as the program gets it. */
export function programEnvironment(environment: Record<string, string>): Record<string, string> {
  const result = { ...environment };
  for (const name of outerOnly) delete result[name];
  result.TERM = "xterm-256color";
  result.COLORTERM = "truecolor";
  return result;
}

/**
 * Starts a session, where none was started for this request yet (`startedBy`), and stays with it as the
 * options say.
 * Answers undefined when the client was sent to a server that can give its run more.
 * @throws Failure for everything that is wrong with the order; nothing is started then.
 */
export async function startAndStay(
  call: Call,
  context: Context,
  what: Starting,
  options: OptionValues,
): Promise<number | undefined> {
  const { request } = call;
  const { size, asked, deadline } = sessionOptions(options, context.clock(), request.environment);
  const from = what.again ?? {
    directory: request.directory,
    environment: { ...programEnvironment(request.environment), ...what.variables },
  };
  // looked at first, and again when it starts: another client may have asked for the same meanwhile
  const free = () => refuseTaken(context, what, from.directory, asked);
  // of the ended ones as well: it may be their next part
  if (what.runDirectory !== null) await learnRunDirectories(context.table.all(), what.runDirectory, from.directory);
  free();
  await checkDirectory(from.directory);
  const { gone, lacks } = await context.makeWay(call);
  if (gone) return undefined;
  if (lacks.length > 0) call.stderr(`falcon: ${shortfallSentence(lacks)}\n`);
  const job = context.neighbours.place.job ?? (context.job === undefined ? null : path.basename(context.home));
  await refuseGraceBeyondJob(context, deadline?.saveBefore, request.environment);
  const requeue = await requeueOption(context, options, request.environment);
  const ofRun = await factsOfRun(context, what.earlier, what.runDirectory, from.directory);
  const { terminal } = request;
  const fileLimit = longestFile(systemAllowance);
  free();
  const name = asked ?? freeName(context, what.earlier?.row.name ?? what.name);
  if (what.notice !== undefined) call.stderr(what.notice);
  // a server that ends from here on may have started it: the next one is asked for the same, by the token,
  // and answers with what runs
  call.resume(request.arguments);
  const session = await context.table.start({
    kind: what.kind,
    name,
    command: what.command,
    ...from,
    umask: request.umask,
    limits: request.limits,
    caller: request.pid,
    ...(options.sessionId === undefined ? {} : { id: options.sessionId }),
    runDirectory: what.runDirectory,
    ...(size ?? (terminal.cols > 0 && terminal.rows > 0 ? { cols: terminal.cols, rows: terminal.rows } : unseenSize)),
    pinned: size !== undefined || context.config.sizePolicy === "fixed",
    token: request.token,
    agent: request.environment.SSH_AUTH_SOCK || undefined,
    // a name that a person chose stays; any other gives way to the run's own. untold: until its end was told
    // (server.ts)
    facts: {
      untold: true,
      ...context.jobFacts(request.pid),
      ...(options.name === undefined ? {} : { named: true }),
      ...(what.plain === true ? { plain: true } : {}),
      ...(deadline === undefined ? {} : { deadline }),
      ...(what.stopSignal === undefined ? {} : { stopSignal: what.stopSignal }),
      asked: what.words,
      ...(what.metrics === undefined ? {} : { metrics: what.metrics }),
      ...(what.changes === undefined || what.changes.length === 0 ? {} : { changes: what.changes }),
      ...ofRun,
      ...(job === null ? {} : { job }),
      ...(requeue ? { requeue } : {}),
      ...(request.scheduling === undefined ? {} : { scheduling: request.scheduling }),
      ...(fileLimit === undefined ? {} : { fileLimit: String(fileLimit) }),
    },
  });
  const notice = context.logOutNotice();
  if (notice !== undefined) call.stderr(`falcon: ${notice}\n`);
  return stayWith(call, context, session, options);
}

/**
 * Stays with a session that was started, now or for this very request by a server that is lost: attached, in
 * the background, or copying its output.
 */
export async function stayWith(call: Call, context: Context, session: Session, options: OptionValues): Promise<number> {
  const { terminal } = call.request;
  const here = terminal.stdin && terminal.stdout && !options.detach;
  if (options.detach) {
    const why = await whyItWaits(call, context);
    if (why === undefined) {
      call.lastWords(`${session.id}\n`);
      return Status.ok;
    }
    call.stdout(`${session.id}\n`);
    call.stderr(`[${session.row.name}] ${why}\n`);
  }
  // all that a session says from its start on is to be in the caller's scrollback
  if (here) return attachHere(call, context, session, { readOnly: false, history: context.config.scrollback, enter: true });
  if (session.trainer.savesModel) void tellUnreached(call, session);
  return followPlain(call, context, session, 0);
}

/**
 * In a batch job whose signals do not reach the caller it is said, once Slurm has told how it works; nothing
 * waits for that.
 */
async function tellUnreached({ request }: Call, session: Session): Promise<void> {
  const sentence = await unreached(
    request.pid,
    session.trainer.words,
    { parentOf, nameOf, catches },
    new Slurm(request.environment),
  );
  if (sentence !== undefined && session.live) session.audience.tell(sentence);
}

/**
 * One run directory is trained by one session at a time, since two would write into the same files, and a
 * name that was asked for belongs to one that runs.
 * @throws Failure 2 where a session has either.
 */
function refuseTaken(context: Context, { runDirectory }: Starting, directory: string, name: string | undefined): void {
  const live = context.table.live();
  const [running] = runDirectory === null ? [] : sessionsOfRun(live, runDirectory, directory);
  if (running !== undefined)
    throw new Failure(
      `${runDirectory} is being trained already, in session ${running.id} (${running.row.name}): ` +
        `'falcon attach ${running.id}' shows it`,
      Status.usage,
    );
  if (name !== undefined && live.some((s) => s.row.name === name))
    throw new Failure(
      `a session named '${name}' is running already: choose another --name, or 'falcon attach ${name}'`,
      Status.usage,
    );
}

/** The name, with a number behind it when a live session has it. */
function freeName(context: Context, wanted: string): string {
  const taken = new Set(context.table.live().map((s) => s.row.name));
  const first = nameFrom(wanted);
  let name = first;
  for (let n = 2; taken.has(name); n++) name = `${first}-${n}`;
  return name;
}

/** A name of what a file or directory is called, with room for a number behind it. */
export function nameFrom(wanted: string): string {
  // letters of every writing stay; bytes that are no text, blanks and signs of the shell would have to be
  // quoted wherever the name is typed
  const cleaned = wanted
    .normalize("NFC")
    .replace(/[^\p{L}\p{M}\p{N}_.+@-]+/gu, "-")
    .slice(0, longestName - 5)
    .replace(/[\ud800-\udbff]$/, "");
  return cleaned || "session";
}

/** Last part of a path: the default name of a session. */
export function lastPart(file: string): string {
  return path.basename(file) || "session";
}
