// A file that others may be reading is written beside its place and renamed, so that it is always whole.
import fs from "node:fs";
import path from "node:path";

/** Writes it, for its owner alone unless said otherwise. @throws the file system's error */
export function replaceFile(file: string, content: string | Uint8Array, mode = 0o600): void {
  replace(file, (temporary) => fs.writeFileSync(temporary, content, { mode, flag: "wx" }));
}

/** The same with what another file has. */
export function replaceByCopy(from: string, file: string): void {
  replace(file, (temporary) => fs.copyFileSync(from, temporary, fs.constants.COPYFILE_EXCL));
}

function replace(file: string, make: (temporary: string) => void): void {
  const temporary = path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}`);
  // what a process of that number left there, and no link of somebody else's
  fs.rmSync(temporary, { force: true });
  try {
    make(temporary);
    fs.renameSync(temporary, file);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw error;
  }
}
