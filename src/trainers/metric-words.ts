// What programs call their losses and rates: in log lines, progress bars, CSV headers and JSON.

/** What a metric is, where its name tells. */
export type MetricKind = "loss" | "validationLoss" | "learningRate";

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

/** The number of a text; undefined where it is none. */
export function numberOf(text: string): number | undefined {
  const lower = text.trim().toLowerCase();
  if (/^[-+]?nan$/.test(lower)) return Number.NaN;
  const infinite = /^([-+]?)inf(?:inity)?$/.exec(lower);
  if (infinite) return infinite[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const value = lower === "" ? Number.NaN : Number(lower);
  return Number.isNaN(value) ? undefined : value;
}
