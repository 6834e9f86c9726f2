// How a helper process is started.
import { type ChildProcess, fork } from "node:child_process";
import path from "node:path";
import { codeFolder } from "../kept-code.ts";

/** Memory (MiB) that a helper may fill, beyond which it ends: documents are read in it that others wrote. */
const helperMemory = 192;

/** The first that a helper says. */
export const helperReady = "ready";

/** The helpers' program in the installation below `root`. */
export function helperProgram(root: string): string {
  return path.join(root, "dist", "aside-helper.cjs");
}

/**
 * A process of the helpers' program, which keeps nobody alive, and of the server's environment has the place
 * of compiled code alone. It does one thing after the other, with five threads instead of Node's usual
 * eleven.
 */
export function forkHelper(script: string): ChildProcess {
  const code = codeFolder(process.env);
  const child = fork(script, [], {
    serialization: "advanced",
    execArgv: [`--max-old-space-size=${helperMemory}`, "--v8-pool-size=1"],
    env: { UV_THREADPOOL_SIZE: "1", ...(code === undefined ? {} : { NODE_COMPILE_CACHE: code }) },
    stdio: ["ignore", "ignore", "ignore", "ipc"],
    cwd: "/",
  });
  child.unref();
  child.channel?.unref();
  return child;
}
