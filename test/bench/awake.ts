// Keeps the processors awake while something small is measured: what runs once a second on an idle machine
// pays for the waking of its processor (a virtual one took three to ten times as long for the same work),
// which says more of the machine than of what is measured.
import { spawn } from "node:child_process";
import os from "node:os";

/** A loop ends by itself when nobody has ended it by then (s). */
const longest = 900;

/**
 * One loop for each processor, of the kernel's idle class: it runs only while nothing else wants to.
 * @returns ends them
 * @throws Error where chrt (util-linux) is missing
 */
export async function keepAwake(): Promise<() => void> {
  const loop = `const end = Date.now() + ${longest * 1000}; while (Date.now() < end) {}`;
  const loops = os.cpus().map(() => spawn("chrt", ["--idle", "0", process.execPath, "-e", loop], { stdio: "ignore" }));
  const end = () => {
    for (const child of loops) child.kill("SIGKILL");
  };
  try {
    await Promise.all(loops.map((child) => new Promise((resolve, reject) => child.once("spawn", resolve).once("error", reject))));
  } catch (error) {
    end();
    throw error;
  }
  return end;
}
