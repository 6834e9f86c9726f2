// What programs call their losses and rates: in log lines, progress bars, CSV headers and JSON.

export const metricKinds = ["loss", "validationLoss", "learningRate"] as const;

/** What a metric is, where its name tells. */
export type MetricKind = (typeof metricKinds)[number];

/** A number as programs print it: NaN and infinities included. */
export const numberPattern = String.raw`[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?|nan|inf(?:inity)?)(?![\w.])`;

/**
 * A metric's kind; undefined for all others, losses of a test and parts of a loss ("kl_loss") among them:
 * only what is certain is shown as the loss.
 */
export function metricKind(name: string): MetricKind | undefined {
  const word = name
    .toLowerCase()
    .replace(/[\s/.-]+/g, "_")
    .replace(/_(?:epoch|step)$/, "");
  if (/^(?:(?:train|training|tr)_)?loss(?:_train)?$/.test(word)) return "loss";
  if (/^(?:(?:val|valid|validation|eval)_loss|loss_(?:val|valid|validation|eval))$/.test(word)) return "validationLoss";
  if (/^(?:lr|learning_rate|lr_[a-z]+)$/.test(word)) return "learningRate";
  return undefined;
}

/** What a metric tells by its name: what it is, and which of two values is the better one. */
export interface MetricTraits {
  kind: "loss" | "score" | "rate" | "count" | "other";
  /** Null: neither, or nobody knows. */
  better: "lower" | "higher" | null;
}

/** Words of names, each as a whole; of those that a name has the last one counts. */
const traits: readonly [RegExp, MetricTraits][] = [
  [/^(?:loss|nll|error|err|[rm]?mse|mae|perplexity|ppl)$/, { kind: "loss", better: "lower" }],
  [
    /^(?:acc(?:uracy)?|f1|r2|auc|auroc|precision|recall|iou|dice|bleu|elbo|likelihood|logprob)$/,
    { kind: "score", better: "higher" },
  ],
  [/^lr$/, { kind: "rate", better: null }],
  [/^(?:epochs?|steps?|rounds?|samples?|count)$/, { kind: "count", better: null }],
];

/** The traits of a metric of this name: `val/loss_aux`, `train_accuracy`, `n_samples`. */
export function metricTraits(name: string): MetricTraits {
  // what PyTorch Lightning puts behind a metric says how it was gathered
  const words = name
    .toLowerCase()
    .replace(/_(?:epoch|step|aux)$/, "")
    .replace(/learning[^a-z]?rate/, "lr")
    .replace(/log[^a-z0-9]prob(?![a-z0-9])/, "logprob")
    .split(/[^a-z0-9]+/);
  for (const word of words.toReversed()) {
    const found = traits.find(([pattern]) => pattern.test(word))?.[1];
    if (found?.better === "higher" && words.some((other) => /^neg(?:ative)?$/.test(other))) return { ...found, better: "lower" };
    if (found !== undefined) return found;
  }
  return { kind: "other", better: null };
}

/** The number of a text; undefined where it is none. */
export function numberOf(text: string): number | undefined {
  const lower = text.trim().toLowerCase();
  if (/^[-+]?nan$/.test(lower)) return Number.NaN;
  const infinite = /^([-+]?)inf(?:inity)?$/.exec(lower);
  if (infinite) return infinite[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const value = lower === "" ? Number.NaN : Number(lower);
  return Number.isNaN(value) ? undefined : value;
}
