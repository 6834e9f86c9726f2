// What the configuration of the caller's directory asks Ray for, and whether there is that much.
import { launcher } from "../trainers/registry.ts";
import { type Caller, type Finding, warning } from "./condition.ts";

/** @param command what starts the Python falcon; undefined: there is none, and nothing to look at. */
export async function checkDemand(
  { directory, environment }: Caller,
  command: readonly string[] | undefined,
): Promise<Finding[]> {
  if (command === undefined) return [];
  const notices = await launcher.notices(command, [], directory, environment);
  return notices
    .filter(({ amiss }) => amiss)
    .map(({ sentence }) =>
      warning(
        "ray-demand",
        `in ${directory} ${sentence}`,
        "change the nodes' ray settings or ray.init in config.yml, or start it where there is more",
      ),
    );
}
