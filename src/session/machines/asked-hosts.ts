// The machines that share no folder with this one and are named in the configuration (`[hosts] list`):
// each is asked by the way that reaches it, all at once, and what it answered is kept. What it says is
// not believed further than a file of the roster.
import { sentence } from "../../base/failure.ts";
import { printable } from "../../base/text/printable.ts";
import type { RefusedLogins } from "../../store/refused-logins.ts";
import { type RemoteSession, sessionsOf } from "./remote-session.ts";
import { longestRoster, mostRosters, parseRoster, type Roster } from "./roster-files.ts";

/** How a question ended. */
export interface Answer {
  /** Exit status of the way; 255: ssh's own failure; null: it was ended after its time. */
  status: number | null;
  stdout: string;
  stderr: string;
}

/** What a machine has, and what those have that share a roster with it. */
export interface HostAnswer {
  own: Roster;
  behind: { roster: Roster; age: number }[];
  /**
   * Whether it sees, in its roster's folder, the file that it was asked for; undefined: it was asked
   * for none.
   */
  sees: boolean | undefined;
}

export interface AskedHostsEffects {
  /** Asks one machine, in the caller's environment: the agent of its ssh is the caller's. Never rejects. */
  ask(name: string, environment: Readonly<Record<string, string>>): Promise<Answer>;
  /** ms since 1970. */
  clock(): number;
  /** ms of a clock that never jumps. */
  steady(): number;
  /** Of this server and those before it: with that agent it is not tried again by itself. */
  readonly refused: Pick<RefusedLogins, "get" | "set" | "delete">;
}

/** An answer is not asked for again within this time (ms): it is as old as what a roster's file says. */
const keptFor = 10_000;
/** A machine that did not answer is left alone for so long (ms): a list waits for it once. */
const leftAlone = 60_000;
/** So much of what ssh says stands in a sentence (characters). */
const longestSaid = 300;

/**
 * By ssh's words, no login was refused: the machine or the network is away, and trying again locks no
 * account.
 */
const networkFailed =
  /timed out|refused$|No route|unreachable|reset|Could not resolve|closed by|Broken pipe|is down|not responding|banner exchange|mux_client|Control socket/;

interface Host {
  answer: HostAnswer | undefined;
  /** When it was (steady). */
  answered: number;
  /** Not asked before (steady). */
  due: number;
  problem: string | undefined;
  asking: Promise<void> | undefined;
}

export class AskedHosts {
  readonly names: readonly string[];
  readonly #effects: AskedHostsEffects;
  readonly #hosts = new Map<string, Host>();

  constructor(names: readonly string[], effects: AskedHostsEffects) {
    this.names = names;
    this.#effects = effects;
  }

  /**
   * What they have, after those were asked that are due. Never rejects.
   * @param environment the caller's; undefined: nobody is asked, and what is kept is told.
   */
  async sessions(environment?: Readonly<Record<string, string>>): Promise<{ sessions: RemoteSession[]; problems: string[] }> {
    if (environment !== undefined) await Promise.all(this.names.map((name) => this.#ask(name, environment)));
    const now = this.#effects.clock();
    const hosts = this.names.map((name) => ({ name, host: this.#host(name) }));
    const sessions = hosts.flatMap(({ name, host: { answer, answered } }) => {
      if (answer === undefined) return [];
      const since = this.#effects.steady() - answered;
      return [
        ...sessionsOf(answer.own, since, now, { via: name, behind: false }),
        ...answer.behind.flatMap(({ roster, age }) => sessionsOf(roster, age + since, now, { via: name, behind: true })),
      ];
    });
    return { sessions, problems: hosts.flatMap(({ host }) => host.problem ?? []) };
  }

  /**
   * Takes what a machine answered whom a person has had asked, in the environment in which it was.
   * @returns the sentence where that is no answer.
   */
  take(name: string, answer: Answer, environment: Readonly<Record<string, string>>): HostAnswer | string {
    const host = this.names.includes(name) ? this.#host(name) : newHost();
    this.#take(name, host, answer, agentOf(environment));
    return host.problem ?? (host.answer as HostAnswer);
  }

  #host(name: string): Host {
    let host = this.#hosts.get(name);
    if (host === undefined) {
      host = newHost(this.#effects.refused.get(name)?.problem);
      this.#hosts.set(name, host);
    }
    return host;
  }

  #ask(name: string, environment: Readonly<Record<string, string>>): Promise<void> {
    const host = this.#host(name);
    const agent = agentOf(environment);
    const isRefused = this.#effects.refused.get(name)?.agent === agent;
    if (host.asking === undefined && this.#effects.steady() >= host.due && !isRefused) {
      // Node throws what it does not expect of a start, as that there is no memory
      const why = (error: unknown) => `${name} could not be asked: ${sentence(error)}`;
      const failed = (error: unknown): Answer => ({ status: 127, stdout: "", stderr: why(error) });
      const asked = this.#effects.ask(name, environment).catch(failed);
      host.asking = asked.then((answer) => {
        host.asking = undefined;
        this.#take(name, host, answer, agent);
      });
    }
    return host.asking ?? Promise.resolve();
  }

  #take(name: string, host: Host, answer: Answer, agent: string): void {
    const now = this.#effects.steady();
    host.due = now + leftAlone;
    const read = answer.status === 0 ? readAnswer(answer.stdout) : undefined;
    if (read !== undefined) {
      host.answer = read;
      host.answered = now;
      host.due = now + keptFor;
      host.problem = undefined;
      this.#effects.refused.delete(name);
      return;
    }
    const said = lastLine(answer.stderr);
    if (answer.status === 255 && !networkFailed.test(said)) {
      host.problem =
        `${name} lets nobody in without asking (${said || "ssh says nothing"}): 'ssh ${name}' shows what it wants; ` +
        "it is not tried again until 'falcon doctor' does";
      this.#effects.refused.set(name, { agent, problem: host.problem });
      return;
    }
    this.#effects.refused.delete(name);
    if (answer.status === null) host.problem = `${name} did not answer in time`;
    else if (answer.status === 255) host.problem = `${name} cannot be reached: ${said || "ssh says nothing"}`;
    else if (answer.status === 127 && said !== "") host.problem = said.replace(/^falcon: /, "");
    else host.problem = `falcon-sessions on ${name} has no answer that this version understands${said && `: ${said}`}`;
  }
}

function newHost(problem?: string): Host {
  return { answer: undefined, answered: 0, due: Number.NEGATIVE_INFINITY, problem, asking: undefined };
}

function agentOf({ SSH_AUTH_SOCK = "" }: Readonly<Record<string, string>>): string {
  return SSH_AUTH_SOCK;
}

/** The line with which a program ended its words. */
function lastLine(text: string): string {
  return printable(text.trim().split("\n").at(-1)?.trim() ?? "").slice(0, longestSaid);
}

/**
 * What `falcon-sessions @roster` wrote; undefined where it is something else. A start-up file may have
 * printed before it.
 */
export function readAnswer(text: string): HostAnswer | undefined {
  const lines = text.split("\n").filter((line) => line.startsWith("{"));
  const [own, ...behind] = lines.slice(0, mostRosters + 1).flatMap((line) => {
    try {
      if (line.length > 2 * longestRoster) return [];
      const { age, facts } = JSON.parse(line) as { age?: unknown; facts?: { sees?: unknown } };
      const known = typeof age === "number" && age >= 0 && age < 8.64e15 ? age : 0;
      const sees = typeof facts?.sees === "boolean" ? facts.sees : undefined;
      return [{ roster: parseRoster(line), age: known, sees }];
    } catch {
      return [];
    }
  });
  return own === undefined ? undefined : { own: own.roster, behind, sees: own.sees };
}
