// The Ray cluster that a falcon joins instead of starting its own: which, how it was named, and its nodes.
import path from "node:path";
import { askProgram } from "../../../base/aside/ask-program.ts";
import { head } from "../../../base/aside/regular-file.ts";
import { rayFolder } from "../../reading/ray-folder.ts";
import type { Cluster, ClusterNode } from "../../trainer.ts";
import type { YamlValue } from "../config/yaml.ts";
import { valueAt } from "../config/yaml-tree.ts";

/** An address has some tens of bytes. */
const longestAddress = 1024;

/** Milliseconds that a Python may take to import Ray (on a busy file server a dozen seconds) and to ask. */
const patience = 30_000;

/** Nodes that are told of: clusters of a university's group have some tens. */
const mostNodes = 200;

/** What is read of an answer (bytes): a line of some 150 a node, and Ray's warnings. */
const longestAnswer = 1 << 20;

/** Asks the cluster's own table, as `ray status` does: no job is registered with it. */
const question = `
import json, sys
try:  # a Ray whose clusters ask for a token: the one of ~/.ray is shown, as ray.init shows it
    from ray._private.authentication.authentication_token_setup import maybe_enable_token_auth_if_token_available as enable
    enable(warn_if_disabled=False)
except ImportError:
    pass
from ray._private.state import GlobalState
from ray._raylet import GcsClientOptions
state = GlobalState()
state._initialize_global_state(GcsClientOptions.create(sys.argv[1], None, allow_cluster_id_nil=True, fetch_cluster_id_if_nil=False))
for node in state.node_table():
    if node.get("Alive"):
        has = node.get("Resources", {})
        print("NODE", json.dumps({"address": node["NodeManagerAddress"], "name": node.get("NodeManagerHostname"), "cpus": has.get("CPU", 0), "gpus": has.get("GPU", 0)}))
`;

/**
 * How Ray finds a cluster (ray.init's own order): the address of the configuration, RAY_ADDRESS, the one that
 * `ray start` began on this machine last. Undefined: it starts one of its own.
 */
export function clusterOf(
  config: YamlValue | undefined,
  environment: Readonly<Record<string, string>>,
): Pick<Cluster, "address" | "how"> | undefined {
  const named = valueAt(config, "ray.init.address");
  if (named === "local") return undefined;
  const concrete = (address: string | undefined) => address !== undefined && address !== "" && address !== "auto";
  if (typeof named === "string" && concrete(named) && !named.includes("${")) return { address: named, how: "ray.init" };
  const variable = environment.RAY_ADDRESS;
  if (variable === "local") return undefined;
  if (concrete(variable)) return { address: variable as string, how: "RAY_ADDRESS" };
  const started = head(path.join(rayFolder(environment), "ray_current_cluster"), longestAddress).trim();
  return /^[\w.:[\]-]+:\d+$/.test(started) ? { address: started, how: "ray start" } : undefined;
}

/** What is wrong with a configuration that sizes a Ray which is there already; undefined: nothing. */
export function sizedCluster(
  config: YamlValue | undefined,
  { address, how }: Pick<Cluster, "address" | "how">,
): string | undefined {
  const sizes = ["num_cpus", "num_gpus", "resources", "object_store_memory"].filter(
    (key) => valueAt(config, `ray.init.${key}`) !== undefined && valueAt(config, `ray.init.${key}`) !== null,
  );
  if (sizes.length === 0) return undefined;
  const settings = sizes.map((key) => `ray.init.${key}`).join(" and ");
  return `${settings} ${sizes.length === 1 ? "is" : "are"} set, which Ray refuses where it joins a cluster (${address}, by ${how})`;
}

/**
 * Its nodes; undefined where it, or this Python, does not answer. An address with a scheme (`ray://…`) is
 * that of a server of Ray's client, which would have to be joined to be asked.
 * @param python what runs the falcon
 */
export async function clusterNodes(
  python: string,
  address: string,
  environment: Readonly<Record<string, string>>,
): Promise<ClusterNode[] | undefined> {
  if (address.includes("://")) return undefined;
  const asking = { environment: { ...environment, RAY_USAGE_STATS_ENABLED: "0" }, patience, longest: longestAnswer };
  const { status, said } = await askProgram(python, ["-c", question, address], asking);
  return status === 0 ? nodesIn(said) : undefined;
}

/** Undefined where a line that should tell of a node tells of none. */
function nodesIn(said: string): ClusterNode[] | undefined {
  const lines = said.split("\n").filter((line) => line.startsWith("NODE "));
  try {
    return lines.slice(0, mostNodes).map((line) => nodeOf(JSON.parse(line.slice("NODE ".length))));
  } catch {
    return undefined;
  }
}

/** @throws TypeError for what is no node. */
function nodeOf(told: Record<string, unknown>): ClusterNode {
  const { address, name, cpus, gpus } = told;
  if (typeof address !== "string" || typeof cpus !== "number" || typeof gpus !== "number") throw new TypeError("no node");
  return { address, name: typeof name === "string" ? name : null, cpus, gpus };
}
