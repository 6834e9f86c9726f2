// The keymap as data: each key does one thing in a view, and the configuration's keys take the place of ours.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { parseConfig } from "../../../src/base/config/config-file.ts";
import { actionOf, type Binding, defaultKeymap, footerOf, helpOf, labelsOf, sentenceOf } from "../../../src/base/keymap.ts";

test("each key does one thing in a view, and every view but the prefix can be left", () => {
  for (const [context, bindings] of Object.entries(defaultKeymap) as [string, readonly Binding[]][]) {
    const keys = bindings.flatMap((binding) => binding.keys);
    assert.equal(new Set(keys).size, keys.length, context);
    if (context !== "prefix") assert.equal(actionOf(bindings, "interrupt"), "leave", context);
    assert.equal(helpOf(bindings).length, bindings.length, context);
  }
  assert.equal(actionOf(defaultKeymap.watch, "d"), "leave");
  assert.equal(actionOf(defaultKeymap.watch, "x"), undefined);
});

test("another key is what footer, help and view have", () => {
  const { config, problems } = parseConfig('[keys]\nwatch_sort = ["o", "space"]\nhistory_older = "p"\n', "file");
  assert.deepEqual(problems, []);
  const { watch, history, replay } = config.keymap;
  assert.equal(actionOf(watch, "o"), "sort");
  assert.equal(actionOf(watch, "s"), undefined);
  assert.equal(actionOf(watch, " "), "sort", "it is taken from the page down");
  assert.equal(actionOf(watch, "page-down"), "page-down");
  assert.match(footerOf(watch, 200, { sort: "age" }), / o sort: age /);
  assert.ok(helpOf(watch).some((line) => /^ {2}o, Space +sort by/.test(line)));
  assert.match(sentenceOf(history), / p older match /);
  assert.deepEqual(replay, defaultKeymap.replay);
});

test("what leaves a view stays: Ctrl+C, whatever is chosen", () => {
  const { config, problems } = parseConfig('[keys]\nwatch_leave = ["x"]\nwatch_fold = ["interrupt"]\n', "file");
  assert.equal(actionOf(config.keymap.watch, "x"), "leave");
  assert.equal(actionOf(config.keymap.watch, "interrupt"), "leave");
  assert.equal(actionOf(config.keymap.watch, "q"), undefined);
  assert.equal(problems.length, 1);
  assert.match(problems[0] ?? "", /^file, line 3: keys\.watch_fold must be keys, such as /);
});

test("what is no key, and what is no action, is told", () => {
  const { config, problems } = parseConfig(
    '[keys]\nwatch_sort = ["ctrl-x"]\nwatch_sorted = "s"\nprefix_history = ["page-up"]\n',
    "file",
  );
  assert.deepEqual(config.keymap, defaultKeymap);
  assert.match(problems[0] ?? "", /line 2: keys\.watch_sort must be keys, such as .*; the default is used$/);
  assert.match(problems[1] ?? "", /line 3: keys\.watch_sorted is not a setting \(did you mean keys\.watch_sort\?\)/);
  assert.match(problems[2] ?? "", /line 4: keys\.prefix_history must be characters of ASCII/);
});

test("docs/guide/history.md names the keys of the history and of the replay", () => {
  const page = fs.readFileSync(path.join(import.meta.dirname, "../../../docs/guide/history.md"), "utf8");
  for (const context of ["history", "replay"] as const)
    for (const binding of defaultKeymap[context] as readonly Binding[])
      assert.ok(page.includes(`| ${labelsOf(binding)} | ${binding.help} |`), `| ${labelsOf(binding)} | ${binding.help} |`);
});
