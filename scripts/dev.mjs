// npm run dev: a copy of the product that follows the sources. It has a home of its own, so that whoever
// works on falcon-sessions also trains with an installed one; each change is built, and the running server is
// replaced by the new one, while its sessions go on.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

const root = path.resolve(import.meta.dirname, "..");
const release = path.join(root, "native", "build", "Release");
const build = path.join(import.meta.dirname, "build.mjs");
/**
 * Editors write a file in several steps, and a checkout writes hundreds: one build follows after so long (ms)
 * without another change.
 */
const quiet = 150;

// short, since a Unix socket's path is; one for each checkout, the same at each start
const name = createHash("sha256").update(root).digest("hex").slice(0, 8);
const home = process.env.FALCON_SESSIONS_HOME ?? path.join(os.tmpdir(), `falcon-dev-${os.userInfo().uid}-${name}`);
const environment = { ...process.env, FALCON_SESSIONS_HOME: home };

if (!rebuild()) process.exit(1);
console.log(`
In another terminal, to use this copy:

    export FALCON_SESSIONS_HOME=${quoted(home)}
    export PATH=${quoted(release)}:$PATH

Watching src, native and examples; Ctrl+C ends this. What you started goes on: 'falcon stop', 'falcon server stop', then remove the folder.`);

let timer;
for (const folder of ["src", "native", "examples/trainer"]) {
  fs.watch(path.join(root, folder), { recursive: true }, (_event, file) => {
    if (file !== null && isSource(file)) {
      clearTimeout(timer);
      timer = setTimeout(change, quiet);
    }
  });
}

/** node-gyp writes below native/build while it builds. */
function isSource(file) {
  return !/^build(\/|$)/.test(file) && /\.(ts|c|h|gyp)$/.test(file);
}

function change() {
  const upgraded = rebuild() && fs.existsSync(path.join(home, "server.sock"));
  // beside everything else: the next change may come while the old server stores its screens
  if (upgraded) spawn(path.join(release, "falcon"), ["server", "upgrade"], { env: environment, stdio: "inherit" });
}

/** Builds; its own words stand on the terminal. Returns whether it worked. */
function rebuild() {
  return spawnSync(process.execPath, [build], { cwd: root, stdio: "inherit" }).status === 0;
}

/** A word for the shell. */
function quoted(word) {
  return /^[\w./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
