// What is not ours goes to the user's Python falcon, unchanged, with its exit status: the client becomes it.

import { launcher } from "../../trainers/registry.ts";
import { programFile } from "../start/program-file.ts";
import type { Call } from "./call.ts";

/** Starts a program with one more variable; POSIX has it here in effect. */
const env = "/usr/bin/env";

/** @throws Failure 127 when no Python falcon is found. */
export async function handOver(call: Call): Promise<undefined> {
  const { request } = call;
  const found = await launcher.find({ environment: request.environment, directory: request.directory });
  const [file, ...first] = found.command as [string, ...string[]];
  const program = await programFile(file, request.environment, request.directory);
  if (found.via === undefined) call.exec(program, [file, ...first, ...request.arguments]);
  // a script that may call falcon by its name, which is ours
  else call.exec(env, [env, `${launcher.viaVariable}=${found.via}`, program, ...first, ...request.arguments]);
  return undefined;
}
