// The archive of parts, `archive/<run>/<n>/` (docs/design/decisions/0004-homes.md): what is known of a part
// of a run, for homes that do not have it. The server asks it aside (shared-archive.ts).
import fs from "node:fs";
import path from "node:path";
import { wall } from "../../base/clock.ts";
import { namesIn } from "../../base/names-in.ts";
import { replaceByCopy, replaceFile } from "../../base/replace-file.ts";
import { OutputLog } from "../output-log.ts";
import { segmentBytes, writeSegment } from "../segments.ts";
import { isSessionFile, type SessionFile, writeSessionFile } from "../session-file.ts";
import { isState, type SessionRow, trainerOf } from "../session-store.ts";
import { isTable, isText } from "../stored-values.ts";
import { copyMetrics, isFolder } from "./kept-metrics.ts";

/**
 * Bytes of compressed log that a part has in the archive at most; the oldest output is what is left out. A
 * day of falcon's display takes 2 MB.
 */
const mostLog = 16 << 20;
/** Earlier parts whose metrics are joined to a run's: a day each, for a month. */
const mostGraphs = 31;
/** A longer file of facts was not written by us. */
const longestFacts = 4 << 20;
/** A longer index of times or record is left out: the log is then without times. */
const longestIndex = 16 << 20;
/** Runs and parts that are looked at: a folder with more of them is something else. */
const mostRuns = 2_000;
const mostParts = 500;

/**
 * A part as the archive tells it: the row of its session, as far as others may know it (no environment), and
 * where it is.
 */
export interface ArchivedPart {
  run: string;
  n: number;
  /** Its folder, laid out like a session's. */
  folder: string;
  row: SessionRow;
  /** When this was written, ms since 1970. */
  written: number;
}

/** Losses of a node by epoch, as far as they are kept of a part. */
export interface KeptCurve {
  node: string;
  training: { x: number[]; y: number[] };
  validation: { x: number[]; y: number[] };
}

/** What is published of a part. */
export interface Publication {
  run: string;
  n: number;
  row: SessionRow;
  /** The session's folder; undefined: the log is not published (it stays where it is). */
  log: string | undefined;
  curves: readonly KeptCurve[];
  /**
   * Folder of the run's nodes, whose metrics falcon writes anew when it resumes; undefined: none is known.
   */
  graph: string | undefined;
}

/** As much of a run's newest part as tells it from others. */
export interface NewestPart {
  run: string;
  written: number;
  runDirectory: string | null;
}

/**
 * What is the same for a session of a job's script that runs again.
 * @param words of the command, as typed.
 */
export function jobKey(job: unknown, kind: SessionRow["kind"], directory: string, words: unknown): string {
  return JSON.stringify([job, kind, directory, words]);
}

/** Folder of a part with what is kept of the run's nodes, laid out as the run has them. */
const keptGraph = "graph";

const idPattern = /^[a-z0-9]{1,16}$/;

/**
 * Where the archive is when no setting says it: beside the homes, which all machines of the user share where
 * they share the home directory.
 */
export function archiveRoot(environment: Readonly<Record<string, string | undefined>>): string {
  const { FALCON_SESSIONS_HOME: home, XDG_STATE_HOME: xdg, HOME } = environment;
  // a job's home lies in the host's
  if (home !== undefined && path.isAbsolute(home)) return path.join(home.replace(/\/j\/[^/]+\/?$/, ""), "archive");
  const state = xdg !== undefined && path.isAbsolute(xdg) ? xdg : path.join(HOME ?? "/", ".local", "state");
  return path.join(state, "falcon-sessions", "archive");
}

export class PartArchive {
  readonly root: string;
  readonly #uid = process.getuid?.() ?? -1;

  constructor(root: string) {
    this.root = root;
  }

  /** Whether anything was ever archived. */
  get isThere(): boolean {
    return fs.existsSync(this.root);
  }

  /** Answers that it is there. */
  make(): true {
    fs.mkdirSync(this.root, { recursive: true, mode: 0o700 });
    return true;
  }

  /**
   * Writes or brings up to date a part, each file beside its place and renamed, the facts last.
   * @returns the part's number: another one than was asked for where a machine that did not know of it has
   * published a part under that.
   * @throws the file system's error; what was there before stays readable.
   */
  async publish({ run, n: asked, row, log, curves, graph }: Publication): Promise<number> {
    const n = this.#numberOf(run, asked, row.id);
    const folder = this.#folder(run, n);
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (log !== undefined) await publishLog(log, folder);
    if (graph !== undefined) copyMetrics(graph, path.join(folder, keptGraph));
    if (curves.length > 0) replaceFile(path.join(folder, "curves.json"), JSON.stringify(curves));
    const stored: SessionFile = { ...row, environment: {} };
    writeSessionFile(folder, stored);
    const { environment: _, limits: __, ...facts } = row;
    replaceFile(path.join(folder, "part.json"), JSON.stringify({ version: 1, written: wall(), row: facts }));
    return n;
  }

  /** The number under which a session is published: its own, or the first that no session has. */
  #numberOf(run: string, asked: number, id: string): number {
    const there = this.#part(run, asked);
    if (there === undefined || there.row.id === id) return asked;
    const own = this.parts(run).find(({ row }) => row.id === id);
    return own?.n ?? (this.#numbers(run).at(-1) ?? 0) + 1;
  }

  /** The newest part that can be read: one whose first writing was broken off has no facts yet. */
  #newest(run: string): ArchivedPart | undefined {
    for (const n of this.#numbers(run).reverse()) {
      const part = this.#part(run, n);
      if (part !== undefined) return part;
    }
    return undefined;
  }

  /** All parts of a run, oldest first; what cannot be read, or is not ours, is passed over. */
  parts(run: string): ArchivedPart[] {
    return this.#numbers(run).flatMap((n) => this.#part(run, n) ?? []);
  }

  /** The numbers of a run's parts, as its folder has them, in order; of very many the newest. */
  #numbers(run: string): number[] {
    if (!idPattern.test(run)) return [];
    return namesIn(path.join(this.root, run))
      .filter((name) => /^[1-9]\d{0,4}$/.test(name))
      .map(Number)
      .sort((a, b) => a - b)
      .slice(-mostParts);
  }

  /** What tells the runs apart, of the newest part of each. */
  newest(): NewestPart[] {
    return this.#newestOfAll().map(({ run, written, row }) => ({ run, written, runDirectory: row.runDirectory }));
  }

  /**
   * The newest part of the run whose newest part has this `jobKey`; of several the one that was written last.
   */
  ofJob(key: string): ArchivedPart | undefined {
    const keyOf = ({ row }: ArchivedPart) => jobKey(row.facts.job, row.kind, row.directory, row.facts.asked);
    return lastWritten(this.#newestOfAll().filter((part) => keyOf(part) === key));
  }

  /**
   * The part of a batch job's session that has this id or name, of several the one that was written last;
   * only such a part has its log here.
   */
  named(word: string): ArchivedPart | undefined {
    const kept = ({ row }: ArchivedPart) => row.facts.job !== undefined || row.facts.requeue === true;
    const first = this.parts(word).filter(kept).at(-1);
    if (first !== undefined) return first;
    const all = this.#runs().flatMap((run) => this.parts(run));
    return lastWritten(all.filter((part) => kept(part) && (part.row.id === word || part.row.name === word)));
  }

  #runs(): string[] {
    return namesIn(this.root).slice(0, mostRuns);
  }

  #newestOfAll(): ArchivedPart[] {
    return this.#runs().flatMap((run) => this.#newest(run) ?? []);
  }

  /** The curves that were kept of the parts before the nth, oldest first. */
  curvesBefore(run: string, n: number): KeptCurve[][] {
    return this.parts(run)
      .filter((part) => part.n < n)
      .map(({ folder }) => curvesFrom(this.#read(path.join(folder, "curves.json"))));
  }

  /**
   * The folders of the metrics that were kept of the parts before the nth, oldest first, each laid out as the
   * run's folder of nodes; of very many the newest.
   */
  graphsBefore(run: string, n: number): string[] {
    return this.parts(run)
      .filter((part) => part.n < n)
      .map(({ folder }) => path.join(folder, keptGraph))
      .filter(isFolder)
      .slice(-mostGraphs);
  }

  /**
   * Copies a part's log and record into a session folder that does not exist yet; answers whether it was
   * made.
   */
  copyTo(part: ArchivedPart, folder: string): boolean {
    if (fs.existsSync(folder)) return false;
    // whole or not at all, and not among the sessions until then; one that was broken off is begun anew
    const coming = path.join(path.dirname(folder), "..", `bringing-${path.basename(folder)}`);
    fs.rmSync(coming, { recursive: true, force: true });
    fs.mkdirSync(coming, { mode: 0o700 });
    for (const name of namesIn(part.folder)) {
      if (!/^(session\.json|record|times|seg-[\w-]+\.br)$/.test(name)) continue;
      const from = path.join(part.folder, name);
      const stat = fs.lstatSync(from);
      if (stat.isFile() && stat.uid === this.#uid) fs.copyFileSync(from, path.join(coming, name), fs.constants.COPYFILE_EXCL);
    }
    fs.renameSync(coming, folder);
    return true;
  }

  /** Removes the runs whose newest part was written before this time (ms since 1970). */
  sweep(before: number): void {
    for (const run of this.#runs()) {
      const newest = this.#newest(run);
      if (newest === undefined || newest.written >= before) continue;
      // one that cannot be read, as while it is first written or of a later version, is as old as its folder
      const last = this.#numbers(run).at(-1) ?? newest.n;
      const seen = last === newest.n ? undefined : fs.lstatSync(this.#folder(run, last), { throwIfNoEntry: false });
      if (seen !== undefined && seen.mtimeMs >= before) continue;
      fs.rmSync(path.join(this.root, run), { recursive: true, force: true });
    }
  }

  #folder(run: string, n: number): string {
    return path.join(this.root, run, String(n));
  }

  #part(run: string, n: number): ArchivedPart | undefined {
    const folder = this.#folder(run, n);
    const stored = this.#read(path.join(folder, "part.json")) as
      | { version?: unknown; written?: unknown; row?: unknown }
      | undefined;
    if (stored?.version !== 1 || typeof stored.written !== "number" || !isRow(stored.row)) return undefined;
    const row = { ...stored.row, trainer: trainerOf(stored.row.kind, stored.row.trainer), environment: {}, limits: [] };
    return { run, n, folder, row, written: stored.written };
  }

  /** JSON of a plain file that is ours and of a length that we write; undefined otherwise. */
  #read(file: string): unknown {
    let fd: number;
    try {
      fd = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK);
    } catch {
      return undefined;
    }
    try {
      const stat = fs.fstatSync(fd);
      if (!stat.isFile() || stat.uid !== this.#uid || stat.size > longestFacts) return undefined;
      return JSON.parse(fs.readFileSync(fd, "utf8"));
    } catch {
      return undefined;
    } finally {
      fs.closeSync(fd);
    }
  }
}

/**
 * The compressed segments that the session's log has, and what is not compressed yet as further ones, which
 * the next publication replaces.
 */
async function publishLog(from: string, to: string): Promise<void> {
  const log = OutputLog.open(from);
  try {
    const kept: string[] = [];
    let room = mostLog;
    // as they are now: the server may compress more while this waits, which is in the tail then
    const { segments, rawBase, end } = log;
    for (let at = rawBase; at < end; at += segmentBytes) {
      const bytes = await withHoles(log, at, Math.min(at + segmentBytes, end));
      if (bytes.length === 0) break; // the log was removed or cut: the record tells of more
      const { file, size } = await writeSegment(to, at, bytes);
      kept.push(file);
      room -= size;
    }
    for (const segment of [...segments].reverse()) {
      room -= segment.size;
      if (room < 0) break;
      kept.push(segment.file);
      if (!fs.existsSync(path.join(to, segment.file))) replaceByCopy(path.join(from, segment.file), path.join(to, segment.file));
    }
    for (const name of namesIn(to))
      if (/^seg-/.test(name) && !kept.includes(name)) fs.rmSync(path.join(to, name), { force: true });
    for (const name of ["times", "record"]) {
      const file = path.join(from, name);
      if (fs.existsSync(file) && fs.statSync(file).size <= longestIndex) replaceByCopy(file, path.join(to, name));
    }
  } finally {
    log.close();
  }
}

/** All of a range, what is missing as zeros: where that is says the record. */
async function withHoles(log: OutputLog, from: number, to: number): Promise<Buffer> {
  const out: Buffer[] = [];
  for await (const piece of log.pieces(from, to)) out.push("hole" in piece ? Buffer.alloc(piece.hole.length) : piece.bytes);
  return Buffer.concat(out);
}

/** Of several that were written at one time the last one. */
export function lastWritten<T extends { written: number }>(parts: readonly T[]): T | undefined {
  return parts.reduce<T | undefined>(
    (last, part) => (last !== undefined && last.written > part.written ? last : part),
    undefined,
  );
}

function curvesFrom(stored: unknown): KeptCurve[] {
  if (!Array.isArray(stored)) return [];
  const isCurve = (curve: unknown): boolean => {
    const { x, y } = (curve ?? {}) as { x?: unknown; y?: unknown };
    return Array.isArray(x) && Array.isArray(y) && x.length === y.length && [...x, ...y].every(Number.isFinite);
  };
  return stored.filter(
    (one) =>
      typeof one === "object" && one !== null && typeof one.node === "string" && isCurve(one.training) && isCurve(one.validation),
  ) as KeptCurve[];
}

const isNumberOrNull = (value: unknown): boolean => value === null || Number.isFinite(value);

/**
 * Every field of its kind: the archive is shared by machines, and another one may have written anything
 * there.
 */
function isRow(stored: unknown): stored is Omit<SessionRow, "environment" | "limits"> & Record<string, unknown> {
  if (!isTable(stored)) return false;
  const { id, reason, state, facts, interrupts, started, ended, waitStatus, attached, holderPid, programPid } = stored;
  return (
    isSessionFile({ ...stored, environment: {}, limits: [] }) &&
    idPattern.test(id as string) &&
    isText(reason) &&
    isState(state) &&
    isTable(facts) &&
    Number.isFinite(interrupts) &&
    [started, ended, waitStatus, attached, holderPid, programPid].every(isNumberOrNull)
  );
}
