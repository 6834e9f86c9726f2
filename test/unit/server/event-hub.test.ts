// For whom an event is kept.
import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultConfig } from "../../../src/base/config/config.ts";
import { EventHub } from "../../../src/server/events/event-hub.ts";
import { aboutAll } from "../../../src/session/events/event-facts.ts";
import type { Session } from "../../../src/session/life/session.ts";
import { Deliveries } from "../../../src/store/deliveries.ts";
import { migrate } from "../../../src/store/schema.ts";
import { openDatabase } from "../../../src/store/sqlite.ts";

test("without a command nothing is kept for one; who follows is told", () => {
  const database = openDatabase(":memory:");
  migrate(database);
  database.exec(
    `INSERT INTO session (id, name, kind, command, directory, environment, umask, limits, host, boot, token, state, created, cols, rows, pinned)
     VALUES ('abc234', 'n', 'run', '[]', '/', '{}', 18, '[]', 'h', 'b', 't', 'running', 0, 80, 24, 0)`,
  );
  const hub = new EventHub({
    config: { ...defaultConfig, onEvent: null },
    database,
    session: () => undefined,
    curves: async () => [],
    draw: async () => new Uint8Array(),
    home: "",
    inJob: false,
    ending: () => false,
    log: () => {},
  });
  const told: string[] = [];
  hub.events.follow(({ kind }) => told.push(kind));
  const session = { id: "abc234", live: true, row: { id: "abc234", facts: {} } } as unknown as Session;
  hub.events.add(session, { kind: "stalled", ...aboutAll, sentence: "" }, "");
  assert.deepEqual([told, new Deliveries(database).waiting(), hub.pending], [["stalled"], [], false]);
  hub.dispose();
});
