// Faults of what the machine gives: no space, no descriptors, a database or a folder that is not what it was.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { readRecord } from "../../src/store/record.ts";
import { library, program } from "../support/compile.ts";
import { until } from "../support/events.ts";
import { TestHome } from "../support/home.ts";
import { Locker } from "../support/locker.ts";
import { falcon } from "../support/paths.ts";
import { floodText, folderOf, holderPid, killServer, md5, onTerminal, shownScreen, wholeOutput } from "./product.ts";
import type { Fault } from "./report.ts";

export const noSpace: Fault = {
  name: "ENOSPC",
  async run() {
    const home = new TestHome();
    const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=6m,mode=0700", "tmpfs", home.folder]).status === 0;
    try {
      const lines = 300_000;
      const go = path.join(home.work, "go");
      const id = await home.start(["/bin/sh", "-c", `read key; ${program("flood")} ${lines}; touch ${go}; exit 3`]);
      if (!mounted) {
        const holder = holderPid(home, id) ?? assert.fail("no holder");
        execFileSync("prlimit", ["--pid", String(holder), "--fsize=1048576:unlimited"]);
      }
      const viewer = home.terminal(["attach", "--read-only", id]);
      await viewer.waitFor(() => viewer.title !== "" || viewer.received.length > 0);
      await home.ok(["send", id, "Enter"]);
      await viewer.waitFor("flood ends", "the live screen to show what the log lacks", 120_000);
      assert.equal((await home.run(["wait", id])).code, 3, `the run ends as it would have${home.serverLog()}`);
      assert.ok(fs.existsSync(go));
      const record = readRecord(folderOf(home, id));
      const missing = record.gaps.reduce((sum, gap) => sum + gap.length, 0);
      const whole = onTerminal(`\n${floodText(lines)}`).length;
      assert.equal(record.exit?.end, whole);
      assert.ok(missing > 0 && missing < whole);
      assert.match(await home.ok(["show", id]), /missing \(the disk was full\)/);
      assert.match((await home.run(["logs", id])).stderr, /^falcon: [\d.]+ [kM]B of this log are missing: the disk was full\n$/);
      await home.ok(["remove", id]);
      const next = await home.start(["/bin/sh", "-c", "echo again; exit 0"]);
      assert.equal((await home.run(["wait", next])).code, 0, "with space again, all is as before");
      return `${mounted ? "tmpfs of 6 MiB" : "RLIMIT_FSIZE of 1 MiB"}: ${whole} bytes written, status 3 known, ${missing} missing in the log, recorded and shown; the live screen shows the end`;
    } finally {
      try {
        await home.run(["server", "stop"]);
        await until(() => home.processes().length === 0, "the processes to end");
      } finally {
        if (mounted) execFileSync("umount", ["-l", home.folder]);
        await home.dispose();
      }
    }
  },
};

export const noDescriptors: Fault = {
  name: "EMFILE",
  async run() {
    const home = new TestHome();
    try {
      const poor = ["-c", 'ulimit -n 64; exec "$0" run -d -- /bin/sh -c "read key; exit 6"'];
      const first = await home.run([...poor, falcon], { file: "/bin/sh" });
      assert.equal(first.code, 0, first.stderr);
      const ids = [first.stdout.trim()];
      let refusal = "";
      for (let i = 0; i < 64 && refusal === ""; i++) {
        // as poor as the first: a caller who has more would start a server that has it too
        const { code, stdout, stderr } = await home.run([...poor, falcon], { file: "/bin/sh" });
        if (code === 0) ids.push(stdout.trim());
        else refusal = stderr.trim();
      }
      assert.match(refusal, /^falcon: .*(terminal|descriptor|open files|EMFILE)/i);
      assert.doesNotMatch(refusal, /\n|our side/);
      assert.equal((await home.sessions()).filter((row) => row.state === "running").length, ids.length, "those that run go on");
      for (const id of ids) {
        await home.ok(["send", id, "Enter"]);
        assert.equal((await home.run(["wait", id])).code, 6);
      }
      const again = await home.start(["/bin/true"]);
      assert.equal((await home.run(["wait", again])).code, 0);
      return `64 descriptors: ${ids.length} sessions, then "${refusal}"; all ${ids.length} went on to their end, and a new one starts`;
    } finally {
      await home.dispose();
    }
  },
};

export const brokenState: Fault = {
  name: "database corrupt, deleted, cut, locked; socket deleted, stale; path too long; folder not ours",
  async run() {
    const home = new TestHome();
    try {
      const ended = await home.start(["/bin/sh", "-c", "echo it ended; exit 7"]);
      assert.equal((await home.run(["wait", ended])).code, 7);
      const id = await home.start(["/bin/sh", "-c", "echo it runs; read key; exit 5"]);
      await home.ok(["rename", id, "a-name-of-its-own"]);
      const database = path.join(home.folder, "state.db");
      let locker: Locker | undefined;
      const damage: Record<string, () => void | Promise<void>> = {
        corrupt: () => {
          for (const suffix of ["", "-wal"]) fs.writeFileSync(database + suffix, Buffer.alloc(40_000, 0xa5));
        },
        deleted: () => {
          for (const suffix of ["", "-wal", "-shm"]) fs.rmSync(database + suffix, { force: true });
        },
        cut: () => {
          fs.rmSync(`${database}-wal`, { force: true });
          fs.truncateSync(database, 5000);
        },
        locked: async () => {
          locker = await Locker.on(database);
          assert.equal(locker.answer, "locked");
        },
      };
      for (const [what, act] of Object.entries(damage)) {
        await killServer(home);
        await act();
        const rows = await home.sessions();
        assert.deepEqual(
          rows.map((row) => [row.id, row.state]).sort(),
          [
            [ended, "exited"],
            [id, "running"],
          ].sort(),
          `after the database was ${what}${home.serverLog()}`,
        );
        assert.equal(rows.find((row) => row.id === id)?.name, "a-name-of-its-own");
        assert.equal((await home.run(["wait", ended])).code, 7);
        assert.ok((await shownScreen(home, id)).includes("it runs"), `the screen after the database was ${what}`);
        assert.ok((await shownScreen(home, ended)).includes("it ended"));
      }
      // the lock goes while the server runs; a new one is not to be had then
      await locker?.release();
      const refused = await Locker.on(database);
      assert.equal(refused.answer, "SQLITE_BUSY", "the running server has the only lock");
      await refused.release();
      assert.equal((await home.sessions()).length, 2);
      // the socket's path is gone: made again within the minute, or when told
      const server = home.serverPid() ?? assert.fail("no server");
      fs.rmSync(path.join(home.folder, "server.sock"));
      process.kill(server, "SIGUSR1");
      await until(() => fs.existsSync(path.join(home.folder, "server.sock")), "the server's socket to be made again");
      assert.equal((await home.sessions()).length, 2);
      assert.equal(home.serverPid(), server, "by the same server");
      // a server that was killed leaves its socket: the next one takes its place
      await killServer(home);
      assert.ok(fs.existsSync(path.join(home.folder, "server.sock")));
      await home.ok(["send", id, "Enter"]);
      assert.equal((await home.run(["wait", id])).code, 5);
      const long = await home.run(["sessions"], { env: { FALCON_SESSIONS_HOME: `/tmp/${"x".repeat(110)}` } });
      assert.equal(long.code, 125);
      assert.match(long.stderr, /leaves room for/);
      const squatted = path.join(home.work, "squatted");
      fs.mkdirSync(squatted);
      fs.chmodSync(squatted, 0o777);
      const open = await home.run(["sessions"], { env: { FALCON_SESSIONS_HOME: squatted } });
      assert.equal(open.code, 125);
      assert.match(open.stderr, /open to other users/);
      fs.symlinkSync(home.folder, path.join(home.work, "link"));
      const linked = await home.run(["sessions"], { env: { FALCON_SESSIONS_HOME: path.join(home.work, "link") } });
      assert.equal(linked.code, 125);
      assert.match(linked.stderr, /symbolic link/);
      return `database ${Object.keys(damage).join(", ")}: rebuilt from the folders, statuses and screens known; socket made again; a path of 115 bytes, an open folder and a link refused in words`;
    } finally {
      await home.dispose();
    }
  },
};

export const quota: Fault = {
  name: "a quota that is used up",
  async run() {
    if (process.env.FALCON_SESSIONS_NATIVE !== undefined)
      return "not with sanitizers, which do not share a program with a preloaded library";
    const home = new TestHome();
    try {
      await home.sessions(); // the server is not to be met by it
      const lines = 20_000;
      const id = await home.start(["/bin/sh", "-c", `read key; ${program("flood")} ${lines}; read key; exit 3`], [], {
        env: { LD_PRELOAD: library("over-quota") },
      });
      const viewer = home.terminal(["attach", "--read-only", id]);
      await viewer.waitFor(() => viewer.title !== "" || viewer.received.length > 0);
      await home.ok(["send", id, "Enter"]);
      await viewer.waitFor("flood ends", "the live screen to show what the log lacks", 120_000);
      await home.ok(["send", id, "Enter"]);
      assert.equal((await home.run(["wait", id])).code, 3);
      const whole = onTerminal(`\n${floodText(lines)}\n`).length;
      const record = readRecord(folderOf(home, id));
      const missing = record.gaps.reduce((sum, gap) => sum + gap.length, 0);
      assert.equal(record.exit?.end, whole);
      assert.ok(missing >= whole - 65_536 && missing < whole, `${missing} of ${whole} bytes are missing`);
      assert.match(await home.ok(["show", id]), /MB missing \(the disk was full\)/);
      assert.match((await home.run(["logs", id])).stderr, /^falcon: [\d.]+ MB of this log are missing: the disk was full\n$/);
      return `EDQUOT after 64 KiB of log: ${whole} bytes written, status 3 known, ${missing} missing in the log, recorded and shown by show and logs; the live screen shows the end`;
    } finally {
      await home.dispose();
    }
  },
};

export const deletedSockets: Fault = {
  name: "deleted sockets are made again, untold",
  async run({ short }) {
    if (short) return "only in the full form: it takes a minute";
    const home = new TestHome();
    try {
      const id = await home.start(["/bin/sh", "-c", "read key; exit 5"]);
      const server = home.serverPid();
      const sockets = [path.join(home.folder, "server.sock"), path.join(folderOf(home, id), "sock")];
      const took: number[] = [];
      const began = performance.now();
      for (const socket of sockets) fs.rmSync(socket);
      for (const [i, socket] of sockets.entries()) {
        await until(() => fs.existsSync(socket), `${socket} to be made again`, 75_000);
        took[i] = (performance.now() - began) / 1000;
      }
      assert.deepEqual(
        (await home.sessions()).map((row) => [row.id, row.state]),
        [[id, "running"]],
      );
      assert.equal(home.serverPid(), server, "the same server answers");
      await killServer(home);
      await home.ok(["send", id, "Enter"]);
      assert.equal((await home.run(["wait", id])).code, 5, "the next server reached the same holder");
      return `the server's was there again after ${took[0]?.toFixed(0)} s, the holder's by ${took[1]?.toFixed(0)} s; status 5 known`;
    } finally {
      await home.dispose();
    }
  },
};

export const readOnlyFolder: Fault = {
  name: "a folder that is read-only for a while",
  async run() {
    const home = new TestHome();
    let closed = false;
    try {
      const id = await home.start(["/bin/sh", "-c", "echo it runs; read key; seq 1 5000; exit 6"]);
      await until(async () => (await shownScreen(home, id)).includes("it runs"), "the program's words");
      const how = makeReadOnly(home.folder);
      closed = true;
      const refused = await home.run(["run", "-d", "--", "/bin/true"]);
      assert.equal(refused.code, 125);
      assert.match(refused.stderr, /^falcon: .*(read-only|permission denied|EROFS|EACCES)[^\n]*\n$/i);
      assert.deepEqual(
        (await home.sessions()).map((row) => [row.id, row.state]),
        [[id, "running"]],
      );
      await home.ok(["send", id, "Enter"]);
      assert.equal((await home.run(["wait", id])).code, 6);
      const next = await home.run(["show", id]);
      assert.equal(next.code, 0, next.stderr);
      assert.match(next.stdout, /status 6/);
      // a server that must start now cannot, and says so
      await killServer(home);
      const none = await home.run(["sessions"]);
      assert.equal(none.code, 125);
      assert.match(none.stderr, /^falcon: .*(read-only|permission denied|EROFS|EACCES)/i);
      makeWritable(home.folder);
      closed = false;
      assert.deepEqual(
        (await home.sessions()).map((row) => [row.id, row.state]),
        [[id, "exited"]],
      );
      assert.equal((await home.run(["wait", id])).code, 6);
      const output = await wholeOutput(home, id);
      const text = `it runs\n\n${Array.from({ length: 5000 }, (_, i) => `${i + 1}\n`).join("")}`;
      assert.equal(md5(output), md5(onTerminal(text)));
      return `${how}: the run went on to its end (status 6, 0 of ${output.length} bytes lost); a new one and a new server are refused in a sentence each; all is known again afterwards`;
    } finally {
      if (closed) makeWritable(home.folder);
      await home.dispose();
    }
  },
};

/** Root is not kept out by a mode: a read-only mount of the folder over itself is what it meets. */
function makeReadOnly(folder: string): "mounted read-only" | "mode 0500" {
  if (process.getuid?.() !== 0) {
    fs.chmodSync(folder, 0o500);
    fs.chmodSync(path.join(folder, "s"), 0o500);
    return "mode 0500";
  }
  execFileSync("mount", ["--bind", folder, folder]);
  execFileSync("mount", ["-o", "remount,bind,ro", folder]);
  return "mounted read-only";
}

function makeWritable(folder: string): void {
  if (process.getuid?.() === 0) execFileSync("umount", ["-l", folder]);
  else for (const each of [folder, path.join(folder, "s")]) fs.chmodSync(each, 0o700);
}
