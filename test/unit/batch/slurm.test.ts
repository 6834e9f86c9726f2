// What Slurm's programs say, in the words that version 22.05 printed, and what becomes of it.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Ran } from "../../../src/batch/programs.ts";
import { runProgram } from "../../../src/batch/programs.ts";
import { Slurm } from "../../../src/batch/slurm.ts";

/** What a user has set, and what a job has set in which they may be. */
const ownSettings = {
  ...{ PATH: "/bin", SLURM_CONF: "/c", SLURM_CLUSTERS: "serial", SLURM_JWT: "token" },
  ...{ SBATCH_PARTITION: "x", SBATCH_ACCOUNT: "a", SBATCH_QOS: "q", SBATCH_TIMELIMIT: "4:00:00" },
};
const ofAJob = {
  ...{ SLURM_JOB_ID: "1", SLURM_NTASKS: "8", SLURM_MEM_PER_NODE: "1", SLURM_CONFX: "1", SLURMD_NODENAME: "n" },
  ...{ SBATCH_MEM_BIND: "local", SBATCH_MEM_BIND_LIST: "0", SBATCH_CPU_BIND_TYPE: "mask", SRUN_DEBUG: "3" },
};

function slurm(
  answer: Partial<Ran>,
  calls: { program: string; args: readonly string[]; environment: Record<string, string> }[] = [],
) {
  return new Slurm({ ...ownSettings, ...ofAJob }, async (program, args, environment) => {
    calls.push({ program, args, environment });
    return { status: 0, stdout: "", stderr: "", ...answer };
  });
}

describe("squeue", () => {
  test("each line is a job; pending tasks of an array one by one; what is not known is null", async () => {
    const stdout =
      "1|1_2|PENDING|N/A|N/A||JobArrayTaskLimit\n2|2|PENDING|1795751012|NONE||BeginTime\n" +
      "3|1_1|RUNNING|1795747415|1795747715|a24952|None\n";
    const calls: Parameters<typeof slurm>[1] = [];
    const [waits, later, runs] = await slurm({ stdout }, calls).jobs(["1", "2"]);
    assert.deepEqual(waits, {
      number: "1",
      id: "1_2",
      state: "PENDING",
      reason: "JobArrayTaskLimit",
      start: null,
      end: null,
      nodes: "",
    });
    assert.equal(later?.start, 1795751012000);
    assert.deepEqual([runs?.number, runs?.reason, runs?.end, runs?.nodes], ["3", "", 1795747715000, "a24952"]);
    assert.equal(calls?.length, 1);
    assert.equal(calls?.[0]?.args.at(-1), "1,2");
    assert.equal(calls?.[0]?.environment.SLURM_TIME_FORMAT, "%s");
  });

  test("a reason of an administrator's own words may hold the separator; a line that is none is left out", async () => {
    const [job, ...others] = await slurm({ stdout: "7|7|PENDING|N/A|N/A||down | ask ops\ngarbage\n|||||||\n" }).jobs(["7"]);
    assert.equal(job?.reason, "down | ask ops");
    assert.deepEqual(others, []);
  });

  test("a job that vanished is no failure, a controller that is silent is one", async () => {
    assert.equal(await slurm({ status: 1, stderr: "slurm_load_jobs error: Invalid job id specified\n" }).job("99"), undefined);
    await assert.rejects(
      slurm({ status: 1, stderr: "slurm_load_jobs error: Unable to contact slurm controller (connect failure)\n" }).job("1"),
      {
        name: "Failure",
        message: "Slurm does not answer: slurm_load_jobs error: Unable to contact slurm controller (connect failure)",
      },
    );
  });

  test("an end time that cannot be read is none", async () => {
    assert.equal((await slurm({ stdout: "7|7|RUNNING|2|soon|a|None\n" }).job("7"))?.end, null);
  });

  test("the end of a job: seconds, local time where a wrapper has its own mind, no limit, and one sentence for all else", async () => {
    assert.equal(await slurm({ stdout: "1795747715\n" }).endTime("7"), 1_795_747_715_000);
    assert.equal(await slurm({ stdout: "2026-11-27T05:00:00\n" }).endTime("7"), Date.parse("2026-11-27T05:00:00"));
    for (const word of ["N/A", "NONE", "Unknown", "UNLIMITED"])
      assert.equal(await slurm({ stdout: `${word}\n` }).endTime("7"), null);
    await assert.rejects(slurm({ stdout: "soon\n" }).endTime("7"), {
      message: "squeue tells an end of job 7 that is no time: 'soon'",
    });
    for (const gone of [{ stdout: "" }, { status: 1, stderr: "slurm_load_jobs error: Invalid job id specified\n" }])
      await assert.rejects(slurm(gone).endTime("7"), {
        message: "Slurm does not know job 7 (any more): its time limit is not known",
      });
    await assert.rejects(slurm({ status: -1, stderr: "squeue is not on PATH" }).endTime("7"), {
      message: "Slurm does not answer: squeue is not on PATH",
    });
  });
});

test("scontrol's fields are told by name, also those with spaces", async () => {
  const stdout =
    "JobId=3 JobName=a b UserId=root(0) JobState=TIMEOUT Reason=TimeLimit EndTime=1795747715 ReqB:S:C:T=0:0:*:* Features=(null) Power= \n";
  const job = await slurm({ stdout }).show("3");
  assert.deepEqual(
    [job?.JobName, job?.JobState, job?.Reason, job?.EndTime, job?.Power],
    ["a b", "TIMEOUT", "TimeLimit", "1795747715", ""],
  );
  assert.equal(await slurm({ status: 1, stderr: "slurm_load_jobs error: Invalid job id specified" }).show("3"), undefined);
});

describe("sbatch", () => {
  test("answers the number, and is told what the user has set and nothing of our own job", async () => {
    const calls: Parameters<typeof slurm>[1] = [];
    const submitted = await slurm({ stdout: "12;cluster\n" }, calls).submit(["-p", "main"], "/s.sh");
    assert.deepEqual(submitted, { number: "12", cluster: "cluster" });
    assert.deepEqual(await slurm({ stdout: "12\n" }).submit([], "/s.sh"), { number: "12", cluster: undefined });
    assert.deepEqual(calls?.[0]?.args, ["--parsable", "-p", "main", "/s.sh"]);
    assert.deepEqual(calls?.[0]?.environment, ownSettings);
  });

  test("a refusal is told in its own words", async () => {
    const stderr =
      "sbatch: error: invalid partition specified: nix\nsbatch: error: Batch job submission failed: Invalid partition name specified\n";
    await assert.rejects(slurm({ status: 1, stderr }).submit([], "/s.sh"), {
      message: "the job was not submitted: Batch job submission failed: Invalid partition name specified",
    });
  });

  describe("whose answer did not come", () => {
    const late = { status: -1, stderr: "sbatch did not answer within 20 s", cut: true as const };
    const controllerLate = { status: 1, stderr: "sbatch: error: Batch job submission failed: Socket timed out on send/recv\n" };
    /** What squeue answers, and what was called. */
    const asked = (sbatch: Partial<Ran>, squeue: Partial<Ran>) => {
      const calls: string[][] = [];
      const run = async (program: string, args: readonly string[]) => {
        calls.push([program, ...args]);
        return { status: 0, stdout: "", stderr: "", ...(program === "sbatch" ? sbatch : squeue) };
      };
      return { slurm: new Slurm({ PATH: "/bin" }, run), calls };
    };
    const others = "JOBID|COMMAND\n11|/home/x/other.sh\n12|(null)\n";

    test("its job is found by the script's name, and is not submitted twice", async () => {
      const wrapped = { status: 0, stdout: "3 of 10 jobs are yours now\nSubmitted batch job 13\n" };
      for (const answer of [late, controllerLate, wrapped, { status: 0 }]) {
        const { slurm, calls } = asked(answer, { stdout: `${others}13|/s/abc.sh\n` });
        assert.deepEqual(await slurm.submit([], "/s/abc.sh"), { number: "13", cluster: undefined });
        assert.deepEqual(
          calls.map(([program]) => program),
          ["sbatch", "squeue"],
        );
      }
      const { slurm, calls } = asked(late, { stdout: `CLUSTER: a\n${others}\nCLUSTER: b\n${others}14|/s/abc.sh\n` });
      assert.deepEqual(await slurm.submit(["-M", "a,b"], "/s/abc.sh"), { number: "14", cluster: "b" });
      assert.ok(calls[1]?.includes("--clusters=a,b"), calls[1]?.join(" "));
    });

    test("there is no such job: it was not submitted; squeue is silent, too: nobody knows", async () => {
      await assert.rejects(asked(late, { stdout: others }).slurm.submit([], "/s/abc.sh"), {
        message: "the job was not submitted: sbatch did not answer within 20 s",
      });
      await assert.rejects(asked(late, { status: 1, stderr: "squeue: error: away\n" }).slurm.submit([], "/s/abc.sh"), {
        message:
          "whether the job was submitted is not known (squeue --me lists yours): sbatch did not answer within 20 s; Slurm does not answer: away",
      });
    });

    test("a site's own that submits a copy: nobody knows, and nothing is said not to be submitted", async () => {
      await assert.rejects(asked({ status: 0 }, { stdout: others }).slurm.submit([], "/s/abc.sh"), {
        message:
          "whether the job was submitted is not known (squeue --me lists yours): sbatch told no number; squeue lists none with its script",
      });
    });

    test("a submission that is made again asks first, and submits nothing where that is not known", async () => {
      const there = asked({ stdout: "15\n" }, { stdout: `13|/s/abc.sh\n` });
      assert.equal((await there.slurm.submit([], "/s/abc.sh", true)).number, "13");
      const away = asked({ stdout: "15\n" }, { stdout: others });
      assert.equal((await away.slurm.submit([], "/s/abc.sh", true)).number, "15");
      const silent = asked({ stdout: "15\n" }, { status: 1, stderr: "away" });
      await assert.rejects(silent.slurm.submit([], "/s/abc.sh", true), /^Failure: whether the job was submitted is not known/);
      for (const [{ calls }, programs] of [
        [there, ["squeue"]],
        [away, ["squeue", "sbatch"]],
        [silent, ["squeue"]],
      ] as const)
        assert.deepEqual(
          calls.map(([program]) => program),
          programs,
        );
    });
  });
});

test("a program that is not there is said in words", async () => {
  const ran = await runProgram("no-such-squeue", [], { PATH: "/nonexistent" });
  assert.deepEqual(ran, { status: -1, stdout: "", stderr: "no-such-squeue is not on PATH" });
  assert.equal((await runProgram("sh", ["-c", "kill -KILL $$"], { PATH: "/bin:/usr/bin" })).cut, true);
  assert.equal((await runProgram("sh", ["-c", "echo a; echo b >&2; exit 3"], { PATH: "/bin:/usr/bin" })).status, 3);
});
