// Where no signal of Slurm's reaches a waiting launch, it is said with the remedy; where one does, or a
// script passes it on, nothing is.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ProcessFacts, unreached } from "../../../src/batch/reach.ts";

/** Processes from the innermost outwards: the waiting client first. */
const chain = (names: string[], traps: string[] = []): ProcessFacts => ({
  parentOf: (pid) => (pid + 1 < names.length ? pid + 1 : null),
  nameOf: (pid) => names[pid] ?? "",
  catches: (pid) => traps.includes(names[pid] ?? ""),
});
const slurm = (kind: string | undefined) => ({ tracking: async () => kind });
const say = (names: string[], kind: string | undefined = "cgroup", traps: string[] = []) =>
  unreached(
    0,
    "falcon launch",
    { ...chain(["", "", ...names], traps), parentOf: (pid) => chain(["", "", ...names]).parentOf(pid === 0 ? 1 : pid) },
    slurm(kind),
  );

test("a line of a script under proctrack/cgroup", async () => {
  assert.match(
    (await say(["slurm_script", "slurmstepd", "slurmd"])) ?? "",
    /no signal of Slurm reaches this line .*'exec falcon launch …'/,
  );
  assert.match(
    (await say(["sh", "slurm_script", "slurmstepd"], undefined)) ?? "",
    /--signal=B:USR1@300/,
    "where Slurm does not say how it works",
  );
});

test("the first process of a step, a script with a trap, linuxproc, no job at all", async () => {
  assert.equal(await say(["slurmstepd", "slurmd"]), undefined);
  assert.equal(await say(["slurm_script", "slurmstepd"], "cgroup", ["slurm_script"]), undefined);
  assert.equal(await say(["slurm_script", "slurmstepd"], "linuxproc"), undefined);
  assert.equal(await say(["bash", "sshd", "systemd"]), undefined);
});

test("a Slurm that does not answer leaves the sentence", async () => {
  const silent = { tracking: async () => Promise.reject(new Error("no answer")) };
  const names = ["", "", "slurm_script", "slurmstepd"];
  const facts = { ...chain(names), parentOf: (pid: number) => chain(names).parentOf(pid === 0 ? 1 : pid) };
  assert.match((await unreached(0, "falcon launch", facts, silent)) ?? "", /no signal of Slurm/);
});
