// Threads that are ended while they work.
import assert from "node:assert/strict";
import { once } from "node:events";
import path from "node:path";
import { test } from "node:test";
import { buildSync } from "esbuild";
import { EndableWorker } from "../../../src/base/endable-worker.ts";
import { root } from "../../support/paths.ts";

/** With Node's own terminate() one in 30 of them took the process along. */
const ends = 80;

/**
 * A thread's program that is in zlib all the time.
 * @param level an expression for its level of compression.
 */
function endless(level: string): string {
  const module = path.join(root, "src/base/endable-worker.ts");
  const script = `
    import { deflateSync, inflateSync } from ${JSON.stringify(module)};
    import { parentPort } from "node:worker_threads";
    for (let done = 0; ; done++) {
      inflateSync(deflateSync("a line", { get level() { return ${level} } }));
      if (done === 100) parentPort.postMessage("it is at it");
    }`;
  const stdin = { contents: script, resolveDir: root };
  return buildSync({ stdin, bundle: true, platform: "node", write: false }).outputFiles[0]?.text ?? "";
}

test("a thread that is in zlib is ended, and the process lives on", async () => {
  const program = endless("1");
  for (let left = ends; left > 0; left -= 4) {
    const threads = Array.from({ length: 4 }, () => new EndableWorker(program, { eval: true }));
    await Promise.all(
      threads.map(async (thread) => {
        const ended = once(thread, "exit");
        await once(thread, "message");
        await thread.terminate();
        await ended;
        assert.equal(thread.threadId, -1);
      }),
    );
  }
});

test("one that has ended by itself in zlib is not waited for", async () => {
  const thread = new EndableWorker(endless("process.exit()"), { eval: true });
  await once(thread, "exit");
  await thread.terminate();
  assert.equal(thread.threadId, -1);
});
