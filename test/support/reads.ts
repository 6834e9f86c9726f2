// What is read of runs' files, counted where the server has it done aside, so that "only what is new" can be
// measured. Who counts says `useAside(counting)`.
import fs from "node:fs";
import { type Aside, operationOf } from "../../src/base/aside/aside.ts";
import type { FileStat } from "../../src/base/aside/stat-files.ts";

/** Of this process, since it began: bytes of file content, and files that were opened for them. */
export const reads = { bytes: 0, opened: 0 };

function add(bytes: number): void {
  reads.bytes += bytes;
  reads.opened++;
}

export const counting: Aside = async (name, file, args) => {
  if (name === "chunk") add(fs.statSync(file).size);
  const answer = await operationOf(name)?.(...(args as never[]));
  if (name === "readPiece") add((answer as Uint8Array).length);
  if (name === "look") for (const { bytes } of answer as FileStat[]) if (bytes !== undefined) add(bytes.length);
  return answer;
};
