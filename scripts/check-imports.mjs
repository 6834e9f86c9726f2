// A lint rule: which folder of src may import from which, types included, at any depth. The table in
// docs/design/architecture.md is the rule; packages that belong to one folder alone stand here. Rings of
// files are found by biome (noImportCycles).
// Usage: node scripts/check-imports.mjs [FOLDER]     FOLDER holds src; default: this repository
import fs from "node:fs";
import path from "node:path";

const own = path.resolve(import.meta.dirname, "..");
const root = path.resolve(process.argv[2] ?? own);

/** Packages with effects or policy of their own, and the folders that use each. */
const owners = {
  "better-sqlite3": ["store"],
  // of sessions, and of what the page shows of another machine's
  "node-pty": ["session", "web"],
  commander: ["commands"],
  "smol-toml": ["base"],
};

/** The only file that knows every trainer. */
const registry = "trainers/registry.ts";

/** What is read of programs that tell nothing else: of use to each trainer. */
const shared = new Set(["files", "terminal"]);

/** Folders of trainers/ that are no trainer's: what a run is, and how its files are read. */
const rooms = new Set(["run", "reading"]);

const allowed = table();
const complaints = [];
for (const name of fs.readdirSync(path.join(root, "src"), { recursive: true, encoding: "utf8" })) {
  if (!name.endsWith(".ts")) continue;
  const file = path.join(root, "src", name);
  for (const specifier of imports(fs.readFileSync(file, "utf8"))) judge(file, name, specifier);
}
for (const complaint of complaints) console.error(complaint);
process.exitCode = complaints.length > 0 ? 1 : 0;

/** One import of one file. */
function judge(file, name, specifier) {
  const from = name.split(path.sep)[0];
  const told = `${path.relative(root, file)}: imports ${specifier}`;
  if (!specifier.startsWith(".")) {
    const users = owners[specifier];
    if (users !== undefined && !users.includes(from)) complaints.push(`${told}; only src/${users.join(" and src/")} uses it`);
    return;
  }
  const target = path.relative(path.join(root, "src"), path.resolve(path.dirname(file), specifier));
  const to = target.split(path.sep)[0];
  const one = trainerOf(target);
  if (one !== undefined && one !== trainerOf(name) && name !== registry && !(from === "trainers" && shared.has(one)))
    complaints.push(`${told}; a trainer's folder is known to itself and to ${registry} alone: use trainers/trainer.ts`);
  if (to === from || to === "..") return;
  if (!allowed.get(from)?.includes(to))
    complaints.push(`${told}; docs/design/architecture.md does not let src/${from} import src/${to}`);
}

/** The trainer whose folder a file lies in; undefined for the interface, the rooms and all else. */
function trainerOf(file) {
  const folder = /^trainers\/([^/]+)\/./.exec(file)?.[1];
  return folder !== undefined && rooms.has(folder) ? undefined : folder;
}

/** What a file imports: by `import`, `export ... from` and `import()`, types as well. */
function imports(text) {
  return [...text.matchAll(/(?:^|[}\s])from\s+"([^"]+)"|\bimport\s*\(?\s*"([^"]+)"/gm)].map((match) => match[1] ?? match[2]);
}

/** Each folder, and those that it may import from: all above it, nothing, or the ones that are named. */
function table() {
  const page = fs.readFileSync(path.join(own, "docs/design/architecture.md"), "utf8");
  const section = /## Folders, and who may import whom\n+([\s\S]*?)\n\n/.exec(page)?.[1] ?? "";
  const folders = new Map();
  for (const row of section.split("\n")) {
    const [, name, targets] = /^ {4}([\w-]+)\/ .* {2,}(\S.*)$/.exec(row) ?? [];
    if (name === undefined) throw new Error(`a row of the table in docs/design/architecture.md cannot be read: ${row}`);
    folders.set(name, targets === "all above" ? [...folders.keys()] : targets === "nothing of ours" ? [] : targets.split(", "));
  }
  return folders;
}
