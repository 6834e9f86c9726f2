// The names in a folder of ours or of the system, which always answer; none where it cannot be read.
import fs from "node:fs";

export function namesIn(folder: string): string[] {
  try {
    return fs.readdirSync(folder);
  } catch {
    return [];
  }
}
