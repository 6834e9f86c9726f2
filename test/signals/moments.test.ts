// The real falcon, asked to end at random moments after its first epoch, in each way and in both modes: its
// model files are whole, the outcome says so, and a relaunch goes on at the epoch that was saved.
// FALCON_MOMENTS: how many moments for each way and mode (2). FALCON_SOURCE: a checkout of falcon's
// repository, whose source is taken instead of the installed one. FALCON_SEED: the moments of an earlier run.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { pythonFalcon } from "../falcon/python.ts";
import { epochOf, gaussianProject, modelsOf, nodeOf, quick, type Run, readModels } from "../falcon/training.ts";
import { until } from "../support/events.ts";
import { TestHome } from "../support/home.ts";
import { falcon, notBuilt } from "../support/paths.ts";
import { Random } from "../support/random.ts";

/** Ray's start and torch's import on a busy machine. */
const startLimit = 240_000;
/** An epoch, the saving, the end of Ray. */
const stopLimit = 180_000;
/** How long after the first epoch that is seen the order comes at the latest (ms). */
const spread = 6_000;

/**
 * A deadline is so long (ms) after the launch at first; later as long as the launch before took, with some
 * room; and it is asked so long before (s).
 */
const firstStart = 60_000;
const roomy = 8_000;
const saveBefore = 20;

/**
 * Ray waits half a minute for its own processes, which is too short on a machine that is very busy; so often
 * that is no failure of ours.
 */
const rayGaveUp = /The current node timed out during startup/;
const mostVain = 3;

/** How a run is asked to end. */
const ways = ["SIGTERM", "SIGUSR1", "falcon stop", "deadline"] as const;
const modes = { plain: [], interactive: ["-i"] } as const;

const moments = Number(process.env.FALCON_MOMENTS ?? 2);
const only = (process.env.FALCON_WAYS ?? ways.join(",")).split(",");
const seed = Number(process.env.FALCON_SEED ?? Date.now() % 1_000_000);
const source = process.env.FALCON_SOURCE;
const found = await pythonFalcon();

before(() => assert.deepEqual(notBuilt([falcon]), [], "npm run build comes first"));

describe("the real falcon ends with its model at any moment after its first epoch", {
  skip: typeof found === "string" ? found : false,
  timeout: Object.keys(modes).length * ways.length * moments * (startLimit + stopLimit),
}, () => {
  if (typeof found === "string") return;
  const { file, python, version } = found;
  const home = new TestHome();
  after(() => home.dispose());
  const random = new Random(seed);

  for (const [mode, chosen] of Object.entries(modes))
    for (const way of ways.filter((name) => only.includes(name))) {
      test(`${way}, ${mode}`, { timeout: moments * (startLimit + stopLimit) }, async (context) => {
        context.diagnostic(
          `falcon-sbi ${source === undefined ? version : `of ${path.basename(source)}`}, FALCON_SEED=${seed}, ${moments} moments`,
        );
        const name = `${mode}-${way.replace(" ", "-").toLowerCase()}`;
        const project = path.join(home.work, name);
        gaussianProject(project);
        const models = modelsOf(project);
        let saved = 0;
        // how long it takes to the first epoch, for a deadline that is soon after it
        let starting = firstStart;
        let vain = 0;
        for (let n = 0; n < moments; n++) {
          const pause = random.below(spread);
          const began = Date.now();
          const deadline = Math.round((starting + roomy + pause) / 1000) + saveBefore;
          const limit = way === "deadline" ? ["--deadline", `${deadline}s`, "--save-before", `${saveBefore}s`] : [];
          const args =
            n === 0
              ? ["launch", "--falcon", file, "--name", name, ...limit, ...chosen, "-o", "run", ...quick]
              : ["relaunch", name, ...limit];
          const client = start(home, args, project);
          const running = async () =>
            (await home.sessions()).findLast((row) => row.name === name && row.state === "running") as Run | undefined;
          const trains = await until(
            async () => {
              if ((epochOf(await running()) ?? 0) > saved) return "yes";
              if (client.child.exitCode === null) return undefined;
              if (rayGaveUp.test(client.said())) return "no";
              throw new Error(`it ended with ${client.child.exitCode}: ${client.said()}`);
            },
            "its first epoch",
            startLimit,
          );
          if (trains === "no") {
            context.diagnostic(`moment ${n + 1}: Ray itself gave up its start after ${seconds(began)}, once more`);
            assert.ok(++vain <= mostVain, client.said());
            n--;
            continue;
          }
          const before = (await running()) as Run;
          starting = Date.now() - began;
          if (n > 0) assert.equal(nodeOf(before)?.epochsBefore, saved, `it resumes at the saved epoch:\n${client.said()}`);
          if (way !== "deadline") {
            await new Promise((resolve) => setTimeout(resolve, pause));
            order(home, way, client.child, before.id);
          }
          const status = await client.end(stopLimit);
          const row = (await home.sessions()).find(({ id }) => id === before.id) as Run;
          const what = `moment ${n + 1}, ${pause} ms after an epoch was seen: ${JSON.stringify(row.outcome)}\n${client.said()}`;
          const { names, bad, epochs } = readModels(python, models);
          assert.deepEqual(bad, [], what);
          assert.ok(names.length >= 8 && names.includes("model.pth"), `${names} ${what}`);
          assert.equal(status, 0, what);
          assert.deepEqual(
            [row.outcome?.kind, row.outcome?.saved, row.interrupts],
            [way === "deadline" ? "time-limit" : "stopped", true, 1],
            what,
          );
          assert.equal(row.progress?.saved, true, what);
          assert.ok(epochs !== null && epochs > saved, `${epochs} epochs are saved, ${saved} were before: ${what}`);
          const shown = await home.ok(["show", row.id]);
          assert.match(shown, /^state {5}stopped (at its time limit )?after .*, model saved$/m);
          assert.match(shown, /^progress {2}stopped · /m);
          saved = epochs;
          context.diagnostic(`moment ${n + 1}: ${pause} ms, ${epochs} epochs saved, ${names.length} files, ${seconds(began)}`);
        }
      });
    }
});

describe("what falcon does not survive is told as it is", { skip: typeof found === "string" ? found : false }, () => {
  if (typeof found === "string") return;
  const home = new TestHome();
  after(() => home.dispose());

  test("SIGTERM to falcon itself: killed, by whom, not saved; nobody says completed, though its summary does", async () => {
    const project = path.join(home.work, "hit");
    gaussianProject(project);
    const client = start(home, ["launch", "--falcon", found.file, "--name", "hit", "-o", "run", ...quick], project);
    const row = async () => (await home.sessions()).find(({ name }) => name === "hit") as Run | undefined;
    await until(async () => (epochOf(await row()) ?? 0) > 0, "its first epoch", startLimit);
    await home.ok(["kill", "hit", "--signal", "TERM"]);
    assert.notEqual(await client.end(stopLimit), 0);
    const ended = (await row()) as Run;
    assert.deepEqual([ended.outcome?.kind, ended.outcome?.saved, ended.outcome?.by], ["killed", false, "falcon kill"]);
    assert.equal(ended.progress?.phase, "broken off");
    const shown = await home.ok(["show", "hit"]);
    assert.match(shown, /^state {5}ended by SIGTERM after .* \(falcon kill\), model not saved$/m);
    assert.match(shown, /^progress {2}broken off · /m);
    assert.match(client.said(), /falcon launch completed/, "what it says itself");
    assert.match(client.said(), /\[hit\] ended by SIGTERM after .*, model not saved · falcon show/);
    assert.doesNotMatch(shown.slice(0, shown.indexOf("falcon's summary")), /completed/);
    // what is left resumes: anew, with the same configuration
    assert.match((await home.run(["relaunch", "-d", "hit"])).stderr, /no model was saved/);
    await home.ok(["kill", "hit", "--signal", "KILL"]);
  });
});

function start(home: TestHome, args: string[], cwd: string) {
  const env = {
    ...home.env,
    PYTHONDONTWRITEBYTECODE: "1",
    ...(source === undefined ? {} : { PYTHONPATH: path.join(source, "src") }),
  };
  const child = spawn(falcon, args, { env, cwd, stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  child.stdout.on("data", (data) => {
    text = (text + data).slice(-20_000);
  });
  child.stderr.on("data", (data) => {
    text += data;
  });
  const closed = new Promise<number | null>((resolve) => child.on("close", resolve));
  return {
    child,
    said: () => text.slice(-4_000),
    /** Its exit status; fails after `limit` ms. */
    end: async (limit: number): Promise<number | null> => {
      let status: number | null | undefined;
      void closed.then((code) => {
        status = code ?? -1;
      });
      await until(() => status !== undefined, `${args.join(" ")} to end`, limit);
      return status ?? null;
    },
  };
}

/** How long it is since then. */
function seconds(since: number): string {
  return `${((Date.now() - since) / 1000).toFixed(0)} s`;
}

function order(home: TestHome, way: "SIGTERM" | "SIGUSR1" | "falcon stop", child: ChildProcess, id: string): void {
  if (way === "falcon stop") void home.run(["stop", id], { limit: stopLimit });
  else child.kill(way);
}
