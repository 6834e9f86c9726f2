// Ends the processes that a run left behind: a falcon that was killed cannot stop its own Ray cluster.

import { descendants, processAlive } from "../../platform/processes.ts";
import type { LeftProcess, Trainer } from "../../trainers/trainer.ts";

/**
 * Ray notices its driver's end by itself and stops within about two seconds; what is there after this time
 * (ms) stays for ever.
 */
const grace = 4_000;
/** What SIGTERM has not ended after this time (ms) gets SIGKILL. */
const patience = 3_000;
const look = 200;

/**
 * Waits for Ray's own end, then ends what is left of it below the holder. Nothing else that the program
 * started is touched.
 * @returns what had to be ended.
 */
export async function endLeftovers(holderPid: number, { leftBehind }: Trainer): Promise<LeftProcess[]> {
  if (leftBehind === undefined) return [];
  const left = () => leftBehind(descendants(holderPid));
  const found = await wait(left, grace);
  if (found.length === 0) return [];
  signalAll(found, "SIGTERM");
  signalAll(await wait(left, patience), "SIGKILL");
  return found;
}

/** What is still left when all are gone or the time (ms) is over. */
async function wait(left: () => LeftProcess[], time: number): Promise<LeftProcess[]> {
  for (let waited = 0; ; waited += look) {
    const found = left();
    if (found.length === 0 || waited >= time) return found;
    await new Promise((resolve) => setTimeout(resolve, look));
  }
}

function signalAll(processes: readonly LeftProcess[], signal: NodeJS.Signals): void {
  for (const { pid } of processes) {
    try {
      if (processAlive(pid)) process.kill(pid, signal);
    } catch {
      // gone meanwhile
    }
  }
}
