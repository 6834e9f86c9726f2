// The sides that are compared: the bare pty, ours, tmux, GNU screen, dtach; each isolated in the bench's own
// folder.
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { alive, readIfThere, until, untilGone } from "../support/events.ts";
import { processesNaming } from "../support/home.ts";
import { falcon, notBuilt, root } from "../support/paths.ts";
import type { Command, Drivers, Size } from "./drivers.ts";
import { usual } from "./drivers.ts";
import { said } from "./facts.ts";

export type SideName = "bare" | "falcon" | "tmux" | "screen" | "dtach";
export const sideNames: SideName[] = ["bare", "falcon", "tmux", "screen", "dtach"];

/** A program that runs in a session (bare: that will run in whoever views it). */
export interface Session {
  name: string;
  /** The command that attaches a terminal to it. */
  attach: Command;
  end(): Promise<void>;
}

export interface Side {
  readonly name: SideName;
  /** Whether it keeps a screen, so that an attach shows what was there. */
  readonly keepsScreen: boolean;
  /** Starts a program in a session to which nobody is attached. */
  create(argv: string[], options?: { size?: Size; name?: string }): Promise<Session>;
  /** The command that starts a program in a new session, attached, from nothing. */
  fresh(argv: string[], size?: Size): Command;
  /** The command that lists the sessions. */
  list(): Command | undefined;
  /** The processes of its own that stay: server, holders; never the programs. */
  resident(): { server: number[]; holders: number[] };
  /** Ends all that it started. */
  end(): Promise<void>;
}

const environment: Record<string, string> = {
  PATH: process.env.PATH ?? "/usr/bin:/bin",
  // the screen itself is measured
  FALCON_ATTACH_HINT: "off",
  TERM: "xterm-256color",
  LANG: "C.UTF-8",
  SHELL: "/bin/sh",
};

/**
 * Makes a side in a folder of its own below `folder`; a new one each time, so that nothing is shared between
 * measures.
 */
export function makeSide(name: SideName, drivers: Drivers): Side {
  const folder = fs.mkdtempSync(path.join(drivers.folder, `${name[0]}-`));
  const env = { ...environment, HOME: folder };
  switch (name) {
    case "bare":
      return new Bare(env);
    case "falcon":
      return new Falcon(folder, env);
    case "tmux":
      return new Tmux(folder, env);
    case "screen":
      return new Screen(folder, env, drivers);
    case "dtach":
      return new Dtach(folder, env);
  }
}

/** Why a side cannot take part here, with what would help; undefined when it can. */
export function missing(name: SideName): string | undefined {
  if (name === "bare") return undefined;
  if (name === "falcon") {
    const files = notBuilt();
    return files.length === 0 ? undefined : `not built: ${files.join(", ")} (npm run build)`;
  }
  if (versionOf(name) !== "") return undefined;
  return `not installed (Debian, Ubuntu: apt-get install ${name}; Fedora: dnf install ${name}; macOS: brew install ${name})`;
}

/** The version of a side, as it says it. */
export function versionOf(name: SideName): string {
  switch (name) {
    case "bare":
      return "";
    case "falcon":
      return `falcon-sessions ${JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8")).version}`; // asking it would start a server
    case "tmux":
      return said("tmux", ["-V"]);
    case "screen":
      return said("screen", ["--version"]).split("\n")[0] ?? "";
    case "dtach":
      return said("dtach", ["--version"]).split("\n")[0] ?? "";
  }
}

/** Runs a command to its end and answers what it said; throws when it fails. */
export function run(command: Command, cwd = "/"): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command.argv[0] ?? "", command.argv.slice(1), {
      env: command.env,
      cwd,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let out = "";
    let err = "";
    child.stdout.on("data", (data) => {
      out += data;
    });
    child.stderr.on("data", (data) => {
      err += data;
    });
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve(out.trim());
      else reject(new Error(`${command.argv.join(" ")}: status ${code}: ${err.trim() || out.trim()}`));
    });
  });
}

/** Ends by pid whatever names this folder, and waits until it has gone. */
async function endAll(folder: string): Promise<void> {
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    const found = processesNaming(folder).filter(({ pid }) => alive(pid));
    for (const { pid } of found) {
      try {
        process.kill(pid, signal);
      } catch {
        // gone meanwhile
      }
    }
    const gone = await until(
      () => processesNaming(folder).length === 0,
      "them to end",
      signal === "SIGTERM" ? 3000 : 10_000,
    ).catch(() => false);
    if (gone) break;
  }
  const left = processesNaming(folder);
  if (left.length > 0) throw new Error(`could not end ${left.map(({ pid, argv }) => `${pid} ${argv.join(" ")}`).join("; ")}`);
  fs.rmSync(folder, { recursive: true, force: true });
}

class Bare implements Side {
  readonly name = "bare";
  readonly keepsScreen = false;
  #env: Record<string, string>;
  constructor(env: Record<string, string>) {
    this.#env = env;
  }
  async create(argv: string[]): Promise<Session> {
    return { name: "bare", attach: { argv, env: this.#env }, end: async () => {} };
  }
  fresh(argv: string[]): Command {
    return { argv, env: this.#env };
  }
  list(): undefined {
    return undefined;
  }
  resident(): { server: number[]; holders: number[] } {
    return { server: [], holders: [] };
  }
  async end(): Promise<void> {}
}

class Falcon implements Side {
  readonly name = "falcon";
  readonly keepsScreen = true;
  readonly #folder: string;
  readonly #env: Record<string, string>;
  #count = 0;
  constructor(folder: string, env: Record<string, string>) {
    this.#folder = folder;
    this.#env = { ...env, FALCON_SESSIONS_HOME: path.join(folder, "h") };
    fs.mkdirSync(path.join(folder, "h"), { mode: 0o700 });
  }
  command(...args: string[]): Command {
    return { argv: [falcon, ...args], env: this.#env };
  }
  async create(argv: string[], options: { size?: Size; name?: string } = {}): Promise<Session> {
    const { cols, rows } = options.size ?? usual;
    const name = options.name ?? `b${++this.#count}`;
    const id = await run(this.command("run", "-d", "--name", name, "--size", `${cols}x${rows}`, "--", ...argv), this.#folder);
    return {
      name: id,
      attach: this.command("attach", id),
      end: async () => {
        await run(this.command("kill", id, "--signal", "KILL"));
      },
    };
  }
  fresh(argv: string[]): Command {
    return this.command("run", "--", ...argv);
  }
  list(): Command {
    return this.command("sessions");
  }
  resident(): { server: number[]; holders: number[] } {
    const found = processesNaming(this.#folder);
    return {
      server: found.filter(({ argv }) => argv.some((word) => word.endsWith("server.cjs"))).map(({ pid }) => pid),
      holders: found.filter(({ argv }) => argv[0]?.endsWith("/holder")).map(({ pid }) => pid),
    };
  }
  async end(): Promise<void> {
    await endAll(this.#folder);
  }
}

class Tmux implements Side {
  readonly name = "tmux";
  readonly keepsScreen = true;
  readonly #folder: string;
  readonly #env: Record<string, string>;
  readonly #config: string;
  #count = 0;
  constructor(folder: string, env: Record<string, string>) {
    this.#folder = folder;
    this.#env = { ...env, TMUX_TMPDIR: folder };
    this.#config = path.join(folder, "tmux.conf");
    fs.writeFileSync(
      this.#config,
      "set -g status off\nset -g history-limit 10000\nset -g default-terminal screen-256color\nset -s escape-time 0\n",
    );
  }
  command(...args: string[]): Command {
    return { argv: ["tmux", "-L", "bench", "-f", this.#config, ...args], env: this.#env };
  }
  async create(argv: string[], options: { size?: Size; name?: string } = {}): Promise<Session> {
    const { cols, rows } = options.size ?? usual;
    const name = options.name ?? `b${++this.#count}`;
    await run(this.command("new-session", "-d", "-s", name, "-x", `${cols}`, "-y", `${rows}`, argv.join(" ")));
    return {
      name,
      attach: this.command("attach", "-t", name),
      end: async () => {
        await run(this.command("kill-session", "-t", name));
      },
    };
  }
  fresh(argv: string[]): Command {
    return this.command("new-session", argv.join(" "));
  }
  list(): Command {
    return this.command("ls");
  }
  resident(): { server: number[]; holders: number[] } {
    const server = processesNaming(this.#folder).filter(({ pid, argv }) => argv[0] === "tmux" && withoutTerminal(pid));
    return { server: server.map(({ pid }) => pid), holders: [] };
  }
  async end(): Promise<void> {
    await run(this.command("kill-server")).catch(() => {});
    await endAll(this.#folder);
  }
}

class Screen implements Side {
  readonly name = "screen";
  readonly keepsScreen = true;
  readonly #folder: string;
  readonly #env: Record<string, string>;
  readonly #config: string;
  readonly #drivers: Drivers;
  #count = 0;
  constructor(folder: string, env: Record<string, string>, drivers: Drivers) {
    this.#folder = folder;
    this.#drivers = drivers;
    const sockets = path.join(folder, "s");
    fs.mkdirSync(sockets, { mode: 0o700 });
    this.#env = { ...env, SCREENDIR: sockets };
    this.#config = path.join(folder, "screenrc");
    fs.writeFileSync(
      this.#config,
      "startup_message off\ndefscrollback 10000\naltscreen on\ndefutf8 on\nmsgwait 0\nautodetach on\n",
    );
  }
  command(...args: string[]): Command {
    return { argv: ["screen", "-U", "-c", this.#config, ...args], env: this.#env };
  }
  async create(argv: string[], options: { size?: Size; name?: string } = {}): Promise<Session> {
    // A screen that starts detached has 80x24: it is started in a terminal of the right size, which then
    // goes.
    const name = options.name ?? `b${++this.#count}`;
    const viewer = this.#drivers.view(this.command("-S", name, ...argv), { size: options.size ?? usual });
    await viewer.time("first");
    const server = await until(() => this.#serverOf(name), `the screen ${name}`);
    await until(async () => (await this.#listed()).includes(`.${name}\t`), `the screen ${name} to be listed`);
    await run(this.command("-S", name, "-X", "detach")).catch(() => {});
    await viewer.leave();
    return {
      name,
      attach: this.command("-x", name),
      end: async () => {
        process.kill(server, "SIGTERM");
        await untilGone(server);
      },
    };
  }
  fresh(argv: string[]): Command {
    return this.command("-S", `f${++this.#count}`, ...argv);
  }
  list(): Command {
    return this.command("-ls");
  }
  resident(): { server: number[]; holders: number[] } {
    const server = processesNaming(this.#folder).filter(({ argv }) => argv[0] === "SCREEN");
    return { server: server.map(({ pid }) => pid), holders: [] };
  }
  async end(): Promise<void> {
    await endAll(this.#folder);
  }
  #serverOf(name: string): number | undefined {
    return processesNaming(this.#folder).find(({ argv }) => argv[0] === "SCREEN" && argv.includes(name))?.pid;
  }
  async #listed(): Promise<string> {
    const { argv, env } = this.list();
    return new Promise((resolve) => {
      const child = spawn(argv[0] ?? "", argv.slice(1), { env, stdio: ["ignore", "pipe", "ignore"] });
      let out = "";
      child.stdout.on("data", (data) => {
        out += data;
      });
      child.on("close", () => resolve(out));
    });
  }
}

class Dtach implements Side {
  readonly name = "dtach";
  readonly keepsScreen = false;
  readonly #folder: string;
  readonly #env: Record<string, string>;
  #count = 0;
  constructor(folder: string, env: Record<string, string>) {
    this.#folder = folder;
    this.#env = env;
  }
  async create(argv: string[], options: { name?: string } = {}): Promise<Session> {
    const socket = path.join(this.#folder, options.name ?? `b${++this.#count}`);
    await run({ argv: ["dtach", "-n", socket, "-E", "-z", "-r", "none", ...argv], env: this.#env });
    const server = await until(
      () => processesNaming(socket).find(({ argv: [word] }) => word === "dtach")?.pid,
      "the dtach server",
    );
    return {
      name: socket,
      attach: { argv: ["dtach", "-a", socket, "-E", "-z", "-r", "none"], env: this.#env },
      end: async () => {
        process.kill(server, "SIGTERM");
        await untilGone(server);
      },
    };
  }
  fresh(argv: string[]): Command {
    return {
      argv: ["dtach", "-c", path.join(this.#folder, `f${++this.#count}`), "-E", "-z", "-r", "none", ...argv],
      env: this.#env,
    };
  }
  list(): undefined {
    return undefined;
  }
  resident(): { server: number[]; holders: number[] } {
    const servers = processesNaming(this.#folder).filter(({ pid, argv }) => argv[0] === "dtach" && withoutTerminal(pid));
    return { server: servers.map(({ pid }) => pid), holders: [] };
  }
  async end(): Promise<void> {
    await endAll(this.#folder);
  }
}

/** Servers have let go of their terminal, clients have one. */
function withoutTerminal(pid: number): boolean {
  const stat = readIfThere(`/proc/${pid}/stat`) ?? "";
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[4] === "0";
}
