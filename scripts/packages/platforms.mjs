// npm run build:platforms [TARGET...]: everything native for every system, by zig, checked (check.mjs), in
// build/platforms/<target>/: client (falcon), holder, addon (sys.node), better_sqlite3.node, pty.node and, on
// macOS, node-pty's spawn-helper. The Node that runs them does not matter: all is N-API. Each part is kept
// by what went into it, outside the clone (part-cache.mjs): SQLite takes minutes, and changes seldom.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { nativeSources } from "../native-sources.mjs";
import { check } from "./check.mjs";
import { keptPart } from "./part-cache.mjs";
import { targets } from "./targets.mjs";
import { cache, pinned, pythonWith, run, runBeside } from "./tools.mjs";

const root = path.resolve(import.meta.dirname, "..", "..");
const modules = path.join(root, "node_modules");
const { version } = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8"));
const headers = path.join(modules, "node-api-headers", "include");

const names = process.argv.slice(2);
const unknown = names.find((name) => !(name in targets));
if (unknown !== undefined) {
  console.error(`There is no target "${unknown}"; the targets are: ${Object.keys(targets).join(", ")}.`);
  process.exit(2);
}
const began = performance.now();
const wanted = names.length > 0 ? names : Object.keys(targets);
const parts = wanted.flatMap(partsOf);
// One at a time for each processor: zig works on one file at a time.
const ends = await Promise.allSettled(Array.from({ length: os.availableParallelism() }, buildParts));
const failures = ends.flatMap(({ reason }) => reason ?? []);
for (const { message } of failures) console.error(`platforms: ${message}`);
if (failures.length > 0) process.exit(1);
let failed = false;
for (const name of wanted) {
  const { problems, facts } = check(name, folderOf(name));
  for (const problem of problems) console.error(`platforms: ${name}: ${problem}`);
  failed ||= problems.length > 0;
  console.log(`platforms: ${name}: ${facts}`);
}
console.log(`platforms: ${((performance.now() - began) / 1000).toFixed(1)} s`);
process.exit(failed ? 1 : 0);

/** Where a target's files come. */
function folderOf(name) {
  return path.join(root, "build", "platforms", name);
}

/** What a target is made of, what takes longest first; `make` builds a part into a folder. */
function partsOf(name) {
  const target = targets[name];
  const part = (what, files, versions, make) => ({ what: `${what}-${name}`, target: name, files, versions, make });
  const sources = nativeSources(root).map((file) => path.join(root, "native", file));
  const api = versionOf("node-api-headers");
  return [
    part("better-sqlite3", [], [versionOf("better-sqlite3"), api], (into) => sqlite(name, target, into)),
    part("node-pty", [], [versionOf("node-pty"), versionOf("node-addon-api"), api], (into) => nodePty(name, target, into)),
    part("ours", sources, [version, api], (into) => ours(target, into)),
  ];
}

/** Puts the parts that are left into their targets' folders: those of the cache, or built. */
async function buildParts() {
  for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
    const folder = folderOf(part.target);
    fs.mkdirSync(folder, { recursive: true });
    const words = [JSON.stringify(targets[part.target]), pinned.ziglang, ...part.versions];
    try {
      await keptPart(part.what, [import.meta.filename, ...part.files], words, folder, part.make);
    } catch (error) {
      // whoever builds beside us ends what it has begun, and begins nothing more
      parts.length = 0;
      throw error;
    }
  }
}

function versionOf(name) {
  return JSON.parse(fs.readFileSync(path.join(modules, name, "package.json"), "utf8")).version;
}

/** Client, holder and addon, of the sources that binding.gyp names. */
async function ours(target, folder) {
  const { targets: parts, target_defaults: defaults } = gyp(path.join(root, "native", "binding.gyp"));
  for (const { target_name: name, type, sources } of parts) {
    const addon = type !== "executable";
    await zig("cc", target, [
      ...defaults.cflags,
      // its CMSG_NXTHDR compares a size with a difference
      ...(target.libc === "musl" ? ["-Wno-sign-compare"] : []),
      "-D_GNU_SOURCE",
      `-DFALCON_VERSION="${version}"`,
      "-Inative",
      ...(addon ? ["-DNAPI_VERSION=8", `-DNODE_GYP_MODULE_NAME=${name}`, `-I${headers}`, ...shared(target)] : executable(target)),
      ...sources.map((source) => path.join("native", source)),
      "-o",
      path.join(folder, addon ? `${name}.node` : name),
    ]);
  }
}

/** For macOS node-pty brings its own, signed by its makers; for Linux nothing. */
async function nodePty(name, target, folder) {
  const source = path.join(modules, "node-pty");
  if (target.system === "darwin") {
    for (const file of ["pty.node", "spawn-helper"])
      fs.copyFileSync(path.join(source, "prebuilds", name, file), path.join(folder, file));
    fs.chmodSync(path.join(folder, "spawn-helper"), 0o755);
    return;
  }
  // small: most of it is the library of C++, which is linked in
  const args = ["-Os", "-std=c++17", "-w", "-DNAPI_CPP_EXCEPTIONS", "-DNODE_GYP_MODULE_NAME=pty", `-I${headers}`];
  const include = path.join(modules, "node-addon-api");
  const sources = [path.join(source, "src/unix/pty.cc")];
  await zig("c++", target, [...args, ...shared(target), `-I${include}`, ...sources, "-o", path.join(folder, "pty.node")]);
}

/** better-sqlite3's own binary, except for glibc: its own asks for 2.34. */
async function sqlite(name, target, folder) {
  const source = path.join(modules, "better-sqlite3");
  const result = path.join(folder, "better_sqlite3.node");
  if (target.libc !== "glibc") return fs.copyFileSync(path.join(source, "prebuilds", `${name}.node`), result);
  const defines = gyp(path.join(source, "deps", "defines.gypi")).defines.map((define) => `-D${define}`);
  const object = path.join(folder, "sqlite3.o");
  await zig("cc", target, [
    "-c",
    "-fPIC",
    "-w",
    "-fvisibility=hidden",
    ...defines,
    path.join(source, "deps/sqlite3/sqlite3.c"),
    "-o",
    object,
  ]);
  await zig("c++", target, [
    ...["-std=c++20", "-w", "-fvisibility=hidden", "-fvisibility-inlines-hidden", "-fno-exceptions"],
    ...["-DNAPI_VERSION=10", "-DNAPI_DISABLE_CPP_EXCEPTIONS", "-DNODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"],
    ...["-DNODE_GYP_MODULE_NAME=better_sqlite3", "-DBUILDING_NODE_EXTENSION", ...defines],
    ...[`-I${headers}`, `-I${addonApi(source)}`, `-I${path.join(source, "deps/sqlite3")}`, ...shared(target)],
    ...[path.join(source, "src/better_sqlite3.cpp"), object, "-o", result],
  ]);
  fs.rmSync(object);
}

/** node-addon-api as the package sees it. */
function addonApi(folder) {
  const own = path.join(folder, "node_modules", "node-addon-api");
  return fs.existsSync(own) ? own : path.join(modules, "node-addon-api");
}

/** For an addon: what it lacks is Node's. */
function shared({ system }) {
  return ["-shared", "-fPIC", ...(system === "darwin" ? ["-Wl,-undefined,dynamic_lookup"] : [])];
}

/** A program for musl needs no libc of the machine. */
function executable({ libc }) {
  return libc === "musl" ? ["-static"] : [];
}

async function zig(compiler, { zig: target }, args) {
  const environment = {
    ...process.env,
    ZIG_GLOBAL_CACHE_DIR: path.join(cache, "zig"),
    ZIG_LOCAL_CACHE_DIR: path.join(cache, "zig"),
  };
  const words = await runBeside(pythonWith("ziglang"), ["-m", "ziglang", compiler, "-target", target, "-O2", "-s", ...args], {
    cwd: root,
    env: environment,
  });
  if (/\bwarning:/.test(words)) throw new Error(`warnings for ${target}:\n${words}`);
}

/** A gyp file is a literal of Python. */
function gyp(file) {
  const script = "import ast, json, sys; print(json.dumps(ast.literal_eval(open(sys.argv[1]).read())))";
  return JSON.parse(run("python3", ["-c", script, file]));
}
