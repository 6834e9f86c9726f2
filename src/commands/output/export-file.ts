// Where an export goes: the caller's stdout, or a file of theirs that is there whole or not at all.
import { newSeries } from "../../base/aside/aside.ts";
import { Failure, Status } from "../../base/failure.ts";
import { callersPath } from "../../session/life/working-directory.ts";
import { type Call, type Context, taken } from "../dispatch/call.ts";
import { exportWork } from "./export-writer.ts";
import { passedTo } from "./passed-output.ts";

/** Names that mean another file to whoever opens them: to the process that writes, one of its own. */
const ownDescriptor = /^\/dev\/(stdin|stdout|stderr|fd\/\d+)$|^\/proc\/(self|thread-self)\/fd\/\d+$/;

/** Takes an export piece by piece. */
export interface Target {
  write(bytes: Uint8Array | string): Promise<void>;
  /** Nobody takes it any more. */
  readonly gone: boolean;
}

/**
 * Writes what `make` gives: to the caller's stdout, or to a file of theirs, by a process of its own
 * (export-writer.ts), since its file system may not answer. A terminal is sent of it what the user's rules
 * let a program say. Answers how many bytes there are.
 * @throws Failure where the file cannot be written; nothing of it stays.
 */
export async function writeOut(
  call: Call,
  context: Context,
  output: string | undefined,
  make: (target: Target) => Promise<void>,
): Promise<number> {
  let written = 0;
  const target = (put: (bytes: Buffer) => Promise<unknown>): Target => ({
    get gone() {
      return call.isGone;
    },
    async write(bytes) {
      const all = typeof bytes === "string" ? Buffer.from(bytes) : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      written += all.length;
      await put(all);
    },
  });
  if (output === undefined) {
    const passed = passedTo(call, context);
    const put = (bytes: Buffer) => {
      call.write(passed(bytes));
      return taken(call);
    };
    await make(target(put));
    return written;
  }
  const file = callersPath(call.request.directory, output);
  if (ownDescriptor.test(file))
    throw new Failure(
      `-o ${output}: that is a descriptor of each process's own; leave -o out: it goes to stdout then`,
      Status.usage,
    );
  const writer = newSeries(file);
  try {
    await writer.ask(exportWork.open, [file, call.request.umask, process.geteuid?.() ?? -1]);
    await make(target((bytes) => writer.ask(exportWork.write, [bytes]))).catch(async (error) => {
      await writer.ask(exportWork.abandon, []).catch(() => {});
      throw error;
    });
    // who broke it off has a part of it
    await writer.ask(call.isGone ? exportWork.abandon : exportWork.finish, []);
    return written;
  } finally {
    writer.end();
  }
}
