// The tools of PyPI that build packages, in a virtual environment of their own in the cache outside the
// clone; each pinned.
import { execFile, spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";

/**
 * `build` makes a wheel with hatchling in an isolated environment; `ziglang` is a C and C++ compiler for
 * every system that we build for. The others install or move what was built, in tests.
 */
export const pinned = { build: "1.6.1", ziglang: "0.17.1", pipx: "1.18.4", uv: "0.13.9", "conda-pack": "0.9.2" };

/** What is kept from run to run, outside the clone: gigabytes that serve every tree. */
export const cache = path.join(process.env.XDG_CACHE_HOME ?? path.join(os.homedir(), ".cache"), "falcon-sessions-ci");

/** The most that a program may print. */
const maxBuffer = 64 << 20;

/**
 * A Python that has the tool.
 * @param {keyof typeof pinned} name
 * @returns {string} its path.
 * @throws Error where it cannot be installed.
 */
export function pythonWith(name) {
  const folder = path.join(cache, `${name}-${pinned[name]}`);
  const python = path.join(folder, "bin", "python");
  if (fs.existsSync(path.join(folder, "complete"))) return python;
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(cache, { recursive: true });
  run("python3", ["-m", "venv", folder]);
  run(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", `${name}==${pinned[name]}`]);
  fs.writeFileSync(path.join(folder, "complete"), "");
  return python;
}

/**
 * Runs a program to its end.
 * @returns {string} what it printed, on both outputs.
 * @throws Error with its words where it fails.
 */
export function run(file, args, options = {}) {
  const done = spawnSync(file, args, { encoding: "utf8", maxBuffer, ...options });
  if (done.status !== 0) throw failed(file, args, done, done.error);
  return `${done.stdout ?? ""}${done.stderr ?? ""}`;
}

/** As `run`, while others run. */
export async function runBeside(file, args, options = {}) {
  try {
    const { stdout, stderr } = await promisify(execFile)(file, args, { maxBuffer, ...options });
    return `${stdout}${stderr}`;
  } catch (error) {
    // a number is the status with which the program ended
    throw failed(file, args, error, typeof error.code === "number" ? undefined : error);
  }
}

function failed(file, args, { stdout, stderr }, error) {
  const why = error ? ` (${error.message})` : "";
  return new Error(`${file} ${args.join(" ")}\nfailed${why}:\n${stdout ?? ""}${stderr ?? ""}`);
}
