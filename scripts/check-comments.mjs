// A lint rule for what people read: comments are at most 110 columns wide, words that the glossary has
// replaced do not come back, a page that is named is there, and a source file is at most 400 lines long.
// Files that are older than the rule stand in check-comments.json, which may only shrink.
// Usage: node scripts/check-comments.mjs [FOLDER]     FOLDER holds the tree; default: this repository
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";

const own = path.resolve(import.meta.dirname, "..");
const root = path.resolve(process.argv[2] ?? own);
/**
 * Columns: what two files side by side, or a diff in a browser, show without a break. Code may be wider
 * (biome.json).
 */
const widest = 110;
/** Files that may still break a rule: `width`, and each word by its own name. */
const excepted = JSON.parse(fs.readFileSync(path.join(root, "scripts/check-comments.json"), "utf8"));

/** Lines of a source file that is still one thing; a longer one says in its head "Long: " and the reason. */
const longest = 400;

/** Words that are not to come back, and the glossary's for them (docs/design/glossary.md). */
const words = {
  telling: { pattern: /\bTelling\b|\/telling\b/, instead: "event outbox" },
  doubtful: { pattern: /\b[dD]oubtful\b/, instead: "untrusted" },
  attachment: { pattern: /\bAttachment\b/, instead: "ViewerInput" },
  turn: { pattern: /\b(?:Line|Read|Pack|Unpack)Turn\b/, instead: "line job" },
  plainPart: { pattern: /\bPlainPart\b/, instead: "PlainTextScan" },
  listing: { pattern: /\bbareListing\b/, instead: "session JSON" },
  misreadOutput: { pattern: /\bmisreadOutput\b/, instead: "nothing: it was taken out" },
};

/** Pages that are named in code, comments, messages and pages. */
const pageNames = /(?<![\w./-])(?:docs\/(?:[\w-]+\/)*[\w.-]+\.(?:md|svg|cast|png)|cli\.md)\b/g;

/** Where code and pages are; what was recorded or comes from others is not ours to write. */
const looked = /^(?!test\/fixtures\/|test\/fuzz\/found\/)(?:src|native|scripts|test|examples|docs|types)\/|^[^/]+$/;
const self = /^scripts\/check-comments\.|^test\/unit\/(?:check-comments|links)\.test\.ts$/;

const complaints = [];
const needed = {
  width: new Set(),
  length: new Set(),
  ...Object.fromEntries(Object.keys(words).map((word) => [word, new Set()])),
};
for (const file of files()) {
  const text = fs.readFileSync(path.join(root, file), "utf8");
  if (/\.(ts|mjs|c|h)$/.test(file)) {
    for (const [number, line] of text.split("\n").entries())
      if ([...line].length > widest && /^\s*(?:\/\/|\/\*|\*)/.test(line) && !/biome-ignore|https?:/.test(line))
        found("width", file, `${file}:${number + 1}: a comment of ${[...line].length} columns; at most ${widest}`);
    const lines = text.trimEnd().split("\n").length;
    if (lines > longest && /^(?:src|native)\//.test(file) && !/^\/\/ (?:.*\. )?Long: /m.test(text.split("\n\n")[0] ?? ""))
      found("length", file, `${file}: ${lines} lines; at most ${longest}, unless its head says "Long: " and why`);
    for (const [word, { pattern, instead }] of Object.entries(words))
      if (pattern.test(text)) found(word, file, `${file}: "${word}" is not to come back; the glossary's word is: ${instead}`);
  }
  for (const [page] of text.matchAll(pageNames))
    if (!fs.existsSync(path.join(root, page))) complaints.push(`${file} names ${page}, which is not there`);
}
for (const complaint of complaints) console.error(complaint);
// told, and no failure: who mends a comment on the way need not know of the list
for (const [rule, names] of Object.entries(excepted)) {
  const over = names.filter((name) => !needed[rule]?.has(name));
  if (over.length > 0) console.error(`note: scripts/check-comments.json may lose under "${rule}": ${over.join(", ")}`);
}
process.exitCode = complaints.length > 0 ? 1 : 0;

function found(rule, file, complaint) {
  needed[rule].add(file);
  if (!(excepted[rule] ?? []).includes(file)) complaints.push(complaint);
}

/** What git has or would take; where there is no clone, all that is there. */
function files() {
  const git = spawnSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { cwd: root, encoding: "utf8" });
  const clone = root === own && git.status === 0;
  const listed = clone
    ? git.stdout.split("\n")
    : ["docs", "src", "native", "scripts", "test", "examples", "types"].flatMap((folder) =>
        fs.existsSync(path.join(root, folder))
          ? fs.readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" }).map((name) => path.join(folder, name))
          : [],
      );
  return listed.filter(
    (file) =>
      looked.test(file) &&
      !/^native\/build\/|\/node_modules\//.test(file) &&
      !self.test(file) &&
      /\.(ts|mjs|c|h|md|json|sh|toml|py|yml)$/.test(file) &&
      fs.statSync(path.join(root, file), { throwIfNoEntry: false })?.isFile(),
  );
}
