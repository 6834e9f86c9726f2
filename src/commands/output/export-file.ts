// Where an export goes: the caller's stdout, or a file of theirs that is there whole or not at all.
import { newSeries } from "../../base/aside/aside.ts";
import { callersPath } from "../../session/life/working-directory.ts";
import type { Call, Context } from "../dispatch/call.ts";
import { exportWork } from "./export-writer.ts";
import { passedTo } from "./passed-output.ts";

/** Bytes that may wait for the caller before the next are made. */
const backlogLimit = 256 << 10;

/** Takes an export piece by piece. */
export interface Target {
  write(bytes: Uint8Array | string): Promise<void>;
  /** The end: all of it stays, or nothing where nobody takes it any more. Answers how many bytes. */
  finish(): Promise<number>;
  /** It failed: nothing of it stays. */
  abandon(): Promise<void>;
  /** Nobody takes it any more. */
  readonly gone: boolean;
}

/** A terminal is sent of it what the user's rules let a program say. */
export function toStdout(call: Call, context: Context): Target {
  const passed = passedTo(call, context);
  let gone = false;
  let written = 0;
  void call.gone.then(() => {
    gone = true;
  });
  return {
    get gone() {
      return gone;
    },
    async write(bytes) {
      written += Buffer.byteLength(bytes);
      call.write(passed(Buffer.from(bytes)));
      if (call.backlog() > backlogLimit) await new Promise<void>((resolve) => call.onDrained(resolve));
    },
    finish: async () => written,
    abandon: async () => {},
  };
}

/**
 * A file of the caller's, written by a process of its own (export-writer.ts), since its file system may not
 * answer.
 * @throws Failure when it cannot be made.
 */
export async function toFile(call: Call, name: string, uid = process.geteuid?.() ?? -1): Promise<Target> {
  const wanted = callersPath(call.request.directory, name);
  let gone = false;
  void call.gone.then(() => {
    gone = true;
  });
  const writer = newSeries(wanted);
  let written = 0;
  const last = async (work: string) => {
    try {
      await writer.ask(work, []);
    } finally {
      writer.end();
    }
  };
  try {
    await writer.ask(exportWork.open, [wanted, call.request.umask, uid]);
  } catch (error) {
    writer.end();
    throw error;
  }
  return {
    get gone() {
      return gone;
    },
    async write(bytes) {
      const all = typeof bytes === "string" ? Buffer.from(bytes) : bytes;
      written += all.length;
      await writer.ask(exportWork.write, [all]);
    },
    async finish() {
      // who broke it off has a part of it
      await last(gone ? exportWork.abandon : exportWork.finish);
      return written;
    },
    abandon: () => last(exportWork.abandon).catch(() => {}),
  };
}
