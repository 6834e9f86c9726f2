// Whoever reads a session's output from the holder at their own pace: what is not there any more is told, and
// never read as something else.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { close, punchHole, recvFds, sendFds, shutdownWriting } from "../../../../src/platform/native.ts";
import {
  decodeData,
  decodeHole,
  decodeSized,
  encodeInput,
  encodeKeys,
  encodeSpeak,
  FromHolder,
  HolderRole,
  HoleReason,
} from "../../../../src/protocol/holder.ts";
import { openCursor } from "../../../../src/session/holder/holder-launch.ts";
import { until } from "../../../support/events.ts";
import { Held } from "../../../support/holder/held.ts";
import { Cursor, decodeTaken } from "../../../support/holder/holder-cursor.ts";

const step = 4 << 20;

test("a cursor that lags behind the compression of the log's head gets no byte that was never written", async () => {
  const held = await Held.launch(["/bin/sh", "-c", "head -c 40000000 /dev/zero | tr '\\0' x; sleep 60"], { subscribe: null });
  const log = path.join(held.folder, "output.log");
  // its socket takes some frames, and then it does not read
  const cursor = Cursor.connect(held.folder, { offset: 0 });
  try {
    await until(() => fs.statSync(log).size >= 40_000_000, "all output to be in the log");
    // what the server does once it has stored a compressed copy
    const fd = fs.openSync(log, "r+");
    assert.ok(punchHole(fd, 0, 8 * step));
    fs.closeSync(fd);
    const { bytes, offset, jumped } = await cursor.readTo(40_000_000);
    assert.equal(bytes.filter((byte) => byte === 0).length, 0, "NUL bytes that the program never wrote");
    assert.equal(offset, 40_000_000);
    assert.ok(jumped > step, `${jumped} bytes were told as missing`);
    assert.equal(bytes.length + jumped, 40_000_000);
  } finally {
    cursor.close();
    await held.dispose();
  }
});

/** Says that a connection speaks version 2, as a viewer. */
const viewer = encodeSpeak(2, HolderRole.viewer);

test("sizes of the terminal stand in every cursor's stream, where they begin", async () => {
  const script = 'printf one; read x; printf "two:$(stty size)"; read x; printf "three:$(stty size)"; sleep 60';
  const held = await Held.shell(script, { subscribe: null });
  const cursor = Cursor.connect(held.folder, { say: [viewer], offset: 0 });
  try {
    const size = async () => decodeSized(await cursor.nextOf(FromHolder.sized));
    assert.deepEqual(await size(), { offset: 0, cols: 80, rows: 24 });
    await cursor.until("one");
    held.link.resize(90, 30);
    const second = await size();
    assert.deepEqual([second.cols, second.rows], [90, 30]);
    assert.equal(second.offset, 3);
    held.link.input(Buffer.from("\n"));
    await cursor.until("two:30 90");
    held.link.resize(100, 40);
    held.link.input(Buffer.from("\n"));
    await cursor.until("three:40 100");
    // one that comes later is told the size that holds where it begins, and the others in their places
    const late = Cursor.connect(held.folder, { say: [viewer], offset: 4 });
    const told: string[] = [];
    for (let text = ""; !text.includes("three:40 100"); ) {
      const { type, payload } = (await late.next()) ?? assert.fail("closed");
      if (type === FromHolder.sized) {
        const { cols, rows, offset } = decodeSized(payload);
        told.push(`${cols}x${rows}`);
        assert.ok(offset <= 4 + text.length);
      } else if (type === FromHolder.data) text += decodeData(payload).bytes.toString();
    }
    assert.deepEqual(told, ["90x30", "100x40"]);
    late.close();
  } finally {
    cursor.close();
    await held.dispose();
  }
});

test("what was let go of is told as a hole, in its place", async () => {
  const held = await Held.launch(["/bin/sh", "-c", "head -c 20000000 /dev/zero | tr '\\0' x; sleep 60"], { subscribe: null });
  const log = path.join(held.folder, "output.log");
  try {
    await until(() => fs.statSync(log).size >= 20_000_000, "all output to be in the log");
    const fd = fs.openSync(log, "r+");
    punchHole(fd, 0, 2 * step);
    fs.closeSync(fd);
    const cursor = Cursor.connect(held.folder, { say: [viewer], offset: 100 });
    assert.deepEqual(decodeHole(await cursor.nextOf(FromHolder.hole)), {
      offset: 100,
      length: 2 * step - 100,
      reason: HoleReason.freed,
    });
    assert.equal(decodeData(await cursor.nextOf(FromHolder.data)).offset, 2 * step);
    cursor.close();
  } finally {
    await held.dispose();
  }
});

test("what was let go of ends where a gap of the log begins, and what the file has behind that comes", async () => {
  const script = "echo ready; read a; head -c 6000000 /dev/zero | tr '\\0' x; read b; echo middle; read c; echo end; sleep 60";
  const held = await Held.shell(`stty -echo; ${script}`);
  const limit = (bytes: string) => execFileSync("prlimit", ["--pid", String(held.link.holderPid), `--fsize=${bytes}:unlimited`]);
  const say = async (words: string) => {
    held.link.input(Buffer.from("\n"));
    await held.heard.until(words);
  };
  try {
    await held.heard.until("ready\r\n");
    // the log has a gap from here on, which holds a boundary of the steps in which space is given back
    limit("65536");
    const gapEnd = held.heard.to + 6_000_000;
    held.link.input(Buffer.from("\n"));
    await until(() => held.heard.to === gapEnd, "all output in the gap");
    limit("unlimited");
    await say("middle");
    // "middle" is to be read from the file
    await say("end");
    const fd = fs.openSync(path.join(held.folder, "output.log"), "r+");
    assert.ok(punchHole(fd, 0, step));
    fs.closeSync(fd);
    const behind = Cursor.connect(held.folder, { say: [viewer], offset: gapEnd });
    await behind.until("end");
    assert.match(behind.text, /^middle\r\nend/);
    behind.close();
    const before = Cursor.connect(held.folder, { say: [viewer], offset: 100 });
    const hole = decodeHole(await before.nextOf(FromHolder.hole));
    assert.deepEqual(hole, { offset: 100, length: step - 100, reason: HoleReason.freed });
    before.close();
  } finally {
    await held.dispose();
  }
});

test("a viewer that has shut its half goes on listening, and nothing that it would say is heard", async () => {
  const held = await Held.shell("printf ready; read x; printf more; sleep 60", { subscribe: null });
  const cursor = Cursor.connect(held.folder, { say: [viewer], offset: 0 });
  try {
    await cursor.until("ready");
    shutdownWriting(cursor.descriptor);
    assert.throws(() => cursor.say(encodeInput(Buffer.from("typed\n"))), /EPIPE/);
    held.link.input(Buffer.from("\n"));
    await cursor.until("more");
  } finally {
    cursor.close();
    await held.dispose();
  }
});

test("viewers leave places for servers, and a server's connection is none of theirs", async () => {
  const held = await Held.shell("sleep 60", { subscribe: null });
  const cursors = Array.from({ length: 48 }, () => Cursor.connect(held.folder, { say: [viewer], offset: 0 }));
  try {
    for (const cursor of cursors) await cursor.nextOf(FromHolder.sized);
    const refused = Cursor.connect(held.folder, { say: [viewer], offset: 0 });
    await assert.rejects(refused.nextOf(FromHolder.sized), /closed the connection/);
    refused.close();
    const server = Cursor.connect(held.folder, { say: [encodeSpeak(2, HolderRole.server)], offset: 0 });
    await server.nextOf(FromHolder.sized);
    server.close();
    cursors.pop()?.close();
    await until(async () => {
      const next = Cursor.connect(held.folder, { say: [viewer], offset: 0 });
      const heard = await next.nextOf(FromHolder.sized).then(
        () => true,
        () => false,
      );
      next.close();
      return heard;
    }, "the place of the one that left");
  } finally {
    for (const cursor of cursors) cursor.close();
    await held.dispose();
  }
});

test("keys are counted: what is sent again is dropped, over all connections, and what was taken is said", async () => {
  const held = await Held.shell('stty -echo; printf ready; while read x; do printf "<$x>"; done', { subscribe: null });
  const first = Cursor.connect(held.folder, { say: [viewer], offset: 0 });
  const keys = (number: number, text: string) => encodeKeys({ writer: 77n, number, more: false }, Buffer.from(text));
  try {
    await first.until("ready");
    first.say(keys(0, "one\n"));
    assert.deepEqual(decodeTaken(await first.nextOf(FromHolder.taken)), { writer: 77n, number: 4 });
    // the connection is lost before the answer: everything is sent again on the next one, and more
    const second = Cursor.connect(held.folder, { say: [viewer], offset: 5 });
    second.say(keys(0, "one\ntwo\n"));
    await second.until("<one><two>");
    second.say(keys(4, "two\n"));
    second.say(keys(8, "three\n"));
    await second.until("<three>");
    assert.equal(second.text, "<one><two><three>");
    second.close();
  } finally {
    first.close();
    await held.dispose();
  }
});

test("each of the writers whose keys come in one piece on one connection is told what was taken", async () => {
  const held = await Held.shell("sleep 60", { subscribe: null });
  const writers = Array.from({ length: 64 }, (_, n) => BigInt(n + 1));
  const server = Cursor.connect(held.folder, {
    say: writers.map((writer) => encodeKeys({ writer, number: 7, more: false }, Buffer.alloc(0))),
  });
  try {
    const told: bigint[] = [];
    while (told.length < writers.length) {
      const { writer, number } = decodeTaken(await server.nextOf(FromHolder.taken));
      assert.equal(number, 7);
      told.push(writer);
    }
    assert.deepEqual(new Set(told), new Set(writers));
  } finally {
    server.close();
    await held.dispose();
  }
});

test("nobody's keys land inside another's paste, nor behind it for ever", async () => {
  const held = await Held.shell('stty -echo; printf ready; while read x; do printf "<$x>"; done', { subscribe: null });
  const [paster, keptKeys] = [1, 2].map(() => Cursor.connect(held.folder, { say: [viewer], offset: 0 })) as [Cursor, Cursor];
  const keys = (writer: bigint, number: number, text: string, more: boolean) =>
    encodeKeys({ writer, number, more }, Buffer.from(text));
  try {
    await keptKeys.until("ready");
    paster.say(keys(1n, 0, "begin ", true));
    await paster.nextOf(FromHolder.taken);
    // at once: the turn lasts for a second only
    keptKeys.say(keys(2n, 0, "key\n", false));
    paster.say(keys(1n, 6, "end\n", false));
    await keptKeys.nextOf(FromHolder.taken);
    await paster.nextOf(FromHolder.taken);
    await keptKeys.until("<begin end><key>");
    // one that never says the rest has its turn taken away
    paster.say(keys(1n, 10, "unfinished ", true));
    await paster.nextOf(FromHolder.taken);
    keptKeys.say(keys(2n, 4, "and on\n", false));
    await keptKeys.until("<unfinished and on>");
  } finally {
    paster.close();
    keptKeys.close();
    await held.dispose();
  }
});

test("the interrupt character passes by what others have typed, once", async () => {
  // another reads, and is begun while the shell ignores the signal: a shell's background process that is to
  // ignore it by itself may be interrupted before it does, and one that comes right before a shell's `read`
  // does not end that
  const reader = `trap '' INT; exec 3<&0; sed -u "s/.*/<&>/" <&3 & trap 'printf "<int>"' INT;`;
  const held = await Held.shell(`stty -echo; ${reader} printf ready; while :; do sleep 0.05; done`, {
    subscribe: null,
  });
  const [paster, other] = [1, 2].map(() => Cursor.connect(held.folder, { say: [viewer], offset: 0 })) as [Cursor, Cursor];
  const keys = (writer: bigint, number: number, text: string, flags: number) => {
    const frame = encodeKeys({ writer, number, more: false }, Buffer.from(text));
    frame.writeUInt8(flags, 21);
    return frame;
  };
  try {
    await other.until("ready");
    paster.say(keys(1n, 0, "begin ", 1));
    await paster.nextOf(FromHolder.taken);
    other.say(keys(2n, 0, "\x03", 2));
    // within the other's paste, whose turn it is for a second
    assert.deepEqual(decodeTaken(await other.nextOf(FromHolder.taken)), { writer: 2n, number: 1 });
    await other.until("<int>");
    // said again, as after a lost connection
    other.say(keys(2n, 0, "\x03", 2));
    assert.deepEqual(decodeTaken(await other.nextOf(FromHolder.taken)), { writer: 2n, number: 1 });
    paster.say(keys(1n, 6, "end\n", 0));
    await other.until("end>");
    assert.equal(other.text.split("<int>").length, 2, other.text);
  } finally {
    paster.close();
    other.close();
    await held.dispose();
  }
});

test("a viewer's client is passed a connection on which nothing can be said", async () => {
  const held = await Held.shell("printf ready; sleep 60", { subscribe: null });
  const descriptor = openCursor(held.folder, 2);
  try {
    assert.throws(() => sendFds(descriptor, encodeInput(Buffer.from("typed")), []), /EPIPE/);
    const heard: Buffer[] = [];
    await until(() => {
      const { data } = recvFds(descriptor, 1000) ?? {};
      if (data !== undefined) heard.push(data);
      return Buffer.concat(heard).includes("ady");
    }, "the output");
  } finally {
    close(descriptor);
    await held.dispose();
  }
});
