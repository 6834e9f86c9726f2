// Resource limits of the caller, which the program inherits (ulimit): the ones that end or cripple a run of
// days.
import type { Shortfall } from "../platform/allowance.ts";
import { type Caller, type Finding, problem, warning } from "./condition.ts";

/** Numbers of getrlimit(2). */
type LimitNumbers = Readonly<Record<"cpu" | "fileSize" | "addressSpace" | "processes" | "openFiles", number>>;
const linux: LimitNumbers = { cpu: 0, fileSize: 1, processes: 6, openFiles: 7, addressSpace: 9 };
const darwin: LimitNumbers = { cpu: 0, fileSize: 1, processes: 7, openFiles: 8, addressSpace: 5 };

/** What is more is none: Linux calls 2^64-1 unlimited, macOS 2^63-1. */
const unlimited = 2n ** 62n;

/**
 * Ray starts about 60 threads and processes for each core's worker; with fewer the start fails on a small
 * machine already.
 */
const fewestProcesses = 2048n;
/**
 * Ray asks for this many open files and raises the soft limit itself up to the hard one; a driver and two
 * actors have some 300.
 */
const fewestOpenFiles = 1024n;
/** torch and Ray's object store reserve far more address space than memory. */
const leastAddressSpace = 64n << 30n;

export function checkLimits(limits: Caller["limits"], system: NodeJS.Platform = process.platform): Finding[] {
  const numbers = system === "darwin" ? darwin : linux;
  const findings: Finding[] = [];
  const look = (name: keyof LimitNumbers, flag: string, least: bigint, tell: (soft: bigint, hard: bigint) => Finding) => {
    const limit = limits.find(({ resource }) => resource === numbers[name]);
    if (limit === undefined || limit.soft >= least) return;
    const { soft, hard } = limit;
    const finding = tell(soft, hard);
    const raise = hard >= unlimited ? "unlimited" : String(hard);
    findings.push({
      ...finding,
      remedy:
        hard > soft
          ? `ulimit -S -${flag} ${raise} before you start the run (your own start file may have set it lower)`
          : `${finding.remedy}: the hard limit is the same, only an administrator can raise it (/etc/security/limits.conf)`,
    });
  };
  look("cpu", "t", unlimited, (soft) =>
    problem(
      "cpu-limit",
      `a program is killed after ${soft} s of processor time (ulimit -t), which ${soft < 86_400n ? "minutes to hours" : "days"} of training use up`,
      "train in a batch job instead",
    ),
  );
  look("fileSize", "f", unlimited, (soft) =>
    problem(
      "file-size-limit",
      `no file may grow beyond ${size(soft)} (ulimit -f): checkpoints and the session's log stop there`,
      "train elsewhere",
    ),
  );
  look("processes", "u", fewestProcesses, (soft) =>
    problem(
      "process-limit",
      `you may have ${soft} processes and threads (ulimit -u), and Ray alone starts hundreds`,
      "train elsewhere",
    ),
  );
  look("openFiles", "n", fewestOpenFiles, (soft, hard) =>
    (hard >= fewestOpenFiles ? warning : problem)(
      "open-files-limit",
      `a program may have ${soft} files open (ulimit -n), fewer than the ${fewestOpenFiles} that Ray needs`,
      "train elsewhere",
    ),
  );
  look("addressSpace", "v", leastAddressSpace, (soft) =>
    warning(
      "address-space-limit",
      `a program may have ${size(soft)} of address space (ulimit -v), and torch and Ray reserve more than they use`,
      "train elsewhere",
    ),
  );
  return findings;
}

/**
 * What a run would lack because the server, from which it is started, has less than the caller. A caller that
 * is better in all starts its own.
 */
export function checkShortfall({ lacks, callerIsBetter }: Shortfall): Finding[] {
  if (lacks.length === 0 || callerIsBetter) return [];
  return [
    problem(
      "server-limits",
      `a run that is started now gets less than your shell has: ${lacks.join(", ")}; the session server was started with less and can get no more`,
      "falcon server stop, then start the next run from here (runs go on)",
    ),
  ];
}

function size(bytes: bigint): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  let value = Number(bytes);
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${Number(value.toFixed(1))} ${units[unit]}`;
}
