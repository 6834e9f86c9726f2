// Cleaners of temporary folders (systemd-tmpfiles, tmpreaper, tmpwatch): whether they would remove what a run
// of weeks still needs.
import fs from "node:fs";
import path from "node:path";
import { head } from "../base/aside/regular-file.ts";
import { namesIn } from "../base/names-in.ts";
import { type Finding, problem, warning } from "./condition.ts";

/** A folder from which old files are removed, or (`age` null) one that is spared. */
export interface Cleaned {
  folder: string;
  /** As tmpfiles.d writes it, such as "10d"; null: nothing in it is removed. */
  age: string | null;
  /** File that says so. */
  source: string;
}

export interface CleanerSources {
  /** Folders of tmpfiles.d, later ones override files of the same name in earlier ones. */
  tmpfiles: readonly string[];
  /** Programs of cron that clean /tmp, by their path. */
  cron: readonly string[];
}

export const cleanerSources: CleanerSources = {
  tmpfiles: ["/usr/lib/tmpfiles.d", "/usr/local/lib/tmpfiles.d", "/run/tmpfiles.d", "/etc/tmpfiles.d"],
  cron: ["/etc/cron.daily/tmpreaper", "/etc/cron.daily/tmpwatch"],
};

/** Rules of one file that are read (bytes): distributions have some KB. */
const longestRules = 1 << 20;

/** Never throws: what cannot be read says nothing. */
export function cleanedFolders(sources: CleanerSources = cleanerSources): Cleaned[] {
  const files = new Map<string, string>();
  for (const folder of sources.tmpfiles) {
    for (const name of namesIn(folder)) if (name.endsWith(".conf")) files.set(name, path.join(folder, name));
  }
  const found: Cleaned[] = [];
  for (const source of [...files].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, file]) => file)) {
    for (const line of head(source, longestRules).split("\n")) {
      if (/^\s*(#|$)/.test(line)) continue;
      // Type Path Mode User Group Age Argument (tmpfiles.d(5)); quotes are rare and would only be at the path
      const [type = "", folder = "", , , , age = "-"] = line.trim().split(/\s+/);
      const plain = folder.replace(/^"|"$/g, "").replace(/(?<!\/)\/+\*?$/, "") || "/";
      if (!path.isAbsolute(plain) || plain.includes("%")) continue;
      if (/^[xX]/.test(type)) found.push({ folder: plain, age: null, source });
      else if (/^[dDevqQC]/.test(type) && /\d/.test(age)) found.push({ folder: plain, age: age.replace(/^~/, ""), source });
    }
  }
  for (const program of sources.cron) {
    if (fs.existsSync(program)) found.push({ folder: "/tmp", age: "some days", source: program });
  }
  return found;
}

/** What removes files from `folder`; the nearest rule above it counts. */
export function cleanerOf(folder: string, cleaned: readonly Cleaned[]): (Cleaned & { age: string }) | undefined {
  const above = cleaned.filter((c) => covers(c.folder, folder));
  const nearest = above.sort((a, b) => b.folder.length - a.folder.length)[0];
  return nearest === undefined || nearest.age === null ? undefined : { ...nearest, age: nearest.age };
}

function covers(rule: string, folder: string): boolean {
  if (!rule.includes("*")) return folder === rule || folder.startsWith(rule === "/" ? "/" : `${rule}/`);
  const pattern = rule
    .split("*")
    .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"))
    .join("[^/]*");
  return new RegExp(`^${pattern}(/|$)`).test(folder);
}

export function checkCleaners(cleaned: readonly Cleaned[], sessions: string, ray: string): Finding[] {
  const findings: Finding[] = [];
  const ours = cleanerOf(sessions, cleaned);
  if (ours !== undefined) {
    findings.push(
      problem(
        "cleaned-folder",
        `the sessions' folder ${sessions} lies in ${ours.folder}, from which files older than ${ours.age} are removed (${ours.source})`,
        `set FALCON_SESSIONS_HOME to a folder that nobody cleans, or have an administrator write 'x ${sessions}' into /etc/tmpfiles.d/falcon-sessions.conf`,
      ),
    );
  }
  const rays = cleanerOf(ray, cleaned);
  if (rays !== undefined) {
    findings.push(
      warning(
        "cleaned-ray-folder",
        `Ray keeps files that it needs in ${ray}, and what is older than ${rays.age} is removed from ${rays.folder} (${rays.source})`,
        "set RAY_TMPDIR to a folder that nobody cleans (a short path: Ray puts sockets in it)",
      ),
    );
  }
  return findings;
}
