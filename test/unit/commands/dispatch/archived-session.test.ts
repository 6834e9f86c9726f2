// What is brought in from the archive by its name: what is over, and nothing that may still run elsewhere.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { broughtIn } from "../../../../src/commands/dispatch/archived-session.ts";
import type { Call, Context } from "../../../../src/commands/dispatch/call.ts";

const minutes = 60_000;

describe("a part of which no machine told", () => {
  let bin: string;
  beforeEach(() => {
    bin = fs.mkdtempSync("/tmp/fs-archived-");
  });
  afterEach(() => fs.rmSync(bin, { recursive: true }));

  /** Whether it is. @param said Slurm's state of its job; "": it knows none; undefined: no Slurm. */
  async function asked(state: string, written: number, said: string | undefined): Promise<boolean> {
    if (said !== undefined) {
      const line = said === "" ? "" : `echo '77|77|${said}|0|0|node|None'`;
      fs.writeFileSync(path.join(bin, "squeue"), `#!/bin/sh\n${line}\n`, { mode: 0o755 });
    }
    const call = { request: { environment: { PATH: bin } } } as unknown as Call;
    const brought: string[] = [];
    const part = { run: "abc234", n: 1, written: 0, row: { id: "abc234", state, facts: { job: "s77" } } };
    const context = {
      parts: { archived: async () => part, bringIn: async (run: string) => void brought.push(run) },
      table: { get: (id: string) => brought.find((run) => run === id) },
      clock: () => written,
    } as unknown as Context;
    return broughtIn(call, context, "night", undefined);
  }

  test("is left alone while its job runs, however old its last word is", async () => {
    assert.equal(await asked("running", minutes, "RUNNING"), false);
    assert.equal(await asked("running", 60 * minutes, "RUNNING"), false);
  });

  test("is brought in where its end was written, or Slurm says that its job is over", async () => {
    assert.equal(await asked("exited", 0, "RUNNING"), true);
    assert.equal(await asked("running", minutes, "COMPLETED"), true);
  });

  test("where Slurm tells nothing of the job is over once it was not written for long", async () => {
    for (const said of [undefined, ""]) {
      assert.equal(await asked("running", minutes, said), false);
      assert.equal(await asked("running", 60 * minutes, said), true);
    }
  });
});
