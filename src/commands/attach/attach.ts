// falcon attach: back to a session; and the two hidden commands by which a client goes on after its server
// was lost.
import { within } from "../../base/clock.ts";
import { Failure, Status } from "../../base/failure.ts";
import { sessionsOfRun } from "../../session/life/select-session.ts";
import type { Session } from "../../session/life/session.ts";
import { slowScreen } from "../../session/viewers/viewer.ts";
import type { Call, Context } from "../dispatch/call.ts";
import { chooseOne } from "../dispatch/choose-sessions.ts";
import type { CommandSpec } from "../dispatch/command.ts";
import { askLine, canAsk } from "../text/ask-person.ts";
import { duration, endSentence } from "../text/wording.ts";
import { attachHere, resumeAttach } from "./attach-terminal.ts";
import { endReport } from "./end-report.ts";
import { followPlain, resumeFollow } from "./follow-output.ts";
import { linesSince, longestHistory } from "./shown-output.ts";

/** What a person can type there (docs/guide/history.md tells more). */
const keysHelp = `
While attached every key goes to the program, but for these:
  d, in a falcon run    leaves it; the run goes on
  Ctrl-\\                leaves it, of whichever kind; twice in a row it is typed
  PageUp, in a falcon run, and Ctrl-\\ [ anywhere: the history of all lines. There
                        PageUp and PageDown scroll, / searches (n older, N newer),
                        g and G go to its ends, ? lists the keys, q returns

How to leave stands in the bottom row at first, until a key is typed; with
FALCON_ATTACH_HINT=off in the environment it does not.`;

export const attach: CommandSpec = {
  name: "attach",
  group: "start",
  summary: "see a session as it stands, type into it, leave it again",
  examples: [
    ["falcon attach", "the session of this directory"],
    ["falcon attach night", "by name, id, a prefix of either, or run directory"],
    ["falcon attach --read-only night", "look, but send nothing"],
  ],
  define(command) {
    command
      .argument("[session]", "id, unique prefix, name or run directory")
      .option("--run-dir <dir>", "the session of this run directory")
      .option("--read-only", "look, but send nothing")
      .option("--take-over", "detach everybody else")
      .option("--history <lines>", "lines of scrollback to bring along")
      .addHelpText("after", keysHelp);
  },
  async run(call, context, [wanted], options) {
    const session = await findOrPick(call, context, wanted, options.runDir);
    const history = options.history === undefined ? context.config.history : parseHistory(options.history);
    if (!session.live) return showEnded(call, session);
    const takeOver = options.takeOver === true;
    return attachHere(call, context, session, { readOnly: options.readOnly === true, history, enter: true, takeOver });
  },
};

/** `@attach ID [--read-only] [--shown OFFSET]`: the terminal is ours already, and was shown so much. */
export const attachAgain: CommandSpec = {
  name: resumeAttach,
  summary: "go on after the server was lost",
  define(command) {
    command.argument("<session>").option("--read-only").option("--shown <offset>");
  },
  async run(call, context, [id], options) {
    const session = attachedBefore(context, id);
    // An adopted session's screen may still be on its way from the last stored one. A viewer that has waited
    // for that as long as for any screen is told so by its own wait for it, and can leave.
    await session.output.followed;
    await within(slowScreen, session.output.present);
    const shown = options.shown === undefined ? undefined : Number(options.shown);
    const history = shown === undefined ? 0 : await linesSince(session, shown);
    return attachHere(call, context, session, { readOnly: options.readOnly === true, history, enter: false, shown });
  },
};

/** @throws Failure 1 where the server that came after the lost one does not know it. */
function attachedBefore({ table }: Context, id = ""): Session {
  const session = table.get(id);
  if (session === undefined)
    throw new Failure(`session ${id} is not known to the new server: 'falcon sessions --all' lists what is`, Status.noSession);
  return session;
}

/** `@follow ID OFFSET`. */
export const followAgain: CommandSpec = {
  name: resumeFollow,
  summary: "go on copying after the server was lost",
  define(command) {
    command.argument("<session>").argument("<offset>");
  },
  async run(call, context, [id, offset]) {
    const session = attachedBefore(context, id);
    return followPlain(call, context, session, Number(offset));
  },
};

/**
 * The session that is meant; a person whose word fits none, or who gave none, may choose among those that
 * run.
 */
async function findOrPick(
  call: Call,
  context: Context,
  wanted: string | undefined,
  runDirectory: string | undefined,
): Promise<Session> {
  try {
    return find(call, context, wanted, runDirectory);
  } catch (error) {
    const running = context.table.live();
    if (!(error instanceof Failure) || error.status !== Status.noSession || running.length === 0 || !canAsk(call)) throw error;
    return pick(call, context, running, error);
  }
}

/** @throws Failure `none`, where none is chosen. */
async function pick(call: Call, context: Context, running: readonly Session[], none: Failure): Promise<Session> {
  const { directory } = call.request;
  // this directory's first, then the newest
  const sorted = [...running].sort(
    (a, b) => Number(b.row.directory === directory) - Number(a.row.directory === directory) || b.row.created - a.row.created,
  );
  const now = context.clock();
  const width = String(sorted.length).length;
  const lines = sorted.map(({ id, row }, i) => {
    const ran = duration(now - (row.started ?? row.created));
    return `  ${String(i + 1).padStart(width)}  ${id}  ${row.name}  for ${ran}  ${row.runDirectory ?? row.directory}`;
  });
  call.stderr(`falcon: ${none.message}\nThese run:\n${lines.join("\n")}\n`);
  const answer = await askLine(call, "Attach to which? (a number, Enter for none) ");
  const chosen = /^\d+$/.test(answer)
    ? sorted[Number(answer) - 1]
    : sorted.find(({ id, row }) => answer === id || answer === row.name);
  if (chosen === undefined)
    throw answer === ""
      ? new Failure("nothing was chosen", Status.noSession)
      : new Failure(`'${answer}' is none of these`, Status.noSession);
  return chosen;
}

function find(call: Call, context: Context, wanted: string | undefined, runDirectory: string | undefined): Session {
  const { directory } = call.request;
  if (runDirectory === undefined) return chooseOne(call, context, wanted);
  const found = sessionsOfRun(context.table.all(), runDirectory, directory);
  const session = found.find((s) => s.live) ?? found[0];
  if (session === undefined)
    throw new Failure(
      `no session trains in ${runDirectory}: 'falcon launch -o ${runDirectory}' starts or resumes it`,
      Status.noSession,
    );
  return session;
}

function parseHistory(text: string): number {
  const lines = Number(text);
  if (!Number.isInteger(lines) || lines < 0 || lines > longestHistory) {
    throw new Failure(`--history ${text}: give a number of lines from 0 to ${longestHistory}`, Status.usage);
  }
  return lines;
}

/** An ended session cannot be attached: how it ended and its last screen are shown instead. */
async function showEnded(call: Call, session: Session): Promise<number> {
  const { stdout, cols } = call.request.terminal;
  const { before, summary, after } = await endReport(session, stdout ? cols : 0, { full: false, screen: true });
  call.stdout(before + summary + after);
  throw new Failure(
    `session ${session.id} (${session.row.name}) is over: ${endSentence(session)}; 'falcon show ${session.id}' tells more`,
    Status.noSession,
  );
}
