// Run directories by their paths and patterns, looked for aside: they lie on whatever file system a person
// names.
import fs from "node:fs";
import path from "node:path";
import { aside } from "../../base/aside/aside.ts";
import { onDisk } from "../../base/text/bytes.ts";

/** Directories that one pattern may match: more are no comparison that a person reads. */
const mostMatches = 64;

/** What a run leaves in its directory. */
const signs = ["config.yml", "graph"];

/** Whether a directory looks like a run's. */
export const isRunDirectory = aside(
  "isRunDirectory",
  (directory: string): boolean => signs.some((name) => fs.existsSync(onDisk(path.join(directory, name)))),
  ([directory]) => directory,
);

/** The run directories that a pattern with `*` and `?` names, sorted. @param pattern absolute */
export const matchRunDirectories = aside(
  "matchRunDirectories",
  (pattern: string): string[] => {
    let found = ["/"];
    for (const part of pattern.split("/").filter(Boolean)) {
      if (!/[*?]/.test(part)) {
        found = found.map((folder) => path.join(folder, part));
        continue;
      }
      const fits = new RegExp(
        `^${part
          .replace(/[.+^${}()|[\]\\]/g, "\\$&")
          .replaceAll("*", "[^/]*")
          .replaceAll("?", "[^/]")}$`,
      );
      found = found
        .flatMap((folder) => names(folder).flatMap((name) => (fits.test(name) ? path.join(folder, name) : [])))
        .sort()
        .slice(0, 10 * mostMatches);
    }
    return found.filter((folder) => signs.some((name) => fs.existsSync(onDisk(path.join(folder, name))))).slice(0, mostMatches);
  },
  ([pattern]) => pattern,
);

/** Folders in a folder but those that are hidden. */
function names(folder: string): string[] {
  try {
    return fs
      .readdirSync(onDisk(folder), { withFileTypes: true, encoding: "utf8" })
      .filter((entry) => !entry.name.startsWith(".") && (entry.isDirectory() || entry.isSymbolicLink()))
      .map((entry) => entry.name);
  } catch {
    return [];
  }
}
