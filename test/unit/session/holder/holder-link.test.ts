// The link against real holders: launch, input, output, signals, the end; and what happens when either side
// is killed, stopped or starved.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { close, connectUnix, recvFds, sendFds, writeSome } from "../../../../src/platform/native.ts";
import { processAlive } from "../../../../src/platform/processes.ts";
import {
  decodeData,
  encodeGo,
  encodeSpeak,
  FromHolder,
  HolderRole,
  SignalTarget,
  ToHolder,
} from "../../../../src/protocol/holder.ts";
import { adoptAfterHolder, connectHolder, launchHolder } from "../../../../src/session/holder/holder-launch.ts";
import type { HolderLink } from "../../../../src/session/holder/holder-link.ts";
import { mostWaitingAnswers, mostWaitingInput } from "../../../../src/session/holder/typing-queue.ts";
import { spawnUnread } from "../../../../src/session/holder/unread-pty.ts";
import { readRecord } from "../../../../src/store/record.ts";
import { ticks } from "../../../bench/facts.ts";
import { program } from "../../../support/compile.ts";
import { takeDescriptors } from "../../../support/descriptors.ts";
import { readIfThere, stopped, until, untilGone } from "../../../support/events.ts";
import { endSession, Heard, Held, holdersOf, orders, sessionFolder } from "../../../support/holder/held.ts";
import { Cursor } from "../../../support/holder/holder-cursor.ts";
import { emulated } from "../../../support/installs/emulated.ts";
import { holder, root } from "../../../support/paths.ts";

/**
 * Id of the foreground process group of a process's terminal (tpgid in /proc/PID/stat, behind the name in
 * parentheses); -1 without one.
 */
function foregroundGroup(pid: number): number {
  const stat = readIfThere(`/proc/${pid}/stat`) ?? "";
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[5] ?? -1);
}

/** The lines of a session folder's record that begin with this word. */
function linesOf(folder: string, word: string): string[] {
  const [text = ""] = fs.readFileSync(path.join(folder, "record"), "latin1").split("\0");
  return text.split("\n").filter((line) => line.startsWith(word));
}

/** How many programs run at once where many are run: the machine is shared. */
const sideBySide = 6;
const exitStatus = (code: number): number => code << 8;

async function inTurns(count: number, task: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: sideBySide }, async () => {
      while (next < count) await task(next++);
    }),
  );
}

test("the program gets its arguments, directory, environment, umask, limits, terminal and oom score, and nothing of ours", async () => {
  const script = [
    'printf "%s|" "$0" "$1"',
    'printf "%s|" "$(pwd)" "$MARK" "$(umask)" "$(ulimit -Sn)" "$(ulimit -Hn)" "$(stty size)" "$(cat /proc/self/oom_score_adj)" "$(tty)"',
    // without a pipe, whose end the shell would have open itself
    "ls -m /proc/$$/fd",
    'stty -a | grep -o "[-]*iutf8"',
    "exit 7",
  ].join("; ");
  const before = Number(fs.readFileSync("/proc/self/oom_score_adj", "utf8"));
  const held = await Held.launch(["/bin/sh", "-c", script, "zero", "one two"], {
    directory: "/usr",
    environment: { PATH: "/usr/bin:/bin", MARK: "here", TERM: "xterm-256color" },
    umask: 0o27,
    limits: [{ resource: 7, soft: 99n, hard: 199n }],
    cols: 101,
    rows: 33,
    oomScoreAdj: before + 123,
  });
  try {
    const exit = await held.end();
    const [zero, one, pwd, mark, umask, soft, hard, size, oom, tty, rest] = held.heard.text.split("|");
    assert.deepEqual([zero, one, pwd, mark, umask, soft, hard], ["zero", "one two", "/usr", "here", "0027", "99", "199"]);
    assert.deepEqual([size, oom], ["33 101", String(before + 123)]);
    assert.match(tty ?? "", /^\/dev\/pts\/\d+$/);
    assert.match(rest ?? "", /^0, 1, 2(, 1\d)?\r\niutf8/);
    assert.equal(exit.status, exitStatus(7));
    assert.equal(exit.end, held.heard.to);
    assert.match(fs.readFileSync(path.join(held.folder, "record"), "latin1"), /^exit \S+ \d+ \d+ \d+ \d+ [1-9]/m);
    assert.equal(held.heard.hellos.length, 1);
    assert.ok(Math.abs(held.link.hello.start - exit.time) < 30_000);
    assert.equal(Number(fs.readFileSync("/proc/self/oom_score_adj", "utf8")), before, "ours stays");
    const record = readRecord(held.folder);
    assert.deepEqual([record.pid, record.exit?.status, record.exit?.end], [held.link.programPid, exitStatus(7), exit.end]);
    assert.equal(fs.statSync(`${held.folder}/record`).size, 4096);
    for (const name of ["output.log", "times", "record"]) assert.equal(fs.statSync(`${held.folder}/${name}`).mode & 0o777, 0o600);
    assert.deepEqual(fs.readFileSync(`${held.folder}/output.log`), held.heard.bytes);
    await until(() => !fs.existsSync(`${held.folder}/sock`), "the socket to go with the holder");
  } finally {
    await held.dispose();
  }
});

test("20 KB and exit, 100 times: nothing is lost", async () => {
  const burst = program("burst");
  const expected = Buffer.alloc(0x5000 + 0x140); // 320 line feeds become CR LF
  let whole: Buffer | undefined;
  await inTurns(100, async () => {
    const held = await Held.launch([burst]);
    try {
      const exit = await held.end();
      whole ??= held.heard.bytes;
      assert.equal(held.heard.bytes.length, expected.length);
      assert.ok(held.heard.bytes.equals(whole));
      assert.equal(held.heard.jumps, 0);
      assert.equal(exit.status, exitStatus(3));
      assert.ok(fs.readFileSync(`${held.folder}/output.log`).equals(whole));
    } finally {
      await held.dispose();
    }
  });
  assert.ok(whole?.toString().endsWith("END\r\n"));
});

test("node-pty reads not one byte of the terminal", async () => {
  const pty = spawnUnread("/bin/echo", ["heard by nobody"], orders([]));
  await pty.exited;
  assert.equal(pty.bytesConsumed, 0);
  assert.equal(pty.lastWords(), ": heard by nobody");
  pty.dispose();
});

test("a program that cannot be executed: 127 or 126, said at once, with a record", async () => {
  for (const [file, errno, status] of [
    ["/no/such/program", 2, 127],
    ["/etc/passwd", 13, 126],
    ["no-such-word-on-any-path", 2, 127],
  ] as const) {
    const held = await Held.launch([file]);
    try {
      assert.equal(held.link.hello.execError, errno);
      const exit = await held.end();
      assert.equal(exit.status, exitStatus(status));
      assert.deepEqual(linesOf(held.folder, "execfail"), [`execfail ${errno}`]);
    } finally {
      await held.dispose();
    }
  }
});

test("signals reach the program, its foreground group, or everything below the holder", async () => {
  const held = await Held.shell(
    // no `read`, which a signal that comes right before it does not end
    'trap "echo got term" TERM; setsid sleep 1000 & echo back $!; echo ready; while :; do sleep 0.05; done',
  );
  try {
    const below = Number((await held.heard.until(/back (\d+)/))[1]);
    await held.heard.until("ready");
    held.link.signal(15, SignalTarget.program);
    await held.heard.until("got term");
    held.link.signal(9, SignalTarget.descendants);
    assert.equal((await held.end()).status, 9);
    await untilGone(below);
  } finally {
    await held.dispose();
  }
  // the program itself is what the signal meets: a shell that is about to fork may lose it
  const interrupted = await Held.shell("echo ready; exec cat");
  try {
    await interrupted.heard.until("ready");
    interrupted.link.signal(2, SignalTarget.foreground);
    assert.equal((await interrupted.end()).status & 0x7f, 2);
  } finally {
    await interrupted.dispose();
  }
});

test("Ctrl+C, Ctrl+Z and the end of input do what a terminal does", async () => {
  const held = await Held.launch(["/bin/bash", "--norc", "--noprofile", "-i"], {
    environment: { PATH: "/usr/bin:/bin", PS1: "> ", TERM: "xterm" },
  });
  try {
    held.link.input(Buffer.from("sleep 1000\n"));
    await held.heard.until("sleep 1000");
    const job = () => readIfThere(`/proc/${foregroundGroup(held.link.programPid)}/comm`)?.trim() === "sleep";
    await until(job, "the job to be in the foreground, and itself");
    held.link.input(Buffer.from([0x1a]));
    await held.heard.until("Stopped");
    held.link.input(Buffer.from("fg\n"));
    await held.heard.until(/fg\r\n[\s\S]*sleep 1000/);
    await until(() => foregroundGroup(held.link.programPid) !== held.link.programPid, "the job to be in the foreground again");
    held.link.input(Buffer.from([3]));
    await until(() => foregroundGroup(held.link.programPid) === held.link.programPid, "the shell to be in the foreground");
    await held.heard.until(/\^C[\s\S]*> /);
    held.link.input(Buffer.from("echo status $?\n"));
    await held.heard.until(/status 130[\s\S]*> /);
    held.link.input(Buffer.from([4]));
    assert.equal((await held.end()).status, exitStatus(0));
  } finally {
    await held.dispose();
  }
});

test("a paste of 4 MiB to a program that sleeps arrives whole and in order", async () => {
  const folder = sessionFolder();
  execFileSync("mkfifo", [`${folder}/fifo`]);
  const held = await Held.shell("stty raw -echo; echo ready; read go < $FIFO/fifo; head -c 4194304 | md5sum", {
    folder,
    environment: { PATH: "/usr/bin:/bin", FIFO: folder },
  });
  try {
    await held.heard.until("ready");
    const paste = Buffer.alloc(4 << 20);
    for (let i = 0; i < paste.length; i++) paste[i] = 32 + ((i * 7 + (i >> 9)) % 90);
    for (let at = 0; at < paste.length; at += 40_000) held.link.input(paste.subarray(at, at + 40_000));
    assert.ok(held.link.waitingInput > 0, "for a program that does not read it waits");
    fs.writeFileSync(`${held.folder}/fifo`, "go\n");
    const sum = execFileSync("md5sum", { input: paste }).toString().slice(0, 32);
    await held.heard.until(sum);
    await held.end();
  } finally {
    await held.dispose();
  }
});

test("input that a program never reads is bounded: answers to it early, what is typed late; what fits arrives in order", async () => {
  const folder = sessionFolder();
  execFileSync("mkfifo", [`${folder}/fifo`]);
  const held = await Held.shell("stty raw -echo; echo ready; read go < $FIFO/fifo; echo first; exec head -c 100000 | md5sum", {
    folder,
    environment: { PATH: "/usr/bin:/bin", FIFO: folder },
  });
  try {
    await held.heard.until("ready");
    const answer = Buffer.from("\x1b[?62;22c");
    let answered = 0;
    for (let i = 0; i < 100_000; i++) {
      const before = held.link.waitingInput;
      held.link.answer(answer);
      if (held.link.waitingInput > before || before === 0) answered++;
    }
    assert.ok(held.link.waitingInput <= mostWaitingAnswers && held.link.waitingInput > mostWaitingAnswers / 2);
    assert.ok(answered < 100_000);
    const piece = Buffer.alloc(1 << 20, "x");
    for (let i = 0; i < 20; i++) held.link.input(piece);
    const most = held.link.waitingInput;
    assert.ok(most <= mostWaitingInput && most > mostWaitingInput - 2 * piece.length, `${most}`);
    fs.writeFileSync(`${held.folder}/fifo`, "go\n");
    const taken = Buffer.concat([...Array<Buffer>(answered).fill(answer), piece]).subarray(0, 100_000);
    await held.heard.until(execFileSync("md5sum", { input: taken }).toString().slice(0, 32));
    await held.end();
  } finally {
    await held.dispose();
  }
});

test("two servers at once: each has the whole stream, and one that comes displaces nobody", async () => {
  const held = await Held.shell("echo first; read a; echo second $a; read b; echo third $b");
  const other = new Heard();
  try {
    await held.heard.until("first");
    const link = await connectHolder(held.folder, other);
    assert.equal(link.programPid, held.link.programPid);
    assert.equal(link.lineMode().canonical, true);
    other.read(held.folder, 2);
    await other.until("rst");
    assert.equal(other.from, 2);
    link.input(Buffer.from("from two\n"));
    await held.heard.until("second from two");
    held.link.input(Buffer.from("from one\n"));
    const [mine, theirs] = await Promise.all([held.heard.exited, other.exited]);
    assert.deepEqual(theirs, mine);
    assert.ok(other.bytes.equals(held.heard.bytes.subarray(2)));
    link.close();
    await held.end();
  } finally {
    await held.dispose();
  }
});

test("an output that nobody reads is complete once it is read; the program was not slowed down", async () => {
  const held = await Held.launch([program("flood"), "200000"], { subscribe: null });
  try {
    const cursor = Cursor.connect(held.folder, { offset: 0 });
    const { end } = await until(() => readRecord(held.folder).exit, "the program's end, with nobody reading");
    const bytes: Buffer[] = [];
    for (let to = 0; to < end; ) {
      const { type, payload } = (await cursor.next()) ?? assert.fail("the holder closed the connection");
      if (type !== FromHolder.data) continue;
      const data = decodeData(payload);
      assert.equal(data.offset, to);
      to += data.bytes.length;
      bytes.push(data.bytes);
    }
    assert.ok(Buffer.concat(bytes).equals(fs.readFileSync(`${held.folder}/output.log`)));
    cursor.close();
    await held.end();
  } finally {
    await held.dispose();
  }
});

test("kill -9 of the process that owns the link, under flood: no byte and no status is lost", async () => {
  const flood = program("flood");
  const expected = (lines: number) =>
    execFileSync(flood, [String(lines)], { maxBuffer: 1 << 28 })
      .toString()
      .replaceAll("\n", "\r\n");
  for (const lines of [3000, 400_000]) {
    const folder = sessionFolder();
    try {
      const owner = spawn(
        process.execPath,
        ["--import", "tsx", "test/support/holder/link-owner.ts", folder, flood, String(lines)],
        {
          cwd: root,
          stdio: ["ignore", "pipe", "inherit"],
        },
      );
      await once(owner.stdout, "data"); // it has seen output
      // a holder with nobody leaves soon after the end
      const somebody = Cursor.connect(folder, { say: [encodeSpeak(2, HolderRole.server)] });
      owner.kill("SIGKILL");
      await once(owner, "exit");
      const heard = new Heard();
      const link = await connectHolder(folder, heard);
      somebody.close();
      heard.read(folder, 0);
      const exit = await heard.exited;
      assert.equal(exit.status, exitStatus(0));
      assert.equal(heard.jumps, 0);
      assert.ok(heard.text === expected(lines), `${lines} lines arrive as they were written`);
      link.release();
      await heard.gone;
      link.close();
    } finally {
      await endSession(folder);
    }
  }
});

test("the end is on disk when nobody was there to hear it, and the holder goes by itself", async () => {
  const held = await Held.shell("read a; echo done; exit 5", { subscribe: null });
  try {
    const { holderPid } = held.link;
    held.link.input(Buffer.from("x\n"));
    held.link.close();
    await untilGone(holderPid);
    const record = readRecord(held.folder);
    assert.equal(record.exit?.status, exitStatus(5));
    assert.match(fs.readFileSync(`${held.folder}/output.log`, "latin1"), /done\r\n$/);
    await assert.rejects(connectHolder(held.folder, new Heard()), (error: NodeJS.ErrnoException) => error.code === "ENOENT");
  } finally {
    await held.dispose();
  }
});

test("holder killed: a successor takes the terminal over; at most one read is lost, the status is unknown", async () => {
  const held = await Held.shell("i=0; while [ $i -lt 400000 ]; do echo $i; i=$((i+1)); done; read a; echo after $a");
  const heard = new Heard();
  try {
    await held.heard.until(/\n5000\r/);
    process.kill(held.link.holderPid, "SIGKILL");
    assert.equal(await held.heard.gone, "the holder was ended by SIGKILL");
    assert.ok(processAlive(held.link.programPid));
    const link = await adoptAfterHolder(held.folder, held.link.master, held.link.programPid, heard);
    held.link.close();
    assert.ok(link.hello.adopted);
    heard.read(held.folder, 0);
    // not before: the terminal's echo of it would stand among the numbers
    await heard.until("399999\r\n");
    link.input(Buffer.from("adopted\n"));
    await heard.until("after adopted");
    const exit = await heard.exited;
    assert.equal(exit.status, -1);
    const record = readRecord(held.folder);
    assert.equal(linesOf(held.folder, "adopted").length, 1);
    assert.equal(record.exit?.status, -1);
    // the lines count up, but where one read of at most 64 KiB went with the holder: there halves of two
    // numbers are one
    const numbers = heard.text.split("\r\n").slice(0, -3);
    let missing = 0;
    for (let i = 1; i < numbers.length; i++) {
      const step = Number(numbers[i]) - Number(numbers[i - 1]);
      if (step !== 1) missing++;
    }
    assert.ok(missing <= 2 && numbers.at(-1) === "399999", `${missing} places where the count jumps`);
    const whole = Array.from({ length: 400_000 }, (_, i) => `${i}\r\n`).join("").length;
    assert.ok(whole - exit.end < 65_536 && exit.end > 0, `${whole - exit.end} bytes are lost`);
    link.release();
    await heard.gone;
    link.close();
  } finally {
    await held.dispose();
  }
});

test("who asks a successor for the output before it has its orders is given it once it has", async () => {
  const held = await Held.shell("echo ready; read a");
  const heard = new Heard();
  let orders = -1;
  try {
    await held.heard.until("ready");
    process.kill(held.link.holderPid, "SIGKILL");
    await untilGone(held.link.holderPid);
    const successor = spawn(holder, [held.folder, "--adopt", String(held.link.programPid)], {
      cwd: "/",
      env: {},
      stdio: "ignore",
    });
    const gone = once(successor, "exit");
    orders = await until(() => connected(`${held.folder}/sock`), "the successor to listen");
    // it wakes up for what comes
    const looks = () =>
      Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(readIfThere(`/proc/${successor.pid}/status`) ?? "")?.[1]);
    const before = looks();
    heard.read(held.folder, 2);
    await until(() => !(looks() <= before), "the successor to have read");
    sendFds(orders, encodeGo({ umask: 0o077, keep: 0, oomScoreAdj: 0, cols: 0, rows: 0, limits: [] }), [held.link.master]);
    await heard.until("ady");
    assert.equal(heard.from, 2);
    successor.kill("SIGKILL");
    await gone;
  } finally {
    if (orders >= 0) close(orders);
    await held.dispose();
  }
});

/** A connection to a socket, once somebody listens there. */
function connected(socket: string): number | undefined {
  try {
    return connectUnix(socket);
  } catch {
    return undefined;
  }
}

test("a second successor, and one of a holder that still lives", async () => {
  const held = await Held.shell("echo ready; read a; echo one $a; read b; echo two $b");
  try {
    await held.heard.until("ready");
    await assert.rejects(
      adoptAfterHolder(held.folder, held.link.master, held.link.programPid, new Heard()),
      /ended with status 75/,
      "two readers of one terminal would tear its output apart",
    );
    const heard = new Heard();
    (await connectHolder(held.folder, heard)).close(); // the living one has its socket still
    let link = held.link;
    for (const word of ["first", "second"]) {
      const heard = new Heard();
      process.kill(link.holderPid, "SIGKILL");
      await untilGone(link.holderPid);
      const next = await adoptAfterHolder(held.folder, link.master, link.programPid, heard);
      link.close();
      link = next;
      heard.read(held.folder, 0);
      link.input(Buffer.from(`${word}\n`));
      await heard.until(word);
      if (word === "second") assert.equal((await heard.exited).status, -1);
    }
    assert.equal(linesOf(held.folder, "adopted").length, 2);
    link.release();
    link.close();
  } finally {
    await held.dispose();
  }
});

test("a successor of a session that had ended answers as the first holder would have", async () => {
  const held = await Held.shell("echo said; exit 9");
  try {
    const exit = await held.heard.exited;
    process.kill(held.link.holderPid, "SIGKILL");
    await held.heard.gone;
    // there is no terminal any more: any master does
    const pty = spawnUnread("/bin/sleep", ["1000"], orders([]));
    const heard = new Heard();
    const link = await adoptAfterHolder(held.folder, pty.master, held.link.programPid, heard);
    heard.read(held.folder, 0);
    assert.deepEqual(await heard.exited, exit);
    assert.equal(heard.text, "said\r\n");
    link.release();
    link.close();
    pty.killUnlessEnded();
    await pty.exited;
    pty.dispose();
  } finally {
    await held.dispose();
  }
});

/** A program that awaits a word goes on under a successor, to its end; then its holder is let go of. */
async function goneOn(held: Held, link: HolderLink, heard: Heard): Promise<number> {
  link.input(Buffer.from("go\n"));
  await heard.until("then go");
  // a holder whose program runs is not let go of
  const { status } = await heard.exited;
  link.release();
  link.close();
  const { programPid } = held.link;
  await until(() => !processAlive(programPid), "the program's end");
  return status;
}

test("a record that is torn, full of rubbish or gone does not keep a successor from its work", async () => {
  for (const damage of [
    (file: string) => fs.writeFileSync(file, Buffer.alloc(4096, 0xa5)),
    (file: string) => fs.writeFileSync(file, "start 17"),
    (file: string) => fs.writeFileSync(file, `start 1 2\ngap -4 5\ngap 99999999999999999999999 5\nexit\n${"x".repeat(9000)}`),
    (file: string) => fs.rmSync(file),
  ]) {
    const held = await Held.shell("echo ready; read a; echo then $a");
    const heard = new Heard();
    try {
      await held.heard.until("ready");
      process.kill(held.link.holderPid, "SIGKILL");
      await held.heard.gone;
      damage(`${held.folder}/record`);
      readRecord(held.folder); // reads what can be read, throws nothing
      const link = await adoptAfterHolder(held.folder, held.link.master, held.link.programPid, heard);
      held.link.close();
      heard.read(held.folder, 0);
      assert.equal(await goneOn(held, link, heard), -1);
      assert.equal(readRecord(held.folder).exit?.status, -1);
    } finally {
      await held.dispose();
    }
  }
});

test("a log that was removed, or cut, before its holder was killed: a successor goes on behind what was said", async () => {
  for (const [from, damage] of [
    [0, (file: string) => fs.rmSync(file)],
    [3, (file: string) => fs.truncateSync(file, 3)],
  ] as const) {
    const held = await Held.shell("echo ready; read a; echo then $a");
    const heard = new Heard();
    try {
      // a terminal may hand out a line and its end one after the other
      await held.heard.until("ready\r\n");
      const said = held.heard.to;
      // the first mark of the times tells how long the stream is
      held.link.resize(81, 24);
      await until(() => held.heard.sizes.length > 1, "the size to be told");
      damage(`${held.folder}/output.log`);
      process.kill(held.link.holderPid, "SIGKILL");
      await held.heard.gone;
      const link = await adoptAfterHolder(held.folder, held.link.master, held.link.programPid, heard);
      held.link.close();
      assert.equal(link.hello.end, said);
      assert.ok(fs.statSync(`${held.folder}/times`).size < 4096);
      const { gaps, removed } = readRecord(held.folder);
      assert.deepEqual([gaps.at(-1)?.offset, removed?.offset], [from, said]);
      heard.read(held.folder, said);
      await goneOn(held, link, heard);
    } finally {
      await held.dispose();
    }
  }
});

test("stopped and continued: the program by a signal, and the holder, while the program waits and loses nothing", async (t) => {
  const held = await Held.shell(
    "stty -echo; i=0; while [ $i -lt 100000 ]; do echo $i; if [ $i = 500 ]; then read go; fi; i=$((i+1)); done",
  );
  try {
    await held.heard.until(/\n500\r/);
    held.link.signal(19, SignalTarget.program);
    await until(() => stopped(held.link.programPid), "the program to be stopped");
    held.link.signal(18, SignalTarget.program);
    process.kill(held.link.holderPid, "SIGSTOP");
    await until(() => stopped(held.link.holderPid), "the holder to be stopped");
    // past the holder: what follows is written while that is stopped
    writeSome(held.link.master, Buffer.from("\n"), 0);
    const now = performance.now.bind(performance);
    let passed = 0;
    const clock = t.mock.method(performance, "now", () => now() + passed);
    const timesOut = (error: NodeJS.ErrnoException) => error.code === "ETIMEDOUT";
    const refused = assert.rejects(connectHolder(held.folder, new Heard()), timesOut);
    passed = 5_001;
    await refused;
    clock.mock.restore();
    process.kill(held.link.holderPid, "SIGCONT");
    const exit = await held.end();
    assert.equal(exit.status, 0);
    assert.equal(held.heard.jumps, 0);
    assert.equal(held.heard.text, Array.from({ length: 100_000 }, (_, i) => `${i}\r\n`).join(""));
  } finally {
    await held.dispose();
  }
});

test("no space for the log: the program goes on, the bytes are delivered live, the hole is recorded, later bytes are in the log", async () => {
  const held = await Held.shell(
    "echo ready; read a; head -c 300000 /dev/zero | tr '\\0' x; echo; echo middle; read b; echo end; exit 6",
  );
  try {
    await held.heard.until("ready");
    const limit = (bytes: string) => execFileSync("prlimit", ["--pid", String(held.link.holderPid), `--fsize=${bytes}`]);
    limit("65536:unlimited");
    held.link.input(Buffer.from("\n"));
    await held.heard.until("middle");
    limit("unlimited:unlimited");
    held.link.input(Buffer.from("\n"));
    const exit = await held.end();
    assert.equal(exit.status, exitStatus(6));
    assert.equal(held.heard.bytes.length, exit.end, "live, nothing is missing");
    assert.equal(held.heard.jumps, 0);
    const { gaps } = readRecord(held.folder);
    assert.equal(gaps.length, 1);
    assert.equal(gaps[0]?.offset, 65_536);
    const last = gaps[0] as { offset: number; length: number };
    const log = fs.readFileSync(`${held.folder}/output.log`);
    assert.equal(log.length, exit.end, "the file's offsets stay the stream's");
    assert.ok(log.subarray(0, last.offset).equals(held.heard.bytes.subarray(0, last.offset)));
    const behind = last.offset + last.length;
    assert.ok(log.subarray(behind).equals(held.heard.bytes.subarray(behind)));
    assert.match(log.subarray(behind).toString(), /end\r\n$/);
    assert.ok(held.heard.gaps.length > 0, "who listens is told");
  } finally {
    await held.dispose();
  }
});

test("a full file system: the program ends with its own status, which is recorded, and the log is whole up to the hole", {
  skip: canMount() ? false : "mounting needs root",
}, async () => {
  const folder = sessionFolder();
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m,mode=0700", "tmpfs", folder]);
  try {
    const held = await Held.launch([program("flood"), "100000"], { folder });
    const exit = await held.end();
    assert.equal(exit.status, 0);
    assert.equal(held.heard.bytes.length, exit.end, "everything was delivered live");
    const { gaps, exit: recorded } = readRecord(folder);
    assert.equal(recorded?.status, 0);
    const missing = gaps.reduce((sum, gap) => sum + gap.length, 0);
    assert.ok(missing > exit.end - (2 << 20) && missing < exit.end, `${missing} of ${exit.end} bytes are recorded as missing`);
    // a new server hears of the hole, and of what there is
    const first = gaps[0] as { offset: number; length: number };
    assert.ok(
      fs.readFileSync(`${folder}/output.log`).subarray(0, first.offset).equals(held.heard.bytes.subarray(0, first.offset)),
    );
  } finally {
    await endSession(folder).catch(() => {}); // the mount point itself is busy
    execFileSync("umount", [folder]);
    fs.rmSync(folder, { recursive: true, force: true });
  }
});

test("a hole is passed over for who subscribes later, and said", async () => {
  const held = await Held.shell(
    "echo ready; read a; head -c 6000000 /dev/zero | tr '\\0' x; echo; echo middle; read b; echo end",
  );
  const later = new Heard();
  try {
    await held.heard.until("ready");
    execFileSync("prlimit", ["--pid", String(held.link.holderPid), "--fsize=65536:unlimited"]);
    held.link.input(Buffer.from("\n"));
    await held.heard.until("middle");
    const link = await connectHolder(held.folder, later);
    assert.ok(link.hello.holes);
    execFileSync("prlimit", ["--pid", String(held.link.holderPid), "--fsize=unlimited:unlimited"]);
    later.read(held.folder, 0);
    held.link.input(Buffer.from("\n"));
    await Promise.all([later.exited, held.heard.exited]);
    assert.equal(later.jumps, 0, "each byte comes, or a gap says that it does not");
    assert.equal(later.to, held.heard.to);
    const hole = later.gaps.find((gap) => gap.offset === 65_536);
    // its last 4 MiB are still in the holder's memory
    assert.ok(hole !== undefined && Math.abs(6_000_000 - 65_536 - hole.length - (4 << 20)) < 65_536, JSON.stringify(hole));
    assert.match(later.text, /end\r\n$/);
    link.close();
    await held.end();
  } finally {
    await held.dispose();
  }
});

test("no descriptor for a connection: it waits, the holder does not spin, and it is served when there is one", async () => {
  const held = await Held.shell("echo ready; read a; echo heard $a");
  try {
    await held.heard.until("ready");
    const proc = `/proc/${held.link.holderPid}`;
    const open = fs.readdirSync(`${proc}/fd`).map(Number);
    const free = open.findIndex((_, n) => !open.includes(n));
    const soft = /^Max open files\s+(\d+)/m.exec(fs.readFileSync(`${proc}/limits`, "utf8"))?.[1];
    const limit = (most: unknown) => execFileSync("prlimit", ["--pid", String(held.link.holderPid), `--nofile=${most}:`]);
    limit(free < 0 ? open.length : free);
    const worked = () => Number(fs.readFileSync(`${proc}/schedstat`, "utf8").split(" ")[0]) / 1e6;
    const before = worked();
    let served = false;
    const second = connectHolder(held.folder, new Heard()).finally(() => {
      served = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const used = worked() - before;
    assert.equal(served, false, "there is no room for it");
    assert.ok(used < 100, `${used} ms of a processor in a second of waiting`);
    limit(soft);
    (await second).close();
    held.link.input(Buffer.from("all\n"));
    await held.heard.until("heard all");
    await held.end();
  } finally {
    await held.dispose();
  }
});

test("EMFILE: no session is started, with a sentence that says why; those that run go on", async () => {
  const held = await Held.shell("echo ready; read a; echo heard $a");
  try {
    await held.heard.until("ready");
    const open = () => fs.readdirSync("/proc/self/fd").length;
    const count = open();
    const refusals: string[] = [];
    for (let room = 0; room < 10; room++) {
      const folder = sessionFolder();
      const giveBack = takeDescriptors(room);
      let link: HolderLink | undefined;
      try {
        link = await launchHolder({ ...orders(["/bin/sh", "-c", "read a"]), folder }, new Heard());
      } catch (error) {
        refusals.push(String(error));
      }
      giveBack();
      if (link === undefined) {
        await until(() => holdersOf(folder).length === 0, "the holder of a refused launch to end");
        assert.ok(!fs.existsSync(`${folder}/record`), "nothing was started");
      }
      link?.close();
      await endSession(folder);
    }
    assert.ok(refusals.length > 0 && refusals.length < 10, `${refusals.length} of 10 were refused`);
    for (const refusal of refusals) assert.match(refusal, /^Failure: .*(terminal|process|EMFILE|too many open files)/i);
    await until(
      () => open() <= count,
      () => `descriptors to be closed again: ${count} before, ${open()} now`,
    );
    held.link.input(Buffer.from("still\n"));
    await held.heard.until("heard still");
    await held.end();
  } finally {
    await held.dispose();
  }
});

test("before GO nothing is started: a server that is killed leaves a holder that goes at once, with status 75", async () => {
  const folder = sessionFolder();
  const pty = spawnUnread(holder, [folder, "--", "/bin/sh", "-c", "echo ran > ran"], orders([]));
  await until(() => fs.existsSync(`${folder}/sock`), "the holder to listen");
  pty.dispose(); // what the kernel does to the master of a killed server
  assert.equal(await pty.exited, 75);
  assert.deepEqual(fs.readdirSync(folder), []);
  await endSession(folder);
});

test("frames that make no sense close their own connection and nothing else", async () => {
  const held = await Held.shell("echo ready; read a; echo heard $a");
  try {
    await held.heard.until("ready");
    const rubbish = [
      Buffer.from([0xff, 0xff, 0xff, 0xff, 3]), // longer than any frame
      Buffer.concat([Buffer.from([3, 0, 0, 0, ToHolder.subscribe]), Buffer.alloc(3)]), // too short for what it says
      encodeGo({ umask: 0, keep: 0, oomScoreAdj: 0, cols: 80, rows: 24, limits: [] }), // a second GO
    ];
    for (const bytes of rubbish) {
      const socket = connectUnix(`${held.folder}/sock`);
      sendFds(socket, bytes, []);
      await until(() => {
        const received = recvFds(socket, 1000);
        return received !== null && received.data.length === 0;
      }, "the connection to be closed");
      close(socket);
    }
    // an unknown type is of a later version: passed over
    const socket = connectUnix(`${held.folder}/sock`);
    sendFds(socket, Buffer.concat([Buffer.from([4, 0, 0, 0, 200, 1, 2, 3, 4]), Buffer.from([0, 0, 0, 0, ToHolder.fd])]), []);
    const types: number[] = [];
    await until(() => {
      const received = recvFds(socket, 5);
      if (received === null) return false;
      types.push(received.data[4] ?? 0);
      const length = received.data.readUInt32LE(0);
      if (length > 0) recvFds(socket, length);
      for (const fd of received.fds) close(fd);
      return received.fds.length > 0;
    }, "the master");
    assert.deepEqual(types, [FromHolder.hello, FromHolder.fd]);
    close(socket);
    // connections that are opened and left make room for new ones
    const idle = Array.from({ length: 20 }, () => connectUnix(`${held.folder}/sock`));
    for (const fd of idle) close(fd);
    const heard = new Heard();
    const link = await connectHolder(held.folder, heard);
    link.close();
    held.link.input(Buffer.from("on\n"));
    await held.heard.until("heard on");
    await held.end();
  } finally {
    await held.dispose();
  }
});

test("a resize reaches the program after what it wrote before, and is noted with its offset", async () => {
  const held = await Held.launch([program("size")]);
  try {
    await held.heard.until("size 80x24\r\n");
    held.link.resize(97, 31);
    await held.heard.until("size 97x31\r\n");
    held.link.resize(40, 12);
    await held.heard.until("size 40x12");
    held.link.signal(15, SignalTarget.program);
    await held.end();
    const times = fs.readFileSync(`${held.folder}/times`);
    assert.equal(times.toString("latin1", 0, 4), "FTIM");
    const sizes: string[] = [];
    let offset = 0;
    for (let at = 16; at < times.length; at += 12) {
      offset += times.readUInt32LE(at + 4);
      if (times.readUInt16LE(at + 8) > 0) sizes.push(`${times.readUInt16LE(at + 8)}x${times.readUInt16LE(at + 10)}@${offset}`);
    }
    const second = held.heard.text.indexOf("size 97x31");
    assert.equal(sizes[0], "80x24@0");
    assert.equal(sizes[1], `97x31@${second}`);
    assert.match(sizes[2] ?? "", /^40x12@/);
  } finally {
    await held.dispose();
  }
});

test("retention: the head becomes a hole, offsets stay, and who asks for too much gets what there is", async () => {
  const keep = 8 << 20;
  const held = await Held.launch([program("flood"), "500000", "80"], { keep });
  const later = new Heard();
  try {
    held.heard.keepsBytes = false;
    const exit = await held.heard.exited;
    assert.equal(exit.end, 500_000 * 82 + "flood ends\r\n".length);
    const { blocks, size } = fs.statSync(`${held.folder}/output.log`);
    assert.equal(size, exit.end);
    assert.ok(blocks * 512 <= keep + (8 << 20), `${blocks * 512} bytes on disk`);
    const link = await connectHolder(held.folder, later);
    assert.ok(link.hello.base > 0 && link.hello.base <= exit.end - keep);
    later.read(held.folder, 0);
    await later.exited;
    assert.equal(later.from, link.hello.base);
    assert.equal(later.to, exit.end);
    assert.equal(later.jumps, 0);
    link.close();
    await held.end();
  } finally {
    await held.dispose();
  }
});

test("a daemon that keeps the terminal does not keep the session from ending", {
  skip: emulated && "qemu-user knows no PR_SET_CHILD_SUBREAPER: a daemon is no descendant of its holder",
}, async () => {
  const held = await Held.launch([program("keeps-tty")]);
  let child = 0;
  try {
    child = Number((await held.heard.until(/child (\d+)/))[1]);
    assert.equal((await held.heard.exited).status, exitStatus(4));
    assert.ok(processAlive(child));
    held.link.signal(9, SignalTarget.descendants);
    await untilGone(child);
    await held.end();
  } finally {
    if (child > 0 && processAlive(child)) process.kill(child, "SIGKILL");
    await held.dispose();
  }
});

test("a socket or a folder that was deleted is made again, and the record with it", async () => {
  const held = await Held.shell("echo ready; read a; echo heard $a; exit 8");
  try {
    await held.heard.until("ready");
    for (const remove of [() => fs.rmSync(`${held.folder}/sock`), () => fs.rmSync(held.folder, { recursive: true })]) {
      remove();
      process.kill(held.link.holderPid, "SIGUSR1"); // now, instead of within the minute
      await until(() => fs.existsSync(`${held.folder}/sock`), "the socket to be made again");
      const heard = new Heard();
      const link = await connectHolder(held.folder, heard);
      assert.equal(link.programPid, held.link.programPid);
      link.close();
    }
    assert.equal(fs.statSync(held.folder).mode & 0o777, 0o700);
    held.link.input(Buffer.from("x\n"));
    assert.equal((await held.end()).status, exitStatus(8));
    assert.equal(readRecord(held.folder).exit?.status, exitStatus(8));
  } finally {
    await held.dispose();
  }
});

test("a folder that belongs to another run is not written over", async () => {
  const held = await Held.shell("echo first; exit 1");
  try {
    await held.end();
    await until(() => holdersOf(held.folder).length === 0, "the first holder to go");
    const before = fs.readFileSync(`${held.folder}/record`);
    await assert.rejects(Held.shell("echo second", { folder: held.folder }), /belongs to another run|ended with status 75/);
    assert.deepEqual(fs.readFileSync(`${held.folder}/record`), before);
    assert.equal(fs.readFileSync(`${held.folder}/output.log`, "latin1"), "first\r\n");
  } finally {
    await held.dispose();
  }
});

test("what cannot be started is refused with a sentence, and leaves nothing", async () => {
  const folder = sessionFolder();
  const refuse = (changes: object, what: RegExp) =>
    assert.rejects(launchHolder({ ...orders(["/bin/true"]), folder, ...changes }, new Heard()), what);
  await refuse({ directory: "/no/such" }, /directory \/no\/such cannot be entered/);
  await refuse({ directory: "/etc/passwd" }, /not a directory/);
  await refuse({ folder: `/tmp/${"x".repeat(120)}` }, /ENAMETOOLONG|too long|status 7/);
  await refuse({ folder: "/proc/no-such" }, /status 7/);
  assert.deepEqual(fs.readdirSync(folder), []);
  await endSession(folder);
});

test("the holder costs nothing while nothing happens", async () => {
  const held = await Held.shell("echo ready; read a");
  try {
    await held.heard.until("ready\r\n");
    await until(() => fs.readFileSync(`/proc/${held.link.holderPid}/stat`, "latin1").includes(") S "), "the holder to sleep");
    const wakeups = () =>
      Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${held.link.holderPid}/status`, "utf8"))?.[1]);
    const [before, woken] = [ticks([held.link.holderPid]), wakeups()];
    // what is measured is that nothing wakes it: another process's whole life goes by meanwhile
    execFileSync(process.execPath, ["-e", "0"]);
    assert.ok(wakeups() - woken <= 1, "nothing wakes it");
    assert.ok(ticks([held.link.holderPid]) - before <= 1);
    const resident = Number(/^VmRSS:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${held.link.holderPid}/status`, "utf8"))?.[1]);
    // the sanitized build carries its shadow
    assert.ok(resident < 4096 || process.env.FALCON_SESSIONS_NATIVE !== undefined, `${resident} KiB`);
    held.link.input(Buffer.from("\n"));
    await held.end();
  } finally {
    await held.dispose();
  }
});

function canMount(): boolean {
  return process.getuid?.() === 0 && fs.existsSync(path.join("/proc", "filesystems")) && tryMount();
}

function tryMount(): boolean {
  const folder = sessionFolder();
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], { stdio: "ignore" });
    execFileSync("umount", [folder], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

test("a link hears of the end without reading the output, also one that comes after it", async () => {
  const held = await Held.shell("echo said; exit 4", { subscribe: null });
  const later = new Heard();
  try {
    const exit = await held.heard.toldEnd;
    assert.deepEqual([exit.status, exit.end, held.link.master], [exitStatus(4), "said\r\n".length, -1]);
    const link = await connectHolder(held.folder, later);
    assert.deepEqual(await later.toldEnd, exit);
    link.close();
    await held.end();
  } finally {
    await held.dispose();
  }
});

test("a link that is told of the end by others lets go of the terminal, and still releases the holder", async () => {
  const held = await Held.launch(["/bin/true"], { subscribe: null });
  try {
    await until(() => readRecord(held.folder).exit !== undefined, "the end");
    held.link.ended();
    assert.equal(held.link.master, -1);
    held.link.release();
    assert.equal(await held.heard.gone, "the session is over");
  } finally {
    await held.dispose();
  }
});

test("a log that is begun anew is in its place only once the record says what it lacks: whoever is killed in between loses no length", async () => {
  const held = await Held.shell("echo some output; read -r x", { subscribe: null });
  const changes: string[] = [];
  const log = path.join(held.folder, "output.log");
  try {
    await until(() => fs.statSync(log).size > 0, "the output");
    const watcher = fs.watch(held.folder, (event, name) => changes.push(`${event} ${name}`));
    fs.rmSync(log);
    held.link.renew();
    await until(() => changes.filter((change) => change === "rename output.log").length === 2, "the new log");
    watcher.close();
    const recorded = changes.indexOf("change record");
    assert.ok(recorded >= 0 && recorded < changes.lastIndexOf("rename output.log"), changes.join(", "));
    assert.equal(fs.existsSync(`${log}~`), false);
  } finally {
    await held.dispose();
  }
});
