// Nothing bypasses a session: `falcon launch` by nohup, xargs, env -i, watch and a script that activates a
// real venv, with `init --shim` and `install-shim`.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { TestHome } from "../../support/home.ts";
import { tool } from "../../support/installs/foreign.ts";
import * as built from "../../support/paths.ts";

before(() => assert.deepEqual(built.notBuilt(), [], "npm run build comes first"));

const python = spawnSync("python3", ["-m", "venv", "--help"]).status === 0;
const skip = python ? false : "no python3 with venv";

/**
 * A real venv with a console script as pip writes it, which says that it ran, as what, and in which session.
 */
function makeVenv(folder: string): string {
  const made = spawnSync("python3", ["-m", "venv", "--without-pip", folder], { encoding: "utf8" });
  assert.equal(made.status, 0, made.stderr);
  writeFalcon(folder);
  return folder;
}

function writeFalcon(venv: string): void {
  fs.writeFileSync(
    path.join(venv, "bin/falcon"),
    `#!${venv}/bin/python3\nimport os, sys\nprint("python:", *sys.argv[1:], "in", os.environ.get("FALCON_SESSION", "no session"))\n`,
    { mode: 0o755 },
  );
}

/** `python: launch ... in <session>`, where a session's id has six characters. */
const inSession = /python: launch .*in [a-z0-9]{6}$/m;
const bypassed = /python: .*in no session$/m;

describe("install-shim", { skip }, () => {
  const home = new TestHome();
  const venv = path.join(home.work, "venv");
  let ours: string;
  before(() => {
    makeVenv(venv);
    ours = path.join(home.work, "our bin");
    fs.mkdirSync(ours);
    fs.symlinkSync(built.falcon, path.join(ours, "falcon-sessions"));
  });
  after(() => home.dispose());
  const script = (text: string) => home.run(["-c", text], { file: "/bin/bash", env: { PATH: `${ours}:${home.env.PATH}` } });

  test("a script that activates the environment launches a session, and so do nohup, xargs and env -i", async () => {
    const batch = `. ${venv}/bin/activate\nfalcon launch a=1\n`;
    assert.match((await script(batch)).stdout, bypassed, "without a remedy it is the Python falcon");
    const before = (await home.sessions()).length;
    assert.match(await home.ok(["install-shim", venv]), /falcon is ours; the Python falcon is .*falcon-python/);
    const ways = [
      batch,
      `. ${venv}/bin/activate\nnohup falcon launch a=1 >out 2>&1 &\nwait $!; cat out`,
      `. ${venv}/bin/activate\necho a=1 | xargs falcon launch`,
      `. ${venv}/bin/activate\nsh -c 'exec falcon launch a=1'`,
      `env -i FALCON_SESSIONS_HOME=$FALCON_SESSIONS_HOME ${venv}/bin/falcon launch a=1`,
      `cd ${venv}/bin && env -i FALCON_SESSIONS_HOME=$FALCON_SESSIONS_HOME PATH=.:/usr/bin:/bin falcon launch a=1`,
      `unset VIRTUAL_ENV; ln -sf ${venv}/bin/falcon linked; ./linked launch a=1`,
    ];
    for (const way of ways) {
      const { stdout, stderr, code } = await script(way);
      assert.match(stdout, inSession, `${way}\n${stdout}${stderr}`);
      assert.equal(code, 0, way);
    }
    const sessions = await home.sessions();
    assert.equal(sessions.length, before + ways.length, "each is a session");
    for (const row of sessions) assert.deepEqual((row.command as string[])[0], path.join(venv, "bin/falcon-python"));
  });

  test("the environment's falcon gets what is not ours, whichever environment is active", async () => {
    const other = makeVenv(path.join(home.work, "other"));
    const said = await script(`. ${other}/bin/activate\n${venv}/bin/falcon sample prior; which falcon`);
    assert.match(said.stdout, /python: sample prior in no session/);
    const show = await script(`. ${other}/bin/activate\n${venv}/bin/falcon --version; falcon-sessions --version`);
    assert.match(show.stdout, new RegExp(`${venv}/bin/falcon-python[^]*${other}/bin/falcon\n`));
    const forced = await home.run(["launch", "a=1"], { env: { FALCON_BIN: path.join(venv, "bin/falcon") } });
    assert.match(forced.stdout, inSession, "FALCON_BIN names the shim: the falcon behind it is meant");
  });

  test("a session that was started before is relaunched by the Python falcon, and after --remove too", async () => {
    const old = makeVenv(path.join(home.work, "old"));
    const environment = { PATH: `${old}/bin:${home.env.PATH}` };
    const launch = async () => {
      await home.ok(["launch", "-o", "run", "--name", "first", "a=1"], { env: environment });
      return (await home.sessions()).filter((row) => row.name === "first").at(-1)?.id as string;
    };
    const before = await launch();
    await home.ok(["install-shim", old]);
    assert.match(await home.ok(["relaunch", before]), inSession);
    const through = await launch();
    await home.ok(["install-shim", old, "--remove"]);
    assert.match(await home.ok(["relaunch", through]), inSession);
  });

  test("done twice, after pip wrote its falcon anew, undone, undone twice", async () => {
    const file = path.join(venv, "bin/falcon");
    assert.match(await home.ok(["install-shim", venv]), /ours already/);
    writeFalcon(venv);
    fs.appendFileSync(file, "# newer\n");
    const doctor = await home.run(["doctor"], { env: { VIRTUAL_ENV: venv } });
    assert.match(doctor.stdout, new RegExp(`${file} was ours, and has been installed anew since[^]*install-shim ${venv}`));
    await home.ok(["install-shim", venv]);
    assert.match(fs.readFileSync(path.join(venv, "bin/falcon-python"), "utf8"), /# newer/);
    assert.match(await home.ok(["install-shim", "--remove"], { env: { VIRTUAL_ENV: venv } }), /is the Python falcon again/);
    assert.match(fs.readFileSync(file, "utf8"), /# newer/);
    assert.equal(fs.existsSync(path.join(venv, "bin/falcon-python")), false);
    assert.match(await home.ok(["install-shim", venv, "--remove"]), /is not ours: nothing to undo/);
    await home.ok(["install-shim", venv]);
    writeFalcon(venv);
    await home.ok(["install-shim", venv, "--remove"]);
    assert.match(fs.readFileSync(file, "utf8"), /python:/, "what pip wrote stays");
    assert.equal(fs.existsSync(path.join(venv, "bin/falcon-python")), false);
  });

  test("when we are gone the Python falcon runs, with a word", async () => {
    await home.ok(["install-shim", venv]);
    const file = path.join(venv, "bin/falcon");
    fs.writeFileSync(file, fs.readFileSync(file, "utf8").replace(/^client='.*'$/m, "client='/gone/falcon'"));
    const { stdout, stderr, code } = await home.run(["launch", "a=1"], { file, env: { PATH: "/usr/bin:/bin" } });
    assert.match(stdout, bypassed);
    assert.match(stderr, /falcon-sessions is not installed any more, so this runs without a session/);
    assert.equal(code, 0);
    await home.ok(["install-shim", venv, "--remove"]);
  });

  test("no environment, none active, an environment without falcon: one sentence, nothing changed", async () => {
    const empty = path.join(home.work, "empty");
    spawnSync("python3", ["-m", "venv", "--without-pip", empty]);
    for (const [args, sentence] of [
      [["install-shim", home.work], /is no Python environment: name the folder/],
      [["install-shim", "/no/such"], /is no Python environment/],
      [["install-shim"], /name an environment's folder, or activate it first/],
      [["install-shim", empty], /has no falcon: '.*pip install/],
    ] as const) {
      const { code, stderr } = await home.run([...args]);
      assert.match(stderr, sentence);
      assert.equal(stderr.trim().split("\n").length, 1);
      assert.equal(code, 2);
    }
    assert.deepEqual(
      fs.readdirSync(path.join(empty, "bin")).filter((name) => name.includes("falcon")),
      [],
    );
  });
});

interface Shell {
  name: string;
  arguments: string[];
  prepare: string[];
  load: string;
  activate: (venv: string) => string;
}

const shells: Shell[] = [
  {
    name: "bash",
    arguments: ["--norc", "--noprofile", "-i"],
    prepare: ["PS1='ready> '", "PROMPT_COMMAND='seen=$?'"],
    load: 'eval "$(falcon-sessions init bash)"',
    activate: (venv) => `. ${venv}/bin/activate`,
  },
  {
    name: "zsh",
    arguments: ["-f", "-i"],
    prepare: ["PS1='ready> '", "unsetopt beep prompt_sp"],
    load: 'eval "$(falcon-sessions init zsh)"',
    activate: (venv) => `. ${venv}/bin/activate`,
  },
  {
    name: "fish",
    arguments: ["--no-config", "-i"],
    prepare: ["function fish_prompt; echo 'ready> '; end", "set -g fish_greeting", "set -g fish_autosuggestion_enabled 0"],
    load: "falcon-sessions init fish | source",
    activate: (venv) => `. ${venv}/bin/activate.fish`,
  },
];

for (const shell of shells) {
  const file = tool(shell.name);
  const absent = file === undefined ? `${shell.name} is not installed` : skip;
  describe(`init --shim in ${shell.name}`, { skip: absent }, () => {
    const home = new TestHome();
    let venv: string;
    before(() => {
      venv = makeVenv(path.join(home.work, "venv"));
    });
    after(() => home.dispose());

    test("after an activation nohup, xargs and watch get ours, and doctor has nothing to say", async () => {
      const ours = path.join(home.work, "our bin");
      fs.mkdirSync(ours);
      fs.symlinkSync(built.falcon, path.join(ours, "falcon-sessions"));
      const environment = { PATH: `${ours}:${home.env.PATH}`, SHELL: file as string };
      const folder = path.join(home.work, "it's [a] shim");
      assert.match(
        await home.ok(["init", "--shim", folder], { env: environment }),
        new RegExp(`init ${shell.name}`),
        "its next step",
      );
      const terminal = home.terminal(shell.arguments, { file: file as string, cols: 200, rows: 50, env: environment });
      for (const line of [...shell.prepare, shell.load, shell.activate(venv), "echo activat''ed"]) terminal.type(`${line}\r`);
      await terminal.waitFor(/^activated/m);
      terminal.type("nohup falcon launch by=nohup > out 2>&1; cat out\r");
      await terminal.waitFor(/python: launch .*by=nohup in [a-z0-9]{6}/);
      terminal.type("echo by=xargs | xargs falcon launch\r");
      await terminal.waitFor(/python: launch .*by=xargs in [a-z0-9]{6}/);
      terminal.type("falcon doctor --json > doctor.json; echo do''ne\r");
      await terminal.waitFor(/^done/m);
      const answer = JSON.parse(fs.readFileSync(path.join(home.work, "doctor.json"), "utf8"));
      const found: string[] = answer.conditions.flatMap((c: { findings: { id: string }[] }) => c.findings.map((f) => f.id));
      assert.deepEqual(
        found.filter((id) => /shadowed|bypass|shim/.test(id)),
        [],
      );
      const seen = Object.fromEntries(answer.falcons.map((f: { who: string; ours: boolean }) => [f.who, f.ours]));
      assert.equal(seen["this shell"], true);
      assert.equal(seen["what it starts: scripts, nohup, xargs"], true);
      assert.equal(seen[`a script that activates ${venv}`], false);
      terminal.type("deactivate\r");
      terminal.type("sh -c 'command -v falcon'; echo af''ter\r");
      await terminal.waitFor(/it's \[a\] shim\/falcon\s+after/);
    });

    test("watch, which starts a shell of its own", { skip: tool("watch") === undefined ? "no watch" : false }, async () => {
      await home.start(["/bin/cat"], ["--name", "watched"]);
      const folder = path.join(home.work, "it's [a] shim");
      const terminal = home.terminal(["-n", "0.5", "falcon", "sessions"], {
        file: tool("watch") as string,
        cols: 120,
        env: { PATH: `${folder}:${venv}/bin:${home.env.PATH}` },
      });
      await terminal.waitFor(/watched/);
      terminal.type("\x03");
      await terminal.waitForExit();
    });
  });
}

describe("init --shim", () => {
  const home = new TestHome();
  after(() => home.dispose());

  test("in bash the status of the last command survives the hook, and an array of hooks stays one", async () => {
    await home.ok(["init", "--shim"]);
    const script = await home.ok(["init", "bash"]);
    const said = spawnSync(
      "bash",
      [
        "-c",
        `PROMPT_COMMAND=(one two)\n${script}\n${script}\ndeclare -p PROMPT_COMMAND\nPATH=/x:$PATH:/y\n(exit 7); __falcon_sessions_path; echo "$? $PATH"`,
      ],
      { encoding: "utf8", env: { ...home.env, PATH: "/usr/bin:/bin" } },
    ).stdout;
    assert.match(said, /\[0\]="one" \[1\]="two" \[2\]="__falcon_sessions_path"\)/);
    assert.match(said, new RegExp(`7 ${home.work}/.local/share/falcon-sessions/shim:/x:/usr/bin:/bin:/y\n`));
  });

  test("a folder that holds anything else, or cannot be on PATH or written: one sentence", async () => {
    fs.mkdirSync(path.join(home.work, "bin"));
    fs.writeFileSync(path.join(home.work, "bin/ls"), "");
    for (const [folder, sentence, code] of [
      ["bin", /holds ls, and would stand before everything else on PATH: name a folder of its own/, 2],
      ["a:b", /cannot have ':'/, 2],
      ["bin/ls/x", /cannot be made there/, 125],
    ] as const) {
      const said = await home.run(["init", "--shim", folder]);
      assert.match(said.stderr, sentence);
      assert.equal(said.code, code);
    }
    assert.match(await home.ok(["init", "--shim", "bash"]), /__falcon_sessions_path/, "the shell's name is no folder");
  });

  test("a script that is named as the Python falcon and calls falcon gets the next one, and never us in a circle", async () => {
    const shim = path.join(home.work, ".local/share/falcon-sessions/shim");
    const wrapper = path.join(home.work, "wrapper");
    const real = path.join(home.work, "real");
    fs.mkdirSync(real);
    fs.writeFileSync(
      path.join(real, "falcon"),
      '#!/usr/bin/env python3\nimport os, sys\nprint("python:", *sys.argv[1:], "in", os.environ.get("FALCON_SESSION", "no session"))\n',
      { mode: 0o755 },
    );
    fs.writeFileSync(wrapper, '#!/bin/sh\necho wrapped\nexec falcon "$@"\n', { mode: 0o755 });
    const env = { PATH: `${shim}:${real}:${home.env.PATH}`, FALCON_BIN: wrapper };
    const count = (await home.sessions()).length;
    const { stdout } = await home.run(["launch", "a=1"], { env });
    assert.match(stdout, /^wrapped\r?\npython: launch .*a=1 in [a-z0-9]{6}/m);
    assert.equal((await home.sessions()).length, count + 1, "one session, not one in another");
    assert.match((await home.run(["sample"], { env })).stdout, /^wrapped\npython: sample in no session$/m);
    const alone = await home.run(["sample"], { env: { PATH: `${shim}:/usr/bin:/bin`, FALCON_BIN: wrapper } });
    assert.match(alone.stderr, /no Python falcon found/);
    assert.equal(alone.code, 127);
  });
});
