// The screen worker: holds every session's screen and works on them in turns, so that a flood in one delays
// no other by more than a slice.
import os from "node:os";
import { parentPort, workerData } from "node:worker_threads";
import type { Key, ToWorker } from "./channel.ts";
import { ScreenSlot } from "./screen-slot.ts";
import { TurnMark } from "./turn-mark.ts";

/**
 * This thread is so much nicer than the one that moves the keys, which it else makes wait under a flood:
 * Ctrl+C takes half as long with it. More would have viewers wait for their screen.
 */
const niceness = 3;

// a thread has a niceness of its own on Linux alone
if (process.platform === "linux") {
  try {
    os.setPriority(0, os.getPriority(0) + niceness);
  } catch {
    // it has the highest already
  }
}

if (parentPort === null) throw new Error("the screen worker runs in a worker thread");
const port = parentPort;

/** The main thread sees from it whose turn it is. */
const mark = new TurnMark((workerData as { turns?: SharedArrayBuffer } | null)?.turns);
const slots = new Map<Key, ScreenSlot>();
let turning = false;

/** One slice for every screen that has something to do, then room for messages. */
function turn(): void {
  let busy = false;
  for (const slot of [...slots.values()]) {
    if (!slot.busy) continue;
    slot.step();
    busy ||= slot.busy;
  }
  turning = busy;
  if (busy) setImmediate(turn);
}

function takeTurns(): void {
  if (turning) return;
  turning = true;
  setImmediate(turn);
}

port.on("message", (message: ToWorker) => {
  const { key } = message;
  if (message.do === "open") {
    const slot = new ScreenSlot(message, {
      post: (said, transfer) => port.postMessage(said, transfer),
      wake: takeTurns,
      during: (work) => mark.during(key, work),
      closed: () => slots.delete(key),
    });
    slots.set(key, slot);
    return;
  }
  const slot = slots.get(key);
  if (slot !== undefined) slot.take(message);
  else if ("request" in message) port.postMessage({ is: "failed", request: message.request, reason: "the screen is closed" });
});
