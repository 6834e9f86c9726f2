// Which GPUs a session uses, and what of them is its own: by the driver's list of processes, else by
// CUDA_VISIBLE_DEVICES.
import { sumOf } from "../base/numbers.ts";
import type { Gpu, GpuProcess } from "./nvidia.ts";

/** A GPU as a session has it. */
export interface UsedGpu extends Omit<Gpu, "mig"> {
  /** Others run on it too. */
  shared: boolean;
}

export interface GpuShare {
  gpus: UsedGpu[];
  /** Bytes of GPU memory of the session's processes; null: not told. */
  memory: number | null;
}

/**
 * @param pids the session's processes @param visible its CUDA_VISIBLE_DEVICES
 * Undefined: nothing says which ones it uses.
 */
export function gpuShare(
  gpus: readonly Gpu[],
  processes: readonly GpuProcess[],
  pids: readonly number[],
  visible: string | undefined,
): GpuShare | undefined {
  const own = new Set(pids);
  const ours = processes.filter(({ pid }) => pid !== null && own.has(pid));
  const used = gpus.filter(({ uuid }) => ours.some((process) => process.uuid === uuid));
  const others = (uuid: string) =>
    processes.some((process) => process.uuid === uuid && (process.pid === null || !own.has(process.pid)));
  if (used.length > 0) {
    const memories = ours.map(({ memory }) => memory);
    return {
      gpus: used.map((gpu) => usedGpu(gpu, others(gpu.uuid))),
      memory: memories.includes(null) ? null : sumOf(memories),
    };
  }
  // in a container the driver tells processes by numbers of another namespace
  const may = visibleGpus(gpus, visible);
  return may.length === 1 || (visible !== undefined && may.length > 0)
    ? { gpus: may.map((gpu) => usedGpu(gpu, false)), memory: null }
    : undefined;
}

function usedGpu({ mig: _, ...gpu }: Gpu, shared: boolean): UsedGpu {
  return { ...gpu, shared };
}

/**
 * The GPUs that CUDA would show: indices or the beginnings of UUIDs, up to the first word that is none; all
 * without the variable.
 */
function visibleGpus(gpus: readonly Gpu[], visible: string | undefined): Gpu[] {
  if (visible === undefined) return [...gpus];
  const found: Gpu[] = [];
  for (const word of visible.split(",").map((part) => part.trim())) {
    const gpu = gpus.find(({ index, uuid }) => String(index) === word || (word.startsWith("GPU-") && uuid.startsWith(word)));
    if (gpu === undefined) break;
    found.push(gpu);
  }
  return found;
}
