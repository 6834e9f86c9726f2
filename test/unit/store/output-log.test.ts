import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, type TestContext, test } from "node:test";
import zlib from "node:zlib";
import { OutputLog } from "../../../src/store/output-log.ts";
import { segmentBytes } from "../../../src/store/segments.ts";
import { allocated, FakeHolder, punchHole } from "../../support/holder/session-folder.ts";

let folder: string;
let holder: FakeHolder;
let log: OutputLog;
beforeEach(() => {
  folder = path.join(fs.mkdtempSync("/tmp/fs-"), "s");
  holder = new FakeHolder(folder);
  log = OutputLog.open(folder);
});
afterEach(() => {
  log.close();
  holder.close();
  fs.rmSync(path.dirname(folder), { recursive: true });
});

/** Text that compresses somewhat, every line different. */
function text(bytes: number, seed = 0): Buffer {
  const out = Buffer.alloc(bytes);
  for (let i = 0, n = 0; n < bytes; i++)
    n += out.write(`${seed + i} Epoch ${(i * 7919) % 10007} loss=${Math.sin(i + seed).toFixed(6)}\r\n`, n, "latin1");
  return out;
}

async function all(from = 0): Promise<Buffer> {
  const out: Buffer[] = [];
  for await (const piece of log.pieces(from)) out.push("hole" in piece ? Buffer.alloc(piece.hole.length) : piece.bytes);
  return Buffer.concat(out);
}

const outputLog = () => path.join(folder, "output.log");
const segmentFiles = () => fs.readdirSync(folder).filter((f) => f.startsWith("seg-"));

test("a running session's log is read as it grows", async () => {
  holder.write("first\r\n");
  assert.equal((await log.read(0, 100)).toString(), "first\r\n");
  holder.write("second\r\n");
  assert.equal((await log.read(7, 100)).toString(), "second\r\n");
  assert.equal((await log.read(100, 5)).length, 0);
  assert.equal(log.end, 15);
});

test("what is missing behind the end of the file, where it could not be lengthened, is missing", async () => {
  holder.write("first\r\n");
  fs.writeFileSync(path.join(folder, "record"), "gap 7 1000\n");
  assert.equal((await log.read(0, 100)).toString(), "first\r\n");
  assert.equal(log.end, 1007);
  assert.deepEqual(log.holes(), [{ offset: 7, length: 1000, reason: "disk" }]);
});

test("what another thread or process compresses is still read whole, by a log that was open before and at any moment", async () => {
  // a module of its own, as another thread has it
  const elsewhere = "../../../src/store/output-log.ts?elsewhere";
  const { OutputLog: Elsewhere } = (await import(elsewhere)) as { OutputLog: typeof OutputLog };
  assert.notEqual(Elsewhere, OutputLog);
  const whole = text(segmentBytes + 28_904);
  holder.write(whole);
  assert.ok((await all()).equals(whole));
  const other = Elsewhere.open(folder);
  try {
    const compressing = other.compress({ punchHole, ended: true });
    let readings = 0;
    for (let done = false; !done; readings++) {
      done = await Promise.race([compressing.then(() => true), new Promise<boolean>((resolve) => setImmediate(resolve, false))]);
      assert.ok((await all()).equals(whole), `reading ${readings}`);
    }
    assert.equal(await compressing, 2);
    assert.deepEqual(log.holes(), []);
  } finally {
    other.close();
  }
});

test("complete segments are compressed, freed from output.log, and read back byte for byte at any range", async () => {
  const whole = text(segmentBytes * 3 + 12345);
  holder.write(whole);
  assert.equal(await log.compress({ punchHole }), 2);
  assert.deepEqual(
    log.segments.map((s) => [s.offset, s.length]),
    [
      [0, segmentBytes],
      [segmentBytes, segmentBytes],
    ],
  );
  assert.equal(log.rawBase, 2 * segmentBytes);
  assert.ok(allocated(outputLog()) <= segmentBytes + 12345 + 2 * 4096, "the compressed range takes no disk any more");
  assert.ok((await all()).equals(whole));
  for (const [offset, length] of [
    [0, 1],
    [segmentBytes - 5, 10],
    [segmentBytes * 2 - 7, 4000],
    [segmentBytes * 2 + 3, 100],
    [17, segmentBytes * 2],
  ] as const) {
    assert.ok((await log.read(offset, length)).equals(whole.subarray(offset, offset + length)), `${offset}+${length}`);
  }
  holder.write("and on\r\n");
  assert.equal((await log.read(whole.length, 100)).toString(), "and on\r\n");
});

test("an ended session is compressed to its end; any brotli tool brings it back", async () => {
  const whole = text(segmentBytes + 999);
  holder.write(whole);
  holder.exit(0);
  await log.compress({ punchHole, ended: true });
  assert.ok(allocated(outputLog()) <= 4096, "at most the page that was begun stays");
  assert.ok((await all()).equals(whole));
  const unpacked = segmentFiles()
    .sort()
    .map((f) => zlib.brotliDecompressSync(fs.readFileSync(path.join(folder, f))));
  assert.ok(Buffer.concat(unpacked).equals(whole));
  assert.equal(await log.compress({ punchHole, ended: true }), 0);
});

test("a crash at any step leaves a log that reads whole, and the next try finishes the work", async () => {
  const whole = text(segmentBytes * 2 + 500);
  holder.write(whole);
  // crash after the rename, before the punch: the effect never happens
  await assert.rejects(
    log.compress({
      punchHole: () => {
        throw new Error("killed here");
      },
    }),
    /killed here/,
  );
  assert.equal(segmentFiles().length, 1);
  assert.ok(allocated(outputLog()) > segmentBytes * 2);
  // crash in the middle of writing a segment
  fs.writeFileSync(path.join(folder, "seg-000000004194304-4194304-0000000000000000.br.tmp"), "half");
  log.close();
  log = OutputLog.open(folder);
  assert.ok((await all()).equals(whole));
  await log.compress({ punchHole });
  assert.ok(allocated(outputLog()) < segmentBytes + 3 * 4096, "the range that was left twice is freed now");
  assert.deepEqual(
    segmentFiles().filter((f) => f.endsWith(".tmp")),
    [],
  );
  assert.ok((await all()).equals(whole));
});

test("where holes cannot be punched a running session is left alone, an ended one is compressed and its file emptied", async () => {
  const whole = text(segmentBytes * 3);
  holder.write(whole);
  const never = () => false;
  await log.compress({ punchHole: never });
  await log.compress({ punchHole: never });
  assert.equal(segmentFiles().length, 1, "it found out with the first, and stopped");
  holder.exit(0);
  await log.compress({ punchHole: never, ended: true });
  assert.equal(fs.statSync(outputLog()).size, 0);
  assert.equal(log.end, whole.length);
  assert.ok((await all()).equals(whole));
});

test("holes of a full disk are told, before and after compression, and what surrounds them is whole", async () => {
  const first = text(100_000);
  const second = text(segmentBytes * 2, 7);
  holder.write(first);
  holder.lose(50_000);
  holder.write(second);
  const hole = { offset: 100_000, length: 50_000, reason: "disk" as const };
  for (const round of ["raw", "compressed"]) {
    log.refresh();
    assert.deepEqual(log.holes(), [hole], round);
    const pieces = async (most?: number) => {
      const found = [];
      for await (const p of log.pieces(99_990, 150_010, most)) found.push("hole" in p ? p.hole : [p.offset, p.bytes.length]);
      return found;
    };
    assert.deepEqual(await pieces(), [[99_990, 10], hole, [150_000, 10]], round);
    const bounded = [[99_990, 6], [99_996, 4], hole, [150_000, 6], [150_006, 4]];
    assert.deepEqual(await pieces(6), bounded, `${round}: a hole is told whole, however small the pieces are`);
    assert.ok((await log.read(0, 1 << 20)).equals(first), "a read stops at the hole");
    assert.equal((await log.read(120_000, 10)).length, 0);
    assert.ok((await log.read(150_000, second.length)).equals(second));
    await log.compress({ punchHole, ended: true });
  }
});

test("a log that lost its end says so", async () => {
  holder.write("so far\r\n");
  holder.lose(1000);
  holder.exit(0);
  log.refresh();
  assert.equal(log.end, 1008);
  assert.deepEqual(log.holes(), [{ offset: 8, length: 1000, reason: "disk" }]);
  await log.compress({ punchHole, ended: true });
  assert.equal((await log.read(0, 5000)).toString(), "so far\r\n");
});

test("retention by size takes the oldest segments, and the marks with them", async () => {
  let time = 1_700_000_000_000;
  const whole = text(segmentBytes * 4);
  for (let i = 0; i < whole.length; i += 4096) {
    time += 200;
    holder.write(whole.subarray(i, i + 4096), time);
  }
  await log.compress({ punchHole });
  assert.equal(log.segments.length, 3);
  const marks = allocated(path.join(folder, "times"));
  const limit = log.diskBytes - (log.segments[0]?.size ?? 0) - 1;
  const freed = await log.retain(limit, punchHole);
  assert.ok(freed > 0);
  assert.ok(log.diskBytes <= limit);
  assert.equal(log.base, 2 * segmentBytes);
  assert.deepEqual(log.holes(), [{ offset: 0, length: 2 * segmentBytes, reason: "retention" }]);
  assert.ok((await log.read(log.base, whole.length)).equals(whole.subarray(log.base)));
  assert.equal((await log.read(5, 10)).length, 0);
  assert.ok(allocated(path.join(folder, "times")) < marks);
  assert.equal(log.times.timeAt(log.base), 1_700_000_000_000 + (log.base / 4096 + 1) * 200);
  log.close();
  log = OutputLog.open(folder);
  assert.equal(log.base, 2 * segmentBytes);
  assert.equal(log.times.timeAt(log.base), 1_700_000_000_000 + (log.base / 4096 + 1) * 200);
});

test("the holder's own retention is seen from the file alone", async () => {
  const whole = text(segmentBytes * 2);
  holder.write(whole);
  await log.compress({ punchHole }); // one segment
  const more = text(segmentBytes * 2, 3);
  holder.write(more);
  const kept = segmentBytes * 2 + 4096 * 3;
  holder.punchHead(kept);
  log.refresh();
  assert.equal(log.rawBase, kept);
  assert.deepEqual(log.holes(), [{ offset: segmentBytes, length: kept - segmentBytes, reason: "retention" }]);
  assert.ok((await log.read(kept, 1000)).equals(more.subarray(kept - whole.length, kept - whole.length + 1000)));
  log.close();
  log = OutputLog.open(folder);
  assert.equal(log.rawBase, kept);
  await log.compress({ punchHole, ended: true });
  assert.equal(log.segments[1]?.offset, kept);
});

test("what the holder's own retention frees while it is read is a hole, and no zeros", async () => {
  const whole = text(segmentBytes);
  holder.write(whole);
  const kept = 4096 * 200;
  const pieces = log.pieces(0);
  const first = (await pieces.next()).value;
  assert.ok(first !== undefined && "bytes" in first && first.bytes.length < kept);
  holder.punchHead(kept);
  const found = (await pieces.next()).value;
  assert.ok(found !== undefined && "hole" in found);
  assert.deepEqual(found.hole, { offset: first.bytes.length, length: kept - first.bytes.length, reason: "retention" });
  const rest: Buffer[] = [];
  for await (const piece of pieces) rest.push("bytes" in piece ? piece.bytes : Buffer.alloc(0));
  assert.ok(Buffer.concat(rest).equals(whole.subarray(kept)));
});

test("a program that writes nothing but NULs is not taken for a hole", async () => {
  holder.write(Buffer.alloc(100_000));
  holder.write("text");
  log.refresh();
  assert.deepEqual(log.holes(), []);
  assert.equal((await log.read(0, 1 << 20)).length, 100_004);
});

test("a damaged segment is a hole, the rest is readable", async () => {
  const whole = text(segmentBytes * 4);
  holder.write(whole);
  await log.compress({ punchHole });
  const file = path.join(folder, log.segments[1]?.file ?? "");
  log.close();
  const bytes = fs.readFileSync(file);
  for (const damaged of [
    randomBytes(bytes.length),
    bytes.subarray(0, bytes.length / 2),
    // another segment's, at the quality that takes no time
    zlib.brotliCompressSync(text(segmentBytes, 99), { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 1 } }),
  ]) {
    fs.writeFileSync(file, damaged);
    log = OutputLog.open(folder);
    const read = await all();
    const expected = Buffer.from(whole);
    expected.fill(0, segmentBytes, 2 * segmentBytes);
    assert.ok(read.equals(expected));
    assert.deepEqual(log.holes(), [{ offset: segmentBytes, length: segmentBytes, reason: "damaged" }]);
    log.close();
  }
  fs.rmSync(file);
  log = OutputLog.open(folder);
  assert.deepEqual(log.holes(), [{ offset: segmentBytes, length: segmentBytes, reason: "damaged" }]);
});

test("a segment that cannot be opened at the moment is no damaged one: that reading fails, the next has all", async (t) => {
  const whole = text(segmentBytes * 3);
  holder.write(whole);
  await log.compress({ punchHole });
  t.mock.method(
    fs.promises,
    "readFile",
    async () => {
      throw Object.assign(new Error("EMFILE: too many open files, open"), { code: "EMFILE" });
    },
    { times: 1 },
  );
  await assert.rejects(all(), { code: "EMFILE" });
  assert.ok((await all()).equals(whole));
  assert.deepEqual(log.holes(), []);
});

test("readers see every byte while segments are being compressed under them", async () => {
  const whole = text(segmentBytes * 3);
  holder.write(whole);
  const work = log.compress({ punchHole });
  const other = OutputLog.open(folder);
  const reads: Promise<boolean>[] = [];
  for (let i = 0; i < 40; i++) {
    const at = (i * 104_729 * 37) % (whole.length - 9000);
    reads.push(other.read(at, 9000).then((b) => b.equals(whole.subarray(at, at + 9000))));
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual(new Set(await Promise.all(reads)), new Set([true]));
  await work;
  other.close();
  assert.ok((await all()).equals(whole));
});

/** How often this process has output.log open: the holder once, and whoever reads it. */
const opened = () =>
  fs.readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return fs.readlinkSync(`/proc/self/fd/${fd}`) === outputLog();
    } catch {
      return false; // the folder's own, which is closed by now
    }
  }).length;

/** The one descriptor that was free was taken for output.log: none is left for the record. */
function failRecord(t: TestContext) {
  const { openSync } = fs;
  return t.mock.method(fs, "openSync", (file: fs.PathLike, ...rest: [fs.OpenMode]) => {
    if (String(file).endsWith("/record") && opened() > 1) throw Object.assign(new Error("EMFILE"), { code: "EMFILE" });
    return openSync(file, ...rest);
  });
}

test("a log that cannot be opened for want of a descriptor keeps none", (t) => {
  log.close();
  const failing = failRecord(t);
  assert.throws(() => OutputLog.open(folder), { code: "EMFILE" });
  failing.mock.restore();
  assert.equal(opened(), 1);
  log = OutputLog.open(folder);
});

test("who was refused a log that others have open does not keep it open when they have gone", (t) => {
  const failing = failRecord(t);
  assert.throws(() => OutputLog.open(folder), { code: "EMFILE" });
  failing.mock.restore();
  log.close();
  assert.equal(opened(), 1);
  log = OutputLog.open(folder);
});

test("an absent output.log is an empty log, an absent folder an error", async () => {
  const empty = path.join(path.dirname(folder), "empty");
  fs.mkdirSync(empty);
  const nothing = OutputLog.open(empty);
  assert.equal((await nothing.read(0, 10)).length, 0);
  assert.equal(nothing.end, 0);
  assert.equal(await nothing.compress({ punchHole }), 0);
  nothing.close();
  assert.throws(() => OutputLog.open(path.join(empty, "no")), { code: "ENOENT" });
});
