// A holder of an earlier release is served by this server: its recorded conversation, replayed against the
// present link and the present codecs.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  encodeFd,
  encodeInput,
  encodeRelease,
  encodeSignal,
  encodeSubscribe,
  encodeWindowSize,
  SignalTarget,
  ToHolder,
} from "../../../../src/protocol/holder.ts";
import { connectHolder } from "../../../../src/session/holder/holder-launch.ts";
import { parseRecord } from "../../../../src/store/record.ts";
import { endSession, Heard, sessionFolder } from "../../../support/holder/held.ts";
import { encodeKeep } from "../../../support/holder/holder-cursor.ts";
import { RecordedHolder, readRecording } from "../../../support/holder/recorded-holder.ts";

test("the frames that the recorded holder took are the ones that are sent today, byte for byte", () => {
  const sent = readRecording().frames.flatMap(({ from, bytes }) => (from === "server" ? [bytes] : []));
  const now = [
    encodeFd(),
    encodeSubscribe(0),
    encodeKeep(256_000_000),
    encodeInput(Buffer.from("key\n")),
    encodeWindowSize(101, 33),
    encodeSignal(10, SignalTarget.program),
    encodeRelease(),
  ];
  assert.deepEqual(
    sent,
    now.map((frame) => frame.toString("hex")),
  );
});

test("today's link understands the recorded holder from its greeting to its end", async () => {
  const folder = sessionFolder();
  const recording = readRecording();
  const player = await RecordedHolder.listen(folder, recording);
  const heard = new Heard();
  try {
    const link = await connectHolder(folder, heard);
    assert.equal(link.hello.version, 1);
    assert.deepEqual(
      [link.hello.adopted, link.hello.holes, link.hello.execError, link.hello.base, link.hello.end, link.hello.ended],
      [false, false, null, 0, 7, false],
    );
    assert.ok(link.master >= 0, "the terminal came along");
    assert.equal(link.lineMode().canonical, true);
    heard.read(folder, 0, 1);
    await heard.until("second key");
    link.resize(101, 33);
    await heard.until("got usr1");
    const exit = await heard.exited;
    assert.equal(exit.status, 7 << 8);
    assert.equal(exit.end, heard.to);
    link.release();
    await heard.gone;
    assert.equal(heard.text, "first\r\nsecond key\r\n33 101\r\ngot usr1\r\n");
    assert.equal(heard.jumps, 0);
    assert.deepEqual(player.heard, [ToHolder.fd, ToHolder.subscribe, ToHolder.windowSize, ToHolder.release]);
    link.close();
  } finally {
    await player.close();
    await endSession(folder);
  }
});

test("the files that the recorded holder left are read", () => {
  const { files } = readRecording();
  const record = parseRecord(Buffer.from(files.record ?? "", "base64"));
  assert.equal(record.exit?.status, 7 << 8);
  assert.equal(record.exit?.end, 37);
  assert.deepEqual(record.gaps, []);
  assert.ok((record.pid ?? 0) > 0 && (record.start ?? 0) > 0);
  assert.equal(Buffer.from(files["output.log"] ?? "", "base64").toString(), "first\r\nsecond key\r\n33 101\r\ngot usr1\r\n");
  assert.equal(Buffer.from(files.times ?? "", "base64").toString("latin1", 0, 4), "FTIM");
});
