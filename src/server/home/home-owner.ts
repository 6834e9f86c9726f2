// A home belongs to one machine: nobody else's is ever opened, and one that does not say whose it is (it is
// new, or an earlier version made it) is taken only where nothing in it can be running on another machine.
import path from "node:path";
import { Failure } from "../../base/failure.ts";
import { namesIn } from "../../base/names-in.ts";
import { claimHome, machineOfHome } from "../../platform/native.ts";
import { knownRecord } from "../../store/record.ts";
import { readSessionFile } from "../../store/session-file.ts";

/**
 * Sees to it that `home` is this machine's before anything in it is opened. For who has its locks.
 * @throws Failure where it is another's, in one sentence that says whose.
 */
export function takeHome(home: string): void {
  const { verdict, problem, boot, name } = machineOfHome(home);
  if (verdict === "another") throw new Failure(problem);
  if (verdict === "unknown") {
    const elsewhere = mayRunElsewhere(home, boot, name);
    if (elsewhere !== undefined)
      throw new Failure(
        `${home} belongs to ${elsewhere.host} (another machine, where session ${elsewhere.id} may be running): use falcon there, or set FALCON_SESSIONS_HOME to a folder of this machine's own`,
      );
  }
  // a full disk: the next server says whose it is
  claimHome(home);
}

/**
 * What tells this home from all others of all machines: the machine, by its id rather than its name, and the
 * path.
 */
export function homeIdentity(home: string): string {
  const { id, name } = machineOfHome(home);
  return `${id === "" ? name : id} ${home}`;
}

/**
 * A session that has no end and was started under another boot and another name: its machine may be up. Under
 * this name it was this one, restarted.
 */
function mayRunElsewhere(home: string, boot: string, name: string): { id: string; host: string } | undefined {
  for (const id of namesIn(path.join(home, "s"))) {
    const folder = path.join(home, "s", id);
    const file = readSessionFile(folder);
    if (file === undefined || file.boot === boot || file.host === name) continue;
    if (knownRecord(folder).exit === undefined) return { id, host: file.host };
  }
  return undefined;
}
