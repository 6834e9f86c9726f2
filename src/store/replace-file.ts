// A file that others may be reading is written beside its place and renamed, so that it is always whole.
import fs from "node:fs";
import path from "node:path";

export function put(folder: string, name: string, text: string): void {
  const temporary = path.join(folder, `.${name}.${process.pid}`);
  fs.writeFileSync(temporary, text, { mode: 0o600 });
  fs.renameSync(temporary, path.join(folder, name));
}

export function copy(from: string, folder: string, name: string): void {
  const temporary = path.join(folder, `.${name}.${process.pid}`);
  fs.copyFileSync(from, temporary);
  fs.renameSync(temporary, path.join(folder, name));
}
