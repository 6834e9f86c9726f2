// The interactive display: driver lines scroll in a region above a fixed footer with the nodes and the
// selected node's log.
//
// It behaves towards the terminal as falcon's own display does, weaknesses included, because sessions are
// tested against it: the scroll region is set once, a change of size is not noticed (but the live height is
// used at every drawing), and the footer is drawn whole between a saved and a restored cursor.
import { spawnSync } from "node:child_process";
import fs from "node:fs";

/** What the footer shows of a node. */
export interface NodeStatus {
  status: "idle" | "training" | "done" | "error" | "active";
  epoch: number;
  epochs: number;
  loss: number | undefined;
  samples: number;
}

const colours: Record<NodeStatus["status"], string> = {
  training: "\x1b[33m",
  idle: "\x1b[90m",
  done: "\x1b[32m",
  error: "\x1b[31m",
  active: "\x1b[36m",
};

const [up, down, upApplication, downApplication] = ["\x1b[A", "\x1b[B", "\x1bOA", "\x1bOB"] as const;

/** Python's '.2e': 1.23e-05 has at least two digits of exponent. */
export function exponent(value: number, digits: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value < 0 ? "-inf" : "inf";
  return value.toExponential(digits).replace(/e([+-])(\d)$/, "e$10$2");
}

/** Draws on `stdout`, reads keys from `stdin`. Owns the terminal from start() to stop(). */
export class Display {
  readonly #footer: number;
  readonly #tail: (node: string, lines: number) => string[];
  #nodes = new Map<string, NodeStatus>();
  #selected = 0;
  #buffered = 0;
  #savedMode: string | undefined;
  #running = false;

  /** `footer` is the height of the footer in rows; `tail` gives the last lines of a node's log. */
  constructor(footer: number, tail: (node: string, lines: number) => string[]) {
    this.#footer = footer;
    this.#tail = tail;
  }

  get running(): boolean {
    return this.#running;
  }

  start(): void {
    this.#running = true;
    const bottom = this.#height() - this.#footer;
    write(`\x1b[?1049h\x1b[22;0;0t\x1b[?25l\x1b[1;${bottom}r\x1b[${bottom};1H`);
    this.#readKeys();
    this.draw();
  }

  /** Puts the terminal back as it was. */
  stop(): void {
    if (!this.#running) return;
    this.#running = false;
    const height = this.#height();
    const top = height - this.#footer;
    let out = `\x1b[1;${height}r`;
    for (let i = 0; i < this.#footer; i++) out += `\x1b[${top + i + 1};1H\x1b[K`;
    write(`${out}\x1b[${top};1H\x1b[?12l\x1b[?25h\x1b[?1049l\x1b[23;0;0t`);
    process.stdin.removeAllListeners("data");
    process.stdin.pause();
    if (this.#savedMode) spawnSync("stty", [this.#savedMode], { stdio: [0, "ignore", "ignore"] });
  }

  /** One driver line: scrolls in the region, then the footer is drawn again. */
  log(message: string): void {
    const width = this.#width() - 1;
    for (const line of [message]) {
      const cut = line.length > width ? `${line.slice(0, width - 3)}...` : line;
      write(`\x1b[${this.#height() - this.#footer};1H${cut.replaceAll("\n", "\r\n")}\n`);
    }
    this.draw();
  }

  node(name: string, status: NodeStatus): void {
    this.#nodes.set(name, status);
    this.draw();
  }

  buffer(training: number): void {
    this.#buffered = training;
    this.draw();
  }

  /** Draws the whole footer: separator, tabs, separator, log of the selected node, help. */
  draw(): void {
    const [height, width] = [this.#height(), this.#width()];
    const names = [...this.#nodes.keys()];
    const selected = names[this.#selected];
    const lines = [
      "─".repeat(width),
      selected === undefined ? "[No nodes registered yet]" : this.#header(names, selected).slice(0, width),
    ];
    lines.push(`\x1b[90m${"─".repeat(width)}\x1b[0m`);
    const room = Math.max(1, this.#footer - 4);
    const log = selected === undefined ? [] : this.#tail(selected, room);
    for (let i = 0; i < room; i++) {
      const line = log[i] ?? "";
      lines.push(line.length > width - 1 ? `${line.slice(0, width - 4)}...` : line);
    }
    lines.push("\x1b[90m[j/k] switch node\x1b[0m");
    let out = "\x1b[s";
    lines.forEach((line, i) => {
      const row = height - this.#footer + i;
      if (row < height) out += `\x1b[${row + 1};1H\x1b[K${line}`;
    });
    write(`${out}\x1b[u`);
  }

  #header(names: readonly string[], selected: string): string {
    const tabs = names.map((name) => {
      const colour = colours[(this.#nodes.get(name) as NodeStatus).status];
      return `${colour}${name === selected ? `\x1b[1m▸ ${name}\x1b[0m` : `  ${name}`}\x1b[0m`;
    });
    const node = this.#nodes.get(selected) as NodeStatus;
    const details = [`\x1b[1m${selected}\x1b[0m`, `${colours[node.status]}${node.status}\x1b[0m`];
    if (node.epochs > 0) details.push(`${node.epoch}/${node.epochs}`);
    if (node.loss !== undefined) details.push(`loss: ${exponent(node.loss, 2)}`);
    if (node.samples > 0) details.push(`${node.samples} sims`);
    if (this.#buffered > 0) details.push(`buf: ${this.#buffered}`);
    return `${tabs.join(" | ")}  │  ${details.join(" | ")}`;
  }

  /**
   * Keys one at a time and unseen, but Ctrl+C stays the terminal's own signal (cbreak, as Python's
   * tty.setcbreak).
   */
  #readKeys(): void {
    if (!process.stdin.isTTY) return;
    const mode = spawnSync("stty", ["-g"], { stdio: [0, "pipe", "ignore"], encoding: "utf8" });
    if (mode.status === 0) {
      this.#savedMode = mode.stdout.trim();
      spawnSync("stty", ["-icanon", "-echo", "min", "1", "time", "0"], { stdio: [0, "ignore", "ignore"] });
    }
    process.stdin.on("data", (keys: Buffer) => {
      const text = keys
        .toString("latin1")
        .replaceAll(down, "j")
        .replaceAll(downApplication, "j")
        .replaceAll(up, "k")
        .replaceAll(upApplication, "k");
      for (const key of text.toLowerCase()) {
        const step = key === "j" ? 1 : key === "k" ? -1 : 0;
        if (step === 0 || this.#nodes.size === 0) continue;
        this.#selected = (this.#selected + step + this.#nodes.size) % this.#nodes.size;
        this.draw();
      }
    });
    process.stdin.unref();
  }

  #height(): number {
    return this.#size()[1];
  }

  #width(): number {
    return this.#size()[0];
  }

  #size(): [number, number] {
    if (!process.stdout.isTTY) return [80, 24];
    // asked of the terminal now, as falcon does: what Node remembers is as old as the last SIGWINCH that it
    // had time for
    (process.stdout as unknown as { _refreshSize(): void })._refreshSize();
    const [cols = 0, rows = 0] = process.stdout.getWindowSize();
    return [cols || 80, rows || 24];
  }
}

/** Writes to the terminal and waits until it is taken, as Python's print(flush=True) does. */
export function write(text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += fs.writeSync(1, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2); // the terminal is full and fd 1 is set not to wait
    }
  }
}
