// The native files of an installation: what they are called, where they belong, and whether those that are there run on this machine.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";

/** This machine's kind, as better-sqlite3 calls it: linux-x64, linuxmusl-arm64, darwin-arm64 … */
export function platformName() {
  const musl = process.platform === "linux" && !process.report.getReport().header.glibcVersionRuntime;
  return `${process.platform}${musl ? "musl" : ""}-${process.arch}`;
}

/**
 * Native files by their names in a prebuilt's folder, and where each belongs below the package. better-sqlite3 13 (N-API, any Node from 22.14 on) looks
 * for its own in prebuilds/<platform>.node, earlier ones (of one Node's ABI) in build/Release.
 */
export function nativeFiles(platform, napiSqlite) {
  const release = "native/build/Release";
  const sqlite = "node_modules/better-sqlite3";
  return {
    falcon: `${release}/falcon`,
    holder: `${release}/holder`,
    "sys.node": `${release}/sys.node`,
    "pty.node": "node_modules/node-pty/build/Release/pty.node",
    ...(platform.startsWith("darwin") ? { "spawn-helper": "node_modules/node-pty/build/Release/spawn-helper" } : {}),
    "better_sqlite3.node": napiSqlite ? `${sqlite}/prebuilds/${platform}.node` : `${sqlite}/build/Release/better_sqlite3.node`,
  };
}

/** Whether the better-sqlite3 of this folder is one for every Node (N-API). */
export function isNapiSqlite(root) {
  const { version } = JSON.parse(fs.readFileSync(path.join(root, "node_modules/better-sqlite3/package.json"), "utf8"));
  return Number.parseInt(version, 10) >= 13;
}

/** What each part has to do to be taken for one that runs here. Each in a process of its own: a wrong binary may abort it. */
const trials = {
  client: (root) => {
    const { status } = spawnSync(path.join(root, "native/build/Release/falcon"), ["--version"], {
      env: { FALCON_SESSIONS_HOME: "/" },
      stdio: "ignore",
    });
    return status === 125; // it refuses this folder
  },
  holder: (root) => typeof spawnSync(path.join(root, "native/build/Release/holder"), [], { stdio: "ignore" }).status === "number",
  addon: (root) => runs(`require(${JSON.stringify(path.join(root, "native/build/Release/sys.node"))})`),
  "node-pty": (root) => runs(`require(${JSON.stringify(path.join(root, "node_modules/node-pty"))})`),
  "better-sqlite3": (root) =>
    runs(
      `new (require(${JSON.stringify(path.join(root, "node_modules/better-sqlite3"))}))(":memory:").prepare("SELECT 1").get()`,
    ),
};

/** The parts of an installation that do not run here; empty: all do. */
export function broken(root) {
  return Object.keys(trials).filter((part) => !trials[part](root));
}

function runs(script) {
  return spawnSync(process.execPath, ["-e", script], { stdio: "ignore" }).status === 0;
}
