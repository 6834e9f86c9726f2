// What a configuration asks Ray for, against what there is.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, test } from "node:test";
import { readYaml } from "../../../../src/trainers/falcon/config/yaml.ts";
import { withSettings } from "../../../../src/trainers/falcon/config/yaml-tree.ts";
import { parseLaunch } from "../../../../src/trainers/falcon/launch/arguments.ts";
import { demandOf, shortage, supplyOf, visibleGpus } from "../../../../src/trainers/falcon/launch/demand.ts";
import { gpusHere } from "../../../../src/trainers/falcon/launch/gpus.ts";
import { launchNotices } from "../../../../src/trainers/falcon/launch/launch-notices.ts";
import { clusterNodes, clusterOf, sizedCluster } from "../../../../src/trainers/falcon/launch/ray-cluster.ts";

const config = (nodes: string, init = "") =>
  readYaml(`${init === "" ? "" : `ray: {init: {${init}}}\n`}graph:\n${nodes.replace(/^(?=.)/gm, "  ")}`);
const two = config(
  "z: {estimator: {a: 1}, ray: {num_gpus: 0.5}, num_actors: 3}\nx: {ray: {num_gpus: 1}}\nn: {simulator: {a: 1}}",
);

describe("what is asked for", () => {
  test("GPUs of each node times its actors; CPUs only where they are configured", () => {
    assert.deepEqual(demandOf(two), {
      gpus: 2.5,
      cpus: 0,
      nodes: [
        { name: "z", gpus: 1.5 },
        { name: "x", gpus: 1 },
      ],
    });
    assert.equal(demandOf(config("z: {ray: {num_cpus: 2}, num_actors: 4}")).cpus, 8);
  });

  test("an actor that trains beside those that sample; a node without an estimator has none", () => {
    const split = config(
      "z: {estimator: {a: 1}, ray: {num_sample_gpus: 1, num_train_gpus: 2}, num_actors: 2}\nx: {ray: {num_train_gpus: 4}}",
    );
    assert.deepEqual(demandOf(split), { gpus: 4, cpus: 0, nodes: [{ name: "z", gpus: 4 }] });
  });

  test("settings of the command line count, and what is interpolated does not", () => {
    const changed = withSettings(
      two,
      parseLaunch(["graph.z.ray.num_gpus=2", "graph.x.ray=null", `graph.n.ray.num_gpus=$${"{a.b}"}`]).overrides,
    );
    assert.deepEqual(demandOf(changed).nodes, [{ name: "z", gpus: 6 }]);
    assert.equal(demandOf(two).gpus, 2.5, "the file's own are as they were");
    assert.deepEqual(demandOf(undefined), { gpus: 0, cpus: 0, nodes: [] });
  });
});

describe("what there is", () => {
  const nvidia = (environment: Record<string, string>, count = 4) => ({ environment, gpus: { nvidia: count, amd: 0 } });
  const amd = (environment: Record<string, string>) => ({ environment, gpus: { nvidia: 0, amd: 2 } });
  const windows = (environment: Record<string, string>) => ({ environment, gpus: { nvidia: undefined, amd: undefined } });
  const told = (machine: Parameters<typeof supplyOf>[1]) => {
    const { gpus, by } = supplyOf(undefined, machine);
    return [gpus, by];
  };

  test("ray.init, or the least of the visible devices, the allocation and the driver", () => {
    assert.deepEqual(supplyOf(config("", "num_gpus: 3"), nvidia({ CUDA_VISIBLE_DEVICES: "0" })).gpus, 3);
    assert.deepEqual(told(nvidia({ CUDA_VISIBLE_DEVICES: "0,2" })), [2, "CUDA_VISIBLE_DEVICES"]);
    assert.deepEqual(told(nvidia({ CUDA_VISIBLE_DEVICES: "0,1,2,3" }, 1)), [1, "the driver"]);
    assert.deepEqual(told(nvidia({ SLURM_JOB_ID: "7", SLURM_GPUS_ON_NODE: "1" })), [1, "the allocation of job 7"]);
    assert.deepEqual(told(nvidia({ SLURM_JOB_ID: "7", SLURM_GPUS_ON_NODE: "3", CUDA_VISIBLE_DEVICES: "0,1,2" })), [
      3,
      "CUDA_VISIBLE_DEVICES",
    ]);
    assert.deepEqual(told(nvidia({ SLURM_JOB_ID: "7", CUDA_VISIBLE_DEVICES: "0" })), [1, "CUDA_VISIBLE_DEVICES"]);
    assert.equal(told(nvidia({ SLURM_JOB_ID: "7" }))[0], 0);
    assert.deepEqual(told(nvidia({})), [4, "the driver"]);
  });

  test("AMD's devices by HIP's and ROCr's variables, not by CUDA's", () => {
    assert.deepEqual(told(amd({ CUDA_VISIBLE_DEVICES: "" })), [2, "the driver"]);
    assert.deepEqual(told(amd({ HIP_VISIBLE_DEVICES: "1" })), [1, "HIP_VISIBLE_DEVICES"]);
    assert.deepEqual(told(amd({ HIP_VISIBLE_DEVICES: "0,1", ROCR_VISIBLE_DEVICES: "" })), [0, "ROCR_VISIBLE_DEVICES"]);
  });

  test("NVIDIA's beside a processor's own graphics, which is AMD's: CUDA's variable counts, and no driver", () => {
    const both = (environment: Record<string, string>) => ({ environment, gpus: { nvidia: 4, amd: 1 } });
    assert.deepEqual(told(both({}))[0], undefined);
    assert.equal(shortage(two, both({})), undefined);
    assert.deepEqual(told(both({ CUDA_VISIBLE_DEVICES: "0,1", HIP_VISIBLE_DEVICES: "" })), [2, "CUDA_VISIBLE_DEVICES"]);
    assert.match(shortage(two, both({ CUDA_VISIBLE_DEVICES: "0" })) ?? "", /there is 1 by CUDA_VISIBLE_DEVICES/);
  });

  test("under WSL 2 the driver is Windows': nobody says that there is none", () => {
    assert.equal(told(windows({}))[0], undefined);
    assert.equal(shortage(two, windows({})), undefined);
    assert.deepEqual(told(windows({ CUDA_VISIBLE_DEVICES: "-1" })), [0, "CUDA_VISIBLE_DEVICES"]);
  });

  test("devices by name, and none", () => {
    for (const [text, count] of [
      ["", 0],
      ["-1", 0],
      ["NoDevFiles", 0],
      ["GPU-1,MIG-2/3/4", 2],
      ["0,1,", 2],
    ] as const)
      assert.deepEqual(visibleGpus(nvidia({ CUDA_VISIBLE_DEVICES: text })), [{ gpus: count, by: "CUDA_VISIBLE_DEVICES" }], text);
    assert.deepEqual(visibleGpus(nvidia({})), []);
  });

  test("counted by the drivers' own files", (t) => {
    const root = fs.mkdtempSync(path.join(os.tmpdir(), "gpus-"));
    t.after(() => fs.rmSync(root, { recursive: true }));
    const write = (file: string, text = "") => {
      fs.mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
      fs.writeFileSync(path.join(root, file), text);
    };
    assert.deepEqual(gpusHere(root), { nvidia: 0, amd: 0 });
    write("proc/driver/nvidia/gpus/0000:01:00.0/information");
    assert.deepEqual(gpusHere(root), { nvidia: 1, amd: 0 });
    for (const name of ["nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm"]) write(`dev/${name}`);
    for (const [node, id] of ["0", "41234", "51000"].entries())
      write(`sys/class/kfd/kfd/topology/nodes/${node}/gpu_id`, `${id}\n`);
    assert.deepEqual(gpusHere(root), { nvidia: 2, amd: 2 });
    write("dev/dxg");
    assert.deepEqual(gpusHere(root), { nvidia: undefined, amd: undefined });
  });

  test("one sentence where it is less", () => {
    const none = nvidia({}, 0);
    assert.equal(
      shortage(two, none),
      "the configuration asks for 2.5 GPUs (z 1.5, x 1), and there are 0 by the driver: falcon waits a minute for the rest and fails",
    );
    assert.match(shortage(two, nvidia({ CUDA_VISIBLE_DEVICES: "1" }, 8)) ?? "", /there is 1 by CUDA_VISIBLE_DEVICES/);
    assert.equal(shortage(two, nvidia({}, 3)), undefined);
    assert.match(
      shortage(config("x: {ray: {num_gpus: 1}}", "num_gpus: 2"), nvidia({ CUDA_VISIBLE_DEVICES: "1" }, 8)) ?? "",
      /ray\.init\.num_gpus is 2, and CUDA_VISIBLE_DEVICES shows 1: Ray does not start/,
    );
    assert.match(
      shortage(config("x: {ray: {num_cpus: 3}}", "num_cpus: 2"), none) ?? "",
      /asks for 3 CPUs, and there are 2 by ray\.init\.num_cpus/,
    );
    assert.equal(shortage(config("x: {simulator: {a: 1}}", "num_cpus: 0"), none), undefined);
  });

  test("of a cluster the sum over its nodes; one that does not answer is not judged", () => {
    const node = { address: "10.0.0.1", name: null, cpus: 4, gpus: 1 };
    const joined = { address: "10.0.0.1:6379", how: "RAY_ADDRESS" };
    const machine = nvidia({ CUDA_VISIBLE_DEVICES: "" }, 0);
    assert.equal(shortage(two, machine, { ...joined, nodes: [node, node, node] }), undefined);
    assert.match(
      shortage(two, machine, { ...joined, nodes: [node, node] }) ?? "",
      /there are 2 by the Ray cluster at 10\.0\.0\.1:6379/,
    );
    assert.equal(shortage(two, machine, { ...joined, nodes: null }), undefined);
  });
});

describe("the cluster that is joined", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "ray-"));
  const at = (environment: Record<string, string>, init = "") =>
    clusterOf(config("", init), { RAY_TMPDIR: folder, ...environment });

  test("the configuration's, the environment's, the last of this machine, or none", (t) => {
    t.after(() => fs.rmSync(folder, { recursive: true }));
    assert.equal(at({}), undefined);
    assert.deepEqual(at({ RAY_ADDRESS: "10.0.0.1:6379" }), { address: "10.0.0.1:6379", how: "RAY_ADDRESS" });
    assert.deepEqual(at({ RAY_ADDRESS: "10.0.0.1:6379" }, "address: '10.0.0.2:1'"), { address: "10.0.0.2:1", how: "ray.init" });
    fs.mkdirSync(path.join(folder, "ray"));
    fs.writeFileSync(path.join(folder, "ray/ray_current_cluster"), "127.0.0.1:6379");
    assert.deepEqual(at({}), { address: "127.0.0.1:6379", how: "ray start" });
    assert.deepEqual(at({ RAY_ADDRESS: "auto" }), { address: "127.0.0.1:6379", how: "ray start" });
    if (process.platform === "linux") assert.deepEqual(at({ RAY_TMPDIR: "", TMPDIR: folder }), at({}));
    assert.equal(at({ RAY_ADDRESS: "local" }), undefined);
    assert.equal(at({}, "address: local"), undefined);
    fs.writeFileSync(path.join(folder, "ray/ray_current_cluster"), "\x1b[2Jrm -rf");
    assert.equal(at({}), undefined);
  });

  test("a Ray that is there already takes no sizes", () => {
    const joined = { address: "a:1", how: "RAY_ADDRESS" };
    assert.equal(sizedCluster(config("", "include_dashboard: false, num_cpus: null"), joined), undefined);
    assert.match(sizedCluster(config("", "num_cpus: 2"), joined) ?? "", /^ray\.init\.num_cpus is set, which Ray refuses/);
  });

  test("asked for its nodes: what is no answer is none", async (t) => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "nodes-"));
    t.after(() => fs.rmSync(folder, { recursive: true }));
    const file = path.join(folder, "python");
    const asked = path.join(folder, "asked");
    const answered = (said: string, address = "10.0.0.1:6379") => {
      fs.writeFileSync(file, `#!/bin/sh\ntouch ${asked}\ncat <<'END'\n${said}\nEND\n`, { mode: 0o755 });
      return clusterNodes(file, address, {});
    };
    const node = { address: "10.0.0.1", name: "a", cpus: 4, gpus: 0.5 };
    assert.deepEqual(await answered(`a warning\nNODE ${JSON.stringify(node)}`), [node]);
    assert.deepEqual(await answered(""), []);
    for (const broken of [
      "NODE {",
      "NODE null",
      "NODE {}",
      `NODE ${JSON.stringify({ ...node, cpus: "4" })}`,
      "x".repeat(2 << 20),
    ])
      assert.equal(await answered(broken), undefined, broken.slice(0, 20));
    assert.equal(await clusterNodes(path.join(folder, "none"), "10.0.0.1:6379", {}), undefined);
    fs.rmSync(asked);
    assert.equal(await answered(`NODE ${JSON.stringify(node)}`, "ray://10.0.0.1:10001"), undefined);
    assert.equal(fs.existsSync(asked), false, "a server of Ray's client is not asked");
  });

  test("said of a Python falcon before it begins, and of no other program", async (t) => {
    const project = fs.mkdtempSync(path.join(os.tmpdir(), "project-"));
    t.after(() => fs.rmSync(project, { recursive: true }));
    fs.writeFileSync(path.join(project, "config.yml"), "graph: {z: {ray: {num_gpus: 1}}}\n");
    const environment = { CUDA_VISIBLE_DEVICES: "", RAY_TMPDIR: project };
    const said = (command: string[], words: string[] = []) => launchNotices(command, parseLaunch(words), project, environment);
    assert.deepEqual(
      (await said(["/usr/bin/python3", "-m", "falcon.cli"])).map(({ amiss, sentence }) => [amiss, sentence.split(":")[0]]),
      [[true, "the configuration asks for 1 GPU (z 1), and there are 0 by CUDA_VISIBLE_DEVICES"]],
    );
    assert.deepEqual(await said(["/usr/bin/python3", "-m", "falcon.cli"], ["graph.z.ray.num_gpus=0"]), []);
    assert.deepEqual(await said(["/bin/sh"]), []);
    fs.writeFileSync(path.join(project, "config.yml"), "graph: [");
    assert.deepEqual(await said(["/usr/bin/python3", "-m", "falcon.cli"]), []);
  });
});
