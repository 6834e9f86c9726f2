// A signal to every process of a job: a run that goes on as if nothing had come is asked to stop after all.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { JobSignals } from "../../../src/server/jobs/job-signals.ts";
import type { Session } from "../../../src/session/life/session.ts";
import type { RunProgresses } from "../../../src/session/run/run-progress.ts";

/** How long (ms) a program may take to end by it, or to say that it stops. */
const doubt = 10_000;

/** A run of falcon; `does`: what is sent to it, and what those who look at it are told. */
function runOf(id: string) {
  const does: string[] = [];
  const facts: Record<string, unknown> = {};
  const program = {
    ...{ interruptible: true, reached: true, noteSignal: () => {} },
    sendInterrupt: (by: string) => void does.push(`interrupt by ${by}`),
  };
  const session = {
    ...{ id, live: true, program, row: { trainer: "falcon", interrupts: 0, facts } },
    ...{ trainer: { savesModel: true, stopOrder: "interrupt" }, audience: { tell: (word: string) => void does.push(word) } },
    setFact: (name: string, value: unknown) => void Object.assign(facts, { [name]: value }),
  };
  return { session: session as unknown as Session, program, does };
}

test("a run that goes on is asked once; one that says that it stops is not; one without a holder as soon as it has one", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const [goesOn, stops, unreached] = [runOf("goes-on"), runOf("stops"), runOf("unreached")];
  unreached.program.interruptible = false;
  const signals = new JobSignals({
    live: () => [goesOn, stops, unreached].map(({ session }) => session),
    progress: { of: async ({ id }: Session) => ({ stopping: id === "stops" }) } as unknown as RunProgresses,
    ...{ ending: () => false, log: () => {} },
  });
  assert.equal(signals.take("SIGTERM"), true);
  assert.equal(signals.take("SIGTERM"), false, "the second one is the server's own");
  const heard = /^SIGTERM went to every process of its job, falcon's own too/;
  for (const { does } of [goesOn, stops, unreached]) {
    assert.match(does.shift() ?? "", heard);
    assert.deepEqual(does, []);
  }
  const pass = async (ms: number) => {
    t.mock.timers.tick(ms);
    for (let turns = 0; turns < 5; turns++) await turn();
  };
  await pass(doubt - 1);
  assert.deepEqual(goesOn.does, []);
  await pass(1);
  const asked = ["interrupt by batch", "it goes on: asked to stop (one Ctrl+C)"];
  assert.deepEqual([goesOn.does, stops.does, unreached.does], [asked, [], []]);
  await pass(doubt);
  assert.deepEqual(unreached.does, []);
  unreached.program.interruptible = true;
  await pass(doubt);
  assert.deepEqual([goesOn.does, stops.does, unreached.does], [asked, [], asked]);
});
