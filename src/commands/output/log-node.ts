// The log of a node of a run for falcon logs --node: a file of the trainer's, followed while the session is
// live.
import { Failure, Status } from "../../base/failure.ts";
import { fileLines, fileStart } from "../../logs/file-lines.ts";
import type { Selection } from "../../logs/line-job.ts";
import { type After, LastLines } from "../../logs/session-lines.ts";
import type { Session } from "../../session/life/session.ts";
import { readPiece, sizeOf } from "../../trainers/reading/foreign-files.ts";
import type { Call, Context } from "../dispatch/call.ts";
import { type LogOptions, lastOf, resumption } from "./log-options.ts";
import { Output, rawBytes, WakeUp } from "./log-output.ts";
import { passedTo } from "./passed-output.ts";

/** How often a followed file is looked at (ms): files on a network home tell nobody that they grew. */
const fileLook = 500;

export async function nodeLog(
  call: Call,
  context: Context,
  session: Session,
  node: string,
  options: LogOptions,
  chosen: Selection,
): Promise<number> {
  const file = await context.progress.logFile(session, node);
  if (file === undefined) {
    const progress = await context.progress.of(session);
    const names = ["driver", ...(progress?.nodes.map(({ name }) => name) ?? [])];
    throw new Failure(
      progress === null
        ? `session ${session.id} (${session.row.name}) has no run directory${session.live ? " yet" : ""}, so no node's log is known`
        : `no node '${node}' in ${progress.name}; there are: ${names.join(", ")}`,
      Status.noSession,
    );
  }
  const out = new Output(call);
  const select = { ...chosen, stamp: options.time ?? 0 };
  const { workers } = context.archive;
  let place = fileStart;
  let from = chosen.from;
  const after: After = (reached, answer) => {
    place = reached;
    from = Math.min(answer.shown, answer.total);
  };
  const count = lastOf(options);
  const last = count === undefined ? undefined : new LastLines(count);
  const follow = options.follow === true && session.live;
  const onwardFrom = (line: number) => call.resume(resumption(session, options, line));
  const written = follow ? (line: number) => onwardFrom(line + 1) : undefined;
  try {
    if (options.raw) {
      const passed = passedTo(call, context);
      const size = await sizeOf(file);
      for (let at = 0; at < size && !out.gone; ) {
        const bytes = Buffer.from(await readPiece(file, at, Math.min(rawBytes, size - at)));
        if (bytes.length === 0) break;
        await out.bytes(passed(bytes));
        at += bytes.length;
      }
    } else
      for await (const selected of fileLines(workers, file, fileStart, select, follow ? "complete" : "end", after)) {
        if (last !== undefined) last.push(selected);
        else await out.lines(selected, written);
        if (out.gone) return Status.ok;
      }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== "ENOENT" || !follow) {
      if (code === undefined) throw error;
      throw new Failure(
        `the log of ${node} cannot be read: ${file}: ${code === "ENOENT" ? "there is no such file" : code === "EINVAL" ? "it is no regular file" : code}`,
      );
    }
  }
  for (const selected of last?.chunks ?? []) await out.lines(selected);
  if (!follow) return Status.ok;
  onwardFrom(Math.max(chosen.from, from));
  const wakeUp = new WakeUp();
  const forget = session.onOver(wakeUp.signal);
  const look = setInterval(wakeUp.signal, fileLook);
  void call.gone.then(wakeUp.signal);
  try {
    for (let live = true; live && !out.gone; ) {
      await wakeUp.wait();
      live = session.live;
      try {
        const onward = fileLines(workers, file, place, { ...select, from }, live ? "complete" : "end", after);
        for await (const selected of onward) await out.lines(selected, written);
      } catch (error) {
        // not written yet, or gone: it may come (again)
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      }
    }
  } finally {
    clearInterval(look);
    forget();
    call.resume(undefined);
  }
  return Status.ok;
}
