// What /proc says of processes and of the machine: memory, CPU ticks, load, versions.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import { readIfThere, until } from "../support/events.ts";
import { root } from "../support/paths.ts";

export interface Memory {
  /** Resident set in KiB. */
  rss: number;
  /** Proportional set in KiB: shared pages divided among those that share them. */
  pss: number;
}

/** Memory of the processes together; one that has gone counts nothing. */
export function memory(pids: number[]): Memory {
  const sum = { rss: 0, pss: 0 };
  for (const pid of pids) {
    const text = readIfThere(`/proc/${pid}/smaps_rollup`) ?? "";
    sum.rss += Number(/^Rss:\s+(\d+)/m.exec(text)?.[1] ?? 0);
    sum.pss += Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0);
  }
  return sum;
}

/** CPU time that the processes have used together, in clock ticks (10 ms). */
export function ticks(pids: number[]): number {
  return pids.reduce((sum, pid) => {
    const stat = readIfThere(`/proc/${pid}/stat`);
    if (stat === undefined) return sum;
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return sum + Number(fields[11]) + Number(fields[12]);
  }, 0);
}

/** CPU time of the processes in ms, finer than ticks (the scheduler's own sum, all threads). */
export function cpuMs(pids: number[]): number {
  return pids.reduce((sum, pid) => {
    let ns = 0;
    try {
      for (const thread of fs.readdirSync(`/proc/${pid}/task`))
        ns += Number(readIfThere(`/proc/${pid}/task/${thread}/schedstat`)?.split(" ")[0] ?? 0);
    } catch {
      // gone
    }
    return sum + ns / 1e6;
  }, 0);
}

/** Waits until the processes have used no CPU for half a second: what they had to do is done. */
export async function settled(pids: () => number[], what: string, limit = 60_000, rest = 500): Promise<void> {
  let last = -1;
  let since = Date.now();
  await until(
    () => {
      const used = ticks(pids());
      if (used !== last) {
        last = used;
        since = Date.now();
      }
      return Date.now() - since > rest;
    },
    `${what} to come to rest`,
    limit,
  );
}

/** What the figures were made on. */
export function machine(): Record<string, string | number> {
  const commit = said("git", ["-C", root, "rev-parse", "--short", "HEAD"]);
  const changed = said("git", ["-C", root, "status", "--porcelain", "--untracked-files=no"]) ? " with changes" : "";
  return {
    time: new Date().toISOString(),
    cpu: os.cpus()[0]?.model ?? "unknown",
    cores: os.cpus().length,
    load: os
      .loadavg()
      .map((load) => load.toFixed(2))
      .join(" "),
    memoryMb: Math.round(os.totalmem() / 2 ** 20),
    kernel: os.release(),
    node: process.version,
    commit: commit ? `${commit}${changed}` : "unknown",
  };
}

/** What a command says on its standard output, trimmed; empty where it fails. */
export function said(file: string, args: string[]): string {
  try {
    return execFileSync(file, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch (error) {
    // GNU screen exits 1 after --version
    return error instanceof Error && "stdout" in error ? String(error.stdout).trim() : "";
  }
}
