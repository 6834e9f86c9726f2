// The home of a batch job that is over: its sessions become the host's, so that they stay readable; the rest
// goes. Docs: decisions/0004-homes.md.
import fs from "node:fs";
import path from "node:path";
import { steady } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import { namesIn } from "../../base/names-in.ts";
import { type JobHome, jobHomes } from "../../platform/job-homes.ts";
import { close, jobOf, machineOfHome, tryLock } from "../../platform/native.ts";
import { processAlive } from "../../platform/processes.ts";
import { Deliveries, type Delivery } from "../../store/deliveries.ts";
import { type UntoldNotice, untoldNotices } from "../../store/notices.ts";
import { readRecord } from "../../store/record.ts";
import { SessionEvents, type StoredEvent } from "../../store/session-events.ts";
import { type SessionRow, SessionStore, type StoredSnapshot } from "../../store/session-store.ts";
import { lastWrite, programRuns } from "./left-program.ts";
import { moveFolder, NotCopied } from "./move-folder.ts";
import { checkFolder } from "./own-files.ts";

/**
 * A home whose sessions could not be copied, or kept as copies, is left alone for so long (ms): each try
 * fills a disk to its end, and that costs live sessions output.
 */
const leftAlone = 3_600_000;

/** One session of an ended job, its folder at its new place. */
export interface TakenIn {
  row: SessionRow;
  /** Name of the job's home. */
  job: string;
  /** When it wrote its last output, ms since 1970. */
  written: number;
}

/** What a job's database knows of a session. */
export interface KeptSession {
  row: SessionRow;
  snapshot: StoredSnapshot | undefined;
  /** What happened to it, oldest first; the ids are that database's. */
  events: readonly StoredEvent[];
}

/** What an ended job had still to tell: to the user's command, and to the channels of [notify]. */
export interface Untold {
  deliveries: readonly Delivery[];
  notices: readonly UntoldNotice[];
}

export interface TakeInEffects {
  readonly log: Log;
  /** What the host knows of a session of this id. */
  known(id: string): SessionRow | undefined;
  /** The row of a session whose database cannot be read, from its folder. */
  rowOf(folder: string): SessionRow | undefined;
  /** This home goes: all that it had is the host's. */
  goes(home: string): void;
  /** Keeps what is to be told, before the place that has it goes. Of one that is told twice it keeps one. */
  untold(untold: Untold): void;
  /** Keeps a session whose folder was moved, whole or not at all, before the place that has its row goes. */
  keep(session: KeptSession): void;
  /** Whether the server is on its way out: the sessions of a moment later are the next one's. */
  ending(): boolean;
  /** Homes that are left alone, and until when (ms, monotonic); kept between two looks. */
  readonly leftAlone: Map<string, number>;
}

/**
 * Moves the sessions of all ended jobs to `<host>/s`.
 * @param host the home whose lock the caller has.
 */
export async function takeInEndedJobs(host: string, effects: TakeInEffects): Promise<TakenIn[]> {
  let running: ReadonlySet<string> | undefined;
  // what was moved is the host's, whatever fails behind it
  const taken: TakenIn[] = [];
  for (const home of jobHomes(host)) {
    if ((effects.leftAlone.get(home.home) ?? 0) > steady()) continue;
    const locks = lockOf(home);
    if (locks === undefined) continue;
    try {
      running ??= runningJobs();
      if (!running.has(home.job) && !hasHolder(home.home)) await takeIn(host, home, effects, taken);
    } catch (error) {
      if (error instanceof NotCopied) effects.leftAlone.set(home.home, steady() + leftAlone);
      effects.log("job.import-failed", { job: home.job, reason: String(error) });
    } finally {
      for (const lock of locks) close(lock);
    }
  }
  return taken;
}

/** Who starts a server in a home has the first lock, a server the second. */
const lockNames = ["start.lock", "server.lock"];

/** The locks of the job's home; undefined where somebody has one, or the folder is not what it should be. */
function lockOf({ home }: JobHome): number[] | undefined {
  const locks: number[] = [];
  try {
    checkFolder(home);
    // a job of another machine: neither its control groups nor its processes are seen from here
    if (machineOfHome(home).verdict === "another") return undefined;
    for (const name of lockNames) {
      const lock = tryLock(path.join(home, name));
      if (lock < 0) break;
      locks.push(lock);
    }
  } catch {
    // it is gone meanwhile, or not what it should be
  }
  if (locks.length === lockNames.length) return locks;
  for (const lock of locks) close(lock);
  return undefined;
}

/** All jobs of this machine that have a process in their control groups. */
function runningJobs(): Set<string> {
  const jobs = new Set<string>();
  for (const pid of fs.readdirSync("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    try {
      const job = jobOf(fs.readFileSync(`/proc/${pid}/cgroup`, "utf8"));
      // a zombie's groups are still told
      if (job !== null && !jobs.has(job) && processAlive(Number(pid))) jobs.add(job);
    } catch {
      // it has ended
    }
  }
  return jobs;
}

/** Whether a program of the job still runs: without control groups it may outlive its server. */
function hasHolder(home: string): boolean {
  return folders(home).some((id) => {
    const folder = path.join(home, "s", id);
    return programRuns(folder, readRecord(folder));
  });
}

function folders(home: string): string[] {
  return namesIn(path.join(home, "s")).filter((id) => /^[a-z0-9]+$/.test(id));
}

/**
 * Adds to `taken` each session as soon as it is moved. A home that cannot be removed whole, or has a session
 * that the host has as well, stays, and is looked at again.
 */
async function takeIn(host: string, { job, home }: JobHome, effects: TakeInEffects, taken: TakenIn[]): Promise<void> {
  const { rows, untold } = readKept(home, effects.log);
  fs.mkdirSync(path.join(host, "s"), { recursive: true, mode: 0o700 });
  const twice: string[] = [];
  const ids: string[] = [];
  for (const id of folders(home)) {
    const from = path.join(home, "s", id);
    const to = path.join(host, "s", id);
    const known = rows.get(id);
    const row = known?.row ?? effects.rowOf(from);
    const ours = effects.known(id);
    const isThere = ours !== undefined || fs.existsSync(to);
    // an earlier part of a run, a copy from the archive: the part itself may have been here all the time
    if (row?.facts.broughtIn === true && isThere) continue;
    // The original of a copy that is kept: its server was killed before it went. (A later part of a job that
    // ran again may have its id, and is another session.)
    const isCopy = ours?.facts.job === job && ours.created === row?.created && ours.facts.broughtIn !== true;
    if (isCopy) continue;
    if (isThere) {
      twice.push(id);
      continue;
    }
    if (row === undefined) {
      effects.log("job.session-lost", { job, folder: from });
      continue;
    }
    const checkStays = () => {
      if (effects.ending()) throw new Error("the rest is left to the next server");
    };
    checkStays();
    const written = lastWrite(from) ?? row.created;
    row.facts.job = job;
    // the job's home may be on another file system (native/home/home.c)
    await moveFolder(from, to, () => {
      checkStays();
      // what is not kept goes back: with its folder gone, its home and all that this knows would go next time
      effects.keep(known ?? { row, snapshot: undefined, events: [] });
      taken.push({ row, job, written });
    });
    ids.push(id);
  }
  effects.log("job.imported", { job, ids });
  if (twice.length > 0) throw new Error(`there already: ${twice.join(" ")}`);
  // last: what has been told is known by nobody any more, and would be told again where this home stayed
  effects.untold(untold);
  effects.goes(home);
  fs.rmSync(home, { recursive: true, force: true });
}

interface Kept {
  rows: ReadonlyMap<string, KeptSession>;
  untold: Untold;
}

/** What the job's database knows beyond its folders: facts, last screens, events, what was not told yet. */
function readKept(home: string, log: Log): Kept {
  const file = path.join(home, "state.db");
  if (!fs.existsSync(file)) return { rows: new Map(), untold: { deliveries: [], notices: [] } };
  const store = SessionStore.open(file, log);
  try {
    const { database } = store;
    const events = new SessionEvents(database);
    return {
      rows: new Map(
        store.all().map((row) => [row.id, { row, snapshot: store.snapshot(row.id), events: events.after(0, row.id) }]),
      ),
      untold: { deliveries: new Deliveries(database).waiting(), notices: untoldNotices(database) },
    };
  } finally {
    store.close();
  }
}
