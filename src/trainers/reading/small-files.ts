// Names in a folder and the beginning of a file, for what a run was started with: what is not there, or
// cannot be read, is empty.
import fs from "node:fs";
import { readRegular } from "../../base/aside/regular-file.ts";
import { onDisk } from "../../base/text/bytes.ts";

/** Names in a folder, without an error where there is none. */
export function entries(folder: string): string[] {
  try {
    return fs.readdirSync(onDisk(folder));
  } catch {
    return [];
  }
}

/** The first `most` bytes of a regular file as text. */
export function head(file: string, most: number): string {
  try {
    return readRegular(file, 0, most).toString("utf8");
  } catch {
    return "";
  }
}
