// The system below and the server beside: the kernel's age, and session servers of another version or another
// folder.
import fs from "node:fs";
import { namesIn } from "../base/names-in.ts";
import { type Finding, problem, warning } from "./condition.ts";

/**
 * RHEL 8's: the oldest that we mean to run on. Before 5.3 there is no pidfd, so a holder's successor cannot
 * see its program end at once.
 */
const oldestKernel = [4, 18] as const;

/** @param release as uname -r says it; other systems than Linux have no such floor. */
export function checkKernel(release: string, system: NodeJS.Platform = process.platform): Finding[] {
  if (system !== "linux") return [];
  const found = /^(\d+)\.(\d+)/.exec(release);
  if (found === null) return [];
  const [major, minor] = [Number(found[1]), Number(found[2])];
  if (major > oldestKernel[0] || (major === oldestKernel[0] && minor >= oldestKernel[1])) return [];
  return [
    warning(
      "old-kernel",
      `the kernel ${release} is older than ${oldestKernel.join(".")}, the oldest that falcon-sessions is meant for: a killed holder's run may be lost`,
      "use a machine with a newer system",
    ),
  ];
}

/** A session server that runs on this machine as this user. */
export interface ServerProcess {
  pid: number;
  home: string;
}

export interface VersionFacts {
  /** Of the server that answers. */
  running: string;
  /** On disk, where the server was started from; undefined where it is gone. */
  installed: string | undefined;
  /** Of the client that asks. */
  client: string;
  /** Other servers of this user, of other folders. */
  others: readonly ServerProcess[];
}

export function checkVersions(facts: VersionFacts): Finding[] {
  const findings: Finding[] = [];
  const upgrade = "falcon server upgrade (runs go on, viewers are attached again)";
  if (facts.installed === undefined) {
    findings.push(
      problem(
        "installation-gone",
        `the installation that the session server (version ${facts.running}) was started from is gone: it cannot start holders any more`,
        upgrade,
      ),
    );
  } else if (facts.installed !== facts.running) {
    findings.push(
      warning("stale-server", `the session server is version ${facts.running}, and ${facts.installed} is installed`, upgrade),
    );
  } else if (facts.client !== facts.running) {
    findings.push(
      warning(
        "two-installations",
        `this command is version ${facts.client} and the session server ${facts.running}: two installations take turns`,
        "remove one of them (type -a falcon-sessions shows where they are)",
      ),
    );
  }
  for (const { pid, home } of facts.others) {
    findings.push(
      warning(
        "another-server",
        `another session server of yours (process ${pid}) has its sessions in ${home}, which are not listed here`,
        `FALCON_SESSIONS_HOME=${home} falcon sessions shows them`,
      ),
    );
  }
  return findings;
}

/** The other session servers of this user, from /proc; none where there is no /proc. */
export function otherServers(ownHome: string, uid: number, proc = "/proc"): ServerProcess[] {
  const found: ServerProcess[] = [];
  for (const name of namesIn(proc)) {
    if (!/^\d+$/.test(name)) continue;
    try {
      if (fs.statSync(`${proc}/${name}`).uid !== uid) continue;
      const words = fs.readFileSync(`${proc}/${name}/cmdline`, "utf8").split("\0");
      const at = words.indexOf("--home");
      const home = at < 0 ? undefined : words[at + 1];
      if (home === undefined || home === ownHome || !words.some((word) => word.endsWith("/dist/server.cjs"))) continue;
      found.push({ pid: Number(name), home });
    } catch {
      // gone meanwhile, or not ours to read
    }
  }
  return found;
}

/** Version in `root`'s package.json; undefined where it cannot be read. */
export function versionOnDisk(root: string): string | undefined {
  try {
    const { version } = JSON.parse(fs.readFileSync(`${root}/package.json`, "utf8"));
    return typeof version === "string" ? version : undefined;
  } catch {
    return undefined;
  }
}
