// The package that users install: npm puts its commands on PATH, without a compiler where the prebuilt fits,
// else it builds, saying so in one line.
import assert from "node:assert/strict";
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { TestHome } from "../support/home.ts";
import { root } from "../support/paths.ts";

/** Bytes of all that npm installs (docs/design/decisions/0006-npm-package.md). */
const mostInstalled = 10.0e6;

/** Where any attempt to compile fails. */
const noCompiler = { CC: "/bin/false", CXX: "/bin/false", MAKE: "/bin/false" };

const home = new TestHome();
let archive: string;

function npm(args: string[], env: Record<string, string> = {}, cwd = home.work): SpawnSyncReturns<string> {
  return spawnSync("npm", args, { cwd, encoding: "utf8", env: { ...process.env, ...env }, maxBuffer: 64 << 20 });
}

/** Installs an archive into a prefix of its own; answers what npm did and the folder of the commands. */
function install(name: string, file: string, env: Record<string, string> = {}, ...options: string[]) {
  const prefix = path.join(home.work, name);
  const done = npm(["install", "-g", "--prefix", prefix, "--foreground-scripts", ...options, file], env);
  return {
    done,
    said: `${done.stdout}${done.stderr}`,
    bin: path.join(prefix, "bin"),
    folder: path.join(prefix, "lib/node_modules/falcon-sessions"),
  };
}

/** The archive with some of its files left out. */
function without(name: string, files: string[]): string {
  const folder = path.join(home.work, `${name}-source`);
  fs.cpSync(path.join(root, "build/npm"), folder, { recursive: true });
  const prebuilds = path.join(folder, "prebuilds");
  for (const platform of fs.readdirSync(prebuilds))
    for (const file of files) fs.rmSync(path.join(prebuilds, platform, file), { force: true });
  const [packed] = JSON.parse(npm(["pack", "--json", "--pack-destination", folder, folder]).stdout);
  return path.join(folder, packed.filename);
}

/** Bytes on the disk: the client, which has two names, once. */
function sizeOf(folder: string): number {
  const names = fs.readdirSync(folder, { recursive: true, encoding: "utf8" });
  const files = names.map((name) => fs.lstatSync(path.join(folder, name))).filter((stat) => stat.isFile());
  return [...new Map(files.map(({ ino, size }) => [ino, size])).values()].reduce((sum, size) => sum + size, 0);
}

before(() => {
  const built = npm(["run", "--silent", "build:npm"], {}, root);
  assert.equal(built.status, 0, built.stderr);
  archive = path.join(
    root,
    "build",
    `falcon-sessions-${JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8")).version}.tgz`,
  );
});
after(() => home.dispose());

describe("the package", () => {
  test("it holds what runs, and neither tests nor sources of ours but the natives'", () => {
    const listed = spawnSync("tar", ["-tzf", archive], { encoding: "utf8" }).stdout.trim().split("\n");
    const tops = new Set(listed.map((name) => name.split("/")[1]));
    assert.deepEqual([...tops].sort(), [
      "LICENSE",
      "README.md",
      "bin",
      "dist",
      "native",
      "node_modules",
      "older-node",
      "package.json",
      "prebuilds",
      "scripts",
    ]);
    assert.deepEqual(
      listed.filter((name) => /fixture|\/test\/|\.test\.|\.ts$|\.map$|win32|esbuild/.test(name)),
      [],
    );
  });

  test("npm pack in the repository says how the package is made instead of making a wrong one", () => {
    const refused = npm(["pack"], {}, root);
    assert.notEqual(refused.status, 0);
    assert.match(refused.stderr, /made by `npm run build:npm`/);
  });
});

describe("npm install -g of it, without a compiler", () => {
  let bin: string;
  let folder: string;
  before(() => {
    const installed = install("prebuilt", archive, noCompiler);
    assert.equal(installed.done.status, 0, installed.said);
    assert.doesNotMatch(installed.said, /building/);
    assert.ok(
      fs.existsSync(path.join(installed.bin, "../share/man/man1/falcon-sessions.1.gz")),
      "man finds the pages beside bin",
    );
    ({ bin, folder } = installed);
  });
  after(() => home.run(["server", "stop"], { file: path.join(bin, "falcon") }));

  test("both commands are on PATH, and are the native client", async () => {
    for (const name of ["falcon", "falcon-sessions"]) {
      const head = fs.readFileSync(path.join(bin, name)).subarray(0, 4).toString("latin1");
      assert.ok(head === "\x7fELF" || process.platform !== "linux", name);
      assert.match(await home.ok(["--version"], { file: path.join(bin, name) }), /^falcon-sessions \d/);
    }
  });

  test("a session runs, is listed, attached and exported as a picture; the trainer trains", async () => {
    const file = path.join(bin, "falcon");
    await home.ok(["run", "-d", "--name", "shell", "--", "sh", "-c", "echo from the session; exec cat"], { file });
    assert.match(await home.ok(["sessions"], { file }), /running +shell/);
    const terminal = home.terminal(["attach", "shell"], { file });
    await terminal.waitFor(/from the session/);
    terminal.type("\x1c");
    await terminal.waitForExit();
    await home.ok(["export", "shell", "--format", "png", "-o", "shell.png"], { file });
    assert.equal(fs.readFileSync(path.join(home.work, "shell.png")).subarray(1, 4).toString(), "PNG");
    await home.ok(["kill", "shell"], { file });
    const trainer = path.join(folder, "dist/trainer.cjs");
    fs.cpSync(path.join(root, "examples/trainer"), path.join(home.work, "trainer"), { recursive: true });
    const launched = home.run(["launch", "--falcon", trainer, "--timeout", "1"], { file, cwd: path.join(home.work, "trainer") });
    assert.equal((await launched).code, 0, (await launched).stderr);
  });

  test(`less than ${mostInstalled / 1e6} MB are installed`, () => {
    const size = sizeOf(folder);
    assert.ok(size < mostInstalled, `${size} bytes`);
    assert.equal(fs.existsSync(path.join(folder, "prebuilds")), false);
  });
});

describe("where npm runs no install scripts", () => {
  test("the commands are on PATH all the same, and the first call does what the script would have done", async () => {
    const { done, said, bin } = install("no-scripts", archive, noCompiler, "--ignore-scripts");
    assert.equal(done.status, 0, said);
    const file = path.join(bin, "falcon");
    assert.match(fs.readFileSync(file, "utf8"), /^#!\/bin\/sh/);
    assert.match(await home.ok(["--version"], { file }), /^falcon-sessions \d/);
    assert.match(await home.ok(["--version"], { file }), /^falcon-sessions \d/);
    assert.notEqual(fs.readFileSync(file).subarray(0, 2).toString(), "#!");
    await home.ok(["server", "stop"], { file });
  });
});

describe("where no prebuilt fits", () => {
  const ours = ["falcon", "holder", "sys.node"];

  test("it is built, and one line says so", async () => {
    const { done, said, bin } = install("built", without("built", ours));
    assert.equal(done.status, 0, said);
    const lines = said.split("\n").filter((line) => /prebuilt/.test(line));
    assert.equal(lines.length, 1, said);
    assert.match(lines[0] as string, /a prebuilt client, holder, addon .*: building/);
    const file = path.join(bin, "falcon");
    assert.match(await home.ok(["--version"], { file }), /^falcon-sessions \d/);
    await home.ok(["server", "stop"], { file });
  });

  test("without a compiler one sentence says what is missing, and nothing is installed", () => {
    const { done, said, bin } = install("refused", without("refused", ours), noCompiler);
    assert.notEqual(done.status, 0);
    assert.match(said, /this machine lacks a C compiler \(`\/bin\/false`\)/);
    assert.equal(fs.existsSync(path.join(bin, "falcon")), false);
  });

  const long = process.env.FALCON_TEST_LONG === "1" ? false : "FALCON_TEST_LONG=1 compiles SQLite (two minutes)";
  test("node-pty and better-sqlite3 are built from the registry's sources", { skip: long }, async () => {
    const { done, said, bin } = install("all", without("all", [...ours, "pty.node", "better_sqlite3.node"]));
    assert.equal(done.status, 0, said);
    const file = path.join(bin, "falcon");
    await home.ok(["run", "-d", "--name", "built", "--", "cat"], { file });
    await home.ok(["kill", "built"], { file });
    await home.ok(["server", "stop"], { file });
  });
});
