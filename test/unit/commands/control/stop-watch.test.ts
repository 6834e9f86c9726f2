// A run that was asked to stop is watched to its end: each change is told, and once that it hangs; nothing is
// sent.
import assert from "node:assert/strict";
import { test } from "node:test";
import { watchStop } from "../../../../src/commands/control/stop-watch.ts";

/** Plays marks, a second apart; the last one lasts until `until` looks have been taken. */
async function watched(marks: (string | null)[], until: number, moves = () => {}): Promise<string[]> {
  let looks = 0;
  const said: string[] = [];
  const mark = () => marks[Math.min(looks, marks.length - 1)] as string | null;
  await watchStop(
    {
      movement: async () => ({ mark: mark(), sentence: mark() ?? "", evidence: () => "" }),
      over: async () => ++looks > until,
      steady: () => looks * 1_000,
      say: (sentence) => said.push(sentence),
      hangs: (_, still) => said.push(`hangs for ${still / 1_000} s`),
      moves,
    },
    120_000,
  );
  return said;
}

test("what it does is told once each, and nothing of a stop that goes well", async () => {
  assert.deepEqual(await watched(["a", "a", "b", "b", "c"], 60), ["b", "c"]);
});

test("after two minutes without a movement it is said to hang, once; again only after it has moved", async () => {
  assert.deepEqual(await watched(["a"], 500), ["hangs for 120 s"]);
  const moving = [...Array(130).fill("a"), ...Array(200).fill("b")];
  assert.deepEqual(await watched(moving, 400), ["hangs for 120 s", "b", "hangs for 120 s"]);
});

test("what tells no movement is not held to hang, however long it takes; what comes behind it is", async () => {
  assert.deepEqual(await watched(["a", null], 500), []);
  assert.deepEqual(await watched([...Array(300).fill(null), "b"], 500), ["b", "hangs for 120 s"]);
});

test("that it moves again is told of what was said to hang, and of nothing else", async () => {
  let moves = 0;
  const moving = [...Array(30).fill("a"), ...Array(200).fill("b"), "c"];
  await watched(moving, 300, () => moves++);
  assert.equal(moves, 1);
});
