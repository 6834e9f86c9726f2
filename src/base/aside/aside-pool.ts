// The helper processes that touch files of users: each has a deadline for what it does, and is killed and
// replaced past it.
import type { ChildProcess } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import type { Log } from "../log.ts";
import { errorOf, NoAnswer, type Thrown } from "./aside.ts";
import { forkHelper, helperReady } from "./helper-process.ts";

/**
 * How long (ms) one piece of work may take: a person waits for it, and a file system that is there answers in
 * milliseconds.
 */
export const longestWork = 4_000;

/** A place whose work is not done after this (ms) keeps its helper and gets no second: others get one. */
const slowAfter = 200;

/** Helpers at the most: so many places can be slow at one time, and others are still served. */
export const mostHelpers = 6;

/** A place that cost two helpers is refused for so long (ms). */
export const costs = 2;
export const refusedFor = 60_000;

/**
 * A helper with nothing to do for this long (ms) ends: it holds some 40 MB, and a command waits some 60 ms
 * for a new one.
 */
const idleFor = 300_000;

/** Work that waits for its turn: more is a server that is asked for more than its disks give. */
export const mostWaiting = 10_000;

interface Work {
  id: number;
  name: string;
  file: string;
  place: string;
  args: readonly unknown[];
  resolve(value: unknown): void;
  reject(error: Error): void;
}

interface Helper {
  process: ChildProcess;
  /**
   * It has said that it can work: until then what is slow, or ends, is its start, and nothing that it was
   * asked for.
   */
  ready: boolean;
  work: Work | undefined;
  /** Steady ms at which its work began. */
  since: number;
  timer: NodeJS.Timeout | undefined;
}

export interface PoolEffects {
  readonly log: Log;
  /** Milliseconds of a clock that never jumps. */
  steady(): number;
  /** Where file systems are mounted; read anew at most once a second. */
  mounts?(): readonly string[];
}

export class AsidePool {
  #script: string;
  #effects: PoolEffects;
  #helpers = new Set<Helper>();
  #waiting: Work[] = [];
  #next = 1;
  /** Helpers that a place has cost, and until when it is refused. */
  #costs = new Map<string, { count: number; until: number }>();
  #mounts: { list: readonly string[]; read: number } = { list: [], read: Number.NEGATIVE_INFINITY };
  #slow: NodeJS.Timeout | undefined;
  #disposed = false;

  /**
   * @param script the helper's program.
   * @param first a helper that was started before.
   */
  constructor(script: string, effects: PoolEffects, first?: ChildProcess) {
    this.#script = script;
    this.#effects = effects;
    if (first?.connected && first.exitCode === null) this.#free(this.#take(first));
  }

  get helpers(): number {
    return this.#helpers.size;
  }

  /** Starts a helper before anybody waits for one. */
  warm(): void {
    const helper = this.#helpers.size === 0 && !this.#disposed ? this.#start() : undefined;
    if (helper !== undefined) this.#free(helper);
  }

  /** @throws NoAnswer when the place does not answer, or is refused; what the work threw. */
  ask(name: string, file: string, args: readonly unknown[]): Promise<unknown> {
    const place = this.#placeOf(file, name);
    const cost = this.#costs.get(place);
    if (cost !== undefined && cost.until > this.#effects.steady()) return Promise.reject(noAnswer(file));
    if (this.#disposed || this.#waiting.length >= mostWaiting)
      return Promise.reject(new NoAnswer(`too much is asked of ${file}`));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ id: this.#next++, name, file, place, args, resolve, reject });
      this.#serve();
    });
  }

  /** Gives what waits to helpers: one for a place that is slow, so that it holds no others up. */
  #serve(): void {
    for (const work of [...this.#waiting]) {
      const now = this.#effects.steady();
      const there = [...this.#helpers].filter((helper) => helper.work?.place === work.place);
      if (there.some((helper) => now - helper.since > slowAfter)) continue;
      const helper = [...this.#helpers].find((h) => h.work === undefined) ?? this.#start();
      if (helper === undefined) break;
      this.#waiting.splice(this.#waiting.indexOf(work), 1);
      this.#begin(helper, work);
    }
    clearTimeout(this.#slow);
    // helpers that are busy with one place may have become free for another by being known as slow
    if (this.#waiting.length > 0) this.#slow = setTimeout(() => this.#serve(), slowAfter);
  }

  #begin(helper: Helper, work: Work): void {
    clearTimeout(helper.timer);
    helper.work = work;
    helper.since = this.#effects.steady();
    helper.timer = setTimeout(() => this.#tooLong(helper), longestWork);
    // where the system has no process or descriptor left, there is nobody to be asked; its error is on the
    // way
    if (helper.process.connected) helper.process.send({ id: work.id, name: work.name, args: work.args });
  }

  #start(): Helper | undefined {
    // one does the daily work, sooner than another could start; more are for places that keep theirs
    const busy = [...this.#helpers].some((h) => this.#effects.steady() - h.since <= slowAfter);
    if (this.#helpers.size >= mostHelpers || busy) return undefined;
    try {
      return this.#take(forkHelper(this.#script));
    } catch (error) {
      // Node throws what it does not expect, as that there is no memory: who waits is told, as of other lacks
      for (const work of this.#waiting.splice(0)) work.reject(new NoAnswer(noHelper(error as Error)));
      return undefined;
    }
  }

  #take(child: ChildProcess): Helper {
    const helper: Helper = { process: child, ready: false, work: undefined, since: 0, timer: undefined };
    child.on("message", (message) => {
      helper.ready = true;
      if (message !== helperReady) this.#answered(helper, message as { id: number; value?: unknown; thrown?: Thrown });
    });
    child.on("error", (error) => this.#lost(helper, String(error), noHelper(error)));
    child.on("exit", (code, signal) => this.#lost(helper, `status ${code ?? signal}`));
    this.#helpers.add(helper);
    return helper;
  }

  #answered(helper: Helper, { id, value, thrown }: { id: number; value?: unknown; thrown?: Thrown }): void {
    const { work } = helper;
    if (work?.id !== id) return;
    this.#costs.delete(work.place);
    this.#free(helper);
    if (thrown === undefined) work.resolve(value);
    else work.reject(errorOf(thrown));
    this.#serve();
  }

  #free(helper: Helper): void {
    helper.work = undefined;
    helper.since = 0;
    clearTimeout(helper.timer);
    helper.timer = setTimeout(() => this.#end(helper), idleFor).unref();
  }

  /** It hangs: everybody who waits for the same place has waited long enough. */
  #tooLong(helper: Helper): void {
    const { work } = helper;
    if (work === undefined) return;
    if (!helper.ready) return this.#lost(helper, "it did not start in time", notStarted);
    const count = (this.#costs.get(work.place)?.count ?? 0) + 1;
    this.#costs.set(work.place, { count, until: count >= costs ? this.#effects.steady() + refusedFor : 0 });
    this.#effects.log("aside.timed-out", { file: work.file, place: work.place, operation: work.name, count });
    this.#end(helper);
    work.reject(noAnswer(work.file));
    const same = this.#waiting.filter(({ place }) => place === work.place);
    this.#waiting = this.#waiting.filter(({ place }) => place !== work.place);
    for (const other of same) other.reject(noAnswer(other.file));
    this.#serve();
  }

  /** A helper that ended by itself: what it read was too much for its memory, or the machine's. */
  #lost(helper: Helper, why: string, sentence?: string): void {
    if (!this.#helpers.has(helper)) return;
    const { work } = helper;
    this.#end(helper);
    if (work !== undefined) {
      this.#effects.log("aside.lost", { file: work.file, operation: work.name, why });
      const ended = helper.ready ? `${work.file} is too large to read` : notStarted;
      work.reject(new NoAnswer(sentence ?? ended));
    }
    this.#serve();
  }

  #end(helper: Helper): void {
    clearTimeout(helper.timer);
    this.#helpers.delete(helper);
    helper.process.removeAllListeners();
    helper.process.on("error", () => {});
    helper.process.kill("SIGKILL");
    if (helper.process.connected) helper.process.disconnect();
  }

  /**
   * What answers or not as a whole: a mount, or within the root's file system, which is always there, a
   * folder (a link in it may lead anywhere).
   */
  #placeOf(file: string, name: string): string {
    // what is of no place in particular (each second's look at several runs) needs no list of them
    const now = this.#effects.steady();
    if (file !== "/" && now - this.#mounts.read > 1_000)
      this.#mounts = { list: (this.#effects.mounts ?? mountPoints)(), read: now };
    let best = "/";
    for (const mount of this.#mounts.list)
      if (mount.length > best.length && (file === mount || file.startsWith(`${mount}/`))) best = mount;
    // what looks at several places (the search for falcon) must not be the ruin of others in the folder that
    // it is asked from
    return best === "/" ? `${path.dirname(file)} (${name})` : best;
  }

  dispose(): void {
    this.#disposed = true;
    clearTimeout(this.#slow);
    for (const work of this.#waiting) work.reject(new NoAnswer(`${work.file} was not read: the server ends`));
    this.#waiting = [];
    for (const helper of [...this.#helpers]) {
      helper.work?.reject(new NoAnswer(`${helper.work.file} was not read: the server ends`));
      this.#end(helper);
    }
  }
}

/** What a user is told when the system gives no process for the work. */
export function noHelper(error: Error): string {
  const { code } = error as NodeJS.ErrnoException;
  const what = code === "EMFILE" || code === "ENFILE" ? "open files" : code === "EAGAIN" ? "processes" : undefined;
  if (what === undefined) return `no process can be started to look at files: ${error.message}`;
  return `no process can be started to look at files: your limit of ${what} is reached ('falcon doctor' tells the limits)`;
}

/** Of a helper that ended, or took its time, before it was ready: Node aborts or hangs without threads. */
export const notStarted =
  "no process can be started to look at files: your limit of processes and threads is reached ('ulimit -u'), " +
  "or the machine has too much to do";

export function noAnswer(file: string): NoAnswer {
  return Object.assign(new NoAnswer(`${file} does not answer: is its file system away?`), { code: "ETIMEDOUT" });
}

/** Never asks a file system but the kernel's own. Elsewhere than on Linux there is no such list. */
function mountPoints(): string[] {
  try {
    return fs
      .readFileSync("/proc/self/mountinfo", "utf8")
      .split("\n")
      .map((line) => (line.split(" ")[4] ?? "").replace(/\\(\d{3})/g, (_, code) => String.fromCharCode(Number.parseInt(code, 8))))
      .filter((mount) => mount.startsWith("/"));
  } catch {
    return [];
  }
}
