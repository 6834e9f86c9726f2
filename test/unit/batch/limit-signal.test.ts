// The signal that a script asks Slurm for before its time limit: read from its `#SBATCH` lines, and told from
// the same signal at another time.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isLimitSignal, limitSignalFrom, limitSignalOf } from "../../../src/batch/limit-signal.ts";
import type { Ran } from "../../../src/batch/programs.ts";
import { batchScript } from "../../../src/batch/script.ts";
import { Slurm } from "../../../src/batch/slurm.ts";

describe("--signal", () => {
  test("as sbatch takes it", () => {
    for (const [text, signal, before] of [
      ["B:USR1@300", "SIGUSR1", 300],
      ["USR1", "SIGUSR1", 60],
      ["R:SIGTERM@90", "SIGTERM", 90],
      ["BR:usr2@5", "SIGUSR2", 5],
      ["B:10@120", "10", 120],
    ] as const)
      assert.deepEqual(limitSignalFrom(text), { signal, before }, text);
    for (const text of ["", "B:", "@60", "USR1@", "USR1@soon", "USR 1", "X:USR1"])
      assert.equal(limitSignalFrom(text), undefined, text);
  });

  test("in a script: the last one counts, and none after its first command", () => {
    const script = (...lines: string[]) => limitSignalOf(["#!/bin/bash", ...lines].join("\n"));
    assert.deepEqual(script("#SBATCH --time=4:00:00 --signal=B:USR1@300", "true"), { signal: "SIGUSR1", before: 300 });
    assert.deepEqual(script("", "# words", '#SBATCH --signal "B:TERM@10" # early'), { signal: "SIGTERM", before: 10 });
    assert.deepEqual(script("#SBATCH --signal=INT", "#SBATCH --signal=USR2@7"), { signal: "SIGUSR2", before: 7 });
    assert.equal(script("true", "#SBATCH --signal=USR1"), undefined);
    assert.equal(script("##SBATCH --signal=USR1"), undefined);
    assert.equal(script("#SBATCH --signal"), undefined);
    const order = { name: "n", directory: "/d", grace: 120, command: ["falcon"] };
    assert.deepEqual(limitSignalOf(batchScript(order)), { signal: "SIGUSR1", before: 120 });
    assert.deepEqual(limitSignalOf(batchScript({ ...order, signal: "B:USR2@9" })), { signal: "SIGUSR2", before: 9 });
  });
});

describe("whether a signal is the time limit's", () => {
  const end = 2_000_000_000_000;
  const script = "#!/bin/bash\n#SBATCH --signal=B:USR1@300\nexec falcon launch\n";
  const answers = (scontrol: Partial<Ran>, squeue: Partial<Ran>, sacct: Partial<Ran> = { status: 1 }) =>
    new Slurm({}, async (program) => ({
      ...{ status: 0, stdout: "", stderr: "" },
      ...({ scontrol, squeue, sacct } as Record<string, Partial<Ran>>)[program],
    }));
  const well = answers({ stdout: script }, { stdout: `${end / 1000}\n` });
  const came = (seconds: number, signal = "SIGUSR1") => ({ signal, number: 10, time: end - seconds * 1000 });

  test("by its name, and up to a minute earlier than was asked for", async () => {
    assert.equal(await isLimitSignal("7", came(300), well), true);
    assert.equal(await isLimitSignal("7", came(359), well), true);
    assert.equal(await isLimitSignal("7", came(20), well), true);
    assert.equal(await isLimitSignal("7", came(400), well), false);
    assert.equal(await isLimitSignal("7", came(300, "SIGTERM"), well), false);
    const number = answers({ stdout: "#SBATCH --signal=10@300\n" }, { stdout: `${end / 1000}\n` });
    assert.equal(await isLimitSignal("7", came(300), number), true);
  });

  test("as sbatch's own options asked for it, which the accounting keeps: they count before the script's", async () => {
    const line = (words: string) =>
      answers({ stdout: script }, { stdout: `${end / 1000}` }, { stdout: `RUNNING|Unknown|sbatch ${words} job.sh` });
    assert.equal(await isLimitSignal("7", came(100, "SIGTERM"), line("--signal=B:TERM@120")), true);
    assert.equal(await isLimitSignal("7", came(100, "SIGTERM"), line("--signal B:TERM@120")), true);
    assert.equal(await isLimitSignal("7", came(100), line("--signal=B:TERM@120")), false);
    assert.equal(await isLimitSignal("7", came(300), line("--time=5")), true, "the script's");
  });

  test("what Slurm does not tell is not known to be it", async () => {
    for (const slurm of [
      answers({ status: -1, stderr: "scontrol is not on PATH" }, {}),
      answers({ status: 1, stderr: "job script retrieval failed: Job has no batch script" }, { stdout: `${end / 1000}` }),
      answers({ stdout: script }, { status: 1, stderr: "Unable to contact slurm controller" }),
      answers({ stdout: script }, { stdout: "UNLIMITED\n" }),
      answers({ stdout: script }, { stdout: "gibberish\n" }),
    ])
      assert.equal(await isLimitSignal("7", came(300), slurm), false);
  });
});
