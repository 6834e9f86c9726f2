// What is not ours goes to the user's Python falcon, unchanged, with its exit status: the client becomes it.
import { findPythonFalcon } from "../falcon/find.ts";
import type { Call, Context } from "./call.ts";
import { programFile } from "./program-file.ts";

/** @throws Failure 127 when no Python falcon is found. */
export async function handOver(call: Call, _context: Context): Promise<undefined> {
  const { request } = call;
  const found = await findPythonFalcon({ environment: request.environment, directory: request.directory });
  const [file, ...first] = found.command as [string, ...string[]];
  call.exec(programFile(file, request.environment, request.directory), [file, ...first, ...request.arguments]);
  return undefined;
}
