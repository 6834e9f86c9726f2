// A test's own hosts on this machine (hosts.sh): up, down, commands and terminals on each, a cut cable, a
// lost power supply.
import { execFile, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { slowness } from "../events.ts";
import { falcon, root } from "../paths.ts";
import { UserTerminal } from "../terminal/terminal.ts";

const script = path.join(root, "test/support/machines/hosts.sh");
const execute = promisify(execFile);

/** So long (ms) one command on a host may take on a busy machine. */
const longestCommand = 60_000 * slowness;

/**
 * Why there can be no hosts on this machine, in one line; false where there can. For `describe(..., { skip:
 * noHosts() }, ...)`.
 */
export function noHosts(): string | false {
  const check = spawnSync(script, ["check"], { encoding: "utf8" });
  return check.status === 0 ? false : check.stdout.trim() || String(check.error ?? check.stderr);
}

/** Where root is at home on each host: hosts.sh mounts the folder there that they share. */
export const hostHome = "/root";

export interface Said {
  code: number;
  stdout: string;
  stderr: string;
}

export class Hosts {
  /** Bind-mounted as {@link hostHome} on each host is `<folder>/root`; goes with `down`. */
  readonly folder: string;
  /** Of every command on every host, beside what the host has. */
  readonly env: Record<string, string>;
  #terminals: UserTerminal[] = [];

  private constructor(folder: string) {
    this.folder = folder;
    const PATH = `${path.join(folder, "bin")}:${process.env.PATH ?? "/usr/bin:/bin"}`;
    this.env = { PATH, HOME: hostHome, USER: "root", SHELL: "/bin/sh", LANG: "C.UTF-8", TERM: "xterm-256color" };
  }

  /** Starts them; takes a second. */
  static up(...names: string[]): Promise<Hosts> {
    return Hosts.upWith([], ...names);
  }

  /** As `up`; each has these folders of this machine's, also those below {@link hostHome}. */
  static async upWith(kept: readonly string[], ...names: string[]): Promise<Hosts> {
    const folder = fs.mkdtempSync("/tmp/fs-hosts-");
    const env = { ...process.env, HOSTS_OWNER: String(process.pid), HOSTS_KEEP: kept.join(":") };
    await execute(script, ["up", folder, ...names], { env });
    fs.symlinkSync(falcon, path.join(folder, "bin", "falcon-sessions"));
    return new Hosts(folder);
  }

  /** Runs `falcon` there, without a terminal, to its end. */
  run(host: string, args: string[], env: Record<string, string> = {}): Promise<Said> {
    return this.command(host, [falcon, ...args], env);
  }

  /** As `run`, and fails with what was said unless it exits with 0. Answers its standard output, trimmed. */
  async ok(host: string, args: string[], env: Record<string, string> = {}): Promise<string> {
    const said = await this.run(host, args, env);
    if (said.code !== 0)
      throw new Error(`on ${host} \`falcon ${args.join(" ")}\` exited ${said.code}:\n${said.stdout}${said.stderr}`);
    return said.stdout.trim();
  }

  /** Runs any program there. */
  command(host: string, argv: string[], env: Record<string, string> = {}): Promise<Said> {
    return new Promise((resolve) => {
      const child = execFile(
        script,
        ["enter", this.folder, host, ...argv],
        { env: { ...this.env, ...env }, cwd: "/", timeout: longestCommand },
        (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code ?? 124), stdout, stderr }),
      );
      child.stdin?.end();
    });
  }

  /** `falcon` there in a person's terminal. */
  terminal(host: string, args: string[], env: Record<string, string> = {}): UserTerminal {
    const terminal = new UserTerminal(script, ["enter", this.folder, host, falcon, ...args], {
      cwd: "/",
      env: { ...this.env, ...env },
    });
    this.#terminals.push(terminal);
    return terminal;
  }

  /** The machine loses its power: all its processes are gone at once. */
  async kill(host: string): Promise<void> {
    await execute(script, ["kill", this.folder, host]);
  }

  /** It comes up again, in another life. */
  async boot(host: string): Promise<void> {
    await execute(script, ["boot", this.folder, host]);
  }

  /**
   * Sends a signal to all of its processes but the first, or to those alone whose command line has `only`.
   */
  async signalAll(host: string, signal: NodeJS.Signals, only = ""): Promise<void> {
    const space = fs.readlinkSync(`/proc/${fs.readFileSync(path.join(this.folder, host, "pid"), "utf8").trim()}/ns/pid`);
    for (const entry of fs.readdirSync("/proc")) {
      if (!/^\d+$/.test(entry)) continue;
      try {
        if (fs.readlinkSync(`/proc/${entry}/ns/pid`) !== space) continue;
        const first = /^NSpid:.*\t1$/m.test(fs.readFileSync(`/proc/${entry}/status`, "utf8"));
        if (!first && fs.readFileSync(`/proc/${entry}/cmdline`, "utf8").includes(only)) process.kill(Number(entry), signal);
      } catch {
        // it has ended meanwhile
      }
    }
  }

  /** Its network. */
  async cable(host: string, state: "up" | "down"): Promise<void> {
    await execute(script, ["cable", this.folder, host, state]);
  }

  /** Ends all of them, with whatever runs there, and removes the folder. */
  async down(): Promise<void> {
    for (const terminal of this.#terminals) if (!terminal.ended) terminal.closePty();
    await execute(script, ["down", this.folder]);
  }
}
