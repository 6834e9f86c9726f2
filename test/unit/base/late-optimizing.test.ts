// When V8 optimizes late. Each order of calls has a process of its own, since its flags are the process's.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import path from "node:path";
import { before, test } from "node:test";
import { buildSync } from "esbuild";
import { root } from "../../support/paths.ts";

let module = "";
before(() => {
  const options = { bundle: true, platform: "node", format: "iife", globalName: "loaded", write: false } as const;
  const entryPoints = [path.join(root, "src/base/late-optimizing.ts")];
  module = buildSync({ ...options, entryPoints }).outputFiles[0]?.text ?? "";
});

/**
 * Whether V8 still takes code that was kept with the flags of a start, after each of these calls; `later`:
 * when the timer that runs has run out.
 * @param version what Node says that it is.
 */
function takesAfter(calls: string[], version = process.version): boolean[] {
  const script = `
    Object.defineProperty(process, "version", { value: ${JSON.stringify(version)} });
    let due;
    globalThis.setTimeout = (call) => {
      const timer = { unref: () => timer, refresh: () => ((due = call), timer) };
      return timer.refresh();
    };
    const later = () => (due?.(), (due = undefined));
    ${module}
    const { optimizeLate, optimizeLateOnceLoaded, threadStarts } = loaded;
    const tag = require("node:v8").cachedDataVersionTag;
    const before = tag();
    console.log(JSON.stringify([${calls.map((call) => `(${call}(), tag() === before)`)}]));`;
  const { stdout, stderr } = spawnSync(process.execPath, ["-"], { input: script, encoding: "utf8" });
  assert.notEqual(stdout, "", stderr);
  return JSON.parse(stdout);
}

/** V8's flags change with Node 20 alone. */
const late = !process.version.startsWith("v20.");

test("at once: with Node 20 V8 has another flag then, and with no other one", () => {
  assert.deepEqual(takesAfter(["optimizeLate"]), [late]);
  assert.deepEqual(takesAfter(["optimizeLate"], "v22.1.0"), [true]);
});

test("once all is loaded: not before, and a thread that starts finds the flags of the process's start", () => {
  const calls = ["optimizeLateOnceLoaded", "threadStarts", "later", "threadStarts", "later"];
  assert.deepEqual(takesAfter(calls), [true, true, late, true, late]);
  assert.deepEqual(
    takesAfter(calls, "v22.1.0"),
    calls.map(() => true),
  );
});

test("a thread that starts in a process that optimizes as usual changes nothing", () => {
  assert.deepEqual(takesAfter(["threadStarts", "later"]), [true, true]);
});
