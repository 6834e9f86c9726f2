// The archive of parts: written whole, bounded, read with suspicion, since another machine may have written
// anything there.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { archiveRoot, jobKey, PartArchive, type Publication } from "../../../src/store/archive/part-archive.ts";
import { OutputLog } from "../../../src/store/output-log.ts";
import { segmentBytes } from "../../../src/store/segments.ts";
import type { SessionRow } from "../../../src/store/session-store.ts";
import { FakeHolder, punchHole } from "../../support/holder/session-folder.ts";

let folder = "";
let archive: PartArchive;

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "fs-archive-"));
  archive = new PartArchive(path.join(folder, "archive"));
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

function row(id: string, over: Partial<SessionRow> = {}): SessionRow {
  return {
    id,
    name: "run",
    kind: "launch",
    trainer: "falcon",
    command: ["falcon", "launch"],
    directory: "/work",
    environment: { SECRET: "value" },
    umask: 0o22,
    limits: [],
    runDirectory: "/project/run",
    host: "node1",
    boot: "b",
    token: "t",
    holderPid: 1,
    programPid: 2,
    state: "exited",
    reason: "ended with status 0",
    created: 1000,
    started: 1000,
    ended: 2000,
    waitStatus: 0,
    cols: 80,
    rows: 24,
    pinned: false,
    interrupts: 0,
    attached: null,
    facts: { outputBytes: 5 },
    ...over,
  };
}

/** A session folder with this output. */
function session(name: string, output: string): string {
  const made = path.join(folder, name);
  fs.mkdirSync(made);
  fs.writeFileSync(path.join(made, "output.log"), output);
  fs.writeFileSync(path.join(made, "record"), `start 1000 2\nexit 0 ${output.length} 2000\n`);
  return made;
}

function publication(run: string, n: number, over: Partial<Publication> = {}): Publication {
  return { run, n, row: row(`part${n}`), log: undefined, curves: [], graph: undefined, ...over };
}

test("a part never takes the place of another machine's of its number: it has the next one, and keeps it", async () => {
  await archive.publish(publication("abc234", 1));
  await archive.publish(publication("abc234", 2, { row: row("job"), log: session("job", "theirs") }));
  const ours = publication("abc234", 2, { row: row("ours"), log: session("ours", "own") });
  assert.deepEqual([await archive.publish(ours), await archive.publish(ours)], [3, 3]);
  assert.equal(await archive.publish(publication("abc234", 2, { row: row("job") })), 2);
  assert.deepEqual(
    archive.parts("abc234").map(({ n, row: { id } }) => [n, id]),
    [
      [1, "part1"],
      [2, "job"],
      [3, "ours"],
    ],
  );
});

test("a part is read as it was written, without its environment", async () => {
  const curve = { x: [1, 2], y: [3, 4] };
  await archive.publish(publication("abc234", 1, { curves: [{ node: "z", training: curve, validation: curve }] }));
  await archive.publish(publication("abc234", 2));
  const parts = archive.parts("abc234");
  assert.deepEqual(
    parts.map(({ n, row: { id, host, facts } }) => [n, id, host, facts.outputBytes]),
    [
      [1, "part1", "node1", 5],
      [2, "part2", "node1", 5],
    ],
  );
  assert.deepEqual(parts[0]?.row.environment, {});
  const written = fs.readdirSync(path.join(folder, "archive"), { recursive: true, withFileTypes: true });
  for (const entry of written) {
    const file = path.join(entry.parentPath, entry.name);
    assert.equal(fs.statSync(file).mode & 0o077, 0, `${file} is the owner's alone`);
    if (entry.isFile()) assert.ok(!fs.readFileSync(file, "utf8").includes("SECRET"), file);
  }
  assert.deepEqual(archive.curvesBefore("abc234", 2), [[{ node: "z", training: curve, validation: curve }]]);
});

test("a log is published while it grows, and again: the copy reads like the session's own", async () => {
  const log = session("s", "first\n");
  await archive.publish(publication("abc234", 1, { log }));
  fs.appendFileSync(path.join(log, "output.log"), "second\n");
  fs.writeFileSync(path.join(log, "record"), "start 1000 2\n");
  await archive.publish(publication("abc234", 1, { log }));
  const [part] = archive.parts("abc234");
  assert.ok(part);
  const copy = path.join(folder, "home", "s", "part1");
  fs.mkdirSync(path.dirname(copy), { recursive: true });
  // a copy that is broken off, as by the end of the helper that makes it, is no session, and is begun anew
  fs.mkdirSync(path.join(folder, "home", "bringing-part1", "record"), { recursive: true });
  assert.equal(archive.copyTo(part, copy), true);
  assert.deepEqual(fs.readdirSync(path.join(folder, "home")), ["s"]);
  assert.equal(archive.copyTo(part, copy), false, "what is there stays");
  const read = OutputLog.open(copy);
  assert.equal((await read.read(0, 100)).toString(), "first\nsecond\n");
  read.close();
  assert.equal(fs.readdirSync(copy).filter((name) => name.startsWith("seg-")).length, 1);
});

/** What is published of a session folder's log, as a home reads it that it is copied to. */
async function published(log: string): Promise<OutputLog> {
  await archive.publish(publication("abc234", 1, { log }));
  const [part] = archive.parts("abc234");
  assert.ok(part);
  const copy = path.join(folder, "home", "s", "part1");
  fs.mkdirSync(path.dirname(copy), { recursive: true });
  archive.copyTo(part, copy);
  return OutputLog.open(copy);
}

test("what a full disk took is missing in the copy too, and what came behind it is there", async () => {
  const made = path.join(folder, "s");
  const holder = new FakeHolder(made);
  holder.write("before\n");
  holder.lose(50_000);
  holder.write("behind\n");
  holder.exit(0);
  holder.close();
  const copy = await published(made);
  assert.deepEqual(copy.holes(), [{ offset: 7, length: 50_000, reason: "disk" }]);
  assert.equal((await copy.read(0, 100)).toString(), "before\n");
  assert.equal((await copy.read(50_007, 100)).toString(), "behind\n");
  assert.equal(copy.end, 50_014);
  copy.close();
});

test("a part whose log was removed or cut is archived with what there is", async () => {
  for (const [name, left] of [
    ["removed", undefined],
    ["cut", "out"],
  ] as const) {
    const made = session(name, "output\n");
    const file = path.join(made, "output.log");
    if (left === undefined) fs.rmSync(file);
    else fs.writeFileSync(file, left);
    const copy = await published(made);
    assert.equal((await copy.read(0, 100)).toString(), left ?? "", name);
    copy.close();
    fs.rmSync(path.join(folder, "home"), { recursive: true, force: true });
  }
});

test("a log that is compressed while it is published is published once", async () => {
  const made = path.join(folder, "s");
  const holder = new FakeHolder(made);
  const whole = Buffer.concat(Array.from({ length: 3 }, (_, n) => Buffer.alloc(segmentBytes, `line of segment ${n}\n`)));
  holder.write(whole);
  const own = OutputLog.open(made);
  const pieces = own.pieces.bind(own);
  own.pieces = async function* (...range) {
    await own.compress({ punchHole });
    yield* pieces(...range);
  };
  try {
    const copy = await published(made);
    assert.deepEqual(copy.holes(), []);
    assert.equal(copy.end, whole.length);
    assert.ok((await copy.read(0, whole.length)).equals(whole));
    copy.close();
  } finally {
    own.close();
    holder.close();
  }
});

test("metrics are copied as far as they fit, the newest first", async () => {
  const graph = path.join(folder, "graph");
  const metric = path.join(graph, "z", "metrics", "val", "loss");
  fs.mkdirSync(metric, { recursive: true });
  for (const [i, size] of [9 << 20, 9 << 20, 1000].entries()) {
    const file = path.join(metric, `chunk_00000${i}.npz`);
    fs.writeFileSync(file, Buffer.alloc(size));
    fs.utimesSync(file, 1000 + i, 1000 + i);
  }
  fs.symlinkSync("/etc/passwd", path.join(metric, "chunk_000009.npz"));
  // of a falcon that trains in an actor of its own
  const actor = path.join(graph, "z", "train", "metrics", "val", "nll");
  fs.mkdirSync(actor, { recursive: true });
  fs.writeFileSync(path.join(actor, "chunk_000000.npz"), "newest");
  // as each node's folder has them
  fs.writeFileSync(path.join(graph, "z", "output.log"), "a log");
  fs.writeFileSync(path.join(graph, "notes.txt"), "somebody's own");
  await archive.publish(publication("abc234", 1, { graph }));
  const copied = fs.readdirSync(path.join(folder, "archive/abc234/1/graph/z/metrics/val/loss"));
  assert.deepEqual(copied.sort(), ["chunk_000001.npz", "chunk_000002.npz"]);
  assert.deepEqual(fs.readdirSync(path.join(folder, "archive/abc234/1/graph/z/train/metrics/val/nll")), ["chunk_000000.npz"]);
});

test("the metrics of earlier parts are found by their folders, oldest first; of very many the newest", async () => {
  const graph = path.join(folder, "graph");
  fs.mkdirSync(path.join(graph, "z/metrics/lr"), { recursive: true });
  fs.writeFileSync(path.join(graph, "z/metrics/lr/chunk_000000.npz"), "entries");
  for (let n = 1; n <= 33; n++) await archive.publish(publication("abc234", n, n === 2 ? {} : { graph }));
  const of = (n: number) => path.join(folder, "archive/abc234", String(n), "graph");
  assert.deepEqual(archive.graphsBefore("abc234", 4), [of(1), of(3)]);
  assert.deepEqual(archive.graphsBefore("abc234", 1), []);
  const all = archive.graphsBefore("abc234", 34);
  assert.deepEqual([all.length, all[0], all.at(-1)], [31, of(3), of(33)]);
});

test("what another machine may have written there is passed over", async () => {
  await archive.publish(publication("abc234", 1));
  const part = path.join(folder, "archive/abc234/1/part.json");
  const good = JSON.parse(fs.readFileSync(part, "utf8"));
  const bad: unknown[] = [
    "",
    "[]",
    "{",
    { ...good, version: 2 },
    { ...good, row: { ...good.row, id: "../x" } },
    { ...good, row: { ...good.row, command: [] } },
    { ...good, row: { ...good.row, command: [1] } },
    { ...good, row: { ...good.row, facts: null } },
    { ...good, row: { ...good.row, state: "gone" } },
    { ...good, row: { ...good.row, created: "yesterday" } },
    " ".repeat(5 << 20),
  ];
  for (const text of bad) {
    fs.writeFileSync(part, typeof text === "string" ? text : JSON.stringify(text));
    assert.deepEqual(archive.parts("abc234"), [], JSON.stringify(text).slice(0, 80));
  }
  fs.rmSync(part);
  fs.symlinkSync("/etc/passwd", part);
  assert.deepEqual(archive.parts("abc234"), []);
  assert.deepEqual(archive.parts("../archive"), []);
  fs.writeFileSync(path.join(folder, "archive/abc234/1/curves.json"), '[{"node":"z","training":{"x":[1],"y":["a"]}}]');
  assert.deepEqual(archive.curvesBefore("abc234", 2), []);
});

test("the run is found by its newest part, of several runs the one that was written last; old ones are swept", async () => {
  await archive.publish(publication("aaa234", 1, { row: row("part1", { directory: "/a" }) }));
  await archive.publish(publication("bbb234", 1, { row: row("part1", { directory: "/b" }) }));
  await archive.publish(publication("bbb234", 10, { row: row("part10", { directory: "/b" }) }));
  const { facts, kind } = row("part1");
  assert.equal(archive.ofJob(jobKey(facts.job, kind, "/b", facts.asked))?.n, 10);
  assert.equal(archive.ofJob(jobKey(facts.job, kind, "/c", facts.asked)), undefined);
  assert.deepEqual(
    archive
      .newest()
      .map(({ run }) => run)
      .sort(),
    ["aaa234", "bbb234"],
  );
  const part = path.join(folder, "archive/aaa234/1/part.json");
  fs.writeFileSync(part, JSON.stringify({ ...JSON.parse(fs.readFileSync(part, "utf8")), written: 5 }));
  archive.sweep(1000);
  assert.deepEqual(fs.readdirSync(path.join(folder, "archive")), ["bbb234"]);
});

test("a run is found, and swept, by the part before one whose first writing was broken off", async () => {
  await archive.publish(publication("abc234", 1));
  await assert.rejects(archive.publish(publication("abc234", 2, { log: path.join(folder, "removed meanwhile") })));
  assert.deepEqual(fs.readdirSync(path.join(folder, "archive/abc234")).sort(), ["1", "2"]);
  const { facts, kind, directory } = row("part1");
  assert.equal(archive.ofJob(jobKey(facts.job, kind, directory, facts.asked))?.n, 1);
  assert.deepEqual(
    archive.newest().map(({ run }) => run),
    ["abc234"],
  );
  archive.sweep(Number.POSITIVE_INFINITY);
  assert.deepEqual(archive.newest(), []);
});

test("a run whose newest part cannot be read is kept as long as that part is new", async () => {
  await archive.publish(publication("abc234", 1));
  await archive.publish(publication("abc234", 2));
  const facts = (n: number) => path.join(folder, `archive/abc234/${n}/part.json`);
  fs.writeFileSync(facts(1), JSON.stringify({ ...JSON.parse(fs.readFileSync(facts(1), "utf8")), written: 5 }));
  // of a version that comes after this one
  fs.writeFileSync(facts(2), JSON.stringify({ version: 2 }));
  archive.sweep(1000);
  assert.deepEqual(
    archive.parts("abc234").map(({ n }) => n),
    [1],
  );
  const old = new Date(0);
  fs.utimesSync(path.dirname(facts(2)), old, old);
  // no part at all
  const link = path.join(folder, "archive/abc234/3");
  fs.symlinkSync("/nowhere", link);
  fs.lutimesSync(link, old, old);
  archive.sweep(1000);
  assert.deepEqual(archive.parts("abc234"), []);
});

test("of more parts than are read the newest count", async () => {
  await archive.publish(publication("abc234", 1));
  const first = path.join(folder, "archive/abc234/1");
  for (let n = 2; n <= 600; n++) fs.cpSync(first, path.join(folder, `archive/abc234/${n}`), { recursive: true });
  const { facts, kind, directory } = row("part1");
  assert.equal(archive.ofJob(jobKey(facts.job, kind, directory, facts.asked))?.n, 600);
  assert.deepEqual([archive.parts("abc234")[0]?.n, archive.parts("abc234").length], [101, 500]);
});

test("an archive is made wherever it is to be, whatever it is called", async () => {
  archive = new PartArchive(path.join(folder, "not there yet", "parts"));
  archive.make();
  await archive.publish(publication("abc234", 1));
  assert.equal(archive.parts("abc234").length, 1);
});

test("the archive lies beside the homes; a job's home lies in its host's", () => {
  assert.equal(archiveRoot({ HOME: "/home/ann" }), "/home/ann/.local/state/falcon-sessions/archive");
  assert.equal(archiveRoot({ HOME: "/home/ann", XDG_STATE_HOME: "/state" }), "/state/falcon-sessions/archive");
  assert.equal(archiveRoot({ FALCON_SESSIONS_HOME: "/h" }), "/h/archive");
  assert.equal(archiveRoot({ FALCON_SESSIONS_HOME: "/h/j/s77" }), "/h/archive");
});
