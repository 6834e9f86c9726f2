// The real falcon in a Ray cluster that somebody else began on this machine: it is said, its nodes are
// listed, and no process of it is ended.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { descendants } from "../../src/platform/processes.ts";
import { clusterNodes } from "../../src/trainers/falcon/launch/ray-cluster.ts";
import { type PythonFalcon, pythonFalcon } from "../falcon/python.ts";
import { gaussianProject, quick } from "../falcon/training.ts";
import { alive, until, untilGone } from "../support/events.ts";
import { freePort } from "../support/free-port.ts";
import { killNow, TestHome } from "../support/home.ts";
import { notBuilt } from "../support/paths.ts";

/** Ray starts its processes, torch is imported: half a minute on a busy machine. */
const startLimit = 180_000;

const found = await pythonFalcon();

before(() => assert.deepEqual(notBuilt(), [], "npm run build comes first"));

describe("a falcon in a cluster that is there already", { skip: typeof found === "string" ? found : false }, () => {
  const { file, python } = found as PythonFalcon;
  const home = new TestHome();
  const project = path.join(home.work, "gaussian");
  const environment = { PYTHONDONTWRITEBYTECODE: "1", RAY_USAGE_STATS_ENABLED: "0" };
  // short: Ray's sockets lie in it
  const rayFolder = fs.mkdtempSync("/tmp/ray-test-");
  let cluster: ChildProcess;
  let address = "";
  let servers: number[] = [];

  before(async () => {
    gaussianProject(project);
    const port = await freePort();
    address = `127.0.0.1:${port}`;
    const ray = path.join(path.dirname(python), "ray");
    const words = ["start", "--head", "--block", "--node-ip-address=127.0.0.1", `--port=${port}`, "--num-cpus=3", "--num-gpus=1"];
    cluster = spawn(ray, [...words, "--include-dashboard=false", `--temp-dir=${rayFolder}`], {
      // its actors write a run's relative paths below its own directory
      cwd: project,
      stdio: "ignore",
      env: { ...process.env, HOME: home.env.HOME, ...environment },
    });
    await until(
      async () => (await clusterNodes(python, address, { ...home.env, ...environment }))?.length === 1,
      "the cluster",
      startLimit,
    );
    servers = descendants(cluster.pid as number);
    assert.ok(servers.length >= 2, "raylet and gcs_server");
  });
  after(async () => {
    await home.dispose();
    const all = [cluster.pid as number, ...descendants(cluster.pid as number)];
    cluster.kill("SIGTERM");
    for (const pid of all) await untilGone(pid, "the cluster to end", 60_000).catch(() => killNow(pid));
    fs.rmSync(rayFolder, { recursive: true, force: true });
  });

  test("what is amiss is said before it begins, and in doctor", async () => {
    const settings = ["graph.theta.ray.num_gpus=2"];
    const { stderr } = await home.run(["launch", "-d", "--falcon", file, "-o", "short", ...settings], {
      cwd: project,
      env: { ...environment, RAY_ADDRESS: address },
      limit: startLimit,
    });
    assert.ok(stderr.includes(`falcon: joins the Ray cluster at ${address} (RAY_ADDRESS)\n`), stderr);
    assert.match(stderr, /falcon: ray\.init\.num_cpus is set, which Ray refuses where it joins a cluster/);
    assert.match(stderr, /falcon: the configuration asks for 2 GPUs \(theta 2\), and there is 1 by the Ray cluster at/);
    // and so it is: falcon ends with Ray's own words
    const [session] = await home.sessions();
    await home.run(["wait", String(session?.id)], { limit: startLimit });
    const shown = await home.ok(["show", String(session?.id)]);
    assert.match(shown, /existing cluster/, shown);
    const doctor = await home.run(["doctor", "--json"], {
      cwd: project,
      env: { ...environment, FALCON_BIN: file, RAY_ADDRESS: address },
    });
    assert.match(doctor.stdout, /"ray-demand"/);
  });

  test("show lists its nodes, and a kill of the run ends nothing of it", async () => {
    const id = await home.ok(["launch", "-d", "--falcon", file, "-o", "run", ...quick, "ray.init.num_cpus=null"], {
      cwd: project,
      env: { ...environment, RAY_ADDRESS: address },
      limit: startLimit,
    });
    const shown = await until(
      async () => {
        const text = await home.ok(["show", id]);
        return /^cluster /m.test(text) ? text : undefined;
      },
      "the cluster to be told",
      startLimit,
    );
    assert.match(
      shown as string,
      new RegExp(`^cluster +Ray's at ${address}, by RAY_ADDRESS · 1 node · \\S+ 3 CPUs, 1 GPU$`, "m"),
    );
    type Row = { progress: { nodes: { epoch: number | null }[] } | null };
    await until(
      async () =>
        ((await home.sessions()) as unknown as Row[]).some(({ progress }) =>
          progress?.nodes.some(({ epoch }) => (epoch ?? 0) > 3),
        ),
      "some epochs in the cluster",
      startLimit,
    );
    await home.ok(["kill", id, "--signal", "KILL"]);
    await home.run(["wait", id], { limit: startLimit });
    // after the look for what the run left behind, which ends nothing of the cluster's
    assert.equal((await home.sessions()).find((session) => session.id === id)?.state, "exited");
    assert.deepEqual(home.logged("session.leftovers-ended"), []);
    assert.ok(home.logged("session.").length > 0, "the log tells of sessions");
    for (const pid of servers) assert.ok(alive(pid), `${pid} of the cluster is there`);
    assert.equal((await clusterNodes(python, address, { ...home.env, ...environment }))?.length, 1, "the cluster answers");
  });
});
