// A session of a batch job that is over: its home may have died with its node. What the shared archive
// keeps of it becomes this home's, and the command is done here.
import { Slurm } from "../../batch/slurm.ts";
import type { RemoteSession } from "../../session/machines/remote-session.ts";
import type { ArchivedPart } from "../../store/archive/part-archive.ts";
import type { Call, Context } from "./call.ts";

/** States in which nothing of a job runs any more. */
const over = new Set([
  "COMPLETED",
  "CANCELLED",
  "TIMEOUT",
  "PREEMPTED",
  "NODE_FAIL",
  "FAILED",
  "OUT_OF_MEMORY",
  "BOOT_FAIL",
  "DEADLINE",
]);

/**
 * Brings in what `word` means, where no machine is known to run it.
 * @param told the session that the word means, by its machine's last word; undefined: none told of it.
 * @returns whether it is here now.
 */
export async function broughtIn(
  call: Call,
  { parts, table }: Pick<Context, "parts" | "table">,
  word: string,
  told: RemoteSession | undefined,
): Promise<boolean> {
  if (told?.via) return false;
  const part = await parts.archived(told?.id ?? word);
  if (part === undefined || (told?.live && !(await isOver(call, part, told)))) return false;
  await parts.bringIn(part.run);
  return table.get(part.row.id) !== undefined;
}

/**
 * Of a session that its machine told as running: the archive saw its end, or Slurm says that its job
 * is over.
 */
async function isOver(call: Call, { row }: ArchivedPart, { job, unheard }: RemoteSession): Promise<boolean> {
  if (row.state === "exited" || row.state === "lost") return true;
  const number = /^s(\d+)/.exec(job ?? "")?.[1];
  if (number === undefined) return false;
  const known = await new Slurm(call.request.environment).job(number).catch(() => "silent" as const);
  // where Slurm says nothing, only a machine that says nothing either is not asked
  if (known === "silent") return false;
  return known === undefined ? unheard !== null : over.has(known.state);
}
