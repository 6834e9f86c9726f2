import assert from "node:assert/strict";
import { test } from "node:test";
import { OwnKeys } from "../../../../src/session/viewers/own-keys.ts";

const prefix = 0x1c;
const line = (vintr: number, isig = true) => ({ canonical: true, echo: true, isig, vintr });

/** What the client is told of the interrupt character, and whether 0x03 is among the bytes that may go. */
function opened(counts: boolean, ...[ours, how]: Parameters<OwnKeys["open"]>): { interrupt: number; among: boolean } | undefined {
  let told: { interrupt: number; among: boolean } | undefined;
  const keys = new OwnKeys(
    { openKeyboard: () => 7, inputTaken: true, countsInterrupts: counts },
    { open: (set, interrupt) => (told = { interrupt, among: ((set[0] ?? 0) & (1 << 3)) !== 0 }), close() {} },
  );
  keys.open(ours, how);
  return told;
}

test("the interrupt character goes past the server alone, and only where it is one and the holder counts it", () => {
  assert.deepEqual(opened(true, [0x1b, prefix], line(3)), { interrupt: 3, among: false });
  assert.deepEqual(opened(false, [0x1b, prefix], line(3)), { interrupt: 0, among: false }, "an older holder");
  assert.deepEqual(opened(true, [0x1b, prefix], line(3, false)), { interrupt: 0, among: false }, "a raw terminal");
  assert.deepEqual(opened(true, [0x1b, prefix], line(prefix)), { interrupt: 0, among: true }, "a key that means something to us");
  assert.deepEqual(opened(true, [0x1b, prefix], undefined), { interrupt: 0, among: false }, "nothing runs");
});
