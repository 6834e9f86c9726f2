// What the sessions of this server use: the sampler with the system's own effects.
import fs from "node:fs";
import { spawnOutside } from "../base/aside/outside-program.ts";
import { steady, wall } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { sampleUsage } from "../platform/native.ts";
import type { Finding } from "../resources/findings.ts";
import { limitPlace, memoryUse } from "../resources/memory-limit.ts";
import { Nvidia } from "../resources/nvidia.ts";
import { type SampledSession, UsageSampler } from "../resources/sampler.ts";
import type { Session } from "../session/life/session.ts";

/** What NVIDIA's driver makes where it runs: natively, and within Windows. */
const driverFiles = ["/dev/nvidiactl", "/dev/dxg"];

/** @param found told of what is worth telling, once until it is over. */
export function systemUsage(
  live: () => readonly Session[],
  found: (id: string, finding: Finding) => void,
  log: Log,
): { sampler: UsageSampler; gpus: Nvidia } {
  const gpus = new Nvidia({
    // its output is read, its complaints stand there as well; the directory is nobody's
    start: (args) => spawnOutside("nvidia-smi", args, { cwd: "/", stdio: ["ignore", "pipe", "ignore"] }),
    steady,
    log,
  });
  const sampler = new UsageSampler({
    live: () => live().map(sampled),
    sample: sampleUsage,
    limitPlace,
    memoryUse,
    gpus,
    hasDriver: () => driverFiles.some((file) => fs.existsSync(file)),
    found,
    clock: wall,
    steady,
    log,
  });
  return { sampler, gpus };
}

/** A session as the sampler sees it. */
export function sampled({ row, folder }: Session): SampledSession {
  const { id, command, environment, started, holderPid, programPid } = row;
  return { id, folder, command, environment, started, holderPid, programPid };
}
