// What waits to be typed is bounded by its pieces too, however short they are.
import assert from "node:assert/strict";
import { test } from "node:test";
import { mostWaitingPieces, TypingQueue } from "../../../../src/session/holder/typing-queue.ts";

test("input of a byte a piece, for a program that reads nothing, is dropped past so many pieces; then it goes on", () => {
  let sent = 0;
  const queue = new TypingQueue({
    send: () => {
      sent++;
    },
    write: () => 0,
    version: () => 2,
    taken: () => {},
  });
  const key = Buffer.from("x");
  for (let n = 0; n < 3 * mostWaitingPieces; n++) queue.input(key);
  assert.equal(queue.waiting, mostWaitingPieces);
  queue.typed(sent);
  assert.equal(queue.waiting, 0);
  queue.input(key);
  assert.equal(queue.waiting, 1);
  assert.equal(sent, mostWaitingPieces + 1);
});
