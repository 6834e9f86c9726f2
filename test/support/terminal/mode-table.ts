// The docs' table of terminal modes, made from the one in native/filter/mode_rules.c. Run by itself it writes
// the table into docs/design/security.md.
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { type ModeRule, modeRules } from "../../../src/platform/native.ts";
import { root } from "../paths.ts";

export const modePage = path.join(root, "docs/design/security.md");
const begin = "<!-- modes: made by test/support/terminal/mode-table.ts -->\n";
const end = "<!-- /modes -->\n";

function policyOf({ passage, leaving, kept }: ModeRule): string {
  if (passage === "never") return "never passed";
  const back = [
    ...(leaving === "nothing" ? [] : [leaving === "set" ? "set" : "reset"]),
    ...(kept ? ["as it was (XTSAVE, XTRESTORE)"] : []),
  ].join(", then ");
  const passes = passage === "needed" ? "needed: set at the start and behind each reset, no program resets it" : "passed";
  return `${passes}; ${back === "" ? "nothing to give back" : `leaving: ${back}`}`;
}

/** The page with the table as it is now. */
export function pageWithModes(page: string): string {
  const lines = modeRules.map(
    (rule) => `| ${rule.dec ? "?" : ""}${rule.mode} | ${rule.name} | ${rule.terminals} | ${policyOf(rule)} |`,
  );
  const table = ["| mode | what | documented by | policy |", "|---|---|---|---|", ...lines].join("\n");
  const [from, to] = [page.indexOf(begin) + begin.length, page.indexOf(end)];
  if (from < begin.length || to < from) throw new Error("the page has no place for the table of modes");
  return `${page.slice(0, from)}${table}\n${page.slice(to)}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  fs.writeFileSync(modePage, pageWithModes(fs.readFileSync(modePage, "utf8")));
