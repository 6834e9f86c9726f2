// Which file a command name means, as execvp(3) finds it, and why it cannot be run where it cannot.
import fs from "node:fs";
import path from "node:path";
import { aside } from "../../base/aside/aside.ts";
import { Failure, Status } from "../../base/failure.ts";
import { onDisk } from "../../base/text/bytes.ts";

/**
 * The file that `name` means in this environment and directory.
 * @throws Failure 127 when there is none, 126 when it is there and cannot be executed.
 */
export const programFile = aside("programFile", fileHere, ([name, , directory]) =>
  name.includes("/") ? path.resolve(directory, name) : directory,
);

function fileHere(name: string, environment: Record<string, string>, directory: string): string {
  if (name === "") throw new Failure("the command is an empty string: name a program to run", Status.notFound);
  if (name.includes("/")) return executable(path.resolve(directory, name), name);
  let refused: Failure | undefined;
  for (const folder of (environment.PATH ?? "/usr/local/bin:/usr/bin:/bin").split(":")) {
    try {
      return executable(path.resolve(directory, folder, name), name);
    } catch (error) {
      if (error instanceof Failure && error.status === Status.notExecutable) refused ??= error;
    }
  }
  throw refused ?? new Failure(`command not found: ${name} (it is in no folder of PATH)`, Status.notFound);
}

function executable(file: string, name: string): string {
  let stat: fs.Stats;
  try {
    stat = fs.statSync(onDisk(file));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "EACCES")
      throw new Failure(`cannot run ${name}: no permission to look into ${path.dirname(file)}`, Status.notExecutable);
    throw new Failure(`command not found: ${name}`, Status.notFound);
  }
  if (stat.isDirectory()) throw new Failure(`cannot run ${name}: it is a folder`, Status.notExecutable);
  try {
    fs.accessSync(onDisk(file), fs.constants.X_OK);
  } catch {
    throw new Failure(`cannot run ${name}: it is not executable ('chmod +x ${file}' makes it so)`, Status.notExecutable);
  }
  return file;
}
