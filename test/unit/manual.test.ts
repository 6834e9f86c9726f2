// The manual pages and --help: a page for each command, with each of its options, that man and mandoc read
// without complaint; each help has examples.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { before, describe, test } from "node:test";
import { commandLine } from "../../src/commands/dispatch/command-line.ts";
import { commands } from "../../src/commands/dispatch/dispatch.ts";
import { root } from "../support/paths.ts";

const folder = path.join(root, "dist/man");
const offered = commands.filter((spec) => !spec.deprecated);
const names = ["falcon-sessions.1", ...offered.map((spec) => `falcon-sessions-${spec.name}.1`)].sort();

/** Why a program's test is skipped; false where it is here. */
const absent = (program: string, ...args: string[]) =>
  spawnSync(program, args, { stdio: "ignore" }).error === undefined ? false : `${program} is not installed`;

/** A page as a person reads it, without the breaks of lines. */
function read(name: string): string {
  const { stdout, status } = spawnSync("man", ["--warnings=w", "-l", path.join(folder, name)], {
    encoding: "utf8",
    env: { ...process.env, MANWIDTH: "500", LC_ALL: "C.UTF-8", MANPAGER: "cat" },
  });
  assert.equal(status, 0);
  return stdout.replace(/\s+/g, " ");
}

describe("manual pages", () => {
  before(() => {
    const built = spawnSync(process.execPath, ["scripts/build.mjs", "manual"], { cwd: root, encoding: "utf8" });
    assert.equal(built.status, 0, built.stderr);
  });

  test("there is one for each command and one for all, and npm installs them", () => {
    assert.deepEqual(fs.readdirSync(folder).sort(), names);
    const { man } = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8"));
    assert.deepEqual(
      man,
      names.map((name) => `dist/man/${name}`),
    );
  });

  test("man reads each without a warning, with every option and example of its --help", {
    skip: absent("man", "--version"),
  }, () => {
    for (const spec of offered) {
      const page = read(`falcon-sessions-${spec.name}.1`);
      const command = commandLine(spec);
      const help = command.createHelp();
      const wanted = [
        ...help.visibleOptions(command).flatMap((option) => [help.optionTerm(option), help.optionDescription(option)]),
        ...command.registeredArguments.map((argument) => help.argumentDescription(argument)),
        ...(spec.examples ?? []).flat(),
      ];
      for (const words of wanted) assert.ok(page.includes(words.replace(/\s+/g, " ")), `${spec.name}: ${words}\n${page}`);
    }
    const page = read("falcon-sessions.1");
    for (const { name, summary } of offered) assert.ok(page.includes(`falcon ${name} ${summary}`), name);
    assert.ok(page.includes("Ctrl-\\ detaches from any session"));
  });

  for (const [program, ...args] of [
    ["groff", "-man", "-ww", "-z"],
    ["mandoc", "-T", "lint", "-W", "warning"],
  ] as [string, ...string[]][])
    test(`${program} has nothing to say`, { skip: absent(program, "--version") }, () => {
      for (const name of names) {
        const { stdout, stderr } = spawnSync(program, [...args, path.join(folder, name)], { encoding: "utf8" });
        // without a date the same source gives the same page on every day
        const said = `${stdout}${stderr}`.split("\n").filter((line) => line !== "" && !line.includes("missing date"));
        assert.deepEqual(said, []);
      }
    });

  test("every command's help has examples, and they name it", () => {
    for (const spec of offered) {
      let text = "";
      commandLine(spec)
        .configureOutput({ writeOut: (words) => (text += words) })
        .outputHelp();
      assert.equal(text.match(/^Examples:$/gm)?.length, 1, spec.name);
      assert.match(text.split("\nExamples:\n")[1] ?? "", new RegExp(`falcon(-sessions)? ${spec.name}`), spec.name);
    }
  });
});
