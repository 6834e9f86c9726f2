// What a metric's name tells of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { metricTraits } from "../../../src/trainers/reading/metric-words.ts";

test("which of two values is the better one", () => {
  for (const [name, kind, better] of [
    ["log_prob", "score", "higher"],
    ["logprob", "score", "higher"],
    ["val/log_prob", "score", "higher"],
    ["val_log_prob_epoch", "score", "higher"],
    ["neg_log_prob", "score", "lower"],
    ["train/neg-log-prob", "score", "lower"],
    ["log_problem", "other", null],
    ["val/loss_aux", "loss", "lower"],
    ["train_accuracy", "score", "higher"],
    ["n_samples", "count", null],
    ["learning_rate", "rate", null],
  ] as const)
    assert.deepEqual(metricTraits(name), { kind, better }, name);
});
