// The roster: what this server has is written for the user's other machines, and what they have is read.
// Nothing else goes between them.
import { createHash } from "node:crypto";
import path from "node:path";
import { within } from "../../base/clock.ts";
import { hostPattern } from "../../base/config/config.ts";
import { sentence } from "../../base/failure.ts";
import type { Log } from "../../base/log.ts";
import { onceEach, type RemoteSession, sessionsOf } from "./remote-session.ts";
import { type Roster, type RosterSession, readRosters, rosterFormat, writeRoster } from "./roster-files.ts";

/** Changes are written together, at most so often (ms). */
const mostOften = 10_000;
/** What comes together at a start or an end is told as one change, so long (ms) after the first. */
const settles = 500;
/**
 * While something runs the file is written at least so often (ms), and with more than so many files less
 * often: all machines share one server.
 */
const atLeast = 60_000;
const manyFiles = 50;
/** Bytes of one session in the file. */
export const longestEntry = 500;
/** Sessions that are told: those that run, then those that ended last. */
export const mostTold = 200;
/** A server that ends, or a job's session, waits at most so long (ms) for its last word to be written. */
const longestFarewell = 2_000;

export interface RosterEffects {
  readonly log: Log;
  readonly host: string;
  readonly job: string | null;
  readonly version: string;
  /** Number of the contract by which commands of other machines are run here. */
  readonly contract: number;
  /** What tells this home from all others, wherever they are. */
  readonly home: string;
  /** What is to be told, the most important first. */
  sessions(): Promise<readonly RosterSession[]>;
  live(): number;
  /** ms since 1970. */
  clock(): number;
  /** ms of a clock that never jumps. */
  steady(): number;
}

/** Where the roster is when no setting says it: as the archive of parts, beside the homes. */
export function rosterRoot(archive: string): string {
  return path.join(path.dirname(archive), "roster");
}

export class RosterKeeper {
  readonly folder: string;
  /** Why it could not be written last; undefined: it could. */
  problem: string | undefined;
  readonly #name: string;
  readonly #effects: RosterEffects;
  #timer: NodeJS.Timeout | undefined;
  #due = Number.POSITIVE_INFINITY;
  #written = Number.NEGATIVE_INFINITY;
  #every = atLeast;
  #busy: Promise<void> | undefined;
  /** The writing behind that one: it has all that is to be told by then, whoever asks for it. */
  #next: Promise<void> | undefined;
  /** Files of homes whose sessions are told by this one: they go with the next writing that works. */
  readonly #gone = new Set<string>();
  #disposed = false;
  /** What was read last, by name. */
  #known = new Map<string, { version: string; roster: Roster }>();
  /** Whether there is a file of ours. */
  #told = false;

  constructor(folder: string, effects: RosterEffects) {
    this.folder = folder;
    this.#effects = effects;
    this.#name = fileOf(effects.home);
  }

  /** Something that the list shows is not what it was. */
  changed(): void {
    this.#at(Math.max(this.#effects.steady() + settles, this.#written + mostOften));
  }

  #at(due: number): void {
    if (this.#disposed || due >= this.#due) return;
    clearTimeout(this.#timer);
    this.#due = due;
    this.#timer = setTimeout(() => void this.write(), Math.max(0, due - this.#effects.steady()));
    this.#timer.unref();
  }

  /** Writes now, once for all who ask while another writing is under way. Never throws. */
  write(): Promise<void> {
    this.#next ??= (this.#busy ?? Promise.resolve()).then(() => {
      this.#next = undefined;
      clearTimeout(this.#timer);
      this.#due = Number.POSITIVE_INFINITY;
      this.#busy = this.#write();
      return this.#busy;
    });
    return this.#next;
  }

  async #write(): Promise<void> {
    const { host, steady, live } = this.#effects;
    this.#written = steady();
    try {
      if (!hostPattern.test(host)) throw new Error(`the name of this host, ${JSON.stringify(host)}, cannot stand in the roster`);
      const gone = [...this.#gone];
      const { head, sessions } = await this.#own();
      const text = `${head},"sessions":[\n${sessions.join(",\n")}\n]}\n`;
      const count = await writeRoster(this.folder, this.#name, text, sessions.length === 0, gone);
      for (const name of gone) this.#gone.delete(name);
      this.#told = count > 0;
      this.#every = atLeast * Math.max(1, count / manyFiles);
      this.problem = undefined;
    } catch (error) {
      this.#failed(sentence(error));
    }
    if (live() > 0 || this.#gone.size > 0) this.#at(this.#written + this.#every);
  }

  /** What this home has, as JSON: the object's beginning, and each session. */
  async #own(): Promise<{ head: string; sessions: string[] }> {
    const { host, job, version, contract, clock } = this.#effects;
    const sessions = (await this.#effects.sessions()).slice(0, mostTold);
    const facts = { format: rosterFormat, host, job, version, contract, written: clock(), every: Math.ceil(this.#every / 1000) };
    return { head: JSON.stringify(facts).slice(0, -1), sessions: sessions.map(entryText) };
  }

  /**
   * All that is known here, for a machine that asks: one roster a line, this home's own first, each with its
   * age in ms.
   * @param facts of the first line.
   */
  async lines(facts: object): Promise<string[]> {
    const { head, sessions } = await this.#own();
    const own = `${head},"age":0,"facts":${JSON.stringify(facts)},"sessions":[${sessions.join(",")}]}`;
    const { rosters } = await this.#read();
    return [own, ...rosters.map(({ roster, age }) => JSON.stringify({ ...roster, age }))];
  }

  #failed(problem: string): void {
    if (this.problem !== problem) this.#effects.log("roster.write-failed", { folder: this.folder, problem });
    this.problem = problem;
  }

  /**
   * What the other machines have. A folder that does not answer is a problem like a file that cannot be read,
   * told in one sentence.
   * @param known ids that are this machine's.
   */
  async others(known: (id: string) => boolean): Promise<{ sessions: RemoteSession[]; problems: string[] }> {
    const now = this.#effects.clock();
    try {
      const { rosters, problems } = await this.#read();
      const sessions = rosters.flatMap(({ roster, age }) => sessionsOf(roster, age, now)).filter(({ id }) => !known(id));
      return { sessions: onceEach(sessions), problems };
    } catch (error) {
      return { sessions: [], problems: [sentence(error)] };
    }
  }

  /** The names of the other machines that write into the folder, one for each machine. */
  async machines(): Promise<string[]> {
    const { rosters } = await this.#read().catch(() => ({ rosters: [] }));
    return rosters.filter(({ roster }) => roster.job === null).map(({ roster }) => roster.host);
  }

  /** The rosters of the other homes. */
  async #read(): Promise<{ rosters: { roster: Roster; age: number }[]; problems: string[] }> {
    const versions = Object.fromEntries([...this.#known].map(([name, { version }]) => [name, version]));
    const { found, problems } = await readRosters(this.folder, this.#name, versions);
    const before = this.#known;
    this.#known = new Map(
      found.flatMap(({ name, version, roster = before.get(name)?.roster }) => (roster ? [[name, { version, roster }]] : [])),
    );
    const rosters = found.flatMap(({ name, age }) => {
      const { roster } = this.#known.get(name) ?? {};
      return roster === undefined ? [] : [{ roster, age }];
    });
    return { rosters, problems };
  }

  dispose(): void {
    this.#disposed = true;
    clearTimeout(this.#timer);
  }

  /** Writes now, as far as that does not take long: whoever waits for it may be ended next. Never throws. */
  lastWord(): Promise<void> {
    return within(longestFarewell, this.write());
  }

  /**
   * The sessions of these homes, which are gone, are told by this one from now on: their files go with the
   * next writing that works.
   * @param homes what told them from all others.
   */
  takeOver(homes: readonly string[]): void {
    for (const home of homes) this.#gone.add(fileOf(home));
    this.changed();
  }

  /** The last word of a server that ends: also where it had not come to say its first one yet. */
  async farewell(): Promise<void> {
    if (this.#told || this.#due !== Number.POSITIVE_INFINITY) await this.lastWord();
    this.dispose();
  }
}

/** The name of a home's file. */
function fileOf(home: string): string {
  return `${createHash("sha256").update(home).digest("hex").slice(0, 16)}.json`;
}

/**
 * One session as JSON of at most `longestEntry` bytes: texts are cut, places at their beginning, which tells
 * least.
 */
export function entryText(session: RosterSession): string {
  for (const most of [120, 60, 30, 12, 4]) {
    const text = JSON.stringify({
      ...session,
      name: cutEnd(session.name, most),
      text: cutEnd(session.text, most),
      directory: session.runDirectory === null ? cutStart(session.directory, most) : "",
      runDirectory: session.runDirectory === null ? null : cutStart(session.runDirectory, most),
    });
    if (Buffer.byteLength(text) <= longestEntry) return text;
  }
  return JSON.stringify({ ...session, name: session.id, text: "", directory: "", runDirectory: null });
}

function cutEnd(text: string, most: number): string {
  const characters = [...text];
  return characters.length <= most ? text : `${characters.slice(0, most - 1).join("")}…`;
}

function cutStart(text: string, most: number): string {
  const characters = [...text];
  return characters.length <= most ? text : `…${characters.slice(1 - most).join("")}`;
}
