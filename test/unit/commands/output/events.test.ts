// falcon events --follow leaves nobody behind who follows, however it ends.
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import type { Call, Context } from "../../../../src/commands/dispatch/call.ts";
import { endPatience, events } from "../../../../src/commands/output/events.ts";

test("an end that is never told leaves no follower, and no listener for the server's end", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const stopping = new AbortController();
  const followers = new Set<unknown>();
  let followed = () => {};
  const waits = new Promise<void>((resolve) => (followed = resolve));
  const session = {
    id: "k3v9ad",
    row: { id: "k3v9ad", name: "night", runDirectory: null, facts: {} },
    live: false,
    whenOver: async () => {},
  };
  const context = {
    clock: () => 0,
    stopping: stopping.signal,
    table: { all: () => [session], get: () => session },
    tick: { watch: () => () => {} },
    events: {
      after: () => [],
      follow: (follower: unknown) => {
        followers.add(follower);
        if (followers.size === 2) followed();
        return () => followers.delete(follower);
      },
    },
  };
  const call = { request: { directory: "/" }, gone: new Promise(() => {}), resume: () => {} };
  const told = events.run(call as unknown as Call, context as unknown as Context, ["night"], { follow: true });
  await waits;
  await new Promise((resolve) => setImmediate(resolve));
  t.mock.timers.tick(endPatience);
  assert.equal(await told, 0);
  assert.equal(followers.size, 0);
  assert.deepEqual(getEventListeners(stopping.signal, "abort"), []);
});
