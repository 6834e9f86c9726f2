// Saved means: model files of this launch are there, and whole. Archives as torch writes them, cut at every
// place.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, test } from "node:test";
import { zipSync } from "fflate";
import { isWholeArchive, modelFiles } from "../../../../src/trainers/falcon/run/model-files.ts";
import { withWatchedPipe } from "../../../support/watched-pipe.ts";

const folder = fs.mkdtempSync("/tmp/fs-");
after(() => fs.rmSync(folder, { recursive: true }));

const archive = Buffer.from(
  zipSync(
    { "model/data.pkl": Buffer.alloc(300, 1), "model/data/0": Buffer.alloc(5_000, 7), "model/version": Buffer.from("3\n") },
    { level: 0 },
  ),
);

/** Whether it is; one that is damaged may make an error. */
function isWhole(file: string): boolean {
  try {
    return isWholeArchive(file);
  } catch {
    return false;
  }
}

test("an archive is whole, and not when a byte of its end is missing, nor when its middle is", () => {
  const file = path.join(folder, "model.pth");
  fs.writeFileSync(file, archive);
  assert.equal(isWholeArchive(file), true);
  for (const length of [0, 1, 21, 22, 500, 5_400, archive.length - 22, archive.length - 1]) {
    fs.writeFileSync(file, archive.subarray(0, length));
    assert.equal(isWhole(file), false, `${length} of ${archive.length} bytes`);
  }
  fs.writeFileSync(file, Buffer.concat([archive.subarray(0, 100), archive.subarray(900)]));
  assert.equal(isWhole(file), false, "without 800 bytes of its middle");
  fs.writeFileSync(file, Buffer.alloc(archive.length));
  assert.equal(isWhole(file), false, "zeros");
});

test("a node's files of this launch count, an earlier launch's do not", async () => {
  const node = path.join(folder, "graph", "theta");
  fs.mkdirSync(node, { recursive: true });
  const graph = path.dirname(node);
  const now = Date.now();
  const put = (name: string, bytes: Buffer, age: number) => {
    fs.writeFileSync(path.join(node, name), bytes);
    fs.utimesSync(path.join(node, name), (now - age) / 1000, (now - age) / 1000);
  };
  assert.equal((await modelFiles(graph, ["theta"], now)).state, "none");
  put("model.pth", archive, 60_000);
  assert.deepEqual(await modelFiles(graph, ["theta"], now), { state: "none", files: 0, damaged: [] });
  assert.equal((await modelFiles(graph, ["theta"], now - 90_000)).state, "whole");
  put("epochs.pth", archive.subarray(0, 700), 0);
  assert.deepEqual(await modelFiles(graph, ["theta"], now - 90_000), { state: "cut", files: 2, damaged: ["theta/epochs.pth"] });
  put("epochs.pth", archive, 0);
  assert.equal((await modelFiles(graph, ["theta", "phi"], now - 90_000)).state, "cut", "a node without a model");
  assert.equal((await modelFiles(graph, [], now)).state, "unknown");
});

test("a directory that would take 16 MiB is not read, of very many files the first 1,000 are looked at, five damaged ones are named", async () => {
  const file = path.join(folder, "huge.pth");
  const length = (16 << 20) + 1;
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(length, 12);
  const fd = fs.openSync(file, "w");
  fs.writeSync(fd, end, 0, end.length, length);
  fs.closeSync(fd);
  assert.equal(isWholeArchive(file), false);
  const many = path.join(folder, "many", "theta");
  fs.mkdirSync(many, { recursive: true });
  const begun = Date.now();
  for (let n = 0; n < 1_010; n++) fs.writeFileSync(path.join(many, `${n}.pth`), "");
  const found = await modelFiles(path.dirname(many), ["theta"], begun);
  assert.deepEqual([found.state, found.files, found.damaged.length], ["cut", 1_000, 5]);
});

/** The same archive with the end records of zip64, which says how many members there are. */
function zip64(members: number): Buffer {
  const end = archive.length - 22;
  const [length, offset] = [archive.readUInt32LE(end + 12), archive.readUInt32LE(end + 16)];
  const record = Buffer.alloc(56);
  record.writeUInt32LE(0x06064b50, 0);
  record.writeBigUInt64LE(44n, 4);
  for (const [at, value] of [
    [24, members],
    [32, members],
    [40, length],
    [48, offset],
  ] as const)
    record.writeBigUInt64LE(BigInt(value), at);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(end), 8);
  const old = Buffer.alloc(22, 0xff);
  old.writeUInt32LE(0x06054b50, 0);
  old.writeUInt16LE(0, 20);
  return Buffer.concat([archive.subarray(0, end), record, locator, old]);
}

test("an archive of zip64; one that tells of more members than there are, or than 100,000, is none", () => {
  const file = path.join(folder, "zip64.pth");
  for (const [members, whole] of [
    [3, true],
    [4, false],
    [0, false],
    [100_001, false],
  ] as const) {
    fs.writeFileSync(file, zip64(members));
    assert.equal(isWholeArchive(file), whole, `${members} members`);
  }
  fs.writeFileSync(file, zip64(3).subarray(1));
  assert.equal(isWhole(file), false);
});

for (const name of ["x.pth", "best_state.npz", "model.json"])
  test(`a pipe that is named like a model file is a damaged one, and never opened: ${name}`, async () => {
    const graph = path.join(folder, `pipe-${name}`);
    fs.mkdirSync(path.join(graph, "z"), { recursive: true });
    const { answer, opened } = await withWatchedPipe(path.join(graph, "z", name), () => modelFiles(graph, ["z"], 0));
    assert.equal(opened, false);
    assert.deepEqual(answer, { state: "cut", files: 1, damaged: [`z/${name}`] });
  });

test("a model in JSON is read to its end, one of more than 4 MiB is not taken for whole, nor is a device", async () => {
  const graph = path.join(folder, "json");
  const file = path.join(graph, "z", "model.json");
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const look = async () => (await modelFiles(graph, ["z"], 0)).state;
  fs.writeFileSync(file, '{"weights":[1,2]}');
  assert.equal(await look(), "whole");
  fs.writeFileSync(file, '{"weights":[1,2');
  assert.equal(await look(), "cut");
  fs.writeFileSync(file, `{}${" ".repeat(4 << 20)}`);
  assert.equal(await look(), "cut");
  fs.rmSync(file);
  fs.symlinkSync("/dev/zero", file);
  assert.equal(await look(), "cut");
});
