// The sessions that a call means: one that may be guessed where no harm can be done, or several that must be
// named, or --all and --running.
import type { Command, OptionValues } from "commander";
import { Failure, Status } from "../../base/failure.ts";
import { selectRun, selectSession } from "../../session/life/select-session.ts";
import type { Session } from "../../session/life/session.ts";
import type { Call, Context } from "./call.ts";

/**
 * The session of a command that does no harm: of several, on a terminal, the likeliest, told in one line.
 * @param newest without a name the newest of this directory, ended or not
 * @throws Failure 1, as selectSession.
 */
export function chooseOne(call: Call, context: Context, wanted: string | undefined, newest = false): Session {
  const { directory, terminal } = call.request;
  const tell = terminal.stdin && terminal.stdout ? (sentence: string) => call.stderr(`falcon: ${sentence}\n`) : undefined;
  return selectSession(context.table.all(), wanted, directory, { tell, newest, now: context.clock() });
}

/**
 * The session of a command that changes something: where several fit they are listed, and nothing is done.
 */
export function nameOne(call: Call, context: Context, wanted: string | undefined): Session {
  return selectSession(context.table.all(), wanted, call.request.directory, { now: context.clock() });
}

/** For a command of several sessions. */
export function defineSeveral(command: Command, all: string): void {
  command.option("--all", all).option("--running", "all that run");
}

/**
 * Named sessions, each once, or those that --all and --running mean. All are looked up before anything is
 * done.
 * @param all what --all means
 * @param one what no name at all means; undefined: one has to be given
 * @throws Failure 2 where both or neither are given, 1 where a name fits none or several.
 */
export function several(
  call: Call,
  context: Context,
  wanted: readonly string[],
  options: OptionValues,
  { all, one, parts = false }: { all: (session: Session) => boolean; one?: () => Session; parts?: boolean },
): Session[] {
  const whole = options.all ? "--all" : options.running ? "--running" : undefined;
  if (whole !== undefined && wanted.length > 0) throw new Failure(`${whole} goes without names`, Status.usage);
  if (whole !== undefined) return context.table.all().filter(options.all ? all : (s) => s.live);
  if (wanted.length === 0 && one === undefined) throw new Failure("name a session, or say --all", Status.usage);
  if (wanted.length === 0) return [(one as () => Session)()];
  const { directory } = call.request;
  const found = wanted.flatMap((word) =>
    parts ? selectRun(context.table.all(), word, directory) : [nameOne(call, context, word)],
  );
  return [...new Set(found)];
}
