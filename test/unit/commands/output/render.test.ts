// What an export has drawn or packed in a thread: past its time that is a sentence, and no defect of ours.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Context } from "../../../../src/commands/dispatch/call.ts";
import { render } from "../../../../src/commands/output/render.ts";
import { JobTooLong, PoolClosed } from "../../../../src/logs/worker-pool.ts";

/** Workers that never come to an end within the time, which is noted. */
function slow(limits: number[], error: Error = new JobTooLong("too long")): Context {
  const run = async (_job: unknown, limit: number) => {
    limits.push(limit);
    throw error;
  };
  return { archive: { workers: { run } } } as unknown as Context;
}

test("what is not done in time is given up with a sentence; arrays have more of it than a picture", async () => {
  const limits: number[] = [];
  const given = { name: "Failure", status: 125 };
  await assert.rejects(render(slow(limits), { do: "lines", text: new Uint8Array() }), {
    ...given,
    message: /given up: try again/,
  });
  await assert.rejects(render(slow(limits), { do: "arrays", arrays: new Map() }), {
    ...given,
    message: /given up: --format csv/,
  });
  assert.deepEqual(limits, [60_000, 300_000]);
});

test("what ends with the server is left to who waits for the next one", async () => {
  const closed = new PoolClosed("the server is ending");
  await assert.rejects(render(slow([], closed), { do: "lines", text: new Uint8Array() }), closed);
});
