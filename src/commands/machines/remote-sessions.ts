// What the user's other machines have: those that share a folder with this one, and those that are asked.
import { onceEach, type RemoteSession } from "../../session/machines/remote-session.ts";
import type { Context } from "../dispatch/call.ts";

/**
 * Each session once; of two words the one of a machine that was heard of in time.
 * @param known ids that are this machine's.
 * @param environment whose ssh asks the machines of `[hosts] list`; undefined: what they said last is told.
 */
export async function remoteSessions(
  { roster, hosts }: Pick<Context, "roster" | "hosts">,
  known: (id: string) => boolean,
  environment?: Readonly<Record<string, string>>,
): Promise<{ sessions: RemoteSession[]; problems: string[] }> {
  if (hosts.names.length === 0) return roster.others(known);
  const [shared, asked] = await Promise.all([roster.others(known), hosts.sessions(environment)]);
  const byId = new Map(shared.sessions.map((session) => [session.id, session]));
  const more = asked.sessions.filter((session) => {
    if (known(session.id)) return false;
    const other = byId.get(session.id);
    if (other !== undefined && (other.via !== null || other.unheard === null)) return false;
    byId.set(session.id, session);
    return true;
  });
  const left = shared.sessions.filter((session) => byId.get(session.id)?.via === null);
  return { sessions: onceEach([...left, ...more]), problems: [...shared.problems, ...asked.problems] };
}
