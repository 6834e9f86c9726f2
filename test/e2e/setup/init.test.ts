// `falcon init` in real shells: `falcon` is ours though another one stands first on PATH, and Tab completes.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { TestHome } from "../../support/home.ts";
import { tool } from "../../support/installs/foreign.ts";
import * as built from "../../support/paths.ts";
import type { UserTerminal } from "../../support/terminal/terminal.ts";

before(() => assert.deepEqual(built.notBuilt(), [], "npm run build comes first"));

interface Shell {
  name: string;
  arguments: string[];
  /** Lines that make it a quiet shell with a known prompt. */
  prepare: string[];
  load: (client: string) => string;
}

const shells: Shell[] = [
  {
    name: "bash",
    arguments: ["--norc", "--noprofile", "-i"],
    prepare: ["PS1='ready> '", "bind 'set bell-style none'"],
    load: (client) => `eval "$(${client} init bash)"`,
  },
  {
    name: "zsh",
    arguments: ["-f", "-i"],
    prepare: ["PS1='ready> '", "unsetopt beep prompt_sp", "autoload -Uz compinit && compinit -u -D"],
    load: (client) => `eval "$(${client} init zsh)"`,
  },
  {
    name: "fish",
    arguments: ["--no-config", "-i"],
    prepare: ["function fish_prompt; echo 'ready> '; end", "set -g fish_greeting", "set -g fish_autosuggestion_enabled 0"],
    load: (client) => `${client} init fish | source`,
  },
];

for (const shell of shells) {
  const file = tool(shell.name);
  describe(`falcon init ${shell.name}`, { skip: file === undefined ? `${shell.name} is not installed` : false }, () => {
    let home: TestHome;
    let terminal: UserTerminal;
    before(async () => {
      home = new TestHome();
      // a Python environment whose falcon would take the command: it says so and succeeds
      const environment = path.join(home.work, "venv", "bin");
      const ours = path.join(home.work, "it's ours");
      fs.mkdirSync(environment, { recursive: true });
      fs.mkdirSync(ours);
      fs.writeFileSync(path.join(environment, "falcon"), '#!/bin/sh\n# python\necho "the other falcon: $*"\n', { mode: 0o755 });
      fs.symlinkSync(built.falcon, path.join(ours, "falcon-sessions"));
      await home.start(["/bin/cat"], ["--name", "gaussian"]);
      terminal = home.terminal(shell.arguments, {
        file: file as string,
        cols: 160,
        env: { PATH: `${environment}:${ours}:${process.env.PATH}`, SHELL: file as string },
      });
      for (const line of [...shell.prepare, shell.load("falcon-sessions"), "echo load''ed"]) terminal.type(`${line}\r`);
      await terminal.waitFor(/^loaded/m);
    });
    // what is typed before the prompt stands is echoed by the terminal, and what a key erases then is not
    // what stands on the screen
    const prompt = () => terminal.waitFor(() => terminal.text().trimEnd().endsWith("ready>"), "an empty line");
    after(() => home.dispose());

    test("falcon is ours, and its other commands go to the Python falcon", async () => {
      await prompt();
      terminal.type("falcon --version\r");
      await terminal.waitFor(/falcon-sessions \d/);
      await prompt();
      terminal.type("falcon sample prior\r");
      await terminal.waitFor(/the other falcon: sample prior/);
      // what is typed before the shell has its terminal back is not completed
      await terminal.waitFor(() => terminal.text().trimEnd().endsWith("ready>"), "the next prompt");
    });

    test("Tab completes a command, an option and a session's name", async () => {
      await prompt();
      terminal.type("falcon atta\t");
      await terminal.waitFor(/falcon attach /);
      terminal.type("--read-o\t");
      await terminal.waitFor(/falcon attach --read-only /);
      terminal.type("gau\t");
      await terminal.waitFor(/falcon attach --read-only gaussian/);
      // Ctrl+U clears the line in all three; a Ctrl+C is lost where the shell still has the terminal set for
      // the command that completed
      terminal.type("\x15");
      await prompt();
    });

    test("where nothing of ours fits, Tab offers files", async () => {
      fs.writeFileSync(path.join(home.work, "a-file-of-mine"), "");
      await prompt();
      terminal.type("falcon-sessions run ./a-fi\t");
      await terminal.waitFor(/falcon-sessions run \.\/a-file-of-mine/);
    });
  });
}

describe("falcon init", () => {
  const home = new TestHome();
  after(() => home.dispose());

  test("without a shell that we know: one sentence and status 2", async () => {
    const unknown = await home.run(["init", "tcsh"]);
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /init tcsh: say bash, zsh or fish/);
    assert.equal((await home.run(["init"])).code, 2);
    assert.equal((await home.run(["init", "constructor"])).code, 2);
  });
});
