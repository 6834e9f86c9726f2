// Builds everything that is not committed: the native part (client, holder, addon), the bundles that run on
// Node, the manual pages.
// Usage: node scripts/build.mjs [native] [sqlite] [internals] [bundle] [page] [manual]
// Without a step it builds all; what is up to date is left alone.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { missing } from "./build-check/check.mjs";
import { lazyNamespace, lazyPackages } from "./lazy-packages.mjs";
import { besideBundles, sharedPackages } from "./shared-packages.mjs";

const self = fileURLToPath(import.meta.url);
/** What else decides how a bundle comes out. */
const builders = ["lazy-packages.mjs", "shared-packages.mjs"].map((name) => path.join(path.dirname(self), name));
const root = path.resolve(path.dirname(self), "..");
const dist = path.join(root, "dist");
const native = path.join(root, "native");

/**
 * What is bundled: entry (a file, or `package`) and result. Native packages stay in node_modules, because
 * esbuild cannot pack a .node file. An executable one is whole in itself: users copy it.
 */
const bundles = [
  ...Object.entries(sharedPackages).map(([name, result]) => ({ package: name, result })),
  // each entry behind its program: who starts it meanwhile finds the one that it needs
  { entry: "src/server/serve.ts", result: "server-program.cjs" },
  { entry: "src/server/aside-helper.ts", result: "aside-program.cjs" },
  { entry: "src/terminal/worker/worker.ts", result: "screen-program.cjs" },
  { entry: "src/server/main.ts", result: "server.cjs" },
  { entry: "src/server/aside-entry.ts", result: "aside-helper.cjs" },
  { entry: "src/terminal/worker/entry.ts", result: "screen-worker.cjs" },
  { entry: "src/export/worker.ts", result: "log-worker.cjs" },
  { entry: "src/web/server/main.ts", result: "web.cjs" },
  { entry: "src/web/server/share-main.ts", result: "share.cjs" },
  { entry: "examples/trainer/main.ts", result: "trainer.cjs", executable: true },
];
/** The page: what is bundled for a browser, and what goes with it as it is. */
const page = { folder: "src/web/page", copied: ["index.html", "icon.svg"] };
const external = ["node-pty", "better-sqlite3", "@resvg/resvg-js", "*.node"];

const steps = {
  native: buildNative,
  sqlite: chooseSqlite,
  internals: checkInternals,
  bundle: buildBundles,
  page: buildPage,
  manual: buildManual,
};
const chosen = process.argv.slice(2);
const unknown = chosen.find((step) => !(step in steps));
if (unknown !== undefined) fail(`There is no build step "${unknown}"; the steps are: ${Object.keys(steps).join(", ")}.`, 2);
lock();
for (const step of chosen.length > 0 ? chosen : Object.keys(steps)) await steps[step]();

/**
 * client, holder and addon, by node-gyp; anew when a source, the compiler's flags or the Node that runs the
 * addon changed.
 */
function buildNative() {
  if (!fs.existsSync(path.join(native, "binding.gyp"))) return say("native: no native/binding.gyp yet, skipped");
  const stamp = path.join(native, "build", "built-from");
  const sources = fs.readdirSync(native, { recursive: true, encoding: "utf8" }).filter((file) => !/^build(\/|$)/.test(file));
  const flags = ["CC", "CXX", "CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS"].map((name) => `${name}=${process.env[name] ?? ""}`);
  const key = hash([process.version, process.arch, ...flags, ...contents(sources.map((file) => path.join(native, file)))]);
  const made = ["falcon", "holder", "sys.node"].map((file) => path.join(native, "build", "Release", file));
  if (read(stamp) === key && made.every((file) => fs.existsSync(file))) return;
  const lacking = missing();
  if (lacking) fail(lacking);
  const started = performance.now();
  const gyp = nodeGyp();
  const headers = ownHeaders();
  const run = spawnSync(
    gyp.file,
    [...gyp.first, "configure", "build", "--release", "--loglevel=error", ...(headers ? [`--nodedir=${headers}`] : [])],
    { cwd: native, encoding: "utf8", maxBuffer: 64 << 20 },
  );
  if (run.status !== 0) {
    process.stderr.write(`${run.stdout ?? ""}${run.stderr ?? ""}`);
    fail(`The native part could not be built${run.error ? ` (${run.error.message})` : ""}; the compiler's words stand above.`);
  }
  const warnings = `${run.stdout}${run.stderr}`.split("\n").filter((line) => /\bwarning:/.test(line));
  if (warnings.length > 0) process.stderr.write(`${warnings.join("\n")}\n`);
  fs.writeFileSync(stamp, key);
  say(`native: built in ${seconds(started)} s`);
}

/**
 * better-sqlite3 for the Node that runs this: 13 came with `npm ci`, with N-API 10; an older Node gets
 * version 12 in older-node/, compiled for it. Where 13's own binary does not run (it wants glibc 2.34), it is
 * compiled in its place.
 */
function chooseSqlite() {
  const older = path.join(root, "older-node", "node_modules");
  if (Number(process.versions.napi) >= 10) fs.rmSync(older, { recursive: true, force: true });
  if (runsSqlite()) return;
  const started = performance.now();
  const lacking = missing();
  if (lacking) fail(lacking);
  if (Number(process.versions.napi) >= 10) {
    say("sqlite: better-sqlite3's own binary does not run here, so it is compiled (some 60 s)");
    const gyp = nodeGyp();
    const headers = ownHeaders();
    const args = ["rebuild", "--release", "--force_build=1", "--loglevel=error", ...(headers ? [`--nodedir=${headers}`] : [])];
    const cwd = path.dirname(createRequire(import.meta.url).resolve("better-sqlite3/package.json"));
    show(spawnSync(gyp.file, [...gyp.first, ...args], { cwd, encoding: "utf8", maxBuffer: 64 << 20 }));
  } else {
    say(`sqlite: Node ${process.versions.node} is older than better-sqlite3 13, so version 12 is installed for it (some 90 s)`);
    const headers = ownHeaders();
    const env = { ...process.env, npm_config_global: "false", ...(headers ? { npm_config_nodedir: headers } : {}) };
    show(spawnSync("npm", ["ci"], { cwd: path.dirname(older), encoding: "utf8", maxBuffer: 64 << 20, env }));
  }
  if (!runsSqlite()) fail(`better-sqlite3 does not run on Node ${process.versions.node}, also after it was built: see above.`);
  say(`sqlite: built in ${seconds(started)} s`);
}

/** Whether SQLite opens a database: in a process of its own, which a wrong binary may abort. */
function runsSqlite() {
  const place = path.join(root, "older-node", "sqlite.cjs"); // as in src/store/sqlite.ts
  const load = `require("node:module").createRequire(${JSON.stringify(place)})("better-sqlite3")`;
  const script = `new (${load})(":memory:").prepare("SELECT 1").get()`;
  const found = createRequire(place);
  const version = parse(read(found.resolve("better-sqlite3/package.json")))?.version ?? "";
  // it would end with a segmentation fault
  if (Number(process.versions.napi) < 10 && Number.parseInt(version, 10) >= 13) return false;
  return spawnSync(process.execPath, ["-e", script], { stdio: "ignore" }).status === 0;
}

/** A compiler's or npm's words, where it failed. */
function show({ status, stdout, stderr, error }) {
  if (status !== 0) process.stderr.write(`${stdout ?? ""}${stderr ?? ""}${error ? `${error.message}\n` : ""}`);
}

/**
 * The bundles, each anew when a file that went into it, this script or esbuild changed; and where Node is,
 * for the client.
 */
async function buildBundles() {
  fs.mkdirSync(dist, { recursive: true });
  const began = performance.now();
  const made = [];
  replace(path.join(dist, "node-path"), `${process.execPath}\n`);
  let esbuild;
  for (const { entry, package: name, result, executable } of bundles) {
    const file = path.join(dist, result);
    const stamp = `${file}.built-from`;
    if (entry !== undefined && !fs.existsSync(path.join(root, entry))) {
      say(`bundle: no ${entry} yet, skipped`);
      continue;
    }
    const before = parse(read(stamp));
    if (before && fs.existsSync(file) && before.key === bundleKey(before.inputs)) continue;
    esbuild ??= await loadEsbuild();
    const what =
      name === undefined
        ? { entryPoints: [entry] }
        : { stdin: { contents: `module.exports = require("${name}")`, resolveDir: root } };
    const built = await bundle(esbuild, what, file, { executable, shares: name === undefined && !executable });
    const inputs = Object.keys(built.metafile.inputs)
      .filter((input) => input !== "<stdin>" && !input.startsWith(`${lazyNamespace}:`))
      .sort();
    for (const output of built.outputFiles) replace(output.path, output.contents);
    if (executable) fs.chmodSync(file, 0o755);
    replace(stamp, JSON.stringify({ key: bundleKey(inputs), inputs }));
    made.push({ result, size: fs.statSync(file).size });
  }
  if (made.length === 0) return;
  const size = Math.round(made.reduce((sum, one) => sum + one.size, 0) / 1024);
  // whoever works on it wants to see which, whoever installs it does not
  const what = made.length > 3 ? `${made.length} programs in dist` : made.map(({ result }) => `dist/${result}`).join(", ");
  say(`bundle: ${what} (${size} KiB) in ${seconds(began)} s`);
}

/**
 * dist/web, what a browser gets: one script and one style sheet with all that they need, so that nothing is
 * asked of anybody else. Both are kept as they are sent, compressed: a third of what the disk would hold.
 */
async function buildPage() {
  const folder = path.join(root, page.folder);
  if (!fs.existsSync(folder)) return; // a package brings the page ready
  const target = path.join(dist, "web");
  const stamp = path.join(dist, "web.built-from");
  const copied = page.copied.map((name) => path.join(page.folder, name));
  const before = parse(read(stamp));
  if (before && fs.existsSync(path.join(target, "page.js.gz")) && before.key === bundleKey(before.inputs)) return;
  const started = performance.now();
  const esbuild = await loadEsbuild();
  let built;
  try {
    built = await esbuild.build({
      absWorkingDir: root,
      entryPoints: {
        page: path.join(page.folder, "main.ts"),
        style: path.join(page.folder, "page.css"),
      },
      outdir: target,
      bundle: true,
      write: false,
      metafile: true,
      minify: true,
      format: "esm",
      target: ["chrome110", "firefox110", "safari16"],
      legalComments: "none",
      logLevel: "silent",
    });
  } catch (error) {
    const messages = await esbuild.formatMessages(error.errors ?? [{ text: String(error) }], { kind: "error" });
    process.stderr.write(messages.join(""));
    return fail("The page could not be bundled; esbuild's words stand above.");
  }
  // what an earlier version had there would be packed, too
  fs.rmSync(target, { recursive: true, force: true });
  fs.mkdirSync(target, { recursive: true });
  for (const output of built.outputFiles) {
    const name = path.basename(output.path).replace("style.css", "page.css");
    replace(path.join(target, `${name}.gz`), gzipSync(output.contents, { level: 9 }));
  }
  for (const name of copied) replace(path.join(target, path.basename(name)), fs.readFileSync(path.join(root, name)));
  const inputs = [...Object.keys(built.metafile.inputs), ...copied].sort();
  replace(stamp, JSON.stringify({ key: bundleKey(inputs), inputs }));
  const size = fs.readdirSync(target).reduce((sum, name) => sum + fs.statSync(path.join(target, name)).size, 0);
  say(`page: dist/web (${Math.round(size / 1024)} KiB compressed) in ${seconds(started)} s`);
}

/** dist/man, from the table of commands: anew when a source of it, this script or the version changed. */
async function buildManual() {
  const { version } = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8"));
  const folder = path.join(dist, "man");
  const stamp = `${folder}.built-from`;
  if (!fs.existsSync(folder)) fs.rmSync(stamp, { force: true });
  const made = await runScript({
    entry: "scripts/manual.ts",
    stamp,
    version,
    args: [folder, version],
    failure: "The manual pages could not be made; the words of scripts/manual.ts stand above.",
  });
  if (!made) return;
  const pages = fs.readdirSync(folder).sort();
  listPages(pages.map((page) => `dist/man/${page}`));
  say(`manual: dist/man (${pages.length} pages)`);
}

/** npm reads which pages there are before anything is built: the list of package.json is kept here. */
function listPages(man) {
  const file = path.join(root, "package.json");
  const about = JSON.parse(fs.readFileSync(file, "utf8"));
  if (JSON.stringify(about.man) === JSON.stringify(man)) return;
  fs.writeFileSync(file, `${JSON.stringify({ ...about, man }, null, 2)}\n`);
  say("manual: package.json lists other pages now; commit it");
}

/** Every screen would be wrong with an xterm.js whose internals have moved, so nothing is built with one. */
async function checkInternals() {
  await runScript({
    entry: "scripts/check-internals.ts",
    stamp: path.join(dist, "internals.built-from"),
    version: "",
    args: [],
    failure: "The screens need that version of @xterm/headless; package.json pins it, and `npm ci` installs it.",
  });
}

/**
 * Runs a script of ours in TypeScript as one bundle; again when a source of it, this script or `version`
 * changed. A package brings its result ready, and no script.
 * @returns whether it ran.
 */
async function runScript({ entry, stamp, version, args, failure }) {
  if (!fs.existsSync(path.join(root, entry))) return false;
  const before = parse(read(stamp));
  const keyOf = (inputs) => hash([version, bundleKey(inputs)]);
  if (before && before.key === keyOf(before.inputs)) return false;
  fs.mkdirSync(dist, { recursive: true });
  // beside the other bundles, where what is not bundled is found
  const file = path.join(dist, `${path.basename(entry, ".ts")}.tmp.cjs`);
  const built = await bundle(await loadEsbuild(), { entryPoints: [entry] }, file);
  try {
    for (const output of built.outputFiles) if (output.path === file) fs.writeFileSync(file, output.contents);
    const run = spawnSync(process.execPath, [file, ...args], { encoding: "utf8" });
    if (run.status !== 0) {
      process.stderr.write(`${run.stdout ?? ""}${run.stderr ?? ""}`);
      fail(failure);
    }
  } finally {
    fs.rmSync(file, { force: true });
  }
  const inputs = Object.keys(built.metafile.inputs).sort();
  replace(stamp, JSON.stringify({ key: keyOf(inputs), inputs }));
  return true;
}

/**
 * One CommonJS file for Node 20; `import.meta` has no meaning there, so the three things we use of it are
 * defined.
 * @param what esbuild's entry.
 * @param options `shares`: the shared packages are loaded from their files beside it.
 */
async function bundle(esbuild, what, outfile, { executable = false, shares = false } = {}) {
  try {
    return await esbuild.build({
      absWorkingDir: root,
      ...what,
      outfile,
      bundle: true,
      write: false,
      metafile: true,
      platform: "node",
      format: "cjs",
      target: "node20",
      external,
      plugins: shares ? [besideBundles, lazyPackages] : [lazyPackages],
      sourcemap: "linked",
      logLevel: "silent",
      define: { "import.meta.dirname": "__dirname", "import.meta.filename": "__filename", "import.meta.url": "bundleUrl" },
      banner: {
        js: `${executable ? "#!/usr/bin/env node\n" : ""}const bundleUrl = require("node:url").pathToFileURL(__filename).href;`,
      },
    });
  } catch (error) {
    const messages = await esbuild.formatMessages(error.errors ?? [{ text: String(error) }], { kind: "error" });
    process.stderr.write(messages.join(""));
    return fail(`dist/${path.basename(outfile)} could not be bundled; esbuild's words stand above.`);
  }
}

function bundleKey(inputs) {
  const version = parse(read(path.join(root, "node_modules/esbuild/package.json")))?.version;
  return hash([String(version), ...contents([self, ...builders, ...inputs.map((input) => path.join(root, input))])]);
}

async function loadEsbuild() {
  try {
    return await import("esbuild");
  } catch {
    return fail("esbuild is not in node_modules: run `npm ci` first.");
  }
}

/**
 * npm brings node-gyp and names it to the scripts that it runs; started by hand, this script looks where npm
 * lies beside Node.
 */
function nodeGyp() {
  const bin = path.dirname(process.execPath);
  const beside = path.resolve(bin, "../lib/node_modules/npm/node_modules/node-gyp/bin/node-gyp.js");
  const script = [process.env.npm_config_node_gyp, beside].find((file) => file && fs.existsSync(file));
  if (script) return { file: process.execPath, first: [script] };
  const command = (process.env.PATH ?? "").split(":").find((folder) => folder && fs.existsSync(path.join(folder, "node-gyp")));
  if (command) return { file: path.join(command, "node-gyp"), first: [] };
  try {
    return { file: process.execPath, first: [createRequire(import.meta.url).resolve("node-gyp/bin/node-gyp.js")] };
  } catch {
    return fail(
      "node-gyp, which comes with npm, was not found: run `npm run build:native` instead of calling this script directly.",
    );
  }
}

/**
 * The folder whose include/node holds the headers of the running Node, so that node-gyp need not download
 * them: its own, or npm's setting where that is of the same version (a setting that was made for another Node
 * would give objects that this one cannot load).
 */
function ownHeaders() {
  const prefix = path.resolve(path.dirname(fs.realpathSync(process.execPath)), "..");
  return [prefix, process.env.npm_config_nodedir].find((folder) => folder && headersOf(folder) === process.versions.node);
}

/** The version of Node that the headers in a prefix are of. */
function headersOf(prefix) {
  const header = read(path.join(prefix, "include/node/node_version.h")) ?? "";
  const part = (name) => new RegExp(`#define NODE_${name}_VERSION (\\d+)`).exec(header)?.[1];
  return `${part("MAJOR")}.${part("MINOR")}.${part("PATCH")}`;
}

/** One build at a time in one tree: two makes in one folder would read each other's half-written objects. */
function lock() {
  const file = path.join(root, "node_modules", ".falcon-sessions-build");
  fs.mkdirSync(path.dirname(file), { recursive: true });
  for (let told = false; ; ) {
    try {
      fs.writeFileSync(file, String(process.pid), { flag: "wx" });
      process.on("exit", () => fs.rmSync(file, { force: true }));
      return;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    const owner = Number(read(file) || 0);
    if (!builds(owner, file)) fs.rmSync(file, { force: true });
    else if (!told) {
      say(`waits for another build (process ${owner})`);
      told = true;
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100); // another process has no event to wait for
  }
}

/**
 * Whether process `pid`, which the lock names, is a build that still runs; a lock without a number is one
 * that is being written.
 */
function builds(pid, file) {
  if (pid === 0) return Date.now() - (fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0) < 10_000;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return error.code === "EPERM";
  }
  return read(`/proc/${pid}/cmdline`)?.includes(path.basename(self)) ?? true; // the number may have been given to another program
}

/** A running server may load the file at any moment: it sees the old one or the new one, whole. */
function replace(file, text) {
  if (typeof text === "string" && read(file) === text) return;
  fs.writeFileSync(`${file}.new`, text);
  fs.renameSync(`${file}.new`, file);
}

function contents(files) {
  return files.flatMap((file) => {
    const stat = fs.statSync(file, { throwIfNoEntry: false });
    return stat?.isFile() ? [path.relative(root, file), fs.readFileSync(file)] : [path.relative(root, file), ""];
  });
}

function hash(parts) {
  const sum = createHash("sha256");
  for (const part of parts) sum.update(`${part.length}:`).update(part);
  return sum.digest("hex");
}

function read(file) {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

function parse(text) {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

function seconds(since) {
  return ((performance.now() - since) / 1000).toFixed(1);
}

function say(line) {
  console.log(`build: ${line}`);
}

function fail(sentence, status = 1) {
  console.error(sentence);
  process.exit(status);
}
