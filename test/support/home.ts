// A test's own instance of the product: its own FALCON_SESSIONS_HOME, commands in it, and a check that
// nothing is left.
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { parentOf, startTime } from "../../src/platform/processes.ts";
import { alive, patience, readIfThere, until } from "./events.ts";
import * as built from "./paths.ts";
import { UserTerminal, type UserTerminalOptions } from "./terminal/terminal.ts";

export interface RunResult {
  /** Exit status; 128 + n when signal n ended it, as a shell says it. */
  code: number;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  /** What stands on its standard input; default: nothing (its end at once). */
  input?: string;
  env?: Record<string, string | undefined>;
  cwd?: string;
  /** Another program than the built client. */
  file?: string;
  limit?: number;
}

export interface HomeProcess {
  pid: number;
  argv: string[];
}

/** One row of `falcon sessions --json`, as far as tests look at it. */
export interface SessionRow {
  id: string;
  name: string;
  state: string;
  pid?: number | null;
  [field: string]: unknown;
}

const signalNumber: Record<string, number> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGTERM: 15,
};

/** Homes that are not disposed of: a suite that is left out makes its own, and has no hooks that would. */
const unused = new Set<string>();
process.on("exit", () => {
  for (const base of unused)
    try {
      for (const folder of [path.join(base, "h"), path.join(base, "w"), base]) fs.rmdirSync(folder);
    } catch {
      // something is in it, which says more than its absence would
    }
});

/**
 * An isolated home under /tmp (short: a socket's path has 107 bytes), and everything that tests start in it.
 */
export class TestHome {
  readonly folder: string;
  /**
   * A folder for what tests write: working directories, run directories. Lies in the home and goes with it.
   */
  readonly work: string;
  readonly env: Record<string, string>;
  /** Who all commands run as; undefined: who runs the tests. */
  readonly user: number | undefined;
  #terminals: UserTerminal[] = [];

  /**
   * @param options.user runs everything as this user, who owns the home and is in no group but its own; only
   * root can.
   */
  constructor(env: Record<string, string> = {}, options: { user?: number } = {}) {
    const base = fs.mkdtempSync("/tmp/fs-");
    unused.add(base);
    this.folder = path.join(base, "h");
    this.work = path.join(base, "w");
    fs.mkdirSync(this.folder, { mode: 0o700 });
    fs.mkdirSync(this.work);
    this.env = {
      PATH: process.env.PATH ?? "/usr/bin:/bin",
      HOME: this.work,
      USER: process.env.USER ?? "tester",
      SHELL: "/bin/sh",
      LANG: "C.UTF-8",
      TERM: "xterm-256color",
      FALCON_SESSIONS_HOME: this.folder,
      // tests look at what programs draw; test/e2e/attached/attaching.test.ts has the hint
      FALCON_ATTACH_HINT: "off",
      ...env,
    };
    this.user = options.user;
    if (this.user !== undefined) for (const made of [base, this.folder, this.work]) fs.chownSync(made, this.user, this.user);
  }

  /** The command as the home's user runs it. */
  as(file: string, args: string[]): [string, string[]] {
    if (this.user === undefined) return [file, args];
    const user = String(this.user);
    return ["setpriv", ["--reuid", user, "--regid", user, "--clear-groups", file, ...args]];
  }

  /** Runs a command of the built client without a terminal, to its end. */
  run(args: string[], options: RunOptions = {}): Promise<RunResult> {
    const { input = "", cwd = this.work, file = built.falcon, limit = patience } = options;
    return new Promise((resolve, reject) => {
      const child = spawn(...this.as(file, args), { cwd, env: this.#environment(options.env), stdio: ["pipe", "pipe", "pipe"] });
      const out: Buffer[] = [];
      const err: Buffer[] = [];
      child.stdout.on("data", (data) => out.push(data));
      child.stderr.on("data", (data) => err.push(data));
      // it ended without reading, or was killed: its status says so
      for (const pipe of [child.stdin, child.stdout, child.stderr]) pipe.on("error", () => {});
      child.stdin.end(input);
      const timer = setTimeout(() => {
        child.kill("SIGKILL");
        reject(
          new Error(
            `\`falcon ${args.join(" ")}\` did not end within ${limit} ms; it said ${Buffer.concat(out)} ${Buffer.concat(err)}`,
          ),
        );
      }, limit);
      child.on("error", reject);
      child.on("close", (code, signal) => {
        clearTimeout(timer);
        resolve({
          code: code ?? 128 + (signalNumber[signal ?? ""] ?? 0),
          stdout: Buffer.concat(out).toString(),
          stderr: Buffer.concat(err).toString(),
        });
      });
    });
  }

  /**
   * As `run`, and fails with what the command said unless it exits with `code`. Answers its standard output,
   * trimmed.
   */
  async ok(args: string[], options: RunOptions & { code?: number } = {}): Promise<string> {
    const { code = 0 } = options;
    const result = await this.run(args, options);
    if (result.code !== code) {
      throw new Error(
        `\`falcon ${args.join(" ")}\` exited ${result.code}, not ${code}:\n${result.stdout}${result.stderr}${this.serverLog()}`,
      );
    }
    return result.stdout.trim();
  }

  /** Runs a command of the built client in a person's terminal. */
  terminal(args: string[], options: UserTerminalOptions & { file?: string } = {}): UserTerminal {
    const { file = built.falcon, env = {}, cwd = this.work, ...rest } = options;
    const terminal = new UserTerminal(...this.as(file, args), { ...rest, cwd, env: { ...this.env, ...env } });
    this.#terminals.push(terminal);
    return terminal;
  }

  /** Starts `falcon run -d` and answers the session's id. */
  async start(command: string[], options: string[] = [], run: RunOptions = {}): Promise<string> {
    return this.ok(["run", "-d", ...options, "--", ...command], run);
  }

  /** All sessions, as `falcon sessions --json --all` lists them. */
  async sessions(): Promise<SessionRow[]> {
    const answer: unknown = JSON.parse(await this.ok(["sessions", "--all", "--json"]));
    const rows = Array.isArray(answer) ? answer : (answer as { sessions?: unknown }).sessions;
    if (!Array.isArray(rows)) throw new Error(`sessions --json answered ${JSON.stringify(answer)}`);
    return rows as SessionRow[];
  }

  /** Waits until the session is in this state, and answers its row. */
  untilState(id: string, state: string): Promise<SessionRow> {
    return until(
      async () => (await this.sessions()).find((row) => row.id === id && row.state === state),
      `session ${id} to be ${state}`,
    );
  }

  /**
   * The processes that belong to this home: by their environment or their arguments. The test itself is none
   * of them.
   */
  processes(): HomeProcess[] {
    return processesNaming(this.folder);
  }

  /** Its session servers. What one of them has just forked has its arguments until it executes. */
  servers(): HomeProcess[] {
    const named = this.processes().filter(({ argv }) => argv.some((word) => word.endsWith("server.cjs")));
    return named.filter(({ pid }) => !named.some((other) => other.pid === parentOf(pid)));
  }

  /** The session server's pid, where one runs: of several the last one that started. */
  serverPid(): number | undefined {
    const servers = this.servers();
    return servers.sort((a, b) => (startTime(a.pid) ?? 0) - (startTime(b.pid) ?? 0)).at(-1)?.pid;
  }

  /** Another server alone: one that was replaced may be ending its threads when a command has answered. */
  nextServer(before: number | undefined): Promise<number> {
    return until(() => {
      const now = this.serverPid();
      return now === before ? undefined : now;
    }, "another server alone");
  }

  /** Lines of the server's log that tell of an event. */
  logged(event: string): string[] {
    const text = readIfThere(path.join(this.folder, "server.log")) ?? "";
    return text.split("\n").filter((line) => line.includes(` ${event}`));
  }

  /** The end of what the server logged; empty where there is no log. For messages. */
  serverLog(): string {
    const file = ["server.log", "log/server.log"].map((name) => path.join(this.folder, name)).find((name) => fs.existsSync(name));
    return file === undefined ? "" : `\n--- ${file}\n${(readIfThere(file) ?? "").slice(-4000)}`;
  }

  /**
   * Ends every session, the server and the terminals, then asserts that no process of this home and no socket
   * is left,
   * and removes the folder. What is left is ended by pid before the assertion fails, so that one leak fails
   * one test.
   */
  async dispose(): Promise<void> {
    if (!unused.delete(path.dirname(this.folder))) return;
    for (const terminal of this.#terminals) if (!terminal.ended) terminal.closePty();
    if (this.processes().length > 0 && built.notBuilt([built.falcon]).length === 0) {
      if (this.serverPid() !== undefined || this.#folders().length > 0) await this.#endSessions();
      await this.run(["server", "stop"]).catch(() => {});
    }
    const left = await until(() => this.processes().length === 0, "the processes to end", 10_000).then(
      () => [],
      () => this.processes(),
    );
    const log = left.length > 0 ? this.serverLog() : "";
    for (const { pid } of left) killNow(pid);
    await until(() => this.processes().length === 0, `the killed processes of ${this.folder} to end`);
    const sockets = socketsUnder(this.folder);
    fs.rmSync(path.dirname(this.folder), { recursive: true, force: true });
    if (left.length > 0)
      throw new Error(`left behind:\n${left.map(({ pid, argv }) => `${pid} ${argv.join(" ")}`).join("\n")}${log}`);
    if (sockets.length > 0) throw new Error(`sockets left behind: ${sockets.join(" ")}`);
  }

  async #endSessions(): Promise<void> {
    try {
      for (const row of await this.sessions()) {
        if (row.state === "running" || row.state === "starting") await this.run(["kill", row.id, "--signal", "KILL"]);
      }
      await until(
        async () => (await this.sessions()).every((row) => row.state === "exited" || row.state === "lost"),
        "all sessions to end",
        10_000,
      );
    } catch {
      // The test may have broken this server on purpose; what is left is found and named below.
    }
  }

  #folders(): string[] {
    try {
      return fs.readdirSync(path.join(this.folder, "s"));
    } catch {
      return [];
    }
  }

  #environment(changes: Record<string, string | undefined> = {}): Record<string, string> {
    const merged: Record<string, string | undefined> = { ...this.env, ...changes };
    return Object.fromEntries(Object.entries(merged).filter((entry): entry is [string, string] => entry[1] !== undefined));
  }
}

/** All live processes, but this one, whose environment or arguments name the folder. */
export function processesNaming(folder: string): HomeProcess[] {
  const found: HomeProcess[] = [];
  for (const name of fs.readdirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const argv = readIfThere(`/proc/${name}/cmdline`) ?? "";
    const environment = readIfThere(`/proc/${name}/environ`) ?? "";
    if ((argv.includes(folder) || environment.includes(`=${folder}\0`)) && alive(pid))
      found.push({ pid, argv: argv.split("\0").slice(0, -1) });
  }
  return found;
}

/** Ends a process, which may have ended a moment ago. */
export function killNow(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // gone meanwhile
  }
}

function socketsUnder(folder: string): string[] {
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isSocket())
    .map((entry) => path.join(entry.parentPath, entry.name));
}
