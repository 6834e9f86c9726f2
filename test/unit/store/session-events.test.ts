// The stream of events in the database: in order, followed by ids that are never used again, bounded.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { mostEvents, SessionEvents } from "../../../src/store/session-events.ts";
import { type SessionRow, SessionStore } from "../../../src/store/session-store.ts";

let folder: string;
let store: SessionStore;

beforeEach(() => {
  folder = fs.mkdtempSync("/tmp/fs-events-");
  store = SessionStore.open(path.join(folder, "state.db"), () => {});
  for (const id of ["aaaaaa", "bbbbbb"]) store.save(row(id));
});
afterEach(() => {
  store.close();
  fs.rmSync(folder, { recursive: true });
});

const row = (id: string): SessionRow => ({
  ...{ id, name: id, kind: "run", trainer: "none", command: ["true"], directory: "/", environment: {}, umask: 0, limits: [] },
  ...{ runDirectory: null, host: "h", boot: "b", token: id, holderPid: null, programPid: null, state: "running", reason: "" },
  ...{ created: 1, started: null, ended: null, waitStatus: null, cols: 80, rows: 24, pinned: false, interrupts: 0 },
  ...{ attached: null, facts: {} },
});
const event = (session: string, kind: string) => ({
  ...{ session, kind, time: 5, node: "theta", metric: null, epoch: 3, sentence: "said" },
});

test("they come back in order, of one session or of all, and after the one that is known", () => {
  const events = new SessionEvents(store.database);
  const first = events.add(event("aaaaaa", "phase"));
  events.add(event("bbbbbb", "nan"));
  events.add(event("aaaaaa", "stalled"));
  assert.deepEqual(
    events.after(0).map(({ kind }) => kind),
    ["phase", "nan", "stalled"],
  );
  assert.deepEqual(events.after(0, "aaaaaa")[0], first);
  assert.deepEqual(
    events.after(first.id, "aaaaaa").map(({ kind }) => kind),
    ["stalled"],
  );
});

test("they go with their session, and no id is given twice", () => {
  const events = new SessionEvents(store.database);
  events.add(event("bbbbbb", "phase"));
  const last = events.add(event("aaaaaa", "phase"));
  store.remove("aaaaaa");
  assert.deepEqual(events.after(0, "aaaaaa"), []);
  assert.ok(events.add(event("bbbbbb", "phase")).id > last.id);
});

test("so many of a session are kept, the newest, whatever another one has", () => {
  const events = new SessionEvents(store.database);
  events.add(event("bbbbbb", "phase"));
  for (let i = 0; i < mostEvents + 5; i++) events.add({ ...event("aaaaaa", "phase"), epoch: i });
  const kept = events.after(0, "aaaaaa");
  assert.deepEqual([kept.length, kept[0]?.epoch, kept.at(-1)?.epoch], [mostEvents, 5, mostEvents + 4]);
  assert.equal(events.after(0, "bbbbbb").length, 1);
});
