// Which processes a job or a step ends with: tasks and last lines, in shells that really run.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { endsWith, type ScriptFacts, unreadOf } from "../../../src/batch/leaving.ts";
import { commandLine, nameOf, parentOf } from "../../../src/platform/processes.ts";
import { untilFile } from "../../support/events.ts";

/** Processes as a table: pid → parent, name, arguments, unread text. */
function facts(table: Record<number, { parent: number; name: string; args?: string[]; rest?: string }>): ScriptFacts {
  return {
    parentOf: (pid) => table[pid]?.parent ?? null,
    nameOf: (pid) => table[pid]?.name ?? "",
    commandLine: (pid) => table[pid]?.args ?? [],
    unread: (pid) => table[pid]?.rest,
  };
}

const stepd = { parent: 1, name: "slurmstepd" };
const script = (rest: string | undefined) => ({
  parent: 2,
  name: "slurm_script",
  args: ["/bin/bash", "/spool/slurm_script"],
  ...(rest === undefined ? {} : { rest }),
});

describe("a job ends with", () => {
  test("the task that the batch system started", () => {
    assert.equal(endsWith(9, facts({ 9: { parent: 2, name: "falcon" }, 2: stepd })), "task");
    assert.equal(endsWith(9, facts({ 9: { parent: 2, name: "falcon" }, 2: { parent: 1, name: "pbs_mom" } })), "task");
  });

  test("the last line of its script, and no other", () => {
    const at = (rest: string | undefined) => endsWith(9, facts({ 9: { parent: 3, name: "falcon" }, 3: script(rest), 2: stepd }));
    assert.equal(at(""), "script");
    assert.equal(at("\n# the end\nfi\n}\nexit 0\n"), "script");
    assert.equal(at("falcon wait first\n"), undefined);
    assert.equal(at(undefined), undefined);
  });

  test("no line that a person typed, no text of -c, nothing below another program", () => {
    const below = (args: string[]) =>
      endsWith(9, facts({ 9: { parent: 3, name: "falcon" }, 3: { parent: 2, name: "x", args, rest: "" }, 2: stepd }));
    assert.equal(below(["-bash"]), undefined);
    assert.equal(below(["bash", "-c", "falcon launch -d"]), undefined);
    assert.equal(below(["python", "script.py"]), undefined);
  });
});

describe("what a shell has not read of its script", { skip: process.platform !== "linux" && "needs /proc" }, () => {
  let folder = "";
  before(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "fs-leaving-"));
  });
  after(() => fs.rmSync(folder, { recursive: true, force: true }));

  /**
   * Runs a script up to a program that says its parent's pid and waits; answers what its shell has not read.
   */
  async function unread(shell: string, before: string, line: string, behind: string): Promise<string | undefined> {
    const file = path.join(folder, "script");
    const told = path.join(folder, "told");
    fs.rmSync(told, { force: true });
    fs.writeFileSync(path.join(folder, "program"), `#!/bin/sh\necho $PPID > ${told}.new; mv ${told}.new ${told}; read x\n`, {
      mode: 0o755,
    });
    fs.writeFileSync(file, `${before}${line}\n${behind}`);
    const child = spawn(shell, [file], { stdio: ["pipe", "ignore", "ignore"], cwd: folder });
    const ended = new Promise((resolve) => child.once("exit", resolve));
    try {
      const pid = Number(await untilFile(told));
      assert.deepEqual(commandLine(pid).slice(1), [file]);
      assert.ok(nameOf(pid) !== "" && parentOf(pid) === process.pid);
      return unreadOf(pid, file);
    } finally {
      child.stdin.end();
      await ended;
    }
  }

  test("bash: exactly the lines behind", async () => {
    assert.equal(await unread("bash", "# a\nx=1\n", "./program launch -d", "# end\nexit 0\n"), "# end\nexit 0\n");
    assert.equal(await unread("bash", "if true; then\n", "./program", "fi\n"), "");
    assert.equal(await unread("bash", "", "./program launch -d", "falcon wait\n"), "falcon wait\n");
  });

  test("another shell: nothing behind a last line that starts a run in the background, else unknown", async () => {
    assert.equal(await unread("dash", "x=1\n", "./program launch -d", "\n# end\n"), "");
    assert.equal(await unread("dash", "x=1\n", "./program launch -d", "sleep 0\n"), undefined);
  });
});
