// What is new in a run is kept for those who are to be told of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ShownRun } from "../../../../src/presentation/shown-run.ts";
import { EventStream } from "../../../../src/session/events/event-stream.ts";
import { nothingTold } from "../../../../src/session/events/run-events.ts";
import type { Session } from "../../../../src/session/life/session.ts";
import type { SessionEvents } from "../../../../src/store/session-events.ts";

test("an event counts as told once it is kept: a server that is killed in between leaves it to the next one", () => {
  const happened: string[] = [];
  const session = {
    id: "abc",
    row: { facts: { told: nothingTold }, environment: {}, created: 0, started: 0, ended: null },
    setFact: (name: string) => void happened.push(`${name} is stored`),
  } as unknown as Session;
  const stream = new EventStream({ add: () => ({}) } as unknown as SessionEvents, {
    tell: (_session, event) => void happened.push(`${event} is kept`),
    clock: () => 0,
    log: () => {},
  });
  stream.look(session, { phase: "training", stalled: false, silence: null, summary: "", nodes: [] } as unknown as ShownRun);
  assert.deepEqual(happened, ["phase is kept", "told is stored"]);
});
