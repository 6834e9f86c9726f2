// Files that the server reads: the user's configuration, the session folders, the database. They are the
// user's own, but a full disk, a crash, another version or a hand may have left anything in them.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import zlib from "node:zlib";
import { defaultConfig } from "../../../src/base/config/config.ts";
import { parseConfig } from "../../../src/base/config/config-file.ts";
import { OutputLog } from "../../../src/store/output-log.ts";
import { parseRecord } from "../../../src/store/record.ts";
import { DamagedSegment, listSegments, readSegment } from "../../../src/store/segments.ts";
import { readSessionFile, writeSessionFile } from "../../../src/store/session-file.ts";
import { type SessionRow, SessionStore } from "../../../src/store/session-store.ts";
import { Times } from "../../../src/store/times.ts";
import type { Target } from "../target.ts";

/** A folder for the files of one input; in memory where the system has such a place. */
const folder = fs.mkdtempSync(fs.existsSync("/dev/shm") ? "/dev/shm/fs-fuzz-" : "/tmp/fs-fuzz-");
process.on("exit", () => fs.rmSync(folder, { recursive: true, force: true }));

function put(name: string, bytes: Uint8Array | string): void {
  fs.writeFileSync(path.join(folder, name), bytes);
}

function clear(): void {
  for (const name of fs.readdirSync(folder)) fs.rmSync(path.join(folder, name), { recursive: true });
}

const row: SessionRow = {
  id: "abc123",
  name: "run",
  kind: "launch",
  trainer: "falcon",
  command: ["falcon", "launch", "-o", "output/run"],
  directory: "/home/u/project",
  environment: { PATH: "/usr/bin", TOKEN: "secret" },
  umask: 0o22,
  limits: [{ resource: 7, soft: 1024n, hard: 2n ** 64n - 1n }],
  runDirectory: "/home/u/project/output/run",
  host: "login1",
  boot: "b",
  token: "00112233445566778899aabbccddeeff",
  holderPid: 10,
  programPid: 11,
  state: "running",
  reason: "started",
  created: 1_700_000_000_000,
  started: 1_700_000_000_100,
  ended: null,
  waitStatus: null,
  cols: 80,
  rows: 24,
  pinned: false,
  interrupts: 0,
  attached: null,
  facts: { execError: "x" },
};

const record = "start 1700000000000 11\ngap 100 20\nadopted 1700000001000 500\nexit 0 1000 1700000002000 1 2 3\n";

function timesFile(entries: [ms: number, bytes: number, cols: number, rows: number][]): Buffer {
  const bytes = Buffer.alloc(16 + entries.length * 12);
  bytes.write("FTIM", 0, "latin1");
  bytes.writeUInt32LE(1, 4);
  bytes.writeBigUInt64LE(1_700_000_000_000n, 8);
  entries.forEach(([ms, count, cols, rows], i) => {
    bytes.writeUInt32LE(ms, 16 + i * 12);
    bytes.writeUInt32LE(count, 20 + i * 12);
    bytes.writeUInt16LE(cols, 24 + i * 12);
    bytes.writeUInt16LE(rows, 26 + i * 12);
  });
  return bytes;
}

/** A whole database file with one session and its snapshot. */
function database(): Buffer {
  clear();
  const file = path.join(folder, "made.db");
  const store = SessionStore.open(file, () => {});
  store.save(row);
  store.saveSnapshot(row.id, { offset: 5, cols: 80, rows: 24, replay: Buffer.from("replay") });
  store.database.pragma("wal_checkpoint(TRUNCATE)");
  store.close();
  const bytes = fs.readFileSync(file);
  clear();
  return bytes;
}
let wholeDatabase: Buffer | undefined;

export const targets: readonly Target[] = [
  {
    name: "config",
    what: "config.toml: never throws; every value within its range; a bounded number of sentences, each one line",
    inputs: 400_000,
    longest: 8_000,
    seeds: () =>
      [
        'detach_key = "q"\nprefix = "C-a"\nhistory = 100\nscrollback = 5000\nretention = "1 GiB"\nretention_age = "1h30m"\non_event = ["sh", "-c", "x"]\n',
        'notify = false\nsize_policy = "fixed"\nserver_idle = "90s"\n[program_sequences]\nclipboard = "pass"\ntitle = "block"\n',
        "on_event = \"echo\"\ndetach_key = false\nprefix = false\nbogus.key = 1\n[other]\nx = 1979-05-27T07:32:00Z\n\"quoted\" = '''a\nb'''\n",
      ].map((text) => Buffer.from(text)),
    words: [
      "detach_key",
      "prefix",
      "history",
      "scrollback",
      "retention",
      "retention_age",
      "on_event",
      "notify",
      "size_policy",
      "server_idle",
      "[program_sequences]",
      "[[x]]",
      "=",
      '"""',
      "'''",
      "#",
      "{",
      "}",
      "[",
      "]",
      "\\u0000",
      "\\",
      "inf",
      "nan",
      "0x",
      "1e400",
      "__proto__",
      "\r\n",
      "\xef\xbb\xbf",
      '"C-',
      "99999999999999999999",
      "1d",
      " MB",
      ".",
    ],
    steps: { base: 60_000, perByte: 20_000 },
    run(input) {
      const { config, problems } = parseConfig(input.toString("utf8"), "config.toml");
      assert.deepEqual(Object.keys(config).sort(), Object.keys(defaultConfig).sort());
      assert.ok(config.detachKey === null || /^[\x21-\x7e]$/.test(config.detachKey));
      assert.ok(config.prefix === null || (config.prefix >= 0 && config.prefix < 0x20));
      assert.ok(config.detachKey !== null || config.prefix !== null, "there is a way out");
      for (const number of [config.history, config.scrollback, config.retention, config.retentionAge, config.serverIdle])
        assert.ok(Number.isSafeInteger(number) && number >= 0);
      assert.ok(config.history <= config.scrollback && config.scrollback <= 1_000_000);
      assert.ok(
        config.onEvent === null || (config.onEvent.length > 0 && config.onEvent.every((word) => typeof word === "string")),
      );
      assert.equal(typeof config.notify, "boolean");
      for (const passage of Object.values(config.programSequences)) assert.ok(passage === "pass" || passage === "block");
      for (const problem of problems)
        assert.ok(!problem.includes("\n") && problem.startsWith("config.toml"), JSON.stringify(problem));
    },
  },
  {
    name: "record",
    what: "a holder's record: facts with numbers in them, gaps in order and apart; what cannot be read is passed over",
    inputs: 600_000,
    longest: 4_096,
    seeds: () => [Buffer.from(record), Buffer.concat([Buffer.from(record), Buffer.alloc(100)])],
    words: ["start ", "gap ", "adopted ", "exit ", "execfail ", "\n", "\0", " -1", " 9999999999999999", " 0 0"],
    steps: { base: 2_000, perByte: 400 },
    run(input) {
      const read = parseRecord(input);
      let end = -1;
      for (const { offset, length } of read.gaps) {
        assert.ok(offset > end && length > 0 && Number.isFinite(offset + length), "gaps stand apart");
        end = offset + length;
      }
      for (const number of Object.values(read.exit ?? {})) assert.ok(Number.isFinite(number));
    },
  },
  {
    name: "times",
    what: "a session's time index: never throws; every mark within the file's own sums; look-ups agree with the marks",
    inputs: 60_000,
    longest: 6_000,
    seeds: () => [
      timesFile([
        [0, 0, 80, 24],
        [100, 50, 0, 0],
        [900, 70, 0, 0],
        [5, 10, 100, 30],
      ]),
      timesFile(Array.from({ length: 400 }, (_, i) => [100, i, 0, 0])),
    ],
    run(input) {
      put("times", input);
      // one byte in front: what times.base says, or nothing
      if ((input[3] ?? 0) % 4 === 0) put("times.base", input.subarray(0, 60));
      else fs.rmSync(path.join(folder, "times.base"), { force: true });
      const times = new Times(folder);
      const marks = [...times.marks()];
      let before = { offset: -1, time: -1 };
      for (const mark of marks) {
        assert.ok(mark.offset >= before.offset && mark.time >= before.time, "marks go on");
        before = mark;
      }
      assert.ok(marks.length <= input.length);
      const some = marks[marks.length >> 1];
      if (some !== undefined) {
        assert.ok((times.timeAt(some.offset) ?? 0) >= some.time);
        times.offsetAt(some.time);
      }
      for (const { cols, rows } of times.sizes()) assert.ok(cols > 0 && rows > 0);
      times.sizeAt(7);
    },
  },
  {
    name: "segments",
    what: "compressed segments: the bytes that the name promises, or DamagedSegment; never more than it promises",
    inputs: 60_000,
    longest: 3_000,
    seeds: () => [zlib.brotliCompressSync(Buffer.from("output ".repeat(100))), zlib.brotliCompressSync(Buffer.alloc(1 << 20))],
    async run(input) {
      clear();
      const raw = Buffer.from("output ".repeat(100));
      const hash = createHash("sha256").update(raw).digest("hex").slice(0, 16);
      put(`seg-${"0".repeat(15)}-${raw.length}-${hash}.br`, input);
      // a name of any bytes that a name may have
      const name = `seg-${input.toString("latin1", 0, 50).replace(/[/\0]/g, "0")}`;
      put(name, "");
      for (const segment of listSegments(folder)) {
        try {
          assert.equal((await readSegment(folder, segment)).length, segment.length);
        } catch (error) {
          if (!(error instanceof DamagedSegment)) throw error;
        }
      }
    },
  },
  {
    name: "output-log",
    what: "a session's log with any record, times and segments beside it: holes in order, reads within it, nothing thrown",
    inputs: 40_000,
    longest: 6_000,
    seeds: () => [
      Buffer.concat([Buffer.from([40, 100]), Buffer.from(record), timesFile([[0, 0, 80, 24]]), Buffer.alloc(3000, "line\n")]),
    ],
    words: ["gap 0 10\n", "gap 4096 8192\n", "exit 0 99999999 1 1 1 1\n", "exit 0 -5 1\n", "\0".repeat(64)],
    async run(input) {
      clear();
      const [recordLength = 0, timesLength = 0] = input;
      const rest = input.subarray(2);
      put("record", rest.subarray(0, recordLength * 4));
      put("times", rest.subarray(recordLength * 4, recordLength * 4 + timesLength * 4));
      put("output.log", rest.subarray(recordLength * 4 + timesLength * 4));
      if (input.length % 3 === 0) fs.truncateSync(path.join(folder, "output.log"), 20_000);
      if (input.length % 7 === 0) put(`seg-${"0".repeat(12)}100-50-${"0".repeat(16)}.br`, rest.subarray(0, 9));
      const log = OutputLog.open(folder);
      try {
        let end = 0;
        for (const hole of log.holes()) {
          assert.ok(hole.offset >= end && hole.length > 0 && hole.offset + hole.length <= log.end, "holes stand in order");
          end = hole.offset + hole.length;
        }
        for (const from of [0, 50, 5000, log.end - 10]) {
          const bytes = await log.read(from, 8000);
          assert.ok(bytes.length <= 8000);
        }
        log.sizes();
        log.times.timeAt(10);
        const at = log.offsetAt(1_700_000_000_500);
        assert.ok(at >= Math.min(log.base, log.end) && at <= Math.max(log.base, log.end));
      } finally {
        log.close();
      }
    },
  },
  {
    name: "session-file",
    what: "session.json: a session that the server can use, or nothing",
    inputs: 80_000,
    longest: 2_000,
    seeds: () => {
      clear();
      const own = path.join(folder, row.id);
      fs.mkdirSync(own);
      writeSessionFile(own, row);
      const bytes = fs.readFileSync(path.join(own, "session.json"));
      clear();
      return [bytes];
    },
    words: [
      "null",
      "true",
      "[]",
      "{}",
      '""',
      "1e999",
      '"id":',
      '"command":',
      '"environment":',
      '"limits":[[7,"1","2"]]',
      '"__proto__":{',
      "-1",
      '"\\u0000"',
      '"kind":"x"',
      '"cols":',
      '"created":',
    ],
    run(input) {
      fs.mkdirSync(path.join(folder, row.id), { recursive: true });
      put(`${row.id}/session.json`, input);
      const read = readSessionFile(path.join(folder, row.id));
      if (read === undefined) return;
      assert.equal(read.id, row.id);
      for (const text of [read.id, read.name, read.directory, read.host, read.boot, read.token])
        assert.equal(typeof text, "string");
      assert.ok(read.kind === "launch" || read.kind === "run");
      assert.ok(read.command.length > 0 && read.command.every((word) => typeof word === "string"));
      assert.ok(Object.values(read.environment).every((value) => typeof value === "string"));
      assert.ok(read.runDirectory === null || typeof read.runDirectory === "string");
      for (const number of [read.umask, read.created, read.cols, read.rows])
        assert.ok(Number.isSafeInteger(number) && number >= 0);
      assert.equal(typeof read.pinned, "boolean");
      for (const { resource, soft, hard } of read.limits)
        assert.ok(Number.isInteger(resource) && typeof soft === "bigint" && typeof hard === "bigint");
    },
  },
  {
    name: "database",
    what: "a database file with any damage: opened and usable, or set aside and begun anew; then it saves and reads",
    inputs: 4_000,
    longest: 200_000,
    seeds: () => {
      wholeDatabase ??= database();
      return [Buffer.alloc(0), Buffer.from("SQLite format 3\0"), Buffer.from([1, 0, 0, 0, 7])];
    },
    words: ["SQLite format 3\0", "CREATE TABLE", "session", "[]", "{}", "null"],
    run(input) {
      wholeDatabase ??= database();
      clear();
      const file = path.join(folder, "sessions.db");
      put("sessions.db", damaged(wholeDatabase, input));
      if (input.length % 5 === 1) put("sessions.db-wal", input);
      const store = SessionStore.open(file, () => {});
      try {
        store.all();
        // what only writing meets, or brings about (a damaged list of free pages), is thrown, and logged by
        // the server …
        try {
          store.save({ ...row, id: "new123" });
          assert.deepEqual(
            store.all().find(({ id }) => id === "new123"),
            { ...row, id: "new123" },
          );
          store.saveSnapshot("new123", { offset: 1, cols: 2, rows: 3, replay: Buffer.from("x") });
          assert.equal(store.snapshot("new123")?.offset, 1);
          store.remove("new123");
        } catch (error) {
          if (!(error instanceof Error) || error instanceof assert.AssertionError) throw error;
        }
      } finally {
        store.close();
      }
      // … and the next server starts all the same
      const next = SessionStore.open(file, () => {});
      next.all();
      next.close();
    },
  },
];

/**
 * The database with bytes of the input written over it: four bytes say where, one how many, and those follow;
 * a last one may cut it.
 */
function damaged(whole: Buffer, input: Buffer): Buffer {
  if (input.subarray(0, 6).toString("latin1") === "SQLite") return input;
  const bytes = Buffer.from(whole);
  let at = 0;
  for (; at + 5 <= input.length; ) {
    const where = input.readUInt32LE(at) % bytes.length;
    const count = 1 + ((input[at + 4] ?? 0) % 24);
    bytes.set(input.subarray(at + 5, at + 5 + Math.min(count, bytes.length - where)), where);
    at += 5 + count;
  }
  return input.length % 11 === 3 ? bytes.subarray(0, bytes.length - 1 - (((input[0] ?? 0) * 97) % bytes.length)) : bytes;
}
