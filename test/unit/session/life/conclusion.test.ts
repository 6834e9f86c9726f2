// The conclusion of an ended session, as far as it is made while more is heard of the end.
import assert from "node:assert/strict";
import { test } from "node:test";
import { conclude } from "../../../../src/session/life/conclusion.ts";
import type { Session } from "../../../../src/session/life/session.ts";

test("a signal to all of its job that is noted while the end is looked at is the one that ended it", async () => {
  const facts: Record<string, unknown> = {};
  const log = {
    ...{ base: 0, end: 4, close() {} },
    // a server that was hit as well takes its signal behind the end of the program
    async *pieces() {
      facts.signals = [{ time: 1000, signal: "SIGUSR1", by: "batch" }];
      yield { offset: 0, bytes: Buffer.from("text") };
    },
  };
  const session = {
    row: { trainer: "falcon", waitStatus: 10, started: 0, created: 0, ended: 999, interrupts: 0, facts },
    trainer: { savesModel: true, postMortem: () => undefined },
    openLog: () => log,
    setFact: (name: string, value: unknown) => {
      facts[name] = value;
    },
  };
  await conclude(session as unknown as Session, null, undefined);
  const { kind, by } = facts.outcome as { kind: string; by: string };
  assert.deepEqual([kind, by], ["killed", "a signal to all of its job"]);
});

test("what the program said behind a hole of a full disk is read for how it ended", async () => {
  const facts: Record<string, unknown> = {};
  let read = "";
  const log = {
    ...{ base: 0, end: 34, close() {} },
    async *pieces() {
      yield { offset: 0, bytes: Buffer.from("Epoch 1\n") };
      yield { offset: 8, hole: { offset: 8, length: 10, reason: "disk" } };
      yield { offset: 18, bytes: Buffer.from("ValueError: bad\n") };
    },
  };
  const session = {
    row: { trainer: "falcon", waitStatus: 256, started: 0, created: 0, ended: 999, interrupts: 0, facts },
    trainer: {
      savesModel: true,
      postMortem: ({ output }: { output: Uint8Array }) => {
        read = Buffer.from(output).toString();
      },
    },
    openLog: () => log,
    setFact: () => {},
  };
  await conclude(session as unknown as Session, null, undefined);
  assert.equal(read, "Epoch 1\nValueError: bad\n");
});
