// Ray's processes that a run left behind, told apart from everything else that descends from a session's
// holder.
import fs from "node:fs";
import path from "node:path";
import type { LeftProcess } from "../trainer.ts";

/** The servers of a Ray node, by their executables and scripts. */
const servers = [
  "raylet",
  "gcs_server",
  "plasma_store",
  "log_monitor",
  "monitor",
  "dashboard",
  "agent",
  "runtime_env_agent",
  "default_worker",
  "ray_process_reaper",
];

/**
 * Which of `pids` (the descendants of a holder, after the run's program has ended) belong to Ray. Others are
 * left alone.
 */
export function rayProcesses(pids: readonly number[], commandLine: (pid: number) => string[] = commandLineOf): LeftProcess[] {
  return pids.flatMap((pid) => {
    const what = rayProcess(commandLine(pid));
    return what === undefined ? [] : [{ pid, what }];
  });
}

/** What a command line is of Ray's, or undefined. */
export function rayProcess(words: readonly string[]): string | undefined {
  if (words[0]?.startsWith("ray::")) return `worker ${words[0].split(" ")[0]}`;
  const inRay = words.some((word) => /\/ray\/(core|_private|dashboard|autoscaler)\//.test(word));
  if (!inRay) return undefined;
  for (const word of words) {
    const name = path.basename(word, ".py");
    if (/\/ray\//.test(word) && servers.includes(name)) return name;
  }
  return "ray";
}

/** Argument list of a process (Linux), empty when it is gone or not to be read. */
function commandLineOf(pid: number): string[] {
  try {
    return fs
      .readFileSync(`/proc/${pid}/cmdline`, "utf8")
      .split("\0")
      .filter((word) => word !== "");
  } catch {
    return [];
  }
}
