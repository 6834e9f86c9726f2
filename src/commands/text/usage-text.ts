// What a session uses, in the cells of a table and the lines of `show`.

import { span } from "../../presentation/summary.ts";
import type { UsedGpu } from "../../resources/gpu-share.ts";
import type { Usage } from "../../resources/usage.ts";
import { bytes } from "./wording.ts";

/** The cells of a running session; "-" is not known, "" has nothing to say. */
export interface UsageCells {
  cpu: string;
  mem: string;
  gpu: string;
  gpuMem: string;
}

export const usageTitles: Readonly<Record<keyof UsageCells, string>> = { cpu: "CPU", mem: "MEM", gpu: "GPU", gpuMem: "GPUMEM" };

type Shown = Omit<Usage, "time">;

/** @param usage undefined: it was not measured yet, or has ended long ago. */
export function usageCells(usage: Shown | undefined, live: boolean): UsageCells {
  if (usage === undefined) return { cpu: "", mem: "", gpu: "", gpuMem: "" };
  // what an ended one used at its most is what the next one needs
  if (!live) return { cpu: "", mem: usage.memoryPeak === null ? "" : `≤${bytes(usage.memoryPeak)}`, gpu: "", gpuMem: "" };
  const gpu = usage.gpus.length > 0 || usage.gpu !== null || usage.gpuSeconds > 0;
  const shared = usage.gpus.some((one) => one.shared) ? " shared" : "";
  return {
    cpu: usage.cpu === null ? "-" : percent(usage.cpu),
    mem: usage.memory === null ? "-" : bytes(usage.memory),
    gpu: !gpu ? "" : usage.gpu === null ? "-" : `${percent(usage.gpu)}${shared}`,
    gpuMem: !gpu ? "" : usage.gpuMemory === null ? "-" : bytes(usage.gpuMemory),
  };
}

export function percent(part: number): string {
  const value = part * 100;
  return `${value > 0 && value < 10 ? value.toFixed(1) : Math.round(value)}%`;
}

/** Labelled facts for `show`; "" where there is nothing to say. */
export function usageLines(usage: Shown | null): [string, string][] {
  if (usage === null) return [];
  const { memory, memoryPeak, memoryLimit, memoryShare, limitBy } = usage;
  const limit =
    memoryLimit === null
      ? ""
      : `${limitBy === "group" ? "limit of its group" : "the machine has"} ${bytes(memoryLimit)}${memoryShare === null ? "" : `, ${percent(memoryShare)} in use`}`;
  const facts = usage.elsewhere
    ? ["its workers belong to a Ray that ran before: what they use is not known"]
    : [
        usage.cpu === null ? "" : `${percent(usage.cpu)} of a processor`,
        `${span(usage.cpuSeconds)} of processors in all`,
        memory === null ? "" : `memory ${bytes(memory)}${memoryPeak === null ? "" : `, at most ${bytes(memoryPeak)}`}`,
        limit,
        `wrote ${bytes(usage.written)}`,
      ];
  const ownMemory = usage.gpuMemory === null ? "" : ` · its own ${bytes(usage.gpuMemory)}`;
  return [
    ["uses", facts.filter(Boolean).join(" · ")],
    ...usage.actors.map(({ name, processes, memory: own }): [string, string] => [
      "worker",
      `${name}${processes > 1 ? ` x ${processes}` : ""} · ${bytes(own)}`,
    ]),
    ...usage.gpus.map((gpu): [string, string] => ["GPU", gpuText(gpu)]),
    ["GPU time", usage.gpuSeconds > 0 ? `${(usage.gpuSeconds / 3600).toFixed(2)} h${ownMemory}` : ""],
  ];
}

function gpuText({ index, name, use, memory, memoryTotal, power, temperature, shared }: UsedGpu): string {
  const facts = [
    `${index} ${name}`,
    use === null ? "use -" : percent(use),
    memory === null || memoryTotal === null ? "memory -" : `${bytes(memory)} of ${bytes(memoryTotal)}`,
    power === null ? "" : `${Math.round(power)} W`,
    temperature === null ? "" : `${temperature} °C`,
    shared ? "shared with others" : "",
  ];
  return facts.filter(Boolean).join(" · ");
}
