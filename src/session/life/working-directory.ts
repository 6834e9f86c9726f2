// Whether a program can be started in a folder, in words; asked aside.
import fs from "node:fs";
import { aside } from "../../base/aside/aside.ts";
import { Failure, sentence } from "../../base/failure.ts";
import { onDisk } from "../../base/text/bytes.ts";

/** chdir fails in the child, too late for a clear sentence. @throws Failure */
export const checkDirectory = aside("checkDirectory", checkHere, ([directory]) => directory);

function checkHere(directory: string): void {
  try {
    if (!fs.statSync(onDisk(directory)).isDirectory()) throw new Failure(`${directory} is not a directory`);
    fs.accessSync(onDisk(directory), fs.constants.X_OK);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(`the directory ${directory} cannot be entered: ${sentence(error)}`);
  }
}
