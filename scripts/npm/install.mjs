// Runs at the end of `npm install -g falcon-sessions`, or at the first call where npm ran no install scripts:
// takes the prebuilt natives that fit this machine, builds what does not fit, and puts the native client
// where npm has linked the command.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { missing } from "../build-check/check.mjs";
import { broken, nativeFiles, olderSqlite, platformName, sqliteFolder, takesNapiSqlite } from "./natives.mjs";

const root = path.resolve(import.meta.dirname, "..", "..");
const platform = platformName();

try {
  install();
} catch (error) {
  fail(`falcon-sessions cannot be installed in ${root}: ${error.message}`);
}

function install() {
  const prebuilt = path.join(root, "prebuilds", platform);
  const files = Object.entries(nativeFiles(platform)).filter(([name]) => takesNapiSqlite || name !== "better_sqlite3.node");
  if (takesNapiSqlite) fs.rmSync(path.join(root, "older-node/node_modules"), { recursive: true, force: true });
  else if (fs.existsSync(path.join(root, olderSqlite(platform))))
    fs.cpSync(path.join(root, olderSqlite(platform)), path.join(root, "older-node/node_modules"), { recursive: true });
  for (const [name, place] of files)
    if (fs.existsSync(path.join(prebuilt, name))) put(path.join(prebuilt, name), path.join(root, place));
  const lacking = broken(root);
  if (lacking.length > 0) build(lacking, fs.existsSync(prebuilt));

  // what other machines need is no use here, nor are sources: what was compiled runs with every later Node
  // (N-API)
  fs.rmSync(path.join(root, "prebuilds"), { recursive: true, force: true });
  for (const name of fs.readdirSync(path.join(root, "native")))
    if (name !== "build") fs.rmSync(path.join(root, "native", name), { recursive: true });
  replace(path.join(root, "dist/node-path"), `${process.execPath}\n`);
  link(path.join(root, "native/build/Release/falcon"), path.join(root, "bin/falcon"));
}

/**
 * Builds what does not run here: ours by node-gyp, a package of others in a folder of its own by npm, which
 * has their sources.
 */
function build(parts, hadPrebuilt) {
  const why = hadPrebuilt ? `does not run here with Node ${process.versions.node}` : `is not there for ${platform}`;
  console.log(`falcon-sessions: a prebuilt ${parts.join(", ")} ${why}: building (up to two minutes, with a C++ compiler)`);
  const sentence = missing();
  if (sentence) fail(sentence);
  const ours = parts.filter((part) => ["client", "holder", "addon"].includes(part));
  if (ours.length > 0) run([process.execPath, path.join(root, "scripts/build.mjs"), "native"], root, "falcon-sessions");
  const theirs = parts.filter((part) => !ours.includes(part));
  if (theirs.length > 0) buildPackages(theirs);
  const still = broken(root);
  if (still.length > 0)
    fail(`falcon-sessions: ${still.join(", ")} was built and does not run here with Node ${process.versions.node}`);
}

function buildPackages(names) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "falcon-sessions-build-"));
  try {
    const wanted = names.map((name) => `${name}@${versionOf(name)}`);
    fs.writeFileSync(
      path.join(folder, "package.json"),
      JSON.stringify({ private: true, allowScripts: { "better-sqlite3": true, "node-pty": true } }),
    );
    const npm = process.env.npm_execpath;
    const command = npm?.endsWith(".js") ? [process.execPath, npm] : ["npm"];
    run(
      [
        ...command,
        "install",
        "--global=false",
        "--prefix",
        folder,
        "--no-audit",
        "--no-fund",
        "--ignore-scripts=false",
        ...wanted,
      ],
      folder,
      names.join(", "),
    );
    if (names.includes("node-pty"))
      for (const name of ["pty.node", "spawn-helper"]) {
        const built = [`build/Release/${name}`, `prebuilds/${process.platform}-${process.arch}/${name}`]
          .map((place) => path.join(folder, "node_modules/node-pty", place))
          .find((file) => fs.existsSync(file));
        if (built) put(built, path.join(root, nativeFiles(platform)[name] ?? `node_modules/node-pty/build/Release/${name}`));
      }
    if (names.includes("better-sqlite3")) takeSqlite(path.join(folder, "node_modules/better-sqlite3"));
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * The binary that the package brings (version 13), where it runs here, else one that is compiled from its
 * sources.
 */
function takeSqlite(from) {
  const compiled = path.join(from, "build/Release/better_sqlite3.node");
  const to = path.join(root, sqliteFolder);
  if (!takesNapiSqlite) {
    fs.cpSync(path.join(from, "lib"), path.join(to, "lib"), { recursive: true });
    fs.cpSync(path.join(from, "package.json"), path.join(to, "package.json"));
    for (const name of ["bindings", "file-uri-to-path"])
      fs.cpSync(path.join(from, "..", name), path.join(to, "..", name), { recursive: true });
    return put(compiled, path.join(to, "build/Release/better_sqlite3.node"));
  }
  const brought = nativeFiles(platform)["better_sqlite3.node"];
  if (fs.existsSync(path.join(from, "../..", brought))) put(path.join(from, "../..", brought), path.join(root, brought));
  if (!broken(root).includes("better-sqlite3")) return;
  const gyp = process.env.npm_config_node_gyp;
  const command = gyp ? [process.execPath, gyp] : ["node-gyp"];
  run([...command, "rebuild", "--release", "--force_build=1", "--loglevel=error"], from, "better-sqlite3");
  put(compiled, path.join(root, brought));
}

function versionOf(name) {
  const older = !takesNapiSqlite && name === "better-sqlite3";
  if (older) return read("older-node/package.json").dependencies[name];
  return read(path.join("node_modules", name, "package.json")).version;
}

function read(name) {
  return JSON.parse(fs.readFileSync(path.join(root, name), "utf8"));
}

function run([file, ...args], cwd, what) {
  const done = spawnSync(file, args, {
    cwd,
    encoding: "utf8",
    maxBuffer: 64 << 20,
    env: { ...process.env, npm_config_global: "false" },
  });
  if (done.status === 0) return;
  process.stderr.write(`${done.stdout ?? ""}${done.stderr ?? ""}`);
  fail(
    `falcon-sessions: ${what} could not be built${done.error ? ` (${done.error.message})` : ""}; the words of the build stand above`,
  );
}

/**
 * Copies a program to its place, where whoever starts it at this moment gets the old or the new one, whole.
 */
function put(from, to) {
  if (path.resolve(from) === path.resolve(to)) return;
  fs.mkdirSync(path.dirname(to), { recursive: true });
  fs.copyFileSync(from, `${to}.new`);
  fs.chmodSync(`${to}.new`, 0o755);
  fs.renameSync(`${to}.new`, to);
}

/** One file under two names, or a copy where the file system has none. */
function link(from, to) {
  fs.rmSync(`${to}.new`, { force: true });
  try {
    fs.linkSync(from, `${to}.new`);
  } catch {
    return put(from, to);
  }
  fs.renameSync(`${to}.new`, to);
}

function replace(file, text) {
  fs.writeFileSync(`${file}.new`, text);
  fs.renameSync(`${file}.new`, file);
}

function fail(sentence) {
  console.error(sentence);
  process.exit(1);
}
