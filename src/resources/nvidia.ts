// What NVIDIA's driver says of its GPUs and of who uses them: two nvidia-smi that go on telling while a
// session has a GPU, for all sessions. Nothing
// waits for them: a driver that hangs leaves a process that cannot be ended, so what is not told in time is
// not known.
import type { ChildProcess } from "node:child_process";
import type { Log } from "../base/log.ts";

/** One GPU. null: not told ("[N/A]", as the use of one that is divided by MIG). */
export interface Gpu {
  index: number;
  uuid: string;
  name: string;
  /** 0 to 1. */
  use: number | null;
  /** Bytes. */
  memory: number | null;
  memoryTotal: number | null;
  /** Watts. */
  power: number | null;
  /** °C. */
  temperature: number | null;
  /** Divided into instances. */
  mig: boolean;
}

/** A process on a GPU. */
export interface GpuProcess {
  uuid: string;
  /** null: the driver tells a process of another namespace, or none at all. */
  pid: number | null;
  /** Bytes; null: not told. */
  memory: number | null;
}

/** Seconds between two answers. */
const period = 5;

const common = ["--format=csv,noheader,nounits", "-l", String(period)];
export const gpuQuery = [
  "--query-gpu=index,uuid,name,utilization.gpu,memory.used,memory.total,power.draw,temperature.gpu,mig.mode.current",
  ...common,
];
/** A driver before 2020 does not know MIG and refuses the question. */
const olderGpuQuery = [(gpuQuery[0] as string).replace(",mig.mode.current", ""), ...common];
export const processQuery = ["--query-compute-apps=gpu_uuid,pid,used_memory", ...common];

/** What was told is held to be true for so long (ms): two answers may be missed. */
const holds = 2.5 * period * 1000;
/**
 * Without an answer for so long (ms) it is given up: the first one takes some seconds on a machine with eight
 * cards.
 */
const patience = 30_000;
/** After a failure it is tried again after this (ms), where its process is gone. */
const retry = 600_000;
/** Bytes of a line, and GPUs and processes, that are looked at: more is no answer of nvidia-smi's. */
const longestLine = 4096;
const mostEntries = 4096;

export interface NvidiaEffects {
  /** Starts nvidia-smi, with its standard output to read. */
  start(args: readonly string[]): ChildProcess;
  /** ms, monotonic. */
  steady(): number;
  log: Log;
}

/** One line of the GPUs; undefined for what is none. */
export function gpuOf(line: string): Gpu | undefined {
  const [index, uuid, name, use, memory, total, power, temperature, mig] = line.split(",").map((word) => word.trim());
  if (index === undefined || !/^\d+$/.test(index) || !uuid?.startsWith("GPU-") || temperature === undefined) return undefined;
  const mebibytes = (word: string | undefined) => scaled(numberOf(word), 1 << 20);
  return {
    index: Number(index),
    uuid,
    name: name ?? "",
    use: scaled(numberOf(use), 0.01),
    memory: mebibytes(memory),
    memoryTotal: mebibytes(total),
    power: numberOf(power),
    temperature: numberOf(temperature),
    mig: mig === "Enabled",
  };
}

/** One line of the processes; undefined for what is none. */
export function gpuProcessOf(line: string): GpuProcess | undefined {
  const [uuid, pid, memory] = line.split(",").map((word) => word.trim());
  if (uuid === undefined || !/^(GPU|MIG)-/.test(uuid) || memory === undefined) return undefined;
  return { uuid, pid: numberOf(pid), memory: scaled(numberOf(memory), 1 << 20) };
}

/** "[N/A]", "[Not Supported]", "[Unknown Error]", "N/A" are no numbers. */
function numberOf(word: string | undefined): number | null {
  return word !== undefined && /^\d+(\.\d+)?$/.test(word) ? Number(word) : null;
}

function scaled(value: number | null, factor: number): number | null {
  return value === null ? null : value * factor;
}

/** Follows the driver while somebody wants it. */
export class Nvidia {
  #effects: NvidiaEffects;
  #gpus = new Map<string, { at: number; gpu: Gpu }>();
  #processes = new Map<string, { at: number; process: GpuProcess }>();
  #children: ChildProcess[] = [];
  /** Were told to end, and have not: they wait for the driver. */
  readonly #leaving = new Set<ChildProcess>();
  #heard = 0;
  #failedAt: number | undefined;
  #older = false;
  /** Why nothing is known, in words; "" while all is well or nobody asked. */
  problem = "";

  constructor(effects: NvidiaEffects) {
    this.#effects = effects;
  }

  /** Said at each sample: begins to follow, ends it, or gives up what does not answer. */
  want(wanted: boolean): void {
    const now = this.#effects.steady();
    if (!wanted) return this.#stop();
    if (this.#children.length > 0) {
      if (now - this.#heard > patience)
        this.#fail("nvidia-smi does not answer: NVIDIA's driver hangs, or takes more than half a minute");
      return;
    }
    if (this.#failedAt !== undefined && now - this.#failedAt < retry) return;
    // while one waits for the driver another would do nothing else
    if (this.#leaving.size > 0) return;
    this.#begin(now);
  }

  #begin(now: number): void {
    this.#heard = now;
    this.#follow(this.#older ? olderGpuQuery : gpuQuery, (line) => {
      const gpu = gpuOf(line);
      if (gpu === undefined) return false;
      if (this.#gpus.size < mostEntries) this.#gpus.set(gpu.uuid, { at: this.#effects.steady(), gpu });
      this.#heard = this.#effects.steady();
      this.#failedAt = undefined;
      this.problem = "";
      return true;
    });
    this.#follow(processQuery, (line) => {
      const process = gpuProcessOf(line);
      if (process === undefined) return false;
      if (this.#processes.size >= mostEntries) this.#processes.clear();
      this.#processes.set(`${process.uuid} ${process.pid}`, { at: this.#effects.steady(), process });
      return true;
    });
  }

  #follow(args: readonly string[], take: (line: string) => boolean): void {
    const child = this.#effects.start(args);
    this.#children.push(child);
    let rest = "";
    let said = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = (lines.pop() ?? "").slice(0, longestLine);
      // what is no answer is why there is none
      for (const line of lines) if (!take(line) && said === "" && line.trim() !== "") said = line.trim();
    });
    const over = (why: string) => {
      if (!this.#children.includes(child)) return;
      if (/mig\.mode\.current/.test(said) && !this.#older) {
        this.#older = true;
        this.#stop();
        return this.#begin(this.#effects.steady());
      }
      this.#fail(said === "" ? why : said);
    };
    child.once("error", (error) => over(`nvidia-smi cannot be run: ${error.message}`));
    child.once("close", (code, signal) =>
      over(code === 127 ? "nvidia-smi is not on PATH" : `nvidia-smi ended with ${signal ?? `status ${code}`}`),
    );
    child.unref();
    (child.stdout as unknown as { unref?(): void })?.unref?.();
  }

  #fail(problem: string): void {
    this.#effects.log("gpu.failed", { problem });
    this.problem = problem;
    this.#failedAt = this.#effects.steady();
    this.#stop();
  }

  #stop(): void {
    const children = this.#children;
    this.#children = [];
    for (const child of children) this.#end(child);
    this.#gpus.clear();
    this.#processes.clear();
  }

  /** One that waits for the driver goes when that answers; its output is nobody's any more. */
  #end(child: ChildProcess): void {
    child.stdout?.destroy();
    child.kill("SIGKILL");
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    this.#leaving.add(child);
    child.once("exit", () => this.#leaving.delete(child));
  }

  /** The GPUs of the machine as they were told last, by index. */
  gpus(): Gpu[] {
    const since = this.#effects.steady() - holds;
    return [...this.#gpus.values()].flatMap(({ at, gpu }) => (at >= since ? gpu : [])).sort((a, b) => a.index - b.index);
  }

  processes(): GpuProcess[] {
    const since = this.#effects.steady() - holds;
    return [...this.#processes.values()].flatMap(({ at, process }) => (at >= since ? process : []));
  }
}
