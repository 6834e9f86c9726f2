// What a long life must not let grow: memory, descriptors, threads and disk, taken from /proc and the folder,
// and judged over the rounds.
import fs from "node:fs";
import path from "node:path";
import { readIfThere } from "../support/events.ts";

/** One look at the server, the holders and the disk, between two rounds. */
export interface Sample {
  /** Bytes. */
  serverResident: number;
  serverDescriptors: number;
  serverThreads: number;
  /** Of all holders together, bytes and counts. */
  holders: number;
  holderResident: number;
  holderDescriptors: number;
  /** Bytes on disk (blocks, so that holes do not count): logs of sessions, and everything else. */
  logs: number;
  rest: number;
}

export type Figure = keyof Sample;

export interface Process {
  pid: number;
  argv: string[];
}

export function sample(home: string, processes: readonly Process[]): Sample {
  const server = processes.find(({ argv }) => argv.some((word) => word.endsWith("server.cjs")));
  if (server === undefined) throw new Error("no server runs");
  const holders = processes.filter(({ argv }) => path.basename(argv[0] ?? "") === "holder");
  const sum = (of: (pid: number) => number) => holders.reduce((total, { pid }) => total + of(pid), 0);
  const logs = blocks(path.join(home, "s"));
  return {
    serverResident: status(server.pid, "VmRSS") * 1024,
    serverDescriptors: descriptors(server.pid),
    serverThreads: status(server.pid, "Threads"),
    holders: holders.length,
    holderResident: sum((pid) => status(pid, "VmRSS") * 1024),
    holderDescriptors: sum(descriptors),
    logs,
    rest: blocks(home) - logs,
  };
}

function status(pid: number, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(readIfThere(`/proc/${pid}/status`) ?? "")?.[1] ?? 0);
}

function descriptors(pid: number): number {
  try {
    return fs.readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return 0;
  }
}

/** Bytes that a folder takes on disk. */
function blocks(folder: string): number {
  let total = 0;
  for (const name of fs.readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    total += (fs.lstatSync(path.join(folder, name), { throwIfNoEntry: false })?.blocks ?? 0) * 512;
  }
  return total;
}

/** How much a figure may grow from its second quarter to its last: a share of it, and an amount. */
export interface Allowance {
  share: number;
  amount: number;
}

const mib = 1 << 20;

/**
 * The first quarter is warm-up (Node grows its heap, SQLite its cache); then counts stay as they are, and
 * sizes within what a garbage collector and
 * a log's last segment vary by. A leak of one descriptor, thread or kilobyte in each attach or session is far
 * beyond it in a full run.
 */
export function allowances(retention: number, short: boolean): Record<Figure, Allowance> {
  return {
    serverResident: short ? { share: 0.5, amount: 64 * mib } : { share: 0.15, amount: 16 * mib },
    serverDescriptors: { share: 0, amount: 4 },
    serverThreads: { share: 0, amount: 2 },
    holders: { share: 0, amount: 0 },
    holderResident: { share: 0.1, amount: mib },
    holderDescriptors: { share: 0, amount: 2 },
    logs: { share: 0, amount: retention / 2 },
    // server.log grows up to twice 4 MiB before it is cut
    rest: { share: 0.1, amount: 9 * mib },
  };
}

export interface Verdict {
  figure: Figure;
  before: number;
  after: number;
  most: number;
  holds: boolean;
}

/** Compares the medians of the second and the last quarter. */
export function judge(samples: readonly Sample[], retention: number, short: boolean): Verdict[] {
  const quarter = Math.max(1, Math.floor(samples.length / 4));
  const allowed = allowances(retention, short);
  return (Object.keys(allowed) as Figure[]).map((figure) => {
    const values = samples.map((s) => s[figure]);
    const before = median(values.slice(quarter, 2 * quarter));
    const after = median(values.slice(-quarter));
    const most = before * (1 + allowed[figure].share) + allowed[figure].amount;
    return { figure, before, after, most, holds: after <= most };
  });
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
