// What a session came from is kept of one that is still there: whatever is written of a removed one would
// bring its row back.
import assert from "node:assert/strict";
import { test } from "node:test";
import { learnProvenance } from "../../../../src/session/life/provenance.ts";
import type { Session } from "../../../../src/session/life/session.ts";

const row = {
  ...{ trainer: "none", kind: "run", command: ["true"], directory: "/", environment: {}, runDirectory: null },
  ...{ created: 1, ended: null as number | null, facts: {} as Record<string, unknown> },
};

for (const looks of [0, 1, 2])
  test(`of a session that was removed ${["before it is looked at", "while it is", "while its cluster is asked"][looks]}, nothing more is kept`, async () => {
    const kept: string[] = [];
    let asked = 0;
    const session = {
      row: { ...row },
      trainer: { cluster: async ({ ended }: { ended: number | null }) => ({ address: String(ended) }) },
      setFact: (name: string) => kept.push(name),
    } as unknown as Session;
    const learnt = learnProvenance(session, () => asked++ < looks);
    // it ends at once: what is looked at is what was started
    session.row.ended = 2;
    // the pause before it holds no process
    const held = setInterval(() => {}, 1000);
    await learnt.finally(() => clearInterval(held));
    assert.deepEqual([asked, kept], [looks + 1, looks < 2 ? [] : ["provenance"]]);
  });
