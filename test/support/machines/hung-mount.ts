// A file system that does not answer: a real FUSE mount whose daemon is stopped.
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { program } from "../compile.ts";
import { used } from "../installs/foreign.ts";

/** Why there is none here; undefined where there is one. */
export const noHungMount =
  process.getuid?.() !== 0 || !fs.existsSync("/dev/fuse") ? "needs root and /dev/fuse, to mount a file system" : undefined;

/**
 * Mounts one on an empty folder, and has it hang. `answer` lets it go on; `end` unmounts it, whoever waits
 * for it.
 */
export async function hungMount(folder: string): Promise<{ hang(): void; answer(): void; end(): Promise<void> }> {
  const daemon = spawn(program("fuse-folder"), [folder], { stdio: ["ignore", "pipe", "ignore"] });
  const ended = once(daemon, "exit");
  await once(daemon.stdout, "data");
  daemon.kill("SIGSTOP");
  return {
    hang: () => void daemon.kill("SIGSTOP"),
    answer: () => void daemon.kill("SIGCONT"),
    async end() {
      // its end aborts the connection, so that nobody hangs any more
      daemon.kill("SIGKILL");
      await ended;
      used("umount", ["-l", folder]);
    },
  };
}
