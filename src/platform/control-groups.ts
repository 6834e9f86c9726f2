// Control groups: puts a process where another one is, as far as the kernel lets its user do that.
import fs from "node:fs";
import path from "node:path";

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

/** Controllers to path of group; empty where there is no such process, or no such thing. */
function groupsOf(pid: number): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of readLines(`/proc/${pid}/cgroup`)) {
    const [, controllers, group] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers !== undefined && group !== undefined) found.set(controllers, group);
  }
  return found;
}

/**
 * A part of a hierarchy that is mounted by itself (a container's) is passed over: paths in /proc begin at the
 * root.
 */
function hierarchies(): Hierarchy[] {
  const found = new Map<string, Hierarchy>();
  for (const line of readLines("/proc/self/mountinfo")) {
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

function readLines(file: string): string[] {
  try {
    return fs.readFileSync(file, "utf8").split("\n").filter(Boolean);
  } catch {
    return [];
  }
}
