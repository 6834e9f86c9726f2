// What it takes to resume: from nothing, from a saved configuration, from a saved model; the arguments stay
// as they were.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { relaunchPlan } from "../../../../src/trainers/falcon/launch/relaunch.ts";
import { layOut, type RecordedName } from "../../../support/recorded.ts";

const home = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "relaunch-")));
after(() => fs.rmSync(home, { recursive: true, force: true }));

let folders = 0;
function laidOut(name: RecordedName): { directory: string; run: string } {
  const directory = path.join(home, String(++folders));
  layOut(name, path.join(directory, "run"));
  return { directory, run: path.join(directory, "run") };
}

/** Which recorded runs left saved networks: those that came to "Analysis completed.". */
const saved: Record<RecordedName, boolean> = {
  plain: true,
  interactive: true,
  resumed: true,
  "two-nodes": true,
  forced: false,
  "failed-simulator": false,
  killed: false,
  stalled: false,
};

for (const [name, model] of Object.entries(saved))
  test(`'${name}' resumes from ${model ? "its model" : "its configuration"}`, async () => {
    const { directory, run } = laidOut(name as RecordedName);
    const args = ["-o", "run", "graph.theta.estimator.max_epochs=9"];
    const plan = await relaunchPlan(args, directory, run);
    assert.deepEqual([plan.from, plan.args], [model ? "model" : "config", args]);
    assert.equal(
      plan.sentence,
      model ? `resumes ${run} from the saved model` : `no model was saved in ${run}: it begins anew with the same configuration`,
    );
  });

test("a run directory that falcon chose is named; one that was named in any way is not named twice", async () => {
  const { directory, run } = laidOut("plain");
  assert.deepEqual((await relaunchPlan(["a=1"], directory, run)).args, ["-o", run, "a=1"]);
  for (const args of [["-o", "run"], ["--output", "run"], ["--output=run"], ["--run-dir", "run"], ["--run-dir=run", "-i"]])
    assert.deepEqual((await relaunchPlan(args, directory, run)).args, args);
});

test("nothing was written: as the first time", async () => {
  const empty = path.join(home, "empty");
  fs.mkdirSync(empty);
  for (const run of [undefined, empty, path.join(home, "gone")]) {
    const plan = await relaunchPlan(["-c", "other.yml"], home, run);
    assert.deepEqual([plan.from, plan.args], ["nothing", ["-c", "other.yml"]]);
  }
});

test("the networks are looked for where paths.graph put them", async () => {
  const { directory, run } = laidOut("plain");
  fs.renameSync(path.join(run, "graph"), path.join(directory, "elsewhere"));
  assert.equal((await relaunchPlan(["-o", "run"], directory, run)).from, "config");
  assert.equal((await relaunchPlan(["-o", "run", "paths.graph=elsewhere"], directory, run)).from, "model");
});

test("a run whose directory has a name that is no UTF-8 resumes as any other", async () => {
  const { directory, run } = laidOut("plain");
  fs.renameSync(run, Buffer.concat([Buffer.from(`${run}-`), Buffer.from([0xfc])]));
  const plan = await relaunchPlan(["a=1"], directory, `${run}-\udcfc`);
  assert.deepEqual([plan.from, plan.args], ["model", ["-o", `${run}-\udcfc`, "a=1"]]);
});
