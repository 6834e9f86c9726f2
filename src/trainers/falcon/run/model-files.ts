// Which model files a run left, and whether they are whole: what "saved" means here, whatever falcon's own
// summary says.
import fs from "node:fs";
import path from "node:path";
import { aside } from "../../../base/aside/aside.ts";
import { openRegular, readRegular } from "../../../base/aside/regular-file.ts";
import { onDisk } from "../../../base/text/bytes.ts";
import type { ModelFiles } from "../../run/ending.ts";

/** Damaged files that are named: a sentence has no room for more. */
const mostNamed = 5;

/** A file server's clock may be this much behind ours (ms). */
const clockSlack = 2_000;

/** Model files of a node that are looked at: falcon's estimators write about ten. */
const mostFiles = 1_000;

/**
 * A zip archive's directory and its members: torch writes one a tensor, with some 100 bytes for each. The
 * head of each is read.
 */
const longestDirectory = 16 << 20;
const mostMembers = 100_000;

/** A zip archive ends with a record of 22 bytes and a comment of at most 65,535. */
const endRecord = 22;
const longestEnd = endRecord + 65_535;

/** What falcon writes that trains in rounds: numpy's archive, a zip as torch's are. */
const bestState = "best_state.npz";

/**
 * The example trainer's model, in JSON of a few KB. In the memory of a helper it is up to fifteen times as
 * long.
 */
const jsonModel = "model.json";
const longestJson = 4 << 20;

/**
 * Whether a file of a node's folder is part of a saved model: torch's archives, and the example trainer's
 * model.
 */
export function isModelFile(name: string): boolean {
  return name.endsWith(".pth") || name === bestState || name === jsonModel;
}

/**
 * Looks at the model files of the trained nodes. Never throws: a folder that cannot be read is "unknown".
 * @param graph the folder of the nodes.
 * @param nodes the names of the trained nodes; of none, nothing is known.
 * @param since when this launch began, ms since 1970: what is older is an earlier launch's.
 */
export async function modelFiles(graph: string, nodes: readonly string[], since: number): Promise<ModelFiles> {
  // what does not answer cannot be read
  return modelFilesAside(graph, nodes, since).catch(() => ({ state: "unknown", files: 0, damaged: [] }));
}

const modelFilesAside = aside("modelFiles", modelFilesHere, ([graph]) => graph);

async function modelFilesHere(graph: string, nodes: readonly string[], since: number): Promise<ModelFiles> {
  const found: ModelFiles = { state: "unknown", files: 0, damaged: [] };
  if (nodes.length === 0) return found;
  let complete = true;
  for (const node of nodes) {
    const fresh = await freshFiles(path.join(graph, node), since);
    if (fresh === undefined) return found;
    if (fresh.length === 0) complete = false;
    for (const file of fresh) {
      found.files += 1;
      if (isWhole(file)) continue;
      complete = false;
      if (found.damaged.length < mostNamed) found.damaged.push(path.relative(graph, file));
    }
  }
  found.state = found.files === 0 ? "none" : complete ? "whole" : "cut";
  return found;
}

/**
 * The model files of a node's folder that are of this launch; none where there is no such folder yet,
 * undefined where it cannot be read.
 */
async function freshFiles(folder: string, since: number): Promise<string[] | undefined> {
  try {
    const names = await fs.promises.readdir(onDisk(folder));
    const models = names.filter(isModelFile).slice(0, mostFiles);
    const fresh: string[] = [];
    for (const name of models) {
      const file = path.join(folder, name);
      if ((await fs.promises.stat(onDisk(file))).mtimeMs >= since - clockSlack) fresh.push(file);
    }
    return fresh;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? [] : undefined;
  }
}

/**
 * Whether a model file can be read to its end: of an archive its directory and the bounds of its members, of
 * JSON all of it.
 */
function isWhole(file: string): boolean {
  try {
    if (path.basename(file) === jsonModel) {
      const bytes = readRegular(file, 0, longestJson + 1);
      if (bytes.length > longestJson) return false;
      JSON.parse(bytes.toString("utf8"));
      return true;
    }
    return isWholeArchive(file);
  } catch {
    return false;
  }
}

/**
 * Whether a file is a zip archive (APPNOTE 4.3) whose end record, directory and members are all there: each
 * member's own header stands where the directory says, and its bytes end before the directory begins. The
 * bytes themselves are not read.
 * @throws where it cannot be read, or names a place that no file has.
 */
export function isWholeArchive(file: string): boolean {
  const fd = openRegular(file);
  try {
    const { size } = fs.fstatSync(fd);
    const read: Read = (at, length) => {
      const buffer = Buffer.alloc(length);
      return buffer.subarray(0, fs.readSync(fd, buffer, 0, length, at));
    };
    const directory = directoryOf(read, size);
    if (directory === undefined || directory.length > longestDirectory || directory.entries > mostMembers) return false;
    const bytes = read(directory.offset, directory.length);
    if (bytes.length < directory.length) return false;
    let at = 0;
    for (let n = 0; n < directory.entries; n++) {
      if (at + 46 > bytes.length || bytes.readUInt32LE(at) !== 0x02014b50) return false;
      const [name, extra, comment] = [bytes.readUInt16LE(at + 28), bytes.readUInt16LE(at + 30), bytes.readUInt16LE(at + 32)];
      const entry = bytes.subarray(at, at + 46 + name + extra + comment);
      if (entry.length < 46 + name + extra + comment) return false;
      const member = memberOf(entry, name, extra);
      if (member === undefined) return false;
      const header = read(member.offset, 30);
      if (header.length < 30 || header.readUInt32LE(0) !== 0x04034b50) return false;
      const begins = member.offset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
      if (begins + member.length > directory.offset) return false;
      at += entry.length;
    }
    return directory.entries > 0;
  } finally {
    fs.closeSync(fd);
  }
}

type Read = (at: number, length: number) => Buffer;

/** Where an archive's directory is, by its end record (and that of zip64, which torch always writes). */
function directoryOf(read: Read, size: number): { offset: number; length: number; entries: number } | undefined {
  const tail = read(Math.max(0, size - longestEnd), Math.min(size, longestEnd));
  let at = tail.length - endRecord;
  while (at >= 0 && !(tail.readUInt32LE(at) === 0x06054b50 && at + endRecord + tail.readUInt16LE(at + 20) === tail.length)) at--;
  if (at < 0) return undefined;
  const small = { entries: tail.readUInt16LE(at + 10), length: tail.readUInt32LE(at + 12), offset: tail.readUInt32LE(at + 16) };
  const ends = size - tail.length + at;
  let found = small;
  if (small.entries === 0xffff || small.length === 0xffffffff || small.offset === 0xffffffff) {
    const locator = at >= 20 ? tail.subarray(at - 20, at) : undefined;
    if (locator === undefined || locator.readUInt32LE(0) !== 0x07064b50) return undefined;
    const large = read(Number(locator.readBigUInt64LE(8)), 56);
    if (large.length < 56 || large.readUInt32LE(0) !== 0x06064b50) return undefined;
    found = {
      entries: Number(large.readBigUInt64LE(32)),
      length: Number(large.readBigUInt64LE(40)),
      offset: Number(large.readBigUInt64LE(48)),
    };
  }
  return found.offset + found.length <= ends ? found : undefined;
}

/**
 * A member's place and length, from its entry of the directory; numbers that do not fit stand in its zip64
 * field.
 */
function memberOf(entry: Buffer, name: number, extra: number): { offset: number; length: number } | undefined {
  let [length, offset] = [entry.readUInt32LE(20), entry.readUInt32LE(42)];
  const plain = entry.readUInt32LE(24);
  if (length !== 0xffffffff && offset !== 0xffffffff) return { offset, length };
  const fields = entry.subarray(46 + name, 46 + name + extra);
  for (let at = 0; at + 4 <= fields.length; at += 4 + fields.readUInt16LE(at + 2)) {
    if (fields.readUInt16LE(at) !== 1) continue;
    let value = at + 4;
    if (plain === 0xffffffff) value += 8;
    if (length === 0xffffffff) {
      length = Number(fields.readBigUInt64LE(value));
      value += 8;
    }
    if (offset === 0xffffffff) offset = Number(fields.readBigUInt64LE(value));
    return { offset, length };
  }
  return undefined;
}
