// A Ray over several machines (`ray symmetric-run`, as a step of a batch job starts it on each of them): the
// falcon that it runs is one session, in which its nodes are listed, and which is stopped whole.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { type PythonFalcon, pythonFalcon } from "../falcon/python.ts";
import { gaussianProject, modelsOf, quick, readModels } from "../falcon/training.ts";
import { until } from "../support/events.ts";
import { Hosts, hostHome, noHosts } from "../support/machines/hosts.ts";
import { falcon, notBuilt, root } from "../support/paths.ts";

/** Ray begins on two machines, torch is imported: a minute on a busy machine. */
const startLimit = 300_000;

const found = await pythonFalcon();

before(() => assert.deepEqual(notBuilt(), [], "npm run build comes first"));

interface Row {
  id: string;
  name: string;
  host: string;
  state: string;
}

describe("ray symmetric-run on two machines", { skip: typeof found === "string" ? found : noHosts() }, () => {
  const { file, python, base } = found as PythonFalcon;
  const ray = path.join(path.dirname(python), "ray");
  const nodes = ["head", "worker"];
  const runs: Record<string, { child: ChildProcess; said: string; status: Promise<number | null> }> = {};
  let hosts: Hosts;

  /** What the batch system's step does on one machine. */
  function begin(node: string): void {
    const words = ["symmetric-run", "--address", "head:6379", "--min-nodes", "2", "--num-cpus=2", "--"];
    const launch = [falcon, "launch", "--name", "wide", "-o", "run", ...quick, "ray.init.num_cpus=null"];
    const there = ["sh", "-c", `cd ${hostHome}/gaussian && exec "$@"`, "sh", ray, ...words, ...launch];
    const child = spawn(path.join(root, "test/support/machines/hosts.sh"), ["enter", hosts.folder, node, ...there], {
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...hosts.env,
        // `ray symmetric-run` calls `ray`
        PATH: `${path.dirname(python)}:${hosts.env.PATH}`,
        FALCON_BIN: file,
        // each machine's own
        RAY_TMPDIR: "/run",
        RAY_SYMMETRIC_RUN_CLUSTER_WAIT_TIMEOUT: String(startLimit / 1000),
        RAY_USAGE_STATS_ENABLED: "0",
        PYTHONDONTWRITEBYTECODE: "1",
      },
    });
    const run = { child, said: "", status: new Promise<number | null>((resolve) => child.on("close", resolve)) };
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        run.said += text;
      });
    runs[node] = run;
  }

  const said = () => nodes.map((node) => `${node}: ${runs[node]?.said.slice(-2000)}`).join("\n");
  const list = async () => JSON.parse(await hosts.ok("desk", ["sessions", "--json"])) as Row[];

  before(async () => {
    // the virtual environment, others that it may take packages from, and its Python
    hosts = await Hosts.upWith([path.resolve(path.dirname(python), "../.."), base], "desk", ...nodes);
    gaussianProject(path.join(hosts.folder, "root", "gaussian"));
    for (const node of nodes) begin(node);
  });
  after(() => hosts.down());

  test("it is one session with its nodes listed", async () => {
    await until(async () => (await list()).some(({ state }) => state === "running"), said, startLimit);
    const shown = await until(
      async () => {
        const text = await hosts.ok("desk", ["show", "wide"]);
        return /^cluster /m.test(text) ? text : undefined;
      },
      () => `the cluster to be told\n${said()}`,
      startLimit,
    );
    assert.match(shown, /^cluster +Ray's at 10\.77\.0\.2:6379, by ray start · 2 nodes · /m, shown);
    for (const node of nodes) assert.match(shown, new RegExp(`${node} 2 CPUs`), shown);
    assert.deepEqual(
      (await list()).map(({ name, host }) => `${name} ${host}`),
      ["wide head"],
    );
  });

  test("a stop saves the model, and with it all of Ray ends on both machines", async () => {
    type Progress = { progress: { nodes: { epoch: number | null }[] } | null };
    await until(
      async () => {
        const shown = JSON.parse(await hosts.ok("desk", ["show", "--json", "wide"])) as Progress;
        return shown.progress?.nodes.some(({ epoch }) => (epoch ?? 0) > 3);
      },
      () => `some epochs\n${said()}`,
      startLimit,
    );
    await hosts.ok("desk", ["stop", "wide"]);
    for (const node of nodes) assert.equal(await runs[node]?.status, 0, said());
    const rows = JSON.parse(await hosts.ok("desk", ["sessions", "--all", "--json"])) as Row[];
    assert.deepEqual(
      rows.map(({ name, state }) => `${name} ${state}`),
      ["wide exited"],
    );
    const { bad, epochs } = readModels(python, modelsOf(path.join(hosts.folder, "root", "gaussian")));
    assert.deepEqual(bad, []);
    assert.ok((epochs ?? 0) > 3, String(epochs));
    for (const node of nodes) {
      const { stdout } = await hosts.command(node, ["sh", "-c", "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '"]);
      assert.doesNotMatch(stdout, /raylet|gcs_server|falcon launch/, `${node}: ${stdout}`);
    }
  });
});
