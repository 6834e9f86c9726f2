// A session's log that is looked at: told of when it goes or is made anew, and writing to it wakes nobody.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { LogWatch } from "../../../src/session/output/log-watch.ts";

describe("the watch on a session's log", () => {
  let folder: string;
  let log: string;
  let changes: number;
  let watch: LogWatch;
  let asked: ReturnType<typeof askedOfTheSystem>;
  const askedOfTheSystem = () => mock.method(fs, "watch");
  const second = () => {
    mock.timers.tick(1000);
    const seen = changes;
    changes = 0;
    return seen;
  };

  beforeEach(() => {
    mock.timers.enable({ apis: ["setInterval", "setTimeout"] });
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "falcon-log-watch-"));
    log = path.join(folder, "output.log");
    fs.writeFileSync(log, "one\n");
    changes = 0;
    asked = askedOfTheSystem();
    watch = new LogWatch(folder, () => changes++);
  });
  afterEach(() => {
    watch.close();
    mock.timers.reset();
    asked.mock.restore();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  test("tells of a log that is removed, once, and of one that is made anew", () => {
    fs.rmSync(log);
    assert.equal(second(), 1);
    assert.equal(second(), 0);
    fs.writeFileSync(log, "two\n");
    assert.equal(second(), 1);
    fs.writeFileSync(`${log}~`, "three\n");
    fs.renameSync(`${log}~`, log);
    assert.equal(second(), 1);
    fs.rmSync(folder, { recursive: true });
    assert.equal(second(), 1);
  });

  test("is told nothing of what is appended: the system would wake the thread for each piece of output", () => {
    fs.appendFileSync(log, "more\n");
    assert.equal(second(), 0);
    assert.equal(asked.mock.callCount(), 0);
  });

  test("tells nothing once it is closed", () => {
    watch.close();
    fs.rmSync(log);
    assert.equal(second(), 0);
  });
});
