// What a server logs of an archive that it cannot search.
import assert from "node:assert/strict";
import { test } from "node:test";
import { NoAnswer } from "../../../../src/base/aside/aside.ts";
import type { Session } from "../../../../src/session/life/session.ts";
import { type PartEffects, PartKeeper } from "../../../../src/session/run/part-keeper.ts";

test("an archive that stays silent is told once, and again when it was there meanwhile", async () => {
  const logged: unknown[] = [];
  let away = true;
  const keeper = new PartKeeper({
    archive: {
      graphsBefore: async () => {
        if (away) throw new NoAnswer("/archive does not answer");
        return ["/archive/1/graph"];
      },
    },
    log: (event: string, facts: unknown) => logged.push([event, facts]),
  } as unknown as PartEffects);
  const session = { row: { facts: { part: { of: "abc234", n: 2 } } } } as unknown as Session;
  const look = () => keeper.earlierGraphs(session);
  assert.deepEqual([await look(), await look(), await look()], [undefined, undefined, undefined]);
  const line = ["part.search-failed", { reason: "/archive does not answer" }];
  assert.deepEqual(logged, [line]);
  away = false;
  assert.deepEqual(await look(), ["/archive/1/graph"]);
  away = true;
  await look();
  assert.deepEqual(logged, [line, line]);
});
