// Which session a person means: an id, a unique prefix of one, a name, a run directory, or nothing at all.
import path from "node:path";
import { wall } from "../../base/clock.ts";
import { Failure, Status } from "../../base/failure.ts";
import { span } from "../../presentation/summary.ts";
import { newestParts, partsOf } from "../run/parts.ts";
import { standing } from "./conclusion.ts";
import { learnRealPaths, realPath } from "./real-paths.ts";
import type { Session } from "./session.ts";

/** How much may be guessed where a name is missing or fits several sessions. */
export interface Choice {
  /**
   * Set where a person looks on and no harm can be done: of several one is taken, and this tells which. Else
   * they are listed, and nothing is done.
   */
  readonly tell?: ((sentence: string) => void) | undefined;
  /** Without a name: the newest of this directory, ended or not, instead of the one that runs. */
  readonly newest?: boolean;
  /** For the ages of the listed ones. */
  readonly now?: number;
}

/**
 * The session that is meant.
 * @param directory the caller's, against which a run directory is resolved.
 * @throws Failure 1 where none fits, and where several do and none may be taken.
 */
export function selectSession(
  sessions: readonly Session[],
  wanted: string | undefined,
  directory: string,
  choice: Choice = {},
): Session {
  if (wanted === undefined || wanted === "") return selectUnnamed(sessions, directory, choice);
  const found = matches(sessions, wanted, directory);
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  if (only === undefined) {
    throw new Failure(`no session '${wanted}': 'falcon sessions --all' lists them`, Status.noSession);
  }
  if (choice.tell === undefined) {
    throw new Failure(
      `'${wanted}' fits ${found.length} sessions, say which one:\n${candidates(found, choice)}`,
      Status.noSession,
    );
  }
  return take(found, `'${wanted}' fits ${found.length} sessions`, directory, choice.tell);
}

/** Of several: this directory's that runs, then one that runs, then the newest. */
function take(found: readonly Session[], why: string, directory: string, tell: (sentence: string) => void): Session {
  const newest = [...found].sort((a, b) => b.row.created - a.row.created);
  const taken = (newest.find((s) => s.live && s.row.directory === directory) ??
    newest.find((s) => s.live) ??
    newest[0]) as Session;
  const which = taken.live ? (taken.row.directory === directory ? "the one that runs here" : "the one that runs") : "the newest";
  tell(`${why}; ${which} is taken: ${taken.id} (${taken.row.name})`);
  return taken;
}

/**
 * All parts of the run that is meant, oldest first: of an id or its prefix that session alone, of a name or a
 * run directory the whole run.
 */
export function selectRun(
  sessions: readonly Session[],
  wanted: string | undefined,
  directory: string,
  session: Session = selectSession(sessions, wanted, directory),
): Session[] {
  const byId = wanted !== undefined && wanted !== "" && session.id.startsWith(wanted) && session.row.name !== wanted;
  return byId ? [session] : partsOf(sessions, session);
}

/**
 * Learns where a run directory and those of the sessions lead, for `sessionsOfRun`: comparing waits for no
 * file system.
 */
export async function learnRunDirectories(sessions: readonly Session[], runDirectory: string, directory: string): Promise<void> {
  await learnRealPaths([path.resolve(directory, runDirectory)], runDirectoriesOf(sessions));
}

/** Their run directories, as they are written: first of those that run. */
export function runDirectoriesOf(sessions: readonly Session[]): string[] {
  const ordered = sessions.toSorted((a, b) => Number(b.live) - Number(a.live));
  return ordered.flatMap(({ row }) => (row.runDirectory === null ? [] : [row.runDirectory]));
}

/** Sessions of one run directory, newest first. */
export function sessionsOfRun(sessions: readonly Session[], runDirectory: string, directory: string): Session[] {
  const real = realPath(path.resolve(directory, runDirectory));
  return sessions.filter((s) => s.row.runDirectory !== null && realPath(s.row.runDirectory) === real).reverse();
}

/**
 * What fits, one session for each run: of several parts the newest is meant. An id means what it names,
 * whatever came after it.
 */
function matches(sessions: readonly Session[], wanted: string, directory: string): Session[] {
  const exact = sessions.filter((s) => s.id === wanted);
  // a job that is run again is the same session to its user: the id that was told first means the part that
  // runs
  const again = sessions.filter((s) => s.live && s.row.facts.part?.of === wanted && inSameJob(s, exact[0]));
  if (again.length > 0) return newestParts(again);
  if (exact.length > 0) return exact;
  const named = preferLive(sessions.filter((s) => s.row.name === wanted));
  if (named.length > 0) return newestParts(named);
  const prefixed = sessions.filter((s) => s.id.startsWith(wanted));
  const begun = newestParts(preferLive(sessions.filter((s) => s.row.name.startsWith(wanted))));
  if (prefixed.length + begun.length > 0) return sessions.filter((s) => prefixed.includes(s) || begun.includes(s));
  return newestParts(preferLive(sessionsOfRun(sessions, wanted, directory).reverse()));
}

/** Whether two parts ran in one job, which was run again; true where the first part is not known here. */
function inSameJob(part: Session, first: Session | undefined): boolean {
  const job = part.row.facts.job;
  return job !== undefined && (first === undefined || first.row.facts.job === job);
}

/** Of several runs in one place, the one that runs is meant, else the newest. */
function preferLive(found: Session[]): Session[] {
  const live = found.filter((s) => s.live);
  return live.length > 0 ? live : found;
}

function selectUnnamed(sessions: readonly Session[], directory: string, choice: Choice): Session {
  if (choice.newest) {
    const here = sessions.filter((s) => s.row.directory === directory).sort((a, b) => b.row.created - a.row.created);
    if (here[0] !== undefined) return here[0];
  }
  const live = sessions.filter((s) => s.live);
  const [only] = live;
  if (only !== undefined && live.length === 1) return only;
  // of several that run, one that was attached here; where none runs, the last that was here
  const latest = lastUsed(live.length > 0 ? live.filter((s) => s.row.attached !== null) : sessions, directory);
  if (latest !== undefined) return latest;
  if (live.length > 1) {
    if (choice.tell !== undefined) return take(live, `${live.length} sessions are running`, directory, choice.tell);
    throw new Failure(`${live.length} sessions are running, say which one:\n${candidates(live, choice)}`, Status.noSession);
  }
  if (sessions.length > 0) {
    throw new Failure(
      "no session is running: name an ended one ('falcon sessions --all' lists them), or start one with 'falcon launch'",
      Status.noSession,
    );
  }
  throw new Failure("there are no sessions: 'falcon launch' starts one", Status.noSession);
}

/** The session of this directory that was attached (or else started) last. */
function lastUsed(sessions: readonly Session[], directory: string): Session | undefined {
  const when = ({ row }: Session) => row.attached ?? row.created;
  return sessions
    .filter((s) => s.row.directory === directory)
    .sort((a, b) => when(b) - when(a))
    .at(0);
}

function candidates(found: readonly Session[], { now = wall() }: Choice): string {
  return found
    .map((session) => {
      const { id, live, row } = session;
      const since = span((now - (live ? (row.started ?? row.created) : (row.ended ?? row.created))) / 1000);
      return `  ${id}  ${row.name}  ${standing(session)}  ${live ? `for ${since}` : `${since} ago`}  ${row.runDirectory ?? row.directory}`;
    })
    .join("\n");
}
