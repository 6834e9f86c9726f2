// Where Ray keeps the sockets and logs that its processes need while they run.
import path from "node:path";

/** @param environment of who starts Ray, which goes by TMPDIR on Linux alone. */
export function rayFolder(environment: Readonly<Record<string, string | undefined>>): string {
  return path.join(environment.RAY_TMPDIR || (process.platform === "linux" && environment.TMPDIR) || "/tmp", "ray");
}
