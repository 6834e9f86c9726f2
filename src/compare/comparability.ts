// What of several runs cannot be compared, in words: another metric, other rounds, another validation set;
// without rounds, validation data that changed.
import type { ComparedRun } from "./compared-run.ts";

/** Keys that say which data a validation loss is of: falcon's buffer, and what other trainers call it. */
const validation = /(^|\.)(validation_(samples|fraction|split|size)|val_(fraction|split|size)|n_val)$/;
/** Keys that say how often the training begins anew with other data. */
const rounds = /(^|\.)(n_|num_)?rounds$/;
/** Keys of what a loss is of: another estimator, another way to compute it. */
const loss = /(^|\.)(loss|loss_type|loss_fn|estimator\._target_)$/;

const reasons: readonly { keys: RegExp; says: (keys: string) => string }[] = [
  { keys: validation, says: (keys) => `the validation sets differ (${keys}): losses are of other data` },
  { keys: rounds, says: (keys) => `the rounds differ (${keys}): what was trained and validated on changed at other times` },
  { keys: loss, says: (keys) => `what is minimised differs (${keys}): one number is not better than the other` },
];

/** Keys that a sentence names. */
const mostNamed = 3;

/** Sentences, none where all can be compared as far as is known. */
export function notComparable(runs: readonly ComparedRun[], metric: string | undefined): string[] {
  const said: string[] = [];
  const configs = runs.flatMap(({ config }) => config ?? []);
  for (const run of runs)
    if (run.config === null)
      said.push(`${run.name}: no configuration could be read, so that nothing says whether its losses can be compared`);
  for (const { keys, says } of reasons) {
    const differing = [...new Set(configs.flatMap((config) => [...config.keys()]))]
      .filter((key) => keys.test(key) && new Set(configs.map((config) => config.get(key))).size > 1)
      .sort();
    if (differing.length > 0) {
      const named = differing.slice(0, mostNamed).join(", ");
      said.push(says(differing.length > mostNamed ? `${named}, and ${differing.length - mostNamed} more` : named));
    }
  }
  const nodes = runs.map(({ metrics }) => new Set(metrics.map(({ node }) => node)));
  const everywhere = (node: string) => nodes.every((known) => known.has(node));
  const odd = [...new Set(nodes.flatMap((known) => [...known]))].filter((node) => !everywhere(node));
  if (odd.length > 0) said.push(`not in all of them: node${odd.length > 1 ? "s" : ""} ${odd.join(", ")}`);
  if (metric !== undefined)
    for (const run of runs)
      if (!run.metrics.some((series) => series.metric === metric)) said.push(`${run.name} has no metric ${metric}`);
  if (configs.length > 0 && configs.some((config) => changingValidation(config)))
    said.push(
      "without rounds the validation data changes while it trains: a best loss is the luckiest moment, compare the last ones",
    );
  return said;
}

/** Whether simulations go on during the training: falcon validates with the newest ones (its raystore.py). */
function changingValidation(config: ReadonlyMap<string, string>): boolean {
  const value = (pattern: RegExp) => [...config].find(([key]) => pattern.test(key))?.[1];
  const more = value(/^buffer\.simulate_count$/);
  return more !== undefined && more !== "0" && !(Number(value(rounds) ?? 1) > 1);
}
