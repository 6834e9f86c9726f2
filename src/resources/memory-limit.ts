// What memory a process may use, and how much of that is in use: by its control group (versions 1 and 2),
// else by the machine.
import fs from "node:fs";
import path from "node:path";
import { memoryCgroup } from "../platform/processes.ts";

export interface MemoryUse {
  /** Bytes that may be used. */
  limit: number;
  /** Bytes of it that cannot be had back without ending something: private and shared memory, no cache. */
  used: number;
  /** Who sets the limit. */
  by: "group" | "machine";
}

/** Reads a file of the kernel's; undefined where there is none. */
export type ReadKernel = (file: string) => string | undefined;

export const readKernel: ReadKernel = (file) => {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
};

/** Where the limit of a process comes from; found once, and read again at each sample. */
export interface LimitPlace {
  /** The control group's folder; undefined: the machine. */
  folder: string | undefined;
  limit: number;
}

/** The smallest limit above a process. */
export function limitPlace(
  pid: number,
  read: ReadKernel = readKernel,
  groupOf: (pid: number) => string | null = memoryCgroup,
): LimitPlace | undefined {
  const machine = kilobytes(read("/proc/meminfo") ?? "", "MemTotal:");
  if (machine === undefined) return undefined;
  let best: LimitPlace = { folder: undefined, limit: machine };
  for (let folder = groupOf(pid) ?? ""; folder.startsWith("/sys/fs/cgroup/"); folder = path.dirname(folder)) {
    // version 2 says "max" where there is none; version 1 a number beyond all memory
    const limit = Number((read(`${folder}/memory.max`) ?? read(`${folder}/memory.limit_in_bytes`) ?? "max").trim());
    if (limit < best.limit) best = { folder, limit };
  }
  return best;
}

/** How much is in use of it now; undefined where the system does not tell (the group is gone). */
export function memoryUse({ folder, limit }: LimitPlace, read: ReadKernel = readKernel): MemoryUse | undefined {
  if (folder === undefined) {
    const text = read("/proc/meminfo") ?? "";
    const available = kilobytes(text, "MemAvailable:");
    return available === undefined ? undefined : { limit, used: limit - available, by: "machine" };
  }
  const text = read(`${folder}/memory.stat`);
  if (text === undefined) return undefined;
  const field = (name: string) => Number(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1] ?? Number.NaN);
  // version 1 counts a group's own; what is below it stands in the totals
  const anonymous = [field("total_rss"), field("anon")].find(Number.isFinite);
  const shared = [field("total_shmem"), field("shmem")].find(Number.isFinite) ?? 0;
  return anonymous === undefined ? undefined : { limit, used: anonymous + shared, by: "group" };
}

function kilobytes(text: string, label: string): number | undefined {
  const at = text.indexOf(label);
  const value = at < 0 ? Number.NaN : Number.parseInt(text.slice(at + label.length), 10);
  return Number.isFinite(value) ? value * 1024 : undefined;
}
