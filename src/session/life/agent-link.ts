// SSH_AUTH_SOCK of a session's program: a link in the session's folder, aimed at the agent of whoever
// attached last.
import fs from "node:fs";
import path from "node:path";
import { aside } from "../../base/aside/aside.ts";

const linkName = "ssh-auth-sock";

/** What the program's SSH_AUTH_SOCK says. */
export function agentLinkPath(folder: string): string {
  return path.join(folder, linkName);
}

/**
 * Aims a session's link at an agent's socket. A link of another session (a terminal inside a session) is
 * followed first, since that session may be removed. Never throws: without an agent the program goes on.
 * @returns whether the link was made or changed.
 */
export function aimAgentLink(folder: string, agent: string | undefined): boolean {
  if (agent === undefined || !path.isAbsolute(agent)) return false;
  const link = agentLinkPath(folder);
  try {
    const target = fs.realpathSync(agent);
    // attached from inside itself, or a link that leads back here
    if (path.dirname(target) === folder || target === currentTarget(link)) return false;
    const fresh = `${link}.new`;
    fs.rmSync(fresh, { force: true });
    fs.symlinkSync(target, fresh);
    fs.renameSync(fresh, link);
    return true;
  } catch {
    return false; // an agent that is gone, or a folder that takes nothing
  }
}

/** `aimAgentLink`, aside: an agent's socket may lie anywhere. */
export const aimAgentLinkAside = aside("aimAgentLink", aimAgentLink, ([folder, agent]) => agent ?? folder);

/** Whether the program was started with an agent: only then it looks at the link. */
export function hasAgentLink(environment: Readonly<Record<string, string>>, folder: string): boolean {
  return environment.SSH_AUTH_SOCK === agentLinkPath(folder);
}

function currentTarget(link: string): string | undefined {
  try {
    return fs.readlinkSync(link);
  } catch {
    return undefined;
  }
}
