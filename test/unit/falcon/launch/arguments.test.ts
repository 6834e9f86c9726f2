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
    timeout: undefined,
    overrides: [],
    graph: undefined,
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

test("-oDIR and -o=DIR are ignored by falcon, so they name no directory", () => {
  for (const word of ["-oruns/a", "-o=runs/a"]) assert.deepEqual(parseLaunch([word]), parseLaunch([]));
});

test("display, timeout, configuration; the value of --log-lines is no setting", () => {
  const read = parseLaunch([
    "-i",
    "--log-lines",
    "rows=8",
    "--timeout=90.5",
    "--no-auto-sample",
    "-c",
    "other.yml",
    "a.b=1",
    "paths.graph=/scratch/g",
  ]);
  assert.equal(read.interactive, true);
  assert.equal(read.timeout, 90.5);
  assert.equal(read.config, "other.yml");
  assert.deepEqual(read.overrides, [
    ["a.b", "1"],
    ["paths.graph", "/scratch/g"],
  ]);
  assert.equal(read.graph, "/scratch/g");
  assert.equal(parseLaunch(["-i", "--no-interactive"]).interactive, false);
});

test("any arguments: nothing is thrown, and settings are words of theirs", () => {
  const word = fc.oneof(
    fc.constantFrom("-o", "-i", "--output", "--output=x", "--timeout", "a=b", "-c", "--run-dir=", "__proto__", "--constructor=1"),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(word), (args) => {
      const read = parseLaunch(args);
      for (const [key, value] of read.overrides) assert.ok(!key.startsWith("-") && args.includes(`${key}=${value}`));
    }),
    { seed: 1 },
  );
});
