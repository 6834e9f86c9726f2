// Moves the server and each session into a systemd scope of its own, so that log-out and memory pressure do
// not end them together; only where systemd runs a manager for the user.
import fs from "node:fs";
import { execFileOutside } from "../base/aside/outside-program.ts";
import type { Log } from "../base/log.ts";
import { endsAtLogOut, type LogOutFacts, logOutFacts, placeOf } from "../platform/log-out.ts";
import { controlGroups } from "../platform/processes.ts";

/** Calls `busctl` with these arguments; answers what it complained of, "" when it succeeded. */
export type Busctl = (args: readonly string[]) => Promise<string>;

/** A manager that does not answer within this (ms) is not waited for: nothing depends on it. */
const busPatience = 10_000;

/** After this (ms) what was started while the scope was made is fetched into it. */
const secondLook = 1_000;

const manager = ["org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager"];

export interface ScopeEffects {
  readonly busctl: Busctl;
  readonly facts: () => LogOutFacts;
  readonly log: Log;
  /** Control group of a process as /proc has it; "" when it is gone. */
  readonly cgroupOf: (pid: number) => string;
  readonly below: (pid: number) => number[];
}

/**
 * Whether processes of ours should move below the user's manager. Not where there is none; not out of a
 * service, a container or a batch job, whose
 * accounts they belong to; and not out of a login whose end leaves them alone into a manager that ends with
 * it.
 */
export function shouldMove(facts: LogOutFacts): boolean {
  if (facts.manager === undefined || facts.place === "elsewhere") return false;
  return facts.place === "user-manager" || facts.lingering || facts.killsProcesses !== false;
}

/** Whether a log-out will end sessions that are started now, after what `shouldMove` decides. */
export function logOutEnds(facts: LogOutFacts): boolean {
  return endsAtLogOut(shouldMove(facts) ? { ...facts, place: "user-manager" } : facts);
}

export class Scopes {
  #effects: ScopeEffects;
  #facts: LogOutFacts | undefined;
  /** Units that were asked for: each once in a server's life. */
  #asked = new Set<string>();
  #timers = new Set<NodeJS.Timeout>();

  constructor(effects: ScopeEffects) {
    this.#effects = effects;
  }

  /** The server itself. Answers at once; the move goes on beside everything else. */
  enterServer(pid: number): void {
    void this.#enter(`falcon-sessions-server-${pid}.scope`, "falcon-sessions: session server", pid, false);
  }

  /**
   * A session's holder and everything below it: a scope of its own, so that what systemd-oomd ends is one
   * session and not all.
   * Answers whether they were moved.
   */
  enterSession(id: string, holderPid: number): Promise<boolean> {
    return this.#enter(`falcon-sessions-${id}.scope`, `falcon-sessions: session ${id}`, holderPid, true);
  }

  async #enter(unit: string, description: string, pid: number, whole: boolean): Promise<boolean> {
    if (this.#asked.has(unit)) return false;
    this.#asked.add(unit);
    // the server's own place decides: what it starts, starts there
    this.#facts ??= this.#effects.facts();
    if (!shouldMove(this.#facts) || placeOf(this.#effects.cgroupOf(pid)) === "elsewhere") return false;
    const pids = this.#outside(unit, pid, whole);
    if (!pids.includes(pid)) return false; // an earlier server made it
    const problem = await this.#start(unit, description, pids);
    this.#effects.log(
      problem === "" ? "scope.entered" : "scope.failed",
      problem === "" ? { unit, pid } : { unit, reason: problem },
    );
    if (problem !== "" || !whole) return problem === "";
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      void this.#fetch(unit, pid);
    }, secondLook).unref();
    this.#timers.add(timer);
    return true;
  }

  #outside(unit: string, pid: number, whole: boolean): number[] {
    const all = whole ? [pid, ...this.#effects.below(pid)] : [pid];
    return all.filter((p) => {
      const group = this.#effects.cgroupOf(p);
      return group !== "" && !group.includes(`/${unit}`);
    });
  }

  async #start(unit: string, description: string, pids: readonly number[]): Promise<string> {
    // OOMPolicy: else the kernel's end of one process is systemd's reason to end the scope. Before systemd
    // 253 a scope does not know it.
    const problem = await this.#transient(unit, description, pids, ["OOMPolicy", "s", "continue"]);
    return /OOMPolicy|unknown property/i.test(problem) ? this.#transient(unit, description, pids, []) : problem;
  }

  #transient(unit: string, description: string, pids: readonly number[], more: readonly string[]): Promise<string> {
    const properties = [
      ["PIDs", "au", String(pids.length), ...pids.map(String)],
      ["Description", "s", description],
      ["CollectMode", "s", "inactive-or-failed"],
      ...(more.length > 0 ? [more] : []),
    ];
    return this.#call("StartTransientUnit", "ssa(sv)a(sa(sv))", [
      unit,
      "fail",
      String(properties.length),
      ...properties.flat(),
      "0",
    ]);
  }

  /** Processes that were started between the look and the move. */
  async #fetch(unit: string, pid: number): Promise<void> {
    const pids = this.#outside(unit, pid, true);
    if (pids.length === 0) return;
    const problem = await this.#call("AttachProcessesToUnit", "ssau", [unit, "", String(pids.length), ...pids.map(String)]);
    if (problem !== "") this.#effects.log("scope.fetch-failed", { unit, reason: problem });
  }

  #call(method: string, signature: string, values: readonly string[]): Promise<string> {
    return this.#effects.busctl(["--user", "--quiet", "call", ...manager, method, signature, ...values]);
  }

  dispose(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }
}

/** The real `busctl`, as the server's PATH has it. */
export function realBusctl(environment: NodeJS.ProcessEnv): Busctl {
  return (args) =>
    new Promise((resolve) => {
      execFileOutside("busctl", [...args], { env: environment, timeout: busPatience }, (error, _stdout, stderr) => {
        resolve(error === null ? "" : stderr.trim() || error.message);
      });
    });
}

/** Effects on the running system. */
export function systemEffects(log: Log): ScopeEffects {
  return { busctl: realBusctl(process.env), facts: logOutFacts, log, cgroupOf: controlGroups, below };
}

/**
 * All processes below one, by the kernel's lists of children: /proc as a whole takes tens of milliseconds on
 * a busy machine.
 */
function below(pid: number): number[] {
  const found: number[] = [];
  for (let queue = [pid]; queue.length > 0; ) {
    queue = queue.flatMap(childrenOf);
    found.push(...queue);
  }
  return found;
}

function childrenOf(pid: number): number[] {
  try {
    return fs
      .readdirSync(`/proc/${pid}/task`)
      .flatMap((thread) => fs.readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" "))
      .filter(Boolean)
      .map(Number);
  } catch {
    return []; // gone meanwhile, or a kernel without these lists
  }
}

/** File in the home that says that the user was told. */
const toldFile = "told-log-out";

/**
 * The sentence about log-outs, once in the life of this home; undefined when there is nothing to say or it
 * was said.
 */
export function logOutNotice(home: string, facts: LogOutFacts): string | undefined {
  if (!logOutEnds(facts)) return undefined;
  try {
    fs.closeSync(fs.openSync(`${home}/${toldFile}`, "wx", 0o600));
  } catch {
    return undefined; // said before, or a folder that takes nothing: then not at each command
  }
  const why = facts.lingering
    ? "because KillUserProcesses is on and your systemd manager cannot be reached from here: 'falcon doctor' says what helps"
    : "because lingering is off: 'loginctl enable-linger' mends it";
  return `logging out of this machine will end your sessions, ${why} (this is said once; 'falcon doctor' says it again)`;
}
