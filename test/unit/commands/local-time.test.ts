// Times in the zone of the call.
import assert from "node:assert/strict";
import { test } from "node:test";
import { localTime } from "../../../src/commands/local-time.ts";

test("by TZ of the call, with winter and summer, and where it is none that is known", () => {
  const winter = Date.UTC(2026, 10, 27, 13, 30, 5);
  assert.equal(localTime(winter, { TZ: "Europe/Berlin" }), "2026-11-27 14:30:05");
  assert.equal(localTime(winter, { TZ: ":America/New_York" }), "2026-11-27 08:30:05");
  assert.equal(localTime(Date.UTC(2026, 6, 1, 12), { TZ: "Europe/Berlin" }), "2026-07-01 14:00:00");
  assert.equal(localTime(winter, { TZ: "no such zone" }), "2026-11-27 13:30:05");
  assert.match(localTime(winter, {}), /^2026-11-2\d \d\d:\d\d:05$/);
});
