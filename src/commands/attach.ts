// falcon attach: back to a session; and the two hidden commands by which a client goes on after its server was lost.
import { Failure, Status } from "../base/failure.ts";
import { sessionsOfRun } from "../session/select.ts";
import type { Session } from "../session/session.ts";
import { attachHere, resumeAttach } from "./attaching.ts";
import type { Call, Context } from "./call.ts";
import { chooseOne } from "./choosing.ts";
import type { CommandSpec } from "./command.ts";
import { endReport } from "./end-report.ts";
import { followPlain, resumeFollow } from "./following.ts";
import { endSentence } from "./wording.ts";

/** Scrollback lines that --history takes at most: a screen keeps no more. */
const longestHistory = 10_000;

export const attach: CommandSpec = {
  name: "attach",
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
      .option("--history <lines>", "lines of scrollback to bring along");
  },
  async run(call, context, [wanted], options) {
    const session = find(call, context, wanted, options.runDir);
    const history = options.history === undefined ? context.config.history : parseHistory(options.history);
    if (!session.live) return showEnded(call, session);
    if (options.takeOver) session.detachAll("taken-over");
    return attachHere(call, context, session, { readOnly: options.readOnly === true, history, enter: true });
  },
};

/** `@attach ID [--read-only]`: the terminal is ours already. */
export const attachAgain: CommandSpec = {
  name: resumeAttach,
  summary: "go on after the server was lost",
  define(command) {
    command.argument("<session>").option("--read-only");
  },
  async run(call, context, [id], options) {
    const session = context.table.get(id ?? "");
    if (session === undefined)
      throw new Failure(`session ${id} is not known to the new server: 'falcon sessions --all' lists what is`, Status.noSession);
    return attachHere(call, context, session, { readOnly: options.readOnly === true, history: 0, enter: false });
  },
};

/** `@follow ID OFFSET`. */
export const followAgain: CommandSpec = {
  name: resumeFollow,
  summary: "go on copying after the server was lost",
  define(command) {
    command.argument("<session>").argument("<offset>");
  },
  async run(call, context, [id, offset]) {
    const session = context.table.get(id ?? "");
    if (session === undefined)
      throw new Failure(`session ${id} is not known to the new server: 'falcon sessions --all' lists what is`, Status.noSession);
    return followPlain(call, context, session, Number(offset));
  },
};

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
  call.stdout(await endReport(session, stdout ? cols : 0));
  throw new Failure(
    `session ${session.id} (${session.row.name}) is over: ${endSentence(session)}; 'falcon show ${session.id}' tells more`,
    Status.noSession,
  );
}
