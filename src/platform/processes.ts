// What the system knows of processes: alive or not, since when, what is below them, what the kernel's OOM
// killer did. Linux: /proc and cgroups.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { namesIn } from "../base/names-in.ts";

function readText(file: string): string | null {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return null;
  }
}

/** The text of /proc/PID/cgroup; "" where there is none. */
export function controlGroups(pid: number): string {
  return readText(`/proc/${pid}/cgroup`) ?? "";
}

/** Paths of its control groups by their controllers, "" for version 2; empty where there is none. */
export function groupsOf(pid: number): Map<string, string> {
  const lines = controlGroups(pid).matchAll(/^\d+:([^:]*):(.*)$/gm);
  return new Map([...lines].map(([, controllers = "", group = ""]) => [controllers, group] as const));
}

interface Stat {
  state: string;
  parent: number;
  /** Clock ticks (1/100 s) from boot to the process's start. */
  started: number;
}

/** Parses /proc/PID/stat; null when there is no such process, or no /proc. */
function readStat(pid: number): Stat | null {
  const text = readText(`/proc/${pid}/stat`);
  return text === null ? null : parseStat(text);
}

function parseStat(text: string): Stat {
  // the name in parentheses may hold spaces and parentheses itself
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { state: fields[0] ?? "?", parent: Number(fields[1]), started: Number(fields[19]) };
}

const hasProc = fs.existsSync("/proc/self/stat");

const shortages = new Set<unknown>(["EMFILE", "ENFILE", "ENOMEM"]);

/** True while the process runs; false when it never was, is gone, or only its zombie is left. */
export function processAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  if (hasProc) {
    try {
      const { state } = parseStat(fs.readFileSync(`/proc/${pid}/stat`, "utf8"));
      return state !== "Z" && state !== "X";
    } catch (error) {
      // without a descriptor left nothing can be read there: then a signal tells
      if (!shortages.has((error as NodeJS.ErrnoException).code)) return false;
    }
  }
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/**
 * When the process started, in clock ticks (1/100 s) after boot; null when unknown. It tells a process from a
 * later one of the same number.
 */
export function startTime(pid: number): number | null {
  return readStat(pid)?.started ?? null;
}

/** ms since it started; null when unknown. By our own age, since a container may tell another uptime. */
export function ageOf(pid: number): number | null {
  const [own, started] = [startTime(process.pid), startTime(pid)];
  return own === null || started === null ? null : process.uptime() * 1000 + (own - started) * 10;
}

/** The process that started `pid`, or that has it since; null when unknown. */
export function parentOf(pid: number): number | null {
  return readStat(pid)?.parent ?? null;
}

/** The arguments of a process, its program's name first; empty when unknown. */
export function commandLine(pid: number): string[] {
  return readText(`/proc/${pid}/cmdline`)?.split("\0").slice(0, -1) ?? [];
}

/** Processes of a program of this name that have this word among their arguments; none where nobody tells. */
export function processesOf(name: string, word: string): number[] {
  const all = namesIn("/proc")
    .filter((one) => /^\d+$/.test(one))
    .map(Number);
  return all.filter((pid) => nameOf(pid) === name && commandLine(pid).includes(word));
}

/** What a process is called (its comm: at most 15 characters); "" when unknown. */
export function nameOf(pid: number): string {
  return readText(`/proc/${pid}/comm`)?.trim() ?? "";
}

/** Whether a process has a handler of its own for one of these signals; false when unknown. */
export function catches(pid: number, signals: readonly NodeJS.Signals[]): boolean {
  return anyIn(/^SigCgt:\s*([0-9a-f]+)$/m, pid, signals);
}

/** Whether a process ignores this signal, as one that `nohup` started does SIGHUP; false when unknown. */
export function ignores(pid: number, signal: NodeJS.Signals): boolean {
  return anyIn(/^SigIgn:\s*([0-9a-f]+)$/m, pid, [signal]);
}

/** @param mask finds one in /proc/<pid>/status: proc(5). */
function anyIn(mask: RegExp, pid: number, signals: readonly NodeJS.Signals[]): boolean {
  const bits = BigInt(`0x${mask.exec(readText(`/proc/${pid}/status`) ?? "")?.[1] ?? 0}`);
  return signals.some((signal) => (bits >> BigInt((os.constants.signals[signal] as number) - 1)) & 1n);
}

/** The machine's current life: another value after each boot; "" where the system does not tell. */
export function bootId(): string {
  return readText("/proc/sys/kernel/random/boot_id")?.trim() ?? "";
}

/** All processes below `pid`, parents before children; empty where the system does not tell, or not now. */
export function descendants(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of namesIn("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = readStat(Number(name));
    if (stat === null || stat.state === "Z") continue;
    const siblings = children.get(stat.parent);
    if (siblings) siblings.push(Number(name));
    else children.set(stat.parent, [Number(name)]);
  }
  const found: number[] = [];
  const seen = new Set([pid]);
  for (let queue = [pid]; queue.length > 0; ) {
    queue = queue.flatMap((parent) => children.get(parent) ?? []).filter((child) => !seen.has(child));
    for (const child of queue) seen.add(child);
    found.push(...queue);
  }
  return found;
}

/**
 * The cgroup folder whose memory events count for a process; null when unknown. Remember it while the process
 * lives: it is
 * asked for after its death.
 */
export function memoryCgroup(pid: number): string | null {
  for (const [controllers, group] of groupsOf(pid)) {
    if (controllers === "" && fs.existsSync(`/sys/fs/cgroup${group}/cgroup.procs`)) return `/sys/fs/cgroup${group}`;
    if (controllers.split(",").includes("memory")) return `/sys/fs/cgroup/memory${group}`;
  }
  return null;
}

/**
 * The cgroup folders in which the kernel would count a process's death for want of memory, its own group
 * first, then those above it: a scope is
 * removed with its last process, and in cgroup v2 the groups above count for those below. Only folders that
 * count at all.
 */
export function memoryCgroups(pid: number): string[] {
  const own = memoryCgroup(pid);
  const found: string[] = [];
  for (let folder = own ?? "/"; folder.startsWith("/sys/fs/cgroup/"); folder = path.dirname(folder)) {
    if (cgroupOomKills(folder) !== null) found.push(folder);
  }
  return found;
}

/** How many processes of a cgroup folder the kernel's OOM killer has killed; null when unknown. */
export function cgroupOomKills(folder: string): number | null {
  const text = readText(`${folder}/memory.events`) ?? readText(`${folder}/memory.oom_control`);
  const count = text === null ? null : /^oom_kill (\d+)$/m.exec(text);
  return count ? Number(count[1]) : null;
}
