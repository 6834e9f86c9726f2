// A session of another machine: the command is run there, by the ssh of the user, in whose place the client becomes it. So logins, keys and prompts are
// ssh's own, and a login that fails is not tried again.
import { Failure, Status } from "../../base/failure.ts";
import type { RemoteSession } from "../../session/machines/roster.ts";
import type { Call, Context } from "./call.ts";

/** The first word of a command line that another machine sent here: it is done here, or not at all. A contract between versions. */
export const sentHere = "@here";

/** Where nobody can be asked, an address that does not answer is given up after so long (s). */
const longestConnect = 10;

/** Needs the caller's folder: a file is written below it. */
const inFolder = new Set(["export"]);

/** Run by the far side's sh: its words are quoted, and none of them is read as a command. */
const farScript = `if [ -n "$1" ]; then cd -- "$1" || exit 125; fi
shift
command -v falcon-sessions >/dev/null 2>&1 || {
  echo "falcon: $(hostname) has no falcon-sessions on the PATH of a shell that is not interactive: put its folder on PATH in ~/.bashrc (before any line that returns) or ~/.zshenv there" >&2
  exit 127
}
exec falcon-sessions "$@"`;

/**
 * Makes the client run the command on the machine of `sessions`, which all are on one.
 * @param words what named them, in the order of `sessions`; ids stand in their places on the far command line.
 * @throws Failure where that machine cannot be reached by its name.
 */
export function runThere(call: Call, context: Context, words: readonly string[], sessions: readonly RemoteSession[]): void {
  const [first] = sessions as [RemoteSession];
  const { host } = first;
  if (sessions.some((s) => s.host !== host))
    throw new Failure("these sessions are on different machines: name them one by one", Status.usage);
  if (host === context.host)
    throw new Failure(
      `session ${first.id} is in another home of this machine, or on another machine of its name: use falcon with that FALCON_SESSIONS_HOME, or there`,
      Status.usage,
    );
  const { stdin, stdout } = call.request.terminal;
  const person = stdin && stdout;
  const options = person ? ["-t"] : ["-T", "-o", "BatchMode=yes", "-o", `ConnectTimeout=${longestConnect}`];
  const [command = "", ...rest] = call.request.arguments;
  const args = [...rest];
  for (const [i, word] of words.entries()) args[args.indexOf(word)] = (sessions[i] as RemoteSession).id;
  const folder = inFolder.has(command) ? call.request.directory : "";
  const far = ["sh", "-c", farScript, "sh", folder, sentHere, command, ...args].map(quoted).join(" ");
  call.exec("/usr/bin/env", ["env", ...context.config.ssh, ...options, host, far]);
}

/** A word for a POSIX shell, and for fish and csh, which read the far command line where they are the login shell. */
export function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
