// Where the homes of a host's jobs are looked for: where native/home/home.c makes them.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { jobHomes } from "../../../src/platform/job-homes.ts";
import { withVarTmp } from "../../support/var-tmp.ts";

test("a job's home that is too long below the host's is found below /var/tmp, in letters of two bytes too", () =>
  withVarTmp(async () => {
    const fallback = `/var/tmp/falcon-sessions-${process.getuid?.()}`;
    const job = `s4711-${process.pid}`;
    const home = path.join(fallback, os.hostname().replaceAll("/", "-"), "j", job);
    const made = fs.mkdirSync(home, { recursive: true, mode: 0o700 });
    try {
      // 79 bytes each: behind them "/j/" and a job's name have no room in a socket's path
      for (const host of [`/x/${"y".repeat(76)}`, `/x/${"я".repeat(38)}`])
        assert.deepEqual(
          jobHomes(host).filter((found) => found.job === job),
          [{ job, home }],
        );
      assert.deepEqual(jobHomes("/x/y"), [], "a short one's are below itself");
    } finally {
      fs.rmSync(made ?? home, { recursive: true });
    }
  }));
