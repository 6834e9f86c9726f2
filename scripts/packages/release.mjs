// npm run release -- --dry-run: builds every package from the committed tree, checks what was built (not the
// tree), and prints what it would publish. The version is package.json's; the notes are what CHANGELOG.md
// says of it. Without --dry-run nothing is published either: that is a person's to do, with the lines it
// prints.
import fs from "node:fs";
import path from "node:path";
import { check } from "./check.mjs";
import { targets } from "./targets.mjs";
import { run } from "./tools.mjs";

const root = path.resolve(import.meta.dirname, "..", "..");
const unknown = process.argv.slice(2).find((word) => word !== "--dry-run");
if (unknown !== undefined || !process.argv.includes("--dry-run")) {
  console.error("usage: npm run release -- --dry-run (publishing is done by a person, with what this prints)");
  process.exit(2);
}
const { name, version } = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8"));
const problems = [];
if (run("git", ["status", "--porcelain"], { cwd: root }).trim() !== "")
  problems.push("the tree has changes that are not committed");
const notes = notesOf(fs.readFileSync(path.join(root, "CHANGELOG.md"), "utf8"), version);
if (notes === undefined) problems.push(`CHANGELOG.md says nothing of ${version}`);

run("npm", ["run", "--silent", "build:platforms"], { cwd: root });
run("npm", ["run", "--silent", "build:npm"], { cwd: root });
run("npm", ["run", "--silent", "build:wheel", "--", ...Object.keys(targets)], { cwd: root });
for (const target of Object.keys(targets)) problems.push(...check(target, path.join(root, "build/platforms", target)).problems);

const packed = path.join(root, "build", `${name}-${version}.tgz`);
const wheels = Object.values(targets).map(({ wheel }) =>
  path.join(root, "build/wheels", `${name.replace("-", "_")}-${version}-py3-none-${wheel}.whl`),
);
for (const file of [packed, ...wheels]) if (!fs.existsSync(file)) problems.push(`${path.relative(root, file)} was not built`);
for (const file of wheels.filter((wheel) => fs.existsSync(wheel))) {
  const listed = run("python3", ["-m", "zipfile", "-l", file]);
  for (const part of [
    "scripts/falcon-sessions",
    "scripts/falcon-sessions-holder",
    "dist/server.cjs",
    "dist/server-program.cjs",
    "native/build/Release/sys.node",
  ])
    if (!listed.includes(part)) problems.push(`${path.basename(file)} has no ${part}`);
}
const shown = fs.existsSync(packed) ? run("tar", ["tzf", packed]) : "";
for (const part of ["dist/server.cjs", "dist/server-program.cjs"])
  if (shown !== "" && !shown.includes(`package/${part}`)) problems.push(`${path.basename(packed)} has no ${part}`);

for (const problem of problems) console.error(`release: ${problem}`);
console.log(`release ${version} would publish:`);
console.log(`  npm publish ${path.relative(root, packed)} (${size(packed)})`);
for (const wheel of wheels) console.log(`  twine upload ${path.relative(root, wheel)} (${size(wheel)})`);
console.log(`  git tag v${version}\n\nwith these notes:\n\n${notes ?? ""}`);
process.exit(problems.length > 0 ? 1 : 0);

/** The part of the change log below the version's heading, without it. */
function notesOf(text, wanted) {
  const parts = text.split(/^## /m);
  return parts
    .find((part) => part.startsWith(`${wanted} `) || part.startsWith(`${wanted}\n`))
    ?.split("\n")
    .slice(1)
    .join("\n")
    .trim();
}

function size(file) {
  return fs.existsSync(file) ? `${(fs.statSync(file).size / 1e6).toFixed(1)} MB` : "missing";
}
