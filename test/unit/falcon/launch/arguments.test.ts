// parseLaunch reads what falcon 0.5.1's own parser reads, and nothing else.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseLaunch } from "../../../../src/trainers/falcon/launch/arguments.ts";

test("nothing given: falcon's defaults", () => {
  assert.deepEqual(parseLaunch([]), {
    output: undefined,
    config: undefined,
    interactive: undefined,
    logLines: 16,
    autoSample: true,
    timeout: undefined,
    overrides: [],
    graph: undefined,
    ignored: [],
  });
});

test("every spelling of the output directory that falcon knows", () => {
  for (const args of [
    ["-o", "runs/a"],
    ["--output", "runs/a"],
    ["--output=runs/a"],
    ["--run-dir", "runs/a"],
    ["--run-dir=runs/a"],
  ]) {
    assert.equal(parseLaunch(args).output, "runs/a", args.join(" "));
  }
  assert.equal(parseLaunch(["-o", "a", "--output=b"]).output, "b", "the last one wins");
  assert.equal(parseLaunch(["-o", "--no-interactive"]).output, "--no-interactive", "the next word is taken whatever it is");
  assert.equal(parseLaunch(["--output=a=b"]).output, "a=b");
});

test("-oDIR and -o=DIR are ignored by falcon, so they name no directory, and the user can be told", () => {
  for (const word of ["-oruns/a", "-o=runs/a"]) {
    const read = parseLaunch([word]);
    assert.equal(read.output, undefined);
    assert.deepEqual(read.ignored, [word]);
  }
});

test("display, log lines, timeout, sampling, configuration", () => {
  const read = parseLaunch([
    "-i",
    "--log-lines",
    "8",
    "--timeout=90.5",
    "--no-auto-sample",
    "-c",
    "other.yml",
    "a.b=1",
    "paths.graph=/scratch/g",
  ]);
  assert.equal(read.interactive, true);
  assert.equal(read.logLines, 8);
  assert.equal(read.timeout, 90.5);
  assert.equal(read.autoSample, false);
  assert.equal(read.config, "other.yml");
  assert.deepEqual(read.overrides, ["a.b=1", "paths.graph=/scratch/g"]);
  assert.equal(read.graph, "/scratch/g");
  assert.equal(parseLaunch(["-i", "--no-interactive"]).interactive, false);
  assert.equal(parseLaunch(["--log-lines", "many"]).logLines, 16);
});

test("any arguments: nothing is thrown, and every word is accounted for", () => {
  const word = fc.oneof(
    fc.constantFrom("-o", "-i", "--output", "--output=x", "--timeout", "a=b", "-c", "--run-dir=", "__proto__", "--constructor=1"),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(word), (args) => {
      const read = parseLaunch(args);
      for (const override of read.overrides) assert.ok(override.includes("=") && !override.startsWith("-"));
      assert.ok(read.ignored.length + read.overrides.length <= args.length);
    }),
  );
});
