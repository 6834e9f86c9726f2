// What the screen worker asks of the native addon and of V8; both can be missing, and then it does without.
import fs from "node:fs";
import { createRequire } from "node:module";
import v8 from "node:v8";
import vm from "node:vm";
import { workerData } from "node:worker_threads";
import { heldBlocks, type PlainTextScan } from "../model/skip.ts";

interface NativeCalls {
  trimMemory(): void;
  scanPlainText: PlainTextScan;
  connectUnix(socket: string): number;
  peerCredentials(socket: number): { uid: number };
}

const native = nativeCalls((workerData as { addon?: string } | null)?.addon);
let gc: (() => void) | undefined;

/** Passes over plain lines; undefined where the addon is missing. */
export const scanPlainText: PlainTextScan | undefined = native.scanPlainText;

function nativeCalls(addon: string | undefined): Partial<NativeCalls> {
  if (addon === undefined) return {};
  try {
    return createRequire(addon)(addon);
  } catch {
    return {};
  }
}

/**
 * V8's collector, which Node shows only when asked. The flag is taken back: code that is kept with one flag
 * more than a process starts with is thrown away by the next one.
 */
function exposedGc(): () => void {
  try {
    v8.setFlagsFromString("--expose-gc");
    return vm.runInNewContext("gc") as () => void;
  } catch {
    return () => {};
  } finally {
    v8.setFlagsFromString("--no-expose-gc");
  }
}

/**
 * A connection to a holder of ours.
 * @throws Error where nobody answers, and where it belongs to another user.
 */
export function connectHolder(socket: string): number {
  const { connectUnix, peerCredentials } = native;
  if (connectUnix === undefined || peerCredentials === undefined) throw new Error("the native addon is missing");
  const descriptor = connectUnix(socket);
  try {
    const { uid } = peerCredentials(descriptor);
    if (uid === process.geteuid?.() || uid === 0) return descriptor;
    throw new Error(`the holder at ${socket} belongs to user ${uid}`);
  } catch (error) {
    fs.closeSync(descriptor);
    throw error;
  }
}

let collecting: NodeJS.Timeout | undefined;

/**
 * Memory of packed screens goes back to the system now: an idle worker allocates nothing, so that V8 would
 * not look for garbage for hours. Several that are packed at once share one collection.
 */
export function collectGarbage(): void {
  clearTimeout(collecting);
  collecting = setTimeout(() => {
    heldBlocks.clear();
    gc ??= exposedGc();
    gc();
    // V8 frees in a thread of its own, in its time
    collecting = setTimeout(() => {
      collecting = undefined;
      native.trimMemory?.();
    }, 50);
  }, 50);
}
