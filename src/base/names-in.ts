// The names in a folder; none where it cannot be read. In the server itself only of those of ours and of the
// system, which always answer.
import fs from "node:fs";
import { onDisk } from "./text/bytes.ts";

export function namesIn(folder: string): string[] {
  try {
    return fs.readdirSync(onDisk(folder));
  } catch {
    return [];
  }
}
