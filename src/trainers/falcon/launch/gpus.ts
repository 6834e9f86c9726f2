// GPUs of this machine by its drivers' own files, as Ray counts them by their libraries. Asks the file system
// itself: for work that is done aside.
import path from "node:path";
import { head } from "../../../base/aside/regular-file.ts";
import { namesIn } from "../../../base/names-in.ts";

/** How many each driver has; undefined: no file tells. */
export interface Gpus {
  nvidia: number | undefined;
  amd: number | undefined;
}

/** A number of ten digits, and a line's end. */
const longestNumber = 16;

/**
 * NVIDIA's by its driver, in a container by the devices that it was given; AMD's by the kernel's topology for
 * computing, in which a processor's `gpu_id` is 0. Under WSL 2 the driver is Windows', and tells nothing
 * here.
 * @param root "/" but for tests
 */
export function gpusHere(root = "/"): Gpus {
  const under = (...names: string[]) => path.join(root, ...names);
  const devices = namesIn(under("dev"));
  if (devices.includes("dxg")) return { nvidia: undefined, amd: undefined };
  const given = devices.filter((name) => /^nvidia\d+$/.test(name)).length;
  const nodes = under("sys/class/kfd/kfd/topology/nodes");
  return {
    nvidia: Math.max(given, namesIn(under("proc/driver/nvidia/gpus")).length),
    amd: namesIn(nodes).filter((node) => Number(head(path.join(nodes, node, "gpu_id"), longestNumber)) > 0).length,
  };
}
