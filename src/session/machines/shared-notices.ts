// Notices that a machine without a network leaves for the user's next command on one that has it:
// `notices/<mark>.json` beside the archive, written whole and renamed, claimed by renaming. A file holds
// facts alone; where they are sent, the machine that claims it knows from its own configuration.
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { aside } from "../../base/aside/aside.ts";
import { isTime } from "../../base/clock.ts";
import { replaceFile } from "../../base/replace-file.ts";
import { checkFolder, readOwn } from "./own-files.ts";

/** One notice as it lies there. */
export interface SharedNotice {
  mark: string;
  channel: string;
  session: string;
  event: string;
  facts: Record<string, string>;
  /** ms since 1970. */
  created: number;
}

const format = 1;
/** Files that are claimed at a time; the rest is there for the next time. */
export const mostClaimed = 200;
/** A longer file (bytes) was not written by us. */
export const longestSharedNotice = 64 << 10;

const unclaimed = /^[0-9a-f-]{36}\.json$/;

export function noticesRoot(archive: string): string {
  return path.join(path.dirname(archive), "notices");
}

/** @throws the file system's error: then none of them is anybody's but the caller's. */
export const leaveNotices = aside(
  "leaveNotices",
  (folder: string, notices: readonly SharedNotice[]): void => {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    checkFolder(folder);
    const left: string[] = [];
    try {
      for (const { mark, channel, session, event, facts, created } of notices) {
        const file = path.join(folder, `${mark}.json`);
        replaceFile(file, JSON.stringify({ format, channel, session, event, facts, created }));
        left.push(file);
      }
    } catch (error) {
      for (const file of left) fs.rmSync(file, { force: true });
      throw error;
    }
  },
  ([folder]) => folder,
);

/**
 * Those of these channels, each the caller's alone from here on; those that it has claimed before and not
 * cleared as well.
 * @param home the caller's, by `homeIdentity`.
 */
export const claimNotices = aside(
  "claimNotices",
  (folder: string, home: string, channels: readonly string[]): SharedNotice[] => {
    if (!fs.existsSync(folder)) return [];
    checkFolder(folder);
    const own = claimEnd(home);
    const found: SharedNotice[] = [];
    for (const name of fs.readdirSync(folder).sort()) {
      if (found.length >= mostClaimed) break;
      const mark = name.slice(0, 36);
      const claimed = `${mark}${own}`;
      if (!unclaimed.test(name) && name !== claimed) continue;
      const notice = readNotice(path.join(folder, name), mark);
      if (notice === undefined || !channels.includes(notice.channel)) continue;
      try {
        if (name !== claimed) fs.renameSync(path.join(folder, name), path.join(folder, claimed));
        found.push(notice);
      } catch {
        // another machine was first
      }
    }
    return found;
  },
  ([folder]) => folder,
);

/** What was claimed is kept elsewhere now. */
export const clearNotices = aside(
  "clearNotices",
  (folder: string, home: string, marks: readonly string[]): void => {
    for (const mark of marks) fs.rmSync(path.join(folder, `${mark}${claimEnd(home)}`), { force: true });
  },
  ([folder]) => folder,
);

function claimEnd(home: string): string {
  return `.claimed-${createHash("sha256").update(home).digest("hex").slice(0, 16)}`;
}

/** Undefined for what is no notice: other machines may be compromised, or of a later version. */
function readNotice(file: string, mark: string): SharedNotice | undefined {
  try {
    const stored = JSON.parse(readOwn(file, longestSharedNotice).text as string) as Record<string, unknown>;
    const { channel, session, event, facts, created } = stored;
    if (stored.format !== format || !isWord(channel) || !isWord(session) || !isWord(event)) return undefined;
    if (!Number.isInteger(created) || !isTime(created)) return undefined;
    if (typeof facts !== "object" || facts === null) return undefined;
    const texts = Object.entries(facts).filter(
      (fact): fact is [string, string] => /^FALCON_[A-Z_]+$/.test(fact[0]) && typeof fact[1] === "string",
    );
    return { mark, channel, session, event, facts: Object.fromEntries(texts), created };
  } catch {
    return undefined;
  }
}

function isWord(value: unknown): value is string {
  return typeof value === "string" && /^[\w-]{1,64}$/.test(value);
}
