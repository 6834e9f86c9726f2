// What a configuration asks Ray for, GPUs first, and whether there is that much: falcon warns of it and
// fails a minute later (cweniger/falcon#43); here it is one sentence before the run begins.
import type { Cluster } from "../../trainer.ts";
import type { YamlValue } from "../config/yaml.ts";
import { isMap, valueAt } from "../config/yaml-tree.ts";
import type { Gpus } from "./gpus.ts";

/** What all actors ask for together. CPUs: only where a node's configuration says how many. */
export interface Demand {
  gpus: number;
  cpus: number;
  /** Each node with its GPUs, those that ask for some. */
  nodes: { name: string; gpus: number }[];
}

/** What there is for one Ray. `gpus`: how many, and by whose word; undefined: nothing tells. */
export interface Supply {
  gpus: number | undefined;
  by: string;
  cpus: number | undefined;
}

/** What decides how many GPUs a Ray on this machine sees. */
export interface Machine {
  environment: Readonly<Record<string, string>>;
  gpus: Gpus;
}

/**
 * `num_gpus` (or, of a falcon with an actor that trains, `num_sample_gpus`) for each of `num_actors`, and
 * `num_train_gpus` for the one that trains; CPUs likewise. What is interpolated (`${…}`) counts as none.
 */
export function demandOf(config: YamlValue | undefined): Demand {
  const graph = valueAt(config, "graph");
  const demand: Demand = { gpus: 0, cpus: 0, nodes: [] };
  for (const [name, node] of Object.entries(isMap(graph) ? graph : {})) {
    const number = (key: string) => {
      const value = valueAt(node, key);
      return typeof value === "number" && value > 0 ? value : undefined;
    };
    const actors = number("num_actors") ?? 1;
    const estimator = valueAt(node, "estimator");
    const trains = estimator !== undefined && estimator !== null;
    const all = (what: string) =>
      (number(`ray.num_sample_${what}`) ?? number(`ray.num_${what}`) ?? 0) * actors +
      (trains ? (number(`ray.num_train_${what}`) ?? 0) : 0);
    const gpus = all("gpus");
    demand.gpus += gpus;
    demand.cpus += all("cpus");
    if (gpus > 0) demand.nodes.push({ name, gpus });
  }
  return demand;
}

/**
 * What a Ray that falcon starts on this machine has: what its configuration says, else the least of what the
 * driver, the job's allocation and the visible devices have.
 */
export function supplyOf(config: YamlValue | undefined, machine: Machine): Supply {
  const cpus = valueAt(config, "ray.init.num_cpus");
  const known = { cpus: typeof cpus === "number" ? cpus : undefined };
  const configured = valueAt(config, "ray.init.num_gpus");
  if (typeof configured === "number") return { gpus: configured, by: "ray.init.num_gpus", ...known };
  const { environment, gpus } = machine;
  const limits = visibleGpus(machine);
  const job = environment.SLURM_JOB_ID;
  const allocated = environment.SLURM_GPUS_ON_NODE;
  // an older Slurm names the devices alone
  if (job !== undefined && (allocated !== undefined || limits.length === 0))
    limits.push({ gpus: Number(allocated ?? 0) || 0, by: `the allocation of job ${job}` });
  // a processor's own graphics is AMD's as well, and no GPU to Ray: of both kinds nobody knows which counts
  const driver = gpus.amd && gpus.nvidia ? undefined : gpus.amd || gpus.nvidia;
  if (driver !== undefined) limits.push({ gpus: driver, by: "the driver" });
  const [first, ...others] = limits;
  if (first === undefined) return { gpus: undefined, by: "", ...known };
  return { ...others.reduce((least, limit) => (limit.gpus < least.gpus ? limit : least), first), ...known };
}

/**
 * Devices that variables of the environment show: CUDA's of NVIDIA's, HIP's and ROCr's where AMD's are alone.
 * Where no driver is known, any that is set counts.
 */
export function visibleGpus({ environment, gpus }: Machine): { gpus: number; by: string }[] {
  const amd = ["HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"];
  const variables = gpus.nvidia ? ["CUDA_VISIBLE_DEVICES"] : gpus.amd ? amd : ["CUDA_VISIBLE_DEVICES", ...amd];
  return variables.flatMap((by) => {
    const names = environment[by];
    return names === undefined ? [] : [{ gpus: countOf(names), by }];
  });
}

function countOf(names: string): number {
  if (/^\s*(?:(?:-1|NoDevFiles)\s*)?$/i.test(names)) return 0;
  return names.split(",").filter((name) => name.trim() !== "").length;
}

/** One sentence where there is less than is asked for. @param cluster what it joins */
export function shortage(config: YamlValue | undefined, machine: Machine, cluster?: Cluster): string | undefined {
  const demand = demandOf(config);
  if (cluster !== undefined) {
    if (cluster.nodes === null) return undefined;
    const sum = (of: "gpus" | "cpus") => (cluster.nodes ?? []).reduce((total, node) => total + node[of], 0);
    return tooFew(demand, { gpus: sum("gpus"), cpus: sum("cpus"), by: `the Ray cluster at ${cluster.address}` });
  }
  const supply = supplyOf(config, machine);
  const fewer = visibleGpus(machine).find(({ gpus }) => gpus < (supply.gpus ?? 0));
  if (supply.by === "ray.init.num_gpus" && fewer !== undefined)
    return `ray.init.num_gpus is ${supply.gpus}, and ${fewer.by} shows ${fewer.gpus}: Ray does not start`;
  return tooFew(demand, supply);
}

function tooFew(demand: Demand, { gpus, cpus, by }: Supply): string | undefined {
  if (gpus !== undefined && demand.gpus > gpus) {
    const nodes = demand.nodes.map((node) => `${node.name} ${rounded(node.gpus)}`).join(", ");
    return `the configuration asks for ${counted(demand.gpus, "GPU")} (${nodes}), and there ${gpus === 1 ? "is" : "are"} ${rounded(gpus)} by ${by}: falcon waits a minute for the rest and fails`;
  }
  if (cpus !== undefined && demand.cpus > cpus)
    return `the configuration asks for ${counted(demand.cpus, "CPU")}, and there ${cpus === 1 ? "is" : "are"} ${rounded(cpus)} by ${by.startsWith("the Ray cluster") ? by : "ray.init.num_cpus"}: falcon waits a minute for the rest and fails`;
  return undefined;
}

function counted(count: number, what: string): string {
  return `${rounded(count)} ${what}${count === 1 ? "" : "s"}`;
}

/** 0.1 + 0.2 is 0.3 here. */
function rounded(count: number): string {
  return String(Number(count.toFixed(3)));
}
