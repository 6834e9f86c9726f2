// Waiting in tests: for a condition, a file or the end of a process, never for an amount of time.
import fs from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** How much slower than any other machine this one is: another kernel within it (machine.ts) says so. */
export const slowness = Number(process.env.FALCON_TEST_SLOWNESS ?? 1);

/**
 * Long enough for a busy machine of two cores; a test that reaches it has failed, and says what it was
 * waiting for.
 */
export const patience = 30_000 * slowness;

/** A condition that announces itself by no event is looked at again after so long (ms) at least. */
const soonest = 10;
/**
 * And after this part of the time that it has been waited for, at most `latest` ms: each look, which may be a
 * command of its own, takes from a busy machine what is waited for.
 */
const waitedPart = 1 / 8;
const latest = 100;

/**
 * Waits until `condition` answers something other than undefined, null or false, and answers that; rejects
 * after `limit` ms.
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  what: string | (() => string),
  limit = patience,
): Promise<Exclude<T, undefined | null | false>> {
  const began = Date.now();
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== null && value !== false) return value as Exclude<T, undefined | null | false>;
    const waited = Date.now() - began;
    if (waited > limit) throw new Error(`waited ${limit} ms in vain for ${typeof what === "string" ? what : what()}`);
    const pause = Math.min(latest, Math.max(soonest, waited * waitedPart));
    // the machine's time, also where a test has the global timers in its hand
    await delay(pause);
  }
}

/** Whether a program has written all that it had to say: a shell makes a file before it writes to it. */
export const wholeLines = (text: string): boolean => text.endsWith("\n");

/** Waits until the file exists and `accept` (default: it is not empty) takes its text; answers the text. */
export function untilFile(
  path: string,
  accept: (text: string) => boolean = (text) => text !== "",
  limit = patience,
): Promise<string> {
  return until(
    () => {
      const text = readIfThere(path);
      return text !== undefined && accept(text) ? { text } : undefined;
    },
    () => `the file ${path}, which now holds ${JSON.stringify(readIfThere(path)?.slice(-500))}`,
    limit,
  ).then((found) => found.text);
}

/** Waits until the process is gone; a zombie that nobody has reaped counts as gone. */
export async function untilGone(pid: number, what = `the end of process ${pid}`, limit = patience): Promise<void> {
  await until(() => !alive(pid), what, limit);
}

/** Removes a folder in which a server may make files meanwhile. */
export async function removeFolder(folder: string): Promise<void> {
  await until(() => {
    try {
      fs.rmSync(folder, { recursive: true, force: true });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOTEMPTY") throw error;
      return false;
    }
  }, `${folder} to be removed`);
}

/** Whether the process exists and is not a zombie. */
export function alive(pid: number): boolean {
  return !["", "Z", "X"].includes(stateOf(pid));
}

/** Whether the process was stopped (SIGSTOP, Ctrl+Z). */
export function stopped(pid: number): boolean {
  return stateOf(pid) === "T";
}

/** The letter of proc(5) for the process's state; "" where there is no such process. */
function stateOf(pid: number): string {
  const stat = readIfThere(`/proc/${pid}/stat`) ?? "";
  return stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3);
}

/** Signals that were sent to a process and not handled yet, a bit each from SIGHUP on; 0 where it is gone. */
export function pendingSignals(pid: number): bigint {
  const status = readIfThere(`/proc/${pid}/status`) ?? "";
  const masks = [...status.matchAll(/^(?:SigPnd|ShdPnd):\s*([0-9a-f]+)$/gm)].map((found) => BigInt(`0x${found[1]}`));
  return masks.reduce((all, mask) => all | mask, 0n);
}

/** The file's text, or undefined where it cannot be read. */
export function readIfThere(path: string): string | undefined {
  try {
    return fs.readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
