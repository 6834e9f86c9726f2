import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, describe, test } from "node:test";
import { Playback, type PlaybackOptions, type Stage } from "../../../../src/session/output/playback.ts";
import { OutputLog } from "../../../../src/store/output-log.ts";
import { FakeHolder } from "../../../support/holder/session-folder.ts";

const start = 1_700_000_000_000;

describe("playback", () => {
  const folder = fs.mkdtempSync("/tmp/fs-");
  const holder = new FakeHolder(path.join(folder, "s"), { time: start });
  holder.write("one ");
  holder.write("two ", start + 1000);
  holder.size(90, 30, start + 2000);
  holder.write("three ", start + 2000);
  holder.write("four", start + 100_000);
  holder.close();
  const log = OutputLog.open(holder.folder);
  after(() => {
    log.close();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  function played(options: Partial<PlaybackOptions> = {}): {
    playback: Playback;
    stage: Stage;
    said: string[];
    at: (now: number) => Promise<number | undefined>;
  } {
    const said: string[] = [];
    const stage: Stage = {
      feed: (bytes) => said.push(bytes.toString()),
      resize: (cols, rows) => said.push(`${cols}x${rows}`),
      ready: async () => {},
      gone: () => false,
    };
    const playback = new Playback(log, { offset: 0, time: start, to: log.end, idle: 0, speed: 1, ...options });
    return { playback, stage, said, at: (now) => playback.advance(now, stage) };
  }

  test("hands on what is due, tells when the next is", async () => {
    const { playback, said, at } = played();
    assert.equal(await at(0), undefined);
    assert.deepEqual(said, ["one "]);
    playback.play(50);
    assert.equal(await at(50), 1000);
    assert.equal(await at(1049), 1);
    assert.deepEqual(said, ["one "]);
    assert.equal(await at(1050), 1000);
    assert.equal(playback.time, start + 1000);
    await at(2050);
    assert.deepEqual(said, ["one ", "two ", "90x30", "three "]);
    assert.equal(playback.ended, false);
    assert.equal(await at(100_050), undefined);
    assert.equal(said.at(-1), "four");
    assert.ok(playback.ended);
  });

  test("speed, pauses in the recording, pauses of the person", async () => {
    const { playback, said, at } = played({ speed: 2, idle: 3000 });
    playback.play(0);
    await at(0);
    assert.equal(await at(400), 100);
    playback.pause(450);
    assert.equal(await at(9000), undefined);
    assert.equal(said.length, 1);
    playback.play(10_000);
    await at(10_050);
    assert.equal(said.at(-1), "two ");
    playback.setSpeed(1000, 10_050);
    assert.equal(await at(10_050), 1);
    assert.equal(await at(10_051), 3);
    await at(10_054);
    assert.ok(playback.ended);
  });

  test("from a moment: the state of then is past, what comes later is waited for", async () => {
    const { playback, said, at } = played({ offset: 14, time: start + 50_000 });
    playback.play(0);
    assert.equal(await at(0), 50_000);
    assert.deepEqual(said, []);
    await at(50_000);
    assert.deepEqual(said, ["90x30", "four"].slice(1));
  });
});
