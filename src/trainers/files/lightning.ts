// The files that Lightning's CSVLogger makes below a directory, found aside (base/aside/aside.ts).
import fs from "node:fs";
import path from "node:path";
import { aside } from "../../base/aside/aside.ts";
import { onDisk } from "../../base/text/bytes.ts";

/** Versions that are looked at: each fit makes one. */
const mostVersions = 500;

/**
 * Of those that changed lately so many are followed: a session that makes more fits is told by its last ones.
 */
export const mostFollowed = 20;

/**
 * `lightning_logs/version_*\/metrics.csv` below a directory that were written to at `since` or later (ms),
 * and not while others may have done so, the oldest first.
 */
export const lightningFiles = aside(
  "lightningFiles",
  (directory: string, since: number, until: number, others: readonly { from: number; until: number }[]): string[] => {
    const folder = path.join(directory, "lightning_logs");
    let names: string[];
    try {
      names = fs.readdirSync(onDisk(folder), "utf8");
    } catch {
      return [];
    }
    const found = names
      .flatMap((name) => (/^version_\d{1,9}$/.test(name) ? Number(name.slice("version_".length)) : []))
      .sort((a, b) => a - b)
      .slice(-mostVersions)
      .flatMap((version) => {
        const file = path.join(folder, `version_${version}`, "metrics.csv");
        const stat = fs.statSync(onDisk(file), { throwIfNoEntry: false });
        if (!stat?.isFile() || stat.mtimeMs < since || stat.mtimeMs > until) return [];
        return others.some(({ from, until: end }) => stat.mtimeMs >= from && stat.mtimeMs <= end) ? [] : file;
      });
    return found.slice(-mostFollowed);
  },
  ([directory]) => directory,
);
