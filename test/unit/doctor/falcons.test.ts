// Who gets which falcon: by PATH, by the function of init, in a script that activates an environment; and
// what is warned of.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, test } from "node:test";
import { checkFalcons, falconFacts, isInForce } from "../../../src/doctor/falcons.ts";

const base = fs.mkdtempSync("/tmp/fs-");
after(() => fs.rmSync(base, { recursive: true, force: true }));

function script(name: string, text: string): string {
  const file = path.join(base, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text, { mode: 0o755 });
  return file;
}
const facts = (environment: Record<string, string>) =>
  falconFacts({ environment, directory: base, limits: [], onTerminal: false, version: "1" }, base, process.pid);

const shim = '#!/bin/sh\nexec falcon-sessions "$@"\n';
const python = "#!/no/such/python\n";

test("each environment and each shell, by what stands first and by its start file", async () => {
  const home = path.join(base, "home");
  const theirs = script("theirs/bin/falcon", python);
  const ours = script("ours/falcon", shim);
  script("venv/bin/falcon", python);
  script("tools/bash", "");
  script("tools/zsh", "");
  fs.mkdirSync(path.join(home, ".conda"), { recursive: true });
  fs.writeFileSync(path.join(home, ".conda/environments.txt"), `${path.join(base, "gone")}\n${path.join(base, "theirs")}\n`);
  fs.writeFileSync(path.join(home, ".bashrc"), '# falcon init bash\neval "$(falcon-sessions init bash)"\n');
  fs.writeFileSync(path.join(home, ".zshrc"), '# eval "$(falcon-sessions init zsh)"\n');
  const PATH = [path.dirname(theirs), path.dirname(ours), path.join(base, "tools")].join(":");
  const { seen } = await facts({ PATH, HOME: home });
  const by = Object.fromEntries(seen.map(({ who, ours: o }) => [who.replaceAll(base, ""), o]));
  assert.deepEqual(by, {
    "this shell": false,
    "what it starts: scripts, nohup, xargs": false,
    "an interactive bash": true,
    "an interactive zsh": false,
    "a script that activates /venv": false,
    "a script that activates /theirs": false,
    "an empty environment: env -i, cron": false,
  });
});

test("the warning goes when the remedy is in force", async () => {
  const theirs = path.join(base, "theirs");
  script("theirs/bin/falcon", python);
  const ids = async (environment: Record<string, string>) => checkFalcons(await facts(environment)).map((f) => f.id);
  const PATH = path.join(theirs, "bin");
  assert.deepEqual(await ids({ PATH, VIRTUAL_ENV: theirs }), ["shadowed"]);
  // this process is the parent of none: its own parent stands for the shell that called
  const inForce = { FALCON_SESSIONS_INIT: `bash:${process.ppid}` };
  assert.deepEqual(await ids({ PATH, VIRTUAL_ENV: theirs, ...inForce }), ["scripts-bypass"]);
  assert.deepEqual(await ids({ PATH: `${path.join(base, "ours")}:${PATH}`, ...inForce }), []);
  assert.deepEqual(await ids({ PATH: path.join(base, "nothing") }), []);
  script("theirs/bin/falcon-python", python);
  script("theirs/bin/falcon", shim);
  assert.deepEqual(await ids({ PATH, VIRTUAL_ENV: theirs }), []);
  script("theirs/bin/falcon", python);
  assert.deepEqual(await ids({ PATH, VIRTUAL_ENV: theirs }), ["shadowed", "shim-overwritten"]);
});

test("init is in force in the shell that evaluated it and in its forks, not in what it starts", () => {
  const parents = new Map([
    [50, 40],
    [40, 30],
    [30, 1],
    [60, 30],
    [70, 65],
    [65, 30],
  ]);
  const words = new Map([
    [30, ["bash"]],
    [40, ["bash"]],
    [65, ["bash", "script.sh"]],
  ]);
  const processes = {
    parentOf: (pid: number) => parents.get(pid) ?? (pid === process.pid ? 1 : null),
    commandLine: (pid: number) => words.get(pid) ?? [],
  };
  assert.equal(isInForce("bash:30", 60, processes), true);
  assert.equal(isInForce("bash:30", 50, processes), true, "through a fork of the shell: a pipe");
  assert.equal(isInForce("bash:30", 70, processes), false, "in a script");
  assert.equal(isInForce("bash:99", 60, processes), false);
  assert.equal(isInForce(undefined, 60, processes), false);
  const none = { parentOf: () => null, commandLine: () => [] };
  assert.equal(isInForce("bash:30", 60, none), true, "where the system does not tell parents");
});

test("no more than the limits: twenty environments, start files of 1 MiB", async () => {
  const home = path.join(base, "much");
  fs.mkdirSync(path.join(home, ".conda"), { recursive: true });
  const many = Array.from({ length: 30 }, (_, i) => path.join(home, `env${i}`));
  for (const prefix of many) script(path.relative(base, path.join(prefix, "bin/falcon")), python);
  fs.writeFileSync(path.join(home, ".conda/environments.txt"), many.join("\n"));
  fs.writeFileSync(path.join(home, ".bashrc"), `${"#".repeat(1 << 20)}\neval "$(falcon init bash)"\n`);
  const { seen } = await facts({ PATH: "/usr/bin:/bin", HOME: home });
  // two of the twenty are .venv and venv of the folder
  assert.equal(seen.filter(({ who }) => who.includes(`${home}/env`)).length, 18);
  assert.equal(seen.find(({ who }) => who === "an interactive bash")?.ours ?? false, false);
});
