// One line about a run, for a table: how far, how good, how long still; or how it ended; or that it is stuck.
import type { NodeProgress, NonFinite, RoundProgress, RunProgress, TimeRange } from "../trainers/run/run.ts";
import type { ShownNode, ShownRun } from "./shown-run.ts";
import { condense, sparkline } from "./sparkline.ts";

/** Points of a trend: a curve beside the watch's table has some hundred dots, a sparkline a dozen bars. */
const trendPoints = 40;

/** @param losses of each node of the run, in its order, as RunWatch.losses has them. */
export function shownRun(run: RunProgress, losses: readonly (readonly number[])[]): ShownRun {
  // each second for each run that is watched: a field behind a spread would cost V8 a shape for each object
  const nodes = run.nodes.map((node, i) => ({ trend: condense(losses[i] ?? [], trendPoints), ...node }));
  const shown = { ...run, nodes };
  return { summary: summarise(shown), ...shown };
}

/** The best summary of a run in one line, about 30 to 70 columns. */
export function summarise(run: Omit<ShownRun, "summary">): string {
  const trained = run.nodes.filter((node) => node.status !== "idle");
  if (run.phase === "failed") return run.failure ? `failed: ${run.failure}` : "failed";
  if (run.phase === "completed") return `completed · ${results(trained)}`;
  // falcon's word for both ways of stopping is "interrupted": what became of the model tells them apart
  if (run.phase === "interrupted") return `stopped${run.saved ? "" : ", not saved"} · ${results(trained)}`;
  if (run.phase === "unknown") return "no local logs";
  if (run.phase === "ended") return `ended · ${results(trained)}`;
  if (run.phase === "broken off") return `broken off${trained.some((n) => n.epoch !== null) ? ` · ${results(trained)}` : ""}`;
  const parts: string[] = [];
  if (run.stalled && run.lastSign !== null) {
    parts.push(`stalled: silent for ${span(run.silence ?? 0)}${run.rhythm === null ? "" : `, usually ${span(run.rhythm)}`}`);
  }
  if (run.phase === "starting") parts.push("starting");
  else if (run.phase === "simulating") parts.push("simulating the first samples");
  else if (run.phase === "sampling") parts.push("trained, drawing samples");
  const busy = trained.filter((node) => node.epoch !== null || node.fraction !== null);
  if (busy.length > 0 && run.phase !== "sampling") parts.push(progress(busy, run.stopping));
  if (run.stopping) parts.push("stopping");
  return parts.join(" · ") || "no progress yet";
}

function progress(nodes: readonly ShownNode[], stopping: boolean): string {
  // the node that is furthest from its end decides how long it takes
  const slowest = nodes.reduce((a, b) => ((b.fraction ?? 0) < (a.fraction ?? 0) ? b : a));
  const parts = [`${nodes.length > 1 ? `${slowest.name} ` : ""}${slowest.round ? roundText(slowest.round) : epochText(slowest)}`];
  const loss = lossText(slowest);
  if (loss !== "") parts.push(`${loss}${slowest.trend.length > 1 ? ` ${sparkline(slowest.trend, 8)}` : ""}`);
  // where there is little room, the last ones go first; a run that stops will not take the time of its epochs
  parts.push(stopping ? "" : leftText(nodes), stuckText(slowest));
  return parts.filter(Boolean).join(" · ");
}

/** "4m 12s left", "time left unknown"; "" where there is nothing to say. */
export function leftText(nodes: readonly NodeProgress[]): string {
  const left = leftSpan(nodes);
  if (left === "") return "";
  return left === unknownLeft ? `time left ${left}` : `${left} left`;
}

const unknownLeft = "unknown";

/**
 * The time left of nodes that are trained side by side: "4m 12s"; with rounds "12m 03s to 3h 05m"; where one
 * tells no end, as one that has still to begin, "over 12m 03s" or "unknown". "" where there is nothing to
 * say.
 */
export function leftSpan(nodes: readonly NodeProgress[]): string {
  const open = nodes.filter(({ status }) => status === "training" || status === "waiting");
  const ranges = open.map((node) => leftOf(node));
  const least = Math.max(0, ...ranges.map((range) => range?.least ?? 0));
  if (ranges.every((range) => range?.most != null)) {
    const most = Math.max(0, ...ranges.map((range) => range?.most ?? 0));
    if (most === 0) return "";
    return span(least) === span(most) ? span(most) : `${span(least)} to ${span(most)}`;
  }
  if (least > 0) return `over ${span(least)}`;
  return open.some(({ round }) => round) ? unknownLeft : "";
}

/** Null: not known. */
function leftOf({ status, round, timeLeft }: NodeProgress): TimeRange | null {
  if (status !== "training") return null;
  if (round) return round.left ?? null;
  return timeLeft === null ? null : { least: timeLeft, most: timeLeft };
}

function results(nodes: readonly NodeProgress[]): string {
  if (nodes.length === 0) return "nothing trained";
  return nodes
    .map((node) => {
      const { bestValidationLoss: best, loss } = node;
      const facts = [
        `${nodes.length > 1 ? `${node.name} ` : ""}${epochText(node)}`,
        best === null ? "" : `best val loss ${number(best)}`,
        best === null && loss !== null ? `train loss ${number(loss)}` : "",
        node.nonFinite.length === 0 ? "" : lossText(node),
      ];
      return facts.filter(Boolean).join(", ");
    })
    .join("; ");
}

/**
 * Epochs without a better validation loss that are worth a word: so many, and this part of those of this
 * launch.
 */
const longWithout = 20;
const partWithout = 0.25;

/** The loss that is no number any more, the validation loss before the other. */
export function lossThatIsNone({ nonFinite }: NodeProgress): NonFinite | undefined {
  return nonFinite.find(({ metric }) => metric === "validationLoss") ?? nonFinite.find(({ metric }) => metric === "loss");
}

/** Which loss it is, and what: "val loss -1.23", "val loss NaN since epoch 40"; "" where none is known. */
function lossText(node: NodeProgress): string {
  const { validationLoss, loss } = node;
  const none = lossThatIsNone(node);
  if (none !== undefined) return `${none.metric === "loss" ? "train" : "val"} loss ${none.value} since epoch ${none.epoch}`;
  if (validationLoss !== null) return `val loss ${number(validationLoss)}`;
  return loss === null ? "" : `train loss ${number(loss)}`;
}

/** "no better for 40 epochs", where that is long. */
export function stuckText({ round, epoch, epochsBefore, epochsSinceBest, nonFinite }: NodeProgress): string {
  // a round that is without a better loss ends soon, and says so by its patience
  if (round || epochsSinceBest === null || epoch === null || nonFinite.length > 0) return "";
  const long = Math.max(longWithout, partWithout * (epoch - (epochsBefore ?? 0)));
  return epochsSinceBest >= long ? `no better for ${epochsSinceBest} epochs` : "";
}

/** "round 3 of 20 · epoch 41/100, patience 12/32 · accepted 2, rejected 1/10 in a row" */
export function roundText(round: RoundProgress): string {
  const of = (most: number | null) => (most === null ? "" : `/${most}`);
  const { epoch, epochs, epochsSinceBest, patience, accepted, rejected } = round;
  const since = epochsSinceBest === null ? "" : `, patience ${epochsSinceBest}${of(patience)}`;
  const row = rejected === 0 ? "" : `, rejected ${rejected}${of(round.patienceRounds)} in a row`;
  const most = round.rounds === null ? "" : ` of ${round.rounds}`;
  return `round ${round.round}${most} · epoch ${epoch}${of(epochs)}${since} · accepted ${accepted}${row}`;
}

/** "37/300", and for a resumed run "187/450": counted over all launches. */
export function epochText(node: NodeProgress): string {
  if (node.round)
    return `round ${node.round.round}, ${node.round.epoch}${node.round.epochs === null ? "" : `/${node.round.epochs}`}`;
  if (node.unit === "%") return `${node.epoch} %`;
  if (node.epoch === null) return node.epochs === null ? "-" : `0/${node.epochs}`;
  if (node.epochs === null) return String(node.epoch);
  return `${node.epoch}/${node.epochs + (node.epochsBefore ?? 0)}`;
}

/** Three significant digits; where some were left out, all three: -1.005 is "-1.00", and only -1 is "-1". */
export function number(value: number): string {
  const size = Math.abs(value);
  if (value !== 0 && (size < 0.001 || size >= 100_000)) return value.toExponential(2);
  const short = value.toPrecision(3);
  return Number(short) === value || short.includes("e") ? String(Number(short)) : short;
}

/** A time span in its two largest units: "45s", "4m 12s", "3h 05m", "2d 4h". */
export function span(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s}s`;
  if (s < 3600) return `${Math.floor(s / 60)}m ${String(s % 60).padStart(2, "0")}s`;
  if (s < 86_400) return `${Math.floor(s / 3600)}h ${String(Math.floor((s % 3600) / 60)).padStart(2, "0")}m`;
  return `${Math.floor(s / 86_400)}d ${Math.floor((s % 86_400) / 3600)}h`;
}
