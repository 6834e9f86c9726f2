// Whether the tools that build packages can be had here.
import { spawnSync } from "node:child_process";
import { root } from "../paths.ts";

/**
 * 440 MB, the first time: a slow index costs the tests of packages, and not the whole run of whoever has them
 * in it (ms).
 */
const patience = 240_000;

/** Why nothing can be built for other systems; false: the compiler is here, now or since an earlier run. */
export function lackingZig(): string | false {
  const script = 'await import("./scripts/packages/tools.mjs").then(({ pythonWith }) => pythonWith("ziglang"))';
  const zig = spawnSync(process.execPath, ["--input-type=module", "-e", script], { cwd: root, timeout: patience });
  return zig.status === 0 ? false : `the Python package index did not bring ziglang within ${patience / 1000} s`;
}
