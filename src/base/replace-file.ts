// A file that others may be reading is written beside its place and renamed, so that it is always whole.
import fs from "node:fs";
import path from "node:path";

/** Writes it, for its owner alone unless said otherwise. @throws the file system's error */
export function replaceFile(file: string, content: string | Uint8Array, mode = 0o600): void {
  const temporary = beside(file);
  // what a process of that number left there, and no link of somebody else's
  fs.rmSync(temporary, { force: true });
  fs.writeFileSync(temporary, content, { mode, flag: "wx" });
  fs.renameSync(temporary, file);
}

/** The same with what another file has. */
export function replaceByCopy(from: string, file: string): void {
  const temporary = beside(file);
  fs.copyFileSync(from, temporary);
  fs.renameSync(temporary, file);
}

function beside(file: string): string {
  return path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}`);
}
