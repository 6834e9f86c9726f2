// How parts are kept in an archive, and what a server logs of one that it cannot search.
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

test("a part that was published as ended stays that, though its session's row tells it later", async () => {
  const published: string[] = [];
  const row = { id: "abc234", state: "exiting", reason: "the program has ended", waitStatus: 0, facts: {} };
  const session = { id: "abc234", row, offset: 7, trainer: { savesModel: true }, setFact() {} } as unknown as Session;
  const keeper = new PartKeeper({
    archive: {
      publish: async (part: { row: { state: string; reason: string } }) =>
        published.push(`${part.row.state}: ${part.row.reason}`),
    },
    progress: { of: async () => null, curves: async () => [] },
    ...{ job: "s77", folderOf: () => "/nowhere", log: (_event: string, facts: unknown) => assert.fail(JSON.stringify(facts)) },
  } as unknown as PartEffects);
  await keeper.publish(session);
  const ended = keeper.ended(session, undefined);
  // the look of each minute comes while the end is looked into
  await keeper.look(session);
  await keeper.look(session);
  await ended;
  await keeper.publish(session);
  assert.equal(published[0], "exiting: the program has ended");
  assert.ok(published.length > 2);
  assert.deepEqual([...new Set(published.slice(1))], ["exited: ended with status 0"]);
});
