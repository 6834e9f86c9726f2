// What a session uses, as lists, `show`, JSON and events tell it.
import type { UsedGpu } from "./gpu-share.ts";
import type { UsageSeries } from "./series.ts";

/** One of Ray's workers, by its process title. */
export interface ActorUsage {
  name: string;
  processes: number;
  /** Bytes of private memory. */
  memory: number;
}

/** JSON-friendly; docs/guide/json.md describes it. null: not known. */
export interface Usage {
  /** When it was measured last, ms since 1970. */
  time: number;
  /** Processors in use: 1 is a whole one; null once it has ended. */
  cpu: number | null;
  /** Bytes. Of an ended session the last ones. */
  memory: number | null;
  memoryPeak: number | null;
  /** What may be used, by whom, and how much of that is in use: 0 to 1. */
  memoryLimit: number | null;
  limitBy: "group" | "machine" | null;
  memoryShare: number | null;
  /** Over its life: seconds of processors, seconds of GPUs, bytes that went to storage. */
  cpuSeconds: number;
  gpuSeconds: number;
  written: number;
  /** Mean use of its GPUs, 0 to 1, and bytes of GPU memory of its processes. */
  gpu: number | null;
  gpuMemory: number | null;
  gpus: UsedGpu[];
  actors: ActorUsage[];
  /** Its workers are processes of a cluster that was there before: what they use is not known. */
  elsewhere: boolean;
}

/**
 * Of an ended session that nobody measured at its end: what was kept of its life, which says nothing of how
 * full the memory was then. undefined: nothing was kept.
 */
export function keptUsage(series: UsageSeries, elsewhere: boolean): Usage | undefined {
  const { last } = series;
  if (last === undefined) return undefined;
  return {
    time: last.time,
    cpu: null,
    memory: series.samples.findLast(({ memory }) => memory !== null)?.memory ?? null,
    memoryPeak: series.peak,
    memoryLimit: null,
    limitBy: null,
    memoryShare: null,
    ...totalsOf(series),
    gpu: last.gpu,
    gpuMemory: last.gpuMemory,
    gpus: [],
    actors: [],
    elsewhere,
  };
}

/** What it used over its life. */
export function totalsOf(series: UsageSeries): Pick<Usage, "cpuSeconds" | "gpuSeconds" | "written"> {
  return { cpuSeconds: series.total("cpu"), gpuSeconds: series.total("cards"), written: series.total("written") };
}

/** "ray::NodeWrapper.train" is the actor NodeWrapper; a title that names the node names it. */
export function actorName(title: string): string {
  return title.replace(/^ray::/, "").replace(/[.(:].*/s, "") || title;
}

export function actorsOf(actors: readonly { title: string; memory: number }[]): ActorUsage[] {
  const found = new Map<string, ActorUsage>();
  for (const { title, memory } of actors) {
    const name = actorName(title);
    const known = found.get(name);
    if (known === undefined) found.set(name, { name, processes: 1, memory });
    else {
      known.processes++;
      known.memory += memory;
    }
  }
  return [...found.values()].sort((a, b) => b.memory - a.memory);
}

/**
 * Whether a run joins a Ray that runs already: by its own words, the configuration's come to us as an
 * override or not at all.
 * @param command of the session
 */
export function joinsCluster(command: readonly string[], environment: Readonly<Record<string, string>>): boolean {
  const said = command.findLast((word) => /^ray\.init\.address=/.test(word))?.replace(/^[^=]*=/, "");
  const address = said ?? environment.RAY_ADDRESS ?? "";
  return address !== "" && address !== "local" && address !== "null";
}
