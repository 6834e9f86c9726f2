// npm run test:falcon [-- [--spec SPEC] [FILE ...]]: the tests with a real falcon. Without --spec it is the
// one of FALCON_BIN or PATH; `--spec 'falcon-sbi==0.4.2'` is installed by pip; with FALCON_SOURCE, a folder
// of falcon's source, that is. Both into a virtual environment in the user's cache, which takes what falcon
// needs (torch, Ray) from the environment of VIRTUAL_ENV where that has it.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { asked } from "./asked.mjs";

/** Whether an environment has what falcon needs, and where. */
const ask =
  "import importlib.util as u, sysconfig; print('has' if all(map(u.find_spec, ('torch', 'ray', 'blessed'))) else 'not'); print(sysconfig.get_path('purelib'))";

const {
  values: { spec },
  positionals: files,
} = asked(
  { options: { spec: { type: "string" } }, allowPositionals: true },
  "; --spec takes what pip installs: --spec 'falcon-sbi==0.4.2'",
);
const source = process.env.FALCON_SOURCE ? path.resolve(process.env.FALCON_SOURCE) : undefined;
if (spec !== undefined && source !== undefined) fail("--spec and FALCON_SOURCE are two falcons: give one");
if (source !== undefined && !fs.existsSync(path.join(source, "pyproject.toml")))
  fail(`FALCON_SOURCE names ${source}, which is no source of a Python package`);
const env = spec === undefined && source === undefined ? process.env : environmentOf(spec ?? source);
const tests = files.length > 0 ? files : ["falcon"];
const run = spawnSync(process.execPath, [path.join(import.meta.dirname, "test.mjs"), ...tests], { stdio: "inherit", env });
process.exit(run.status ?? 1);

function environmentOf(what) {
  const base = process.env.VIRTUAL_ENV ? path.join(process.env.VIRTUAL_ENV, "bin/python") : "python3";
  const cache = path.join(
    process.env.XDG_CACHE_HOME || path.join(os.homedir(), ".cache"),
    "falcon-sessions",
    "test-environments",
  );
  const key = createHash("sha256").update(`${base}\n${what}`).digest("hex").slice(0, 12);
  const folder = path.join(cache, `${path.basename(what).replace(/[^\w.=-]/g, "_")}-${key}`);
  const bin = path.join(folder, "bin");
  const done = path.join(folder, "complete");
  // a source may have changed since
  if (!fs.existsSync(done) || what === source) {
    fs.rmSync(done, { force: true });
    if (!fs.existsSync(path.join(bin, "python"))) must(base, ["-m", "venv", folder]);
    const [needs, packages] = must(base, ["-c", ask]).trim().split("\n");
    if (needs === "has") {
      const [own] = must(path.join(bin, "python"), ["-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).split("\n");
      fs.writeFileSync(path.join(own, "what-falcon-needs.pth"), `${packages}\n`);
    }
    const alone = needs === "has" ? ["--no-deps", "--force-reinstall"] : [];
    must(path.join(bin, "python"), ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...alone, what]);
    if (needs !== "has")
      must(path.join(bin, "python"), ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "blessed"]);
    fs.writeFileSync(done, "");
  }
  console.log(`${what} in ${folder}`);
  return { ...process.env, VIRTUAL_ENV: folder, FALCON_BIN: path.join(bin, "falcon"), PATH: `${bin}:${process.env.PATH}` };
}

function must(command, words) {
  const { status, stdout, stderr, error } = spawnSync(command, words, { encoding: "utf8" });
  if (status !== 0) fail(`${command} ${words.slice(0, 3).join(" ")}: ${(error?.message ?? stderr).trim().split("\n").at(-1)}`);
  return stdout;
}

function fail(sentence) {
  console.error(`test:falcon: ${sentence}`);
  process.exit(2);
}
