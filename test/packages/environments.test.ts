// The wheel in environments of other kinds than pip's own: pipx, `uv tool`, and one that conda-pack moves.
// One server serves them all, and what is done to one of them costs no session.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { alive, until } from "../support/events.ts";
import { TestHome } from "../support/home.ts";
import { lackingZig } from "../support/installs/zig.ts";
import { loadNode } from "../support/machines/room.ts";
import { root } from "../support/paths.ts";

/** Another version, as long as ours, since the client holds it in place. */
const later = "0.9.9";

const home = new TestHome();
const base = path.dirname(home.folder);
const packages = path.join(base, "packages");
/** Neither Node nor a compiler, and none of the tools themselves. */
const bare = path.join(base, "bare");

function run(file: string, args: string[], env: Record<string, string> = {}): string {
  const all = { ...process.env, HOME: home.work, ...env };
  const done = spawnSync(file, args, { encoding: "utf8", cwd: base, maxBuffer: 64 << 20, env: all });
  assert.equal(done.status, 0, `${file} ${args.join(" ")}: ${done.error ?? ""}${done.stdout}${done.stderr}`);
  return done.stdout;
}

/** The Python of a tool of PyPI, in the cache outside the clone. */
function pythonWith(tool: string): string {
  const script = `import("${root}/scripts/packages/tools.mjs").then(({ pythonWith }) => console.log(pythonWith("${tool}")))`;
  return run(process.execPath, ["--input-type=module", "-e", script], { HOME: process.env.HOME ?? "" }).trim();
}

const why = loadNode(packages) ? lackingZig() : "no Python package index answers";
describe("environments of other kinds", { skip: why }, () => {
  const env = { PATH: bare };
  let wheel: string;
  let newer: string;
  before(() => {
    const said = run(process.execPath, [path.join(root, "scripts/packages/wheel.mjs")], { HOME: process.env.HOME ?? "" });
    const built = path.join(root, /wheel: (\S+\.whl)/.exec(said)?.[1] as string);
    wheel = path.join(packages, path.basename(built));
    fs.copyFileSync(built, wheel);
    const version = /-(\d+\.\d+\.\d+)-/.exec(wheel)?.[1] as string;
    newer = run("python3", [path.join(root, "test/support/installs/renumber-wheel.py"), wheel, version, later]).trim();
    fs.mkdirSync(bare);
    for (const name of ["sh", "env", "cat", "sleep", "stty"]) fs.symlinkSync(`/bin/${name}`, path.join(bare, name));
  });
  after(() => home.dispose());

  /**
   * The program that the server runs: Node of one of the environments; "" while one takes over from another.
   */
  const serverNode = () => {
    try {
      return fs.readlinkSync(`/proc/${home.serverPid()}/exe`);
    } catch {
      return "";
    }
  };
  /** A session is found again, answers, and is left. */
  const answers = async (file: string, id: string, word: string) => {
    const viewer = home.terminal(["attach", id], { file, env });
    await viewer.waitFor("begun");
    viewer.type(`${word}\r`);
    await viewer.waitFor(`got ${word}`);
    viewer.key("C-\\");
    assert.equal((await viewer.waitForExit()).code, 0);
  };
  const echo = ["sh", "-c", "echo begun; while read -r x; do echo got $x; done"];

  test("pipx and uv tool: installed, upgraded and uninstalled while a session runs, each beside the other", async () => {
    const pipx = pythonWith("pipx");
    const uv = pythonWith("uv");
    const pipxEnv = {
      PIPX_HOME: path.join(base, "pipx"),
      PIPX_BIN_DIR: path.join(base, "pipx-bin"),
      PIPX_MAN_DIR: path.join(base, "pipx-man"),
    };
    const uvEnv = {
      UV_TOOL_DIR: path.join(base, "uv"),
      UV_TOOL_BIN_DIR: path.join(base, "uv-bin"),
      UV_CACHE_DIR: path.join(base, "uv-cache"),
      UV_PYTHON_DOWNLOADS: "never",
    };
    const byPipx = path.join(base, "pipx-bin/falcon-sessions");
    const byUv = path.join(base, "uv-bin/falcon-sessions");
    const local = ["--no-index", "--find-links", packages];
    // pipx fetches a pip of its own
    const given = `--find-links ${packages}`;
    run(pipx, ["-m", "pipx", "install", "--pip-args", given, wheel], pipxEnv);
    const id = await home.start(echo, [], { file: byPipx, env });
    const { pid } = await home.untilState(id, "running");
    await until(() => serverNode().startsWith(path.join(base, "pipx/")), "a server of pipx");
    assert.ok(fs.existsSync(path.join(base, "pipx-man/man1/falcon-sessions.1")), "man finds the pages");
    await answers(byPipx, id, "pipx");

    // a newer one by uv: its server serves both
    run(uv, ["-m", "uv", "tool", "install", ...local, newer], uvEnv);
    assert.match(await home.ok(["sessions"], { file: byUv, env }), new RegExp(id));
    await until(() => serverNode().startsWith(path.join(base, "uv/")), "a server of uv");
    await answers(byUv, id, "uv");
    await answers(byPipx, id, "older");

    // the one that the server runs from goes, then the other is upgraded
    run(uv, ["-m", "uv", "tool", "uninstall", "falcon-sessions"], uvEnv);
    assert.ok(!fs.existsSync(byUv));
    await answers(byPipx, id, "again");
    run(pipx, ["-m", "pipx", "install", "--force", "--pip-args", given, newer], pipxEnv);
    assert.match(await home.ok(["--version"], { file: byPipx, env }), new RegExp(`^falcon-sessions ${later}`));
    await answers(byPipx, id, "upgraded");
    run(pipx, ["-m", "pipx", "uninstall", "falcon-sessions"], pipxEnv);
    assert.ok(!fs.existsSync(byPipx));
    assert.ok(alive(pid as number));
    run(uv, ["-m", "uv", "tool", "install", ...local, newer], uvEnv);
    await answers(byUv, id, "adopted");
    assert.ok(alive(pid as number));
  });

  test("an environment that conda-pack packs, and conda-unpack mends elsewhere: it runs there", async () => {
    const prefix = path.join(base, "conda");
    const python = JSON.parse(run("python3", ["-c", "import json, sys; print(json.dumps(list(sys.version_info[:3])))"])).join(
      ".",
    );
    run("python3", ["-m", "venv", "--copies", prefix]);
    run(path.join(prefix, "bin/python"), ["-m", "pip", "install", "--quiet", "--no-index", "--find-links", packages, wheel]);
    // what makes a folder an environment of conda's
    fs.mkdirSync(path.join(prefix, "conda-meta"));
    fs.writeFileSync(path.join(prefix, "conda-meta/history"), "");
    const record = { name: "python", version: python, build: "0", build_number: 0, files: [], url: "", link: { source: "" } };
    fs.writeFileSync(path.join(prefix, `conda-meta/python-${python}-0.json`), JSON.stringify(record));
    const packed = path.join(base, "conda.tar");
    run(pythonWith("conda-pack"), [
      "-m",
      "conda_pack.cli",
      "--prefix",
      prefix,
      "--output",
      packed,
      "--ignore-missing-files",
      "--quiet",
    ]);
    const moved = path.join(base, "elsewhere");
    fs.mkdirSync(moved);
    run("tar", ["xf", packed, "-C", moved]);
    fs.rmSync(prefix, { recursive: true });
    run(path.join(moved, "bin/python"), [path.join(moved, "bin/conda-unpack")]);
    const file = path.join(moved, "bin/falcon-sessions");
    await home.run(["server", "stop"], { file, env });
    const id = await home.start(echo, [], { file, env });
    await home.untilState(id, "running");
    assert.ok(serverNode().startsWith(moved), serverNode());
    await answers(file, id, "moved");
  });
});
