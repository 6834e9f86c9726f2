// Runs the C drivers and reads what they say: viewers, floods, key times, command times.
import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { compile } from "../support/compile.ts";
import { readIfThere, until, untilFile } from "../support/events.ts";
import { root } from "../support/paths.ts";

export interface Size {
  cols: number;
  rows: number;
}

/** The size of all screens in the bench, unless a measure says otherwise. */
export const usual: Size = { cols: 120, rows: 50 };

/** A command with the environment in which it is right. */
export interface Command {
  argv: string[];
  env: Record<string, string>;
}

/** How long anything may take before the bench gives up on it. */
const patience = 120_000;

/** The compiled drivers of test/bench, in the bench's own folder. */
export class Drivers {
  readonly folder: string;
  #programs = new Map<string, string>();
  #children = new Set<ChildProcess>();
  #files = 0;

  constructor(folder: string) {
    this.folder = folder;
    for (const name of ["viewer", "flood", "echo", "screenful", "echo_latency", "interrupt_latency", "spawn_times"]) {
      this.#programs.set(name, compile(path.join(root, "test/bench", `${name}.c`), folder));
    }
    this.#programs.set("footer", compile(path.join(root, "test/support/programs/footer.c"), folder));
  }

  program(name: string): string {
    const file = this.#programs.get(name);
    if (file === undefined) throw new Error(`no driver ${name}`);
    return file;
  }

  /** A new file name in the bench's folder. */
  file(name: string): string {
    return path.join(this.folder, `${name}-${++this.#files}`);
  }

  /** A viewer of a command: see viewer.c. */
  view(command: Command, options: { size?: Size; until?: string; tokens?: string; leave?: boolean } = {}): Viewer {
    const { cols, rows } = options.size ?? usual;
    const args = ["--size", `${cols}x${rows}`];
    if (options.until !== undefined) args.push("--until", options.until);
    if (options.tokens !== undefined) args.push("--tokens", options.tokens);
    if (options.leave) args.push("--leave");
    return new Viewer(this.#spawn("viewer", [...args, "--", ...command.argv], command.env));
  }

  /** Key times in ns, lost ones as Infinity. */
  async echoTimes(command: Command, count: number, gap = 2000, ready = "echo waits"): Promise<number[]> {
    return numbers(
      await this.#output(
        "echo_latency",
        ["--count", `${count}`, "--gap", `${gap}`, "--ready", ready, "--", ...command.argv],
        command.env,
      ),
    );
  }

  /** Times of Ctrl+C in ns until the flood has its SIGINT, lost ones as Infinity. */
  async interruptTimes(command: Command, count: number, report: string, interrupts: string): Promise<number[]> {
    const args = ["--count", `${count}`, "--report", report, "--interrupts", interrupts, "--", ...command.argv];
    return numbers(await this.#output("interrupt_latency", args, command.env));
  }

  /** Times of a command in ns, with its status; the status of the last run. */
  async commandTimes(command: Command, count: number): Promise<{ times: number[]; status: number }> {
    const lines = (await this.#output("spawn_times", [`${count}`, ...command.argv], command.env)).trim().split("\n");
    return { times: lines.map((line) => Number(line.split(" ")[0])), status: Number(lines.at(-1)?.split(" ")[1]) };
  }

  /** Ends the drivers that still run. */
  dispose(): void {
    for (const child of this.#children) child.kill("SIGKILL");
  }

  #spawn(name: string, args: string[], env: Record<string, string>): ChildProcess {
    const child = spawn(this.program(name), args, { env, cwd: this.folder, stdio: ["ignore", "pipe", "pipe"] });
    this.#children.add(child);
    child.on("close", () => this.#children.delete(child));
    return child;
  }

  #output(name: string, args: string[], env: Record<string, string>): Promise<string> {
    const child = this.#spawn(name, args, env);
    let out = "";
    let err = "";
    child.stdout?.on("data", (data) => {
      out += data;
    });
    child.stderr?.on("data", (data) => {
      err += data;
    });
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => child.kill("SIGKILL"), patience);
      child.on("close", (code, signal) => {
        clearTimeout(timer);
        if (code === 0) resolve(out);
        else reject(new Error(`${name} ${args.join(" ")}: ${signal ?? code}: ${err.trim()}`));
      });
    });
  }
}

function numbers(text: string): number[] {
  return text
    .trim()
    .split("\n")
    .map((line) => (line === "lost" ? Number.POSITIVE_INFINITY : Number(line)));
}

/** A running viewer.c: what it has said, and its end. */
export class Viewer {
  #child: ChildProcess;
  #out = "";
  #err = "";
  #closed = false;

  constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout?.on("data", (data) => {
      this.#out += data;
    });
    child.stderr?.on("data", (data) => {
      this.#err += data;
    });
    child.on("close", () => {
      this.#closed = true;
    });
  }

  /**
   * Waits for a line of the viewer (`start`, `first`, `complete`, `end`) and answers its numbers (times in
   * ns).
   */
  async said(word: string): Promise<number[]> {
    const line = new RegExp(`^${word} (.*)$`, "m");
    const found = await until(
      () => line.exec(this.#out)?.[1] ?? (this.#closed ? "" : undefined) ?? undefined,
      () => `a viewer to say ${word}; it said ${JSON.stringify(this.#out + this.#err)}`,
      patience,
    ).catch((error) => {
      if (this.#closed) throw new Error(`the viewer ended before ${word}: ${this.#out}${this.#err}`);
      throw error;
    });
    return found.split(" ").map(Number);
  }

  /** Time of the word in ns. */
  async time(word: string): Promise<number> {
    return (await this.said(word))[0] ?? Number.NaN;
  }

  /** The pid of the command in its pty. */
  async commandPid(): Promise<number> {
    return this.time("pid");
  }

  /** Bytes that have arrived until now, and the time in ns. */
  async bytes(): Promise<{ time: number; bytes: number }> {
    const before = this.#out.length;
    this.#child.kill("SIGUSR1");
    const line = await until(() => /^bytes (\d+) (\d+) \d+\n/m.exec(this.#out.slice(before)), "a viewer to count", patience);
    return { time: Number(line[1]), bytes: Number(line[2]) };
  }

  /** Closes its terminal and waits until the command in it has gone. */
  async leave(): Promise<void> {
    if (!this.#closed) this.#child.kill("SIGTERM");
    await until(() => this.#closed, "a viewer to end", patience);
  }
}

/** A flood that waits in a session for its signal. */
export class Flood {
  readonly argv: string[];
  readonly bytes: number;
  readonly end: string;
  readonly report: string;

  constructor(
    drivers: Drivers,
    kind: "plain" | "colour" | "footer",
    bytes: number,
    options: { forever?: boolean; interrupts?: string } = {},
  ) {
    this.bytes = bytes;
    this.report = drivers.file("flood");
    this.end = `flood-end-${path.basename(this.report)}.`;
    this.argv = [drivers.program("flood"), kind, `${bytes}`, "--report", this.report, "--end", this.end];
    if (options.forever) this.argv.push("--forever");
    if (options.interrupts !== undefined) this.argv.push("--interrupts", options.interrupts);
  }

  async waits(): Promise<number> {
    return Number(/^pid (\d+)$/m.exec(await untilFile(this.report, (text) => /^pid \d+\n/m.test(text), patience))?.[1]);
  }

  async begin(): Promise<void> {
    process.kill(await this.waits(), "SIGUSR1");
  }

  /** When it began, in ns. */
  async startTime(): Promise<number> {
    return Number(/^start (\d+)$/m.exec(await untilFile(this.report, (text) => /^start \d+\n/m.test(text), patience))?.[1]);
  }

  /** When the terminal had taken everything, in ns. */
  async endTime(): Promise<number> {
    return Number(/^end (\d+)$/m.exec(await untilFile(this.report, (text) => /^end \d+\n/m.test(text), patience))?.[1]);
  }

  forget(): void {
    fs.rmSync(this.report, { force: true });
  }
}

/** Writes the file of tokens of a screenful's visible rows: what a complete first screen shows. */
export function visibleTokens(drivers: Drivers, history: number, rows: number): string {
  const file = drivers.file("tokens");
  fs.writeFileSync(file, Array.from({ length: rows }, (_, row) => `token-${String(history + row).padStart(6, "0")}`).join("\n"));
  return file;
}

/** The pids in a report file. */
export function pidIn(report: string): number | undefined {
  const pid = /^pid (\d+)$/m.exec(readIfThere(report) ?? "")?.[1];
  return pid === undefined ? undefined : Number(pid);
}
