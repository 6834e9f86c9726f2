// The native files of an installation: what they are called, where they belong, and whether those that are
// there run on this machine.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";

/** This machine's kind, as better-sqlite3 calls it: linux-x64, linuxmusl-arm64, darwin-arm64 … */
export function platformName() {
  const musl = process.platform === "linux" && !process.report.getReport().header.glibcVersionRuntime;
  return `${process.platform}${musl ? "musl" : ""}-${process.arch}`;
}

/**
 * better-sqlite3 13 is for every Node with N-API 10 (22.14); an older Node takes version 12, compiled for its
 * own ABI (docs/design/decisions/0005-sqlite-by-node.md).
 */
export const takesNapiSqlite = Number(process.versions.napi) >= 10;

/** Where better-sqlite3 lies below the package, for this Node. */
export const sqliteFolder = takesNapiSqlite ? "node_modules/better-sqlite3" : "older-node/node_modules/better-sqlite3";

/**
 * Native files of a platform by their names in a prebuilt's folder, and where each belongs below the package.
 */
export function nativeFiles(platform) {
  const release = "native/build/Release";
  return {
    falcon: `${release}/falcon`,
    holder: `${release}/holder`,
    "sys.node": `${release}/sys.node`,
    "pty.node": "node_modules/node-pty/build/Release/pty.node",
    ...(platform.startsWith("darwin") ? { "spawn-helper": "node_modules/node-pty/build/Release/spawn-helper" } : {}),
    "better_sqlite3.node": `node_modules/better-sqlite3/prebuilds/${platform}.node`,
  };
}

/**
 * better-sqlite3 12 and what it loads, for the ABI of the running Node; there where the package was made with
 * such a Node.
 */
export function olderSqlite(platform) {
  return `prebuilds/${platform}/node-${process.versions.modules}`;
}

/**
 * What each part has to do to be taken for one that runs here. Each in a process of its own: a wrong binary
 * may abort it.
 */
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
  // version 13 ends an older Node with a segmentation fault
  "better-sqlite3": (root) =>
    fs.existsSync(path.join(root, sqliteFolder)) &&
    runs(`new (require(${JSON.stringify(path.join(root, sqliteFolder))}))(":memory:").prepare("SELECT 1").get()`),
};

/** The parts of an installation that do not run here; empty: all do. */
export function broken(root) {
  return Object.keys(trials).filter((part) => !trials[part](root));
}

function runs(script) {
  return spawnSync(process.execPath, ["-e", script], { stdio: "ignore" }).status === 0;
}
