// Whatever a terminal sends, however it is cut: no detach that nobody typed, no byte lost, none out of order.
// `npm run test:fuzz` tries a million; here they are the same ones every time, but where FALCON_TEST_SEED is
// another number or `random`.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { InputParser } from "../../src/session/keys/input-parser.ts";
import { type KeyPolicy, prefixTimeout, quietReset } from "../../src/session/keys/key-policy.ts";
import { Random } from "../support/random.ts";
import { describeInput, keyInput, mayBeReply, misfortune } from "../support/terminal/key-inputs.ts";

const inputs = 10_000;
const wanted = process.env.FALCON_TEST_SEED ?? 20261124;
const seed = wanted === "random" ? Date.now() : Number(wanted);

test(`${inputs} generated inputs: no false detach, none missed, no byte lost, order kept`, () => {
  for (let i = 0; i < inputs; i++) {
    const input = keyInput(new Random(seed + i));
    const trouble = misfortune(input);
    if (trouble !== undefined) assert.fail(`FALCON_TEST_SEED=${seed + i}:\n${describeInput(input)}\n  ${trouble}`);
  }
});

test("any bytes that are no reply arrive as they are where nothing of them is ours", () => {
  const policy: KeyPolicy = {
    plainDetach: false,
    detachKey: "d",
    prefix: null,
    bracketedPaste: true,
    focus: true,
    isig: true,
    interruptByte: 3,
    historyCharacters: [0x5b],
    historyKey: false,
  };
  const piece = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 12 }),
    fc
      .constantFrom("\x1b", "\x1b[", "\x1b]", "\x1bP", "\x9b", "\x1b[200~", "\x1b[201~", "\x07", "\x1b\\", "\x1b[M", "d", "\x03")
      .map((text) => Buffer.from(text, "latin1")),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(piece, fc.constantFrom(0, 20, 60, 1500)), { maxLength: 20 }), (chunks) => {
      let now = 0;
      const keys = new InputParser(
        () => policy,
        () => now,
      );
      const out: Uint8Array[] = [];
      const take = (actions: ReturnType<InputParser["feed"]>) => {
        for (const action of actions) {
          assert.ok(action.do === "send" || action.do === "interrupt", action.do);
          out.push(action.bytes);
        }
      };
      for (const [bytes, pause] of chunks) {
        now += pause;
        if (pause >= 60) take(keys.timeout());
        take(keys.feed(bytes));
      }
      now += prefixTimeout + quietReset;
      take(keys.timeout());
      const typed = Buffer.concat(chunks.map(([bytes]) => bytes));
      if (!mayBeReply(typed)) assert.deepEqual(Buffer.concat(out), typed);
    }),
    { numRuns: 2000, seed },
  );
});
