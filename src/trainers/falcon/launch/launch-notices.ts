// What is said of a launch before it begins: the cluster that it joins, and what it asks for in vain.
import { aside } from "../../../base/aside/aside.ts";
import type { Cluster, FindOptions, Notice, TrainedSession, TrainerCondition } from "../../trainer.ts";
import type { YamlValue } from "../config/yaml.ts";
import { withSettings } from "../config/yaml-tree.ts";
import { type LaunchArguments, parseLaunch } from "./arguments.ts";
import { demandOf, shortage } from "./demand.ts";
import { findPythonFalcon } from "./find.ts";
import { type Gpus, gpusHere } from "./gpus.ts";
import { configFile, pythonOf, readConfig } from "./launch-files.ts";
import { clusterNodes, clusterOf, sizedCluster } from "./ray-cluster.ts";

type Environment = Readonly<Record<string, string>>;

/** What the files say. */
interface Seen {
  config: YamlValue | undefined;
  joined: Pick<Cluster, "address" | "how"> | undefined;
  python: string | undefined;
  gpus: Gpus;
}

const lookAtLaunch = aside("lookAtLaunch", lookHere, ([, , directory]) => directory);

/** Where nodes ask for GPUs in a cluster it is asked how many it has, which takes some seconds. */
export async function launchNotices(
  command: readonly string[],
  args: LaunchArguments,
  directory: string,
  environment: Environment,
): Promise<Notice[]> {
  const seen = await lookAtLaunch(command, args, directory, environment).catch(() => undefined);
  // other programs in falcon's place have rules of their own
  if (seen?.config === undefined || seen.python === undefined) return [];
  const { config, joined, gpus } = seen;
  const notices: Notice[] = [];
  let cluster: Cluster | undefined;
  if (joined !== undefined) {
    notices.push({ sentence: `joins the Ray cluster at ${joined.address} (${howWords(joined.how)})`, amiss: false });
    const sized = sizedCluster(config, joined);
    if (sized !== undefined) notices.push({ sentence: sized, amiss: true });
    const nodes = demandOf(config).gpus > 0 ? await askNodes(seen, environment) : undefined;
    cluster = { ...joined, nodes: nodes ?? null };
  }
  const sentence = shortage(config, { environment, gpus }, cluster);
  if (sentence !== undefined) notices.push({ sentence, amiss: true });
  return notices;
}

/** What a launch without arguments asks for in vain. */
export async function launchConditions(where: FindOptions): Promise<TrainerCondition[]> {
  const { directory, environment } = where;
  const found = await findPythonFalcon(where).catch(() => undefined);
  if (found === undefined) return [];
  const notices = await launchNotices(found.command, parseLaunch([]), directory, environment);
  return notices
    .filter(({ amiss }) => amiss)
    .map(({ sentence }) => ({
      id: "ray-demand",
      what: `in ${directory} ${sentence}`,
      remedy: "change the nodes' ray settings or ray.init in config.yml, or start it where there is more",
    }));
}

/** The cluster that a session's run has joined, with its nodes. */
export async function joinedCluster({
  command,
  directory,
  environment,
  runDirectory,
}: TrainedSession): Promise<Cluster | undefined> {
  const args = parseLaunch(command.slice(command.indexOf("launch") + 1));
  const own = runDirectory === null ? args : { ...args, output: runDirectory };
  const seen = await lookAtLaunch(command, own, directory, environment).catch(() => undefined);
  if (seen?.joined === undefined) return undefined;
  return { ...seen.joined, nodes: (await askNodes(seen, environment)) ?? null };
}

async function askNodes({ joined, python }: Seen, environment: Environment) {
  return joined === undefined || python === undefined ? undefined : clusterNodes(python, joined.address, environment);
}

function howWords(how: string): string {
  if (how === "ray start") return "which 'ray start' began on this machine";
  return how === "ray.init" ? "ray.init.address of the configuration" : how;
}

function lookHere(command: readonly string[], args: LaunchArguments, directory: string, environment: Environment): Seen {
  const config = withSettings(readConfig(configFile(args, directory).file), args.overrides);
  return { config, joined: clusterOf(config, environment), python: pythonOf(command), gpus: gpusHere() };
}
