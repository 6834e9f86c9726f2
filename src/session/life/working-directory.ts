// The folder that a caller is in: whether a program can be started there, in words (asked aside), and what a
// path that begins there means.
import fs from "node:fs";
import path from "node:path";
import { aside } from "../../base/aside/aside.ts";
import { Failure, sentence } from "../../base/failure.ts";
import { onDisk } from "../../base/text/bytes.ts";

/** Said of a caller whose working directory is gone: a client tells an empty one then. */
const removedDirectory = "the current directory was removed: cd to one that is there";

/** A path as the caller wrote it. @throws Failure where it begins in a directory that is gone. */
export function callersPath(directory: string, file: string): string {
  if (directory === "" && !path.isAbsolute(file)) throw new Failure(`${file}: ${removedDirectory}`);
  return path.resolve(directory, file);
}

/** chdir fails in the child, too late for a clear sentence. @throws Failure */
export const checkDirectory = aside("checkDirectory", checkHere, ([directory]) => directory);

function checkHere(directory: string): void {
  if (directory === "") throw new Failure(removedDirectory);
  try {
    if (!fs.statSync(onDisk(directory)).isDirectory()) throw new Failure(`${directory} is not a directory`);
    fs.accessSync(onDisk(directory), fs.constants.X_OK);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(`the directory ${directory} cannot be entered: ${sentence(error)}`);
  }
}
