// The homes of ended batch jobs become the host's; one whose server is being started is none of them.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { close, tryLock } from "../../../src/platform/native.ts";
import { takeInEndedJobs } from "../../../src/session/machines/take-in.ts";

describe("the homes of jobs", () => {
  let host: string;
  let job: string;
  beforeEach(() => {
    host = fs.mkdtempSync("/tmp/fs-take-in-");
    job = path.join(host, "j", "s77");
    fs.mkdirSync(job, { recursive: true, mode: 0o700 });
  });
  afterEach(() => fs.rmSync(host, { recursive: true }));
  const takeIn = () => takeInEndedJobs(host, { log: () => {}, known: () => false, rowOf: () => undefined });

  for (const [name, who] of [
    ["start.lock", "a client that starts its server"],
    ["server.lock", "a server"],
  ] as const)
    test(`one that ${who} has locked is left alone, and taken in afterwards`, () => {
      const lock = tryLock(path.join(job, name));
      assert.ok(lock >= 0);
      takeIn();
      assert.ok(fs.existsSync(path.join(job, name)));
      close(lock);
      takeIn();
      assert.ok(!fs.existsSync(job));
    });
});
