// What the end of a login does to processes here: systemd-logind's settings, lingering, and which cgroup we
// are in.
import fs from "node:fs";
import path from "node:path";
import { namesIn } from "../base/names-in.ts";
import { userName } from "../base/user.ts";

/**
 * Below the user's own manager (`user@UID.service`), in the scope of one login, or in neither (a service, a
 * container, a batch job).
 */
export type Place = "user-manager" | "login" | "elsewhere";

export interface LogOutFacts {
  place: Place;
  /** The user's manager goes on when the last login ends. */
  lingering: boolean;
  /** logind ends what a login left running; undefined where nothing says. */
  killsProcesses: boolean | undefined;
  /** Socket of the user's manager, where it runs. */
  manager: string | undefined;
}

/** Where to look; tests give folders of their own. */
export interface LogOutSources {
  cgroup: string;
  lingerFolder: string;
  runtimeFolder: string;
  /** Folders that may hold `logind.conf` and `logind.conf.d`, later ones first in rank. */
  configuration: readonly string[];
  user: string;
}

/** The sources of the running system. */
export function logOutSources(): LogOutSources {
  const uid = process.getuid?.() ?? -1;
  return {
    cgroup: "/proc/self/cgroup",
    lingerFolder: "/var/lib/systemd/linger",
    runtimeFolder: process.env.XDG_RUNTIME_DIR ?? `/run/user/${uid}`,
    configuration: ["/usr/lib/systemd", "/usr/local/lib/systemd", "/run/systemd", "/etc/systemd"],
    user: userName(),
  };
}

/** Never throws: what cannot be read is not there. */
export function logOutFacts(sources: LogOutSources = logOutSources()): LogOutFacts {
  const socket = path.join(sources.runtimeFolder, "systemd", "private");
  return {
    place: placeOf(read(sources.cgroup)),
    lingering: fs.existsSync(path.join(sources.lingerFolder, sources.user)),
    killsProcesses: killsProcesses(sources.configuration, sources.user),
    manager: fs.existsSync(socket) ? socket : undefined,
  };
}

/** Whether the end of the (last) login ends what runs in this place. */
export function endsAtLogOut(facts: LogOutFacts): boolean {
  if (facts.place === "user-manager") return !facts.lingering;
  return facts.place === "login" && facts.killsProcesses === true;
}

/** @param text of /proc/PID/cgroup, with cgroup version 1 or 2. */
export function placeOf(text: string): Place {
  const group = /^(?:0:|\d+:name=systemd):(.*)$/m.exec(text)?.[1] ?? "";
  if (/\/user@\d+\.service(\/|$)/.test(group)) return "user-manager";
  return /\/session-[^/]+\.scope(\/|$)/.test(group) ? "login" : "elsewhere";
}

/**
 * logind's KillUserProcesses for this user, after KillOnlyUsers and KillExcludeUsers (logind.conf(5)). Where
 * it is not set the commented line that
 * systemd's build puts into logind.conf tells the built-in default.
 */
function killsProcesses(folders: readonly string[], user: string): boolean | undefined {
  const main =
    [...folders]
      .reverse()
      .map((folder) => read(path.join(folder, "logind.conf")))
      .find((text) => text !== "") ?? "";
  const dropIns = new Map<string, string>();
  for (const folder of folders) {
    for (const name of namesIn(path.join(folder, "logind.conf.d"))) {
      if (name.endsWith(".conf")) dropIns.set(name, read(path.join(folder, "logind.conf.d", name)));
    }
  }
  const texts = [main, ...[...dropIns].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, text]) => text)];
  const last = (key: string): string | undefined =>
    texts
      .flatMap((text) =>
        [...text.matchAll(new RegExp(`^[^\\S\\n]*${key}[^\\S\\n]*=(.*)$`, "gm"))].map((m) => (m[1] as string).trim()),
      )
      .at(-1);
  const kills = truth(last("KillUserProcesses")) ?? truth(/^#\s*KillUserProcesses\s*=(.*)$/m.exec(main)?.[1]?.trim());
  const only = (last("KillOnlyUsers") ?? "").split(/\s+/).filter(Boolean);
  const spared = (last("KillExcludeUsers") ?? "root").split(/\s+/);
  if (kills === true && (spared.includes(user) || (only.length > 0 && !only.includes(user)))) return false;
  return kills;
}

function truth(word: string | undefined): boolean | undefined {
  if (word === undefined) return undefined;
  if (/^(1|yes|y|true|t|on)$/i.test(word)) return true;
  return /^(0|no|n|false|f|off)$/i.test(word) ? false : undefined;
}

function read(file: string): string {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
