// What is asked of a run's files: looks, pieces and chunks of what is regular, and nothing of what is not.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { zipSync } from "fflate";
import type { FileStat } from "../../../../src/base/aside/stat-files.ts";
import { readChunk } from "../../../../src/trainers/falcon/run/chunks.ts";
import { lookAside, readPiece, signatureOf, sizeOf } from "../../../../src/trainers/reading/foreign-files.ts";

let folder: string;
before(() => {
  folder = fs.mkdtempSync("/tmp/fs-");
});
after(() => fs.rmSync(folder, { recursive: true, force: true }));

test("look: what is there, what is new, and nothing that waits or fails", async () => {
  const { ENOENT, ENOTDIR, EINVAL } = os.constants.errno;
  const log = path.join(folder, "look.log");
  fs.writeFileSync(log, "0123456789");
  const long = path.join(folder, "long.log");
  fs.writeFileSync(long, Buffer.alloc((64 << 10) + 1));
  const pipe = path.join(folder, "look.pipe");
  execFileSync("mkfifo", [pipe]);
  const at = (file: string, from: number, known: number) => ({ file, from, known });
  const seen = await lookAside([
    at(log, 4, 6),
    at(log, 10, 10),
    at(log, 0, Number.POSITIVE_INFINITY),
    at(log, 12, 5),
    at(long, 0, 0),
    at(long, 1, 0),
    at(pipe, 0, 0),
    at(folder, 0, 0),
    at(path.join(folder, "none"), 0, 0),
    at(path.join(log, "below"), 0, 0),
    at("a\0b", 0, 0),
  ]);
  assert.deepEqual(
    // Node 24 does not tell whether a file or its folder is not there, and nobody here has to know
    seen.map(({ error }) => (error === ENOTDIR ? ENOENT : error)),
    [0, 0, 0, 0, 0, 0, 0, 0, ENOENT, ENOENT, EINVAL],
  );
  assert.deepEqual(
    seen.map(({ bytes }) => bytes?.length),
    [6, undefined, undefined, undefined, undefined, 64 << 10, ...new Array(5).fill(undefined)],
  );
  assert.equal(seen[0]?.bytes?.toString(), "456789");
  assert.deepEqual(
    seen.map(({ regular }) => regular),
    [true, true, true, true, true, true, ...new Array(5).fill(false)],
  );
  const stat = fs.statSync(log);
  const { inode, size, modified } = seen[0] as FileStat;
  assert.deepEqual([inode, size, Math.round(modified)], [stat.ino, 10, Math.round(stat.mtimeMs)]);
  assert.deepEqual(await lookAside([]), []);
});

test("pipes, devices, sockets and folders are looked at, and never opened", async () => {
  const pipe = path.join(folder, "pipe");
  execFileSync("mkfifo", [pipe]);
  const link = path.join(folder, "zero");
  fs.symlinkSync("/dev/zero", link);
  for (const file of [pipe, link, folder, "/dev/zero"]) {
    await assert.rejects(readPiece(file, 0, 10), { code: "EINVAL" });
    await assert.rejects(sizeOf(file), { code: "EINVAL" });
    await assert.rejects(readChunk(file));
    assert.equal(await signatureOf(file), undefined);
  }
  await assert.rejects(readPiece(path.join(folder, "none"), 0, 10), { code: "ENOENT" });
});

/** An array of float64, as numpy writes it. */
function npy(count: number): Uint8Array {
  const header = `{'descr': '<f8', 'fortran_order': False, 'shape': (${count},), }`.padEnd(117, " ");
  const head = Buffer.from(`\x93NUMPY\x01\x00${String.fromCharCode(118, 0)}${header}\n`, "latin1");
  return Buffer.concat([head, Buffer.alloc(count * 8)]);
}

test("a chunk of more entries than falcon writes has none, and says what it unpacked to", async () => {
  const file = path.join(folder, "chunk.npz");
  const write = (count: number) =>
    fs.writeFileSync(file, zipSync({ "step.npy": npy(count), "value.npy": npy(count), "walltime.npy": npy(count) }));
  write(100);
  assert.equal((await readChunk(file)).points.length, 100);
  write(200_000);
  const { points, unpacked } = await readChunk(file);
  assert.deepEqual([points.length, unpacked], [0, 3 * 200_000 * 8]);
  assert.ok(fs.statSync(file).size < 100_000, "a few KB claim megabytes");
});
