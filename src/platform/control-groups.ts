// Control groups: puts a process where another one is, as far as the kernel lets its user do that.
import fs from "node:fs";
import path from "node:path";
import { groupsOf } from "./processes.ts";

/** One hierarchy: what /proc/PID/cgroup calls it, and where it is mounted. */
interface Hierarchy {
  /** "" for version 2. */
  readonly controllers: string;
  readonly folder: string;
}

/**
 * Moves `pid`, which has one thread and no children yet, into the control groups of `like`. Answers those
 * that it could not enter, as
 * /proc/PID/cgroup names them: without a privilege only groups are entered that belong to the user together
 * with one above both.
 */
export function joinControlGroups(pid: number, like: number): string[] {
  const [own, wanted] = [groupsOf(pid), groupsOf(like)];
  const refused: string[] = [];
  if ([...wanted].every(([controllers, group]) => own.get(controllers) === group)) return refused;
  for (const { controllers, folder } of hierarchies()) {
    const group = wanted.get(controllers);
    if (group === undefined || group === own.get(controllers)) continue;
    try {
      fs.writeFileSync(path.join(folder, group, "cgroup.procs"), String(pid));
    } catch {
      refused.push(`${controllers}:${group}`);
    }
  }
  return refused;
}

/**
 * A part of a hierarchy that is mounted by itself (a container's) is passed over: paths in /proc begin at the
 * root.
 */
function hierarchies(): Hierarchy[] {
  const found = new Map<string, Hierarchy>();
  for (const line of mounts()) {
    const [before = "", after = ""] = line.split(" - ");
    const [, , , root, folder = ""] = before.split(" ");
    const [type, , options = ""] = after.split(" ");
    if (root !== "/") continue;
    if (type === "cgroup2") found.set("", { controllers: "", folder });
    // the options name the controllers, as /proc/PID/cgroup does, beside words of the mount
    if (type === "cgroup") {
      const controllers = options.split(",").filter((word) => word !== "rw" && word !== "ro" && word !== "xattr");
      found.set(controllers.join(","), { controllers: controllers.join(","), folder });
    }
  }
  return [...found.values()];
}

function mounts(): string[] {
  try {
    return fs.readFileSync("/proc/self/mountinfo", "utf8").split("\n").filter(Boolean);
  } catch {
    return [];
  }
}
