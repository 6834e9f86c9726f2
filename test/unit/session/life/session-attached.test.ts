// That somebody attached is stored behind their screen, and in any case.
import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import type { ViewerFacts } from "../../../../src/session/life/audience.ts";
import { Session, type SessionEffects } from "../../../../src/session/life/session.ts";
import type { Viewer } from "../../../../src/session/viewers/viewer.ts";
import type { SessionRow } from "../../../../src/store/session-store.ts";

function attached(folder: string) {
  const stored: (number | null)[] = [];
  let told = 0;
  const effects = {
    save: (row) => void stored.push(row.attached),
    changed: () => void told++,
    clock: () => 7,
    steady: () => 0,
    log: () => {},
  } as Partial<SessionEffects> as SessionEffects;
  const row = { id: "a", kind: "run", trainer: "none", state: "running", attached: null, facts: {} } as unknown as SessionRow;
  const session = new Session(row, folder, effects);
  const viewer = { dispose: () => {} } as Viewer;
  session.audience.add(viewer, {} as ViewerFacts);
  assert.deepEqual([row.attached, stored, told], [7, [], 0], "it is known, and its screen is not waited for");
  return { session, stored, told: () => told, leave: () => session.audience.remove(viewer) };
}

test("an attach is stored and told once, however soon the viewer leaves again", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const folder = fs.mkdtempSync("/tmp/fs-");
  try {
    const { stored, told, leave } = attached(folder);
    leave();
    assert.deepEqual([stored, told()], [[], 1], "of the leaving");
    t.mock.timers.tick(1_000);
    assert.deepEqual([stored, told()], [[7], 2]);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

test("… and at once where the server goes", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const folder = fs.mkdtempSync("/tmp/fs-");
  try {
    const { session, stored, leave } = attached(folder);
    leave();
    await session.leave();
    assert.deepEqual(stored, [7]);
    t.mock.timers.tick(10_000);
    assert.deepEqual(stored, [7], "nothing is stored by a server that is gone");
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});
