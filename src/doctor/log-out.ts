// Log-out: whether the end of a login takes the sessions with it.
import { endsAtLogOut, type LogOutFacts } from "../platform/log-out.ts";
import { type Finding, problem } from "./condition.ts";

export function checkLogOut(facts: LogOutFacts): Finding[] {
  if (!endsAtLogOut(facts)) return [];
  const why =
    facts.place === "user-manager"
      ? "lingering is off, so that systemd ends everything of yours with your last login, sessions included"
      : "KillUserProcesses is on and the session server runs inside your login, so that logging out ends every session";
  const remedy = facts.lingering
    ? "falcon server upgrade (from a login with a user manager: the server then takes a scope of its own)"
    : "loginctl enable-linger, then falcon server upgrade (where it is refused, ask an administrator)";
  return [problem("log-out", why, remedy)];
}
