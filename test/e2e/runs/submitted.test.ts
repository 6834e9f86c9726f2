// Bad luck with a batch system: a job that vanished, no Slurm, a Slurm that says nothing. One sentence each,
// and nothing half done.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { parseName } from "../../../src/commands/start/start-session.ts";
import { TestHome } from "../../support/home.ts";
import { falcon, notBuilt } from "../../support/paths.ts";

describe("a submitted session whose job is not to be had", () => {
  const home = new TestHome();
  const bin = path.join(home.work, "bin");
  /** What squeue, scontrol and scancel of this test do. */
  const slurm = (lines: string) => {
    fs.mkdirSync(bin, { recursive: true });
    for (const name of ["squeue", "scontrol", "scancel"])
      fs.writeFileSync(path.join(bin, name), `#!/bin/sh\n${lines}\n`, { mode: 0o755 });
  };
  before(() => assert.deepEqual(notBuilt([falcon]), [], "npm run build comes first"));
  beforeEach(async () => {
    // what Slurm said last is the server's
    await home.run(["server", "stop"]);
    const folder = path.join(home.folder, "submitted");
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    const submission = { id: "abc234", name: "gone", kind: "launch", job: "4711", command: ["launch"] };
    const more = {
      directory: home.work,
      runDirectory: path.join(home.work, "gone"),
      created: Date.now(),
      environment: { PATH: bin },
    };
    fs.writeFileSync(path.join(folder, "abc234.json"), JSON.stringify({ ...submission, ...more }));
  });
  after(() => home.dispose());
  const row = async () => (await home.sessions()).find(({ id }) => id === "abc234");

  test("a job that vanished: listed as lost; each command says it in one sentence; remove takes it away", async () => {
    slurm('echo "slurm_load_jobs error: Invalid job id specified" >&2; exit 1');
    const gone = await row();
    assert.deepEqual([gone?.state, gone?.reason], ["lost", "Slurm does not know job 4711 any more"]);
    for (const [args, sentence] of [
      [["stop", "gone"], "session abc234 (gone) is over: Slurm does not know job 4711 any more"],
      [
        ["logs", "gone"],
        "session abc234 (gone) is not on this host: Slurm does not know job 4711 any more; 'falcon sessions --all' lists what is here",
      ],
    ] as const) {
      const { code, stdout, stderr } = await home.run([...args]);
      assert.deepEqual([code, stdout, stderr], [1, "", `falcon: ${sentence}\n`]);
    }
    assert.match(await home.ok(["show", "gone"]), /^state +lost: Slurm does not know job 4711 any more$/m);
    await home.ok(["remove", "gone"]);
    assert.equal(await row(), undefined);
  });

  test("what is wrong with the words of launch or run is told at once, and not by the job", async () => {
    for (const [words, why] of [
      [["run", "--gpus", "2", "true"], /^falcon: unknown option '--gpus'\n$/],
      [["run"], /^falcon: missing required argument 'command'\n$/],
      [["run", "--save-before", "0.5s", "true"], /^falcon: --save-before 0.5s: give a time of at least a second/],
      [["run", "--size", "10", "true"], /^falcon: --size 10: give COLSxROWS/],
      [["run", "--stop-signal", "NOPE", "true"], /^falcon: --stop-signal NOPE: no such signal/],
      [["run", "--deadline", "soon", "true"], /^falcon: --deadline soon: /],
      [["launch", "-d"], /^falcon: leave -d out/],
      [["launch", "--attach"], /^falcon: leave --attach out/],
    ] as const) {
      const { code, stdout, stderr } = await home.run(["submit", "--dry-run", "--", ...words]);
      assert.deepEqual([code, stdout], [2, ""]);
      assert.match(stderr, why);
    }
    const script = await home.ok(["submit", "--dry-run", "--", "run", "--metrics", "m.csv", "--save-before=10m", "sleep", "-d"]);
    assert.match(script, /#SBATCH .*USR1@600/);
    assert.match(script, / run --session-id \w{6} --name sleep --metrics m\.csv --save-before=10m sleep -d$/m);
  });

  test("a name that is made of a long one of a directory or a program is one that its job takes", async () => {
    for (const [words, made] of [
      [["launch", "-o", `runs/${"x".repeat(80)}`], "x".repeat(59)],
      [["run", `./${"y".repeat(58)}\u{1d49c}z`], "y".repeat(58)],
    ] as const) {
      const script = await home.ok(["submit", "--dry-run", "--", ...words]);
      const name = / --name (\S+) /.exec(script)?.[1] ?? "";
      assert.equal(parseName(name), name);
      assert.equal(name, made);
    }
  });

  test("stop asks a pending run that began meanwhile, and does nothing where Slurm is silent", async () => {
    const at = (name: string) => path.join(home.work, name);
    const calls = () => (fs.existsSync(at("calls")) ? fs.readFileSync(at("calls"), "utf8").trim().split("\n") : []);
    slurm(`echo "\${0##*/} $*" >>${at("calls")}`);
    // it waits at each look until scancel has been called, and runs from then on; or nobody answers
    const line = (state: string, node: string) => `4711|4711|${state}|1795747415|N/A|${node}|None`;
    const squeue = `[ -e ${at("silent")} ] && exit 1
if [ -e ${at("calls")} ]; then echo '${line("RUNNING", "a1")}'; else echo '${line("PENDING", "")}'; fi`;
    fs.writeFileSync(path.join(bin, "squeue"), `#!/bin/sh\n${squeue}\n`);
    assert.equal((await row())?.state, "pending");

    fs.writeFileSync(at("silent"), "");
    const silent = await home.run(["stop", "gone"]);
    assert.deepEqual(
      [silent.code, silent.stderr, calls()],
      [125, "falcon: Slurm does not answer: squeue failed without a word; job 4711 was not stopped\n", []],
    );
    fs.rmSync(at("silent"));

    const { code, stderr } = await home.run(["stop", "gone"]);
    assert.deepEqual([code, stderr], [0, "[gone] asked to stop (SIGUSR1 to job 4711 on a1); it saves and ends\n"]);
    assert.deepEqual(calls(), [
      "scancel --state=PENDING 4711",
      "scontrol update JobId=4711 Requeue=0",
      "scancel --batch --signal=USR1 4711",
    ]);
  });

  test("no Slurm any more, or one that does not answer: it stays pending by all that is known, and nothing is cancelled", async () => {
    for (const [lines, words] of [
      [undefined, "squeue is not on PATH"],
      [
        'echo "scancel: error: Unable to contact slurm controller (connect failure)" >&2; exit 1',
        "Unable to contact slurm controller",
      ],
    ] as const) {
      await home.run(["server", "stop"]);
      fs.rmSync(bin, { recursive: true, force: true });
      if (lines !== undefined) slurm(lines);
      const waits = await row();
      assert.deepEqual([waits?.state, waits?.reason], ["pending", "job 4711 waits"]);
      const { code, stderr } = await home.run(["stop", "gone"]);
      assert.equal(code, 125);
      assert.match(stderr, /^falcon: Slurm does not answer: [^\n]+; job 4711 was not stopped\n$/);
      assert.ok(stderr.includes(words), stderr);
      assert.equal((await row())?.state, "pending");
    }
  });

  test("kill sends the signal that was named; only what ends a job cancels it", async () => {
    const cancelled = path.join(home.work, "cancelled");
    for (const state of ["RUNNING", "PENDING"]) {
      await home.run(["server", "stop"]);
      slurm(
        `case $0 in *squeue) echo "4711|4711|${state}|1|NONE|node7|None";; *scancel) echo "$@" >> ${cancelled}; exit 0;; esac`,
      );
      const remedy =
        state === "RUNNING"
          ? "job 4711 on node7; on its node: srun --overlap --jobid=4711 --pty falcon kill --signal SIGUSR1 abc234"
          : "job 4711 waits; try again when it runs";
      for (const [signal, code, sentence] of [
        ["USR1", 1, `session abc234 (gone) is not on this host: ${remedy}`],
        ["SUR1", 2, "--signal SUR1: no such signal ('kill -l' lists them)"],
      ] as const) {
        const ran = await home.run(["kill", "--signal", signal, "gone"]);
        assert.deepEqual([ran.code, ran.stderr], [code, `falcon: ${sentence}\n`]);
      }
      assert.equal(fs.existsSync(cancelled), false);
      for (const args of [[], ["--signal", "KILL"], ["--signal", "15"]]) {
        const ran = await home.run(["kill", ...args, "gone"]);
        assert.deepEqual([ran.code, ran.stderr], [0, "[gone] job 4711 is cancelled\n"]);
      }
      assert.equal(fs.readFileSync(cancelled, "utf8"), "4711\n4711\n4711\n");
      fs.rmSync(cancelled);
    }
  });

  test("the user's own settings of sbatch are its, and decide how long before the limit the run is asked to save", async () => {
    const submitted = path.join(home.work, "submitted");
    slurm("exit 1");
    fs.writeFileSync(path.join(bin, "sbatch"), `#!/bin/sh\nenv >${submitted}\necho '4712;serial'\n`, { mode: 0o755 });
    const env = { PATH: `${bin}:${process.env.PATH}`, SBATCH_ACCOUNT: "theirs", SLURM_NTASKS: "8", SBATCH_WAIT: "1" };
    const id = await home.ok(["submit", "--", "run", "--name", "far", "true"], { env });
    const names = fs.readFileSync(submitted, "utf8").match(/^S(LURM|BATCH)_.*/gm);
    assert.deepEqual(names, ["SBATCH_ACCOUNT=theirs"]);
    // where Slurm has it is where it is asked for
    const kept = JSON.parse(fs.readFileSync(path.join(home.folder, "submitted", `${id}.json`), "utf8"));
    assert.deepEqual([kept.job, kept.environment.SLURM_CLUSTERS], ["4712", "serial"]);

    const dry = (more: Record<string, string>, ...options: string[]) =>
      home.ok(["submit", "--dry-run", ...options, "--", "run", "true"], { env: { ...env, ...more } });
    assert.match(await dry({ SBATCH_TIMELIMIT: "8" }), /USR1@120/);
    assert.match(await dry({ SBATCH_TIMELIMIT: "8" }, "--time=4"), /USR1@60/);
    assert.match(await dry({ SBATCH_SIGNAL: "B:USR2@77" }), /--signal=B:USR2@77/);
  });

  test("what was submitted with a token is seen and stopped by whoever has one", async () => {
    const cancelled = path.join(home.work, "cancelled");
    const state = `$([ -e ${cancelled} ] && echo CANCELLED || echo PENDING)`;
    slurm(`[ "$SLURM_JWT" = token ] && [ "$SLURM_CONF_SERVER" = ctl ] || { echo refused >&2; exit 1; }
case $0 in *squeue) echo "4713|4713|${state}|1|N/A||Priority";; *scancel) echo "$@" >${cancelled};; esac`);
    fs.writeFileSync(path.join(bin, "sbatch"), "#!/bin/sh\necho 4713\n", { mode: 0o755 });
    fs.rmSync(path.join(home.folder, "submitted/abc234.json"));
    const token = { env: { PATH: `${bin}:${process.env.PATH}`, SLURM_JWT: "token" } };
    const env = { ...token.env, SLURM_CONF_SERVER: "ctl" };
    const id = await home.ok(["submit", "--", "run", "--name", "tokened", "true"], { env });
    assert.doesNotMatch(fs.readFileSync(path.join(home.folder, "submitted", `${id}.json`), "utf8"), /token"/);
    // what Slurm said at the submission is that server's
    await home.run(["server", "stop"]);
    const listed = JSON.parse(await home.ok(["sessions", "--json"], token)) as { id: string; reason: string }[];
    assert.equal(listed.find((one) => one.id === id)?.reason, "job 4713 waits: Priority");
    assert.match((await home.run(["stop", id])).stderr, /^falcon: job 4713 was not cancelled: refused/);
    assert.equal((await home.run(["stop", id], token)).stderr, "[tokened] job 4713 is cancelled\n");
    assert.equal(fs.readFileSync(cancelled, "utf8"), "--state=PENDING 4713\n");
  });

  test("an array, a script of one's own and waiting are refused however they are asked for", async () => {
    const array = "a job array has one session for each task";
    for (const [words, env, sentence] of [
      [["--array=0-3"], {}, `--array=0-3: ${array}`],
      [["--arr", "0-3"], {}, `--arr: ${array}`],
      [["-a0-3"], {}, `-a0-3: ${array}`],
      [["-Ha", "0-3"], {}, `-Ha: ${array}`],
      [[], { SBATCH_ARRAY_INX: "0-3" }, `SBATCH_ARRAY_INX: ${array}`],
      [["--wrap=date"], {}, "--wrap=date: the script is written by falcon"],
      [["-W"], {}, "-W: it would be waited for"],
    ] as const) {
      const { code, stderr } = await home.run(["submit", "--dry-run", ...words, "--", "run", "true"], { env });
      assert.equal(code, 2, words.join());
      assert.ok(stderr.startsWith(`falcon: ${sentence}`), stderr);
    }
    await home.ok(["submit", "--dry-run", "-pmain", "--account=a", "--wait-all-nodes=1", "--", "run", "true"]);
  });
});
