// How far one node is: from its log, and from its metrics where the log does not say.

import { finite } from "../../../base/numbers.ts";
import { bestOf } from "../../run/curve.ts";
import type { Stretch } from "../../run/not-finite.ts";
import type { NodeProgress, NodeStatus, RoundProgress, TimeRange } from "../../run/run.ts";
import type { Now, Silence } from "../../run/silence.ts";
import type { ConfigNode } from "../config/run-config.ts";
import type { DriverNode } from "./driver-log.ts";
import type { EpochList, EpochRecord } from "./epochs.ts";
import type { MetricReader, Metrics } from "./metrics.ts";
import { lossesOf, NodeLog, stretchesOf } from "./node-log.ts";

/** Epochs that a rate is measured over: of now, and not of the start. */
const rateWindow = 60;

/** A silence shorter than this is never a stall, whatever the rhythm (ms). */
export const stallFloor = 60_000;

/** What is known besides the node's own log. */
export interface NodeSituation {
  /** What the configuration says of it. */
  config: ConfigNode;
  /** Its log exists. */
  logged: boolean;
  /** What the driver says of it, in this launch. */
  driver: DriverNode | undefined;
  /** There are logs of the run at all. */
  known: boolean;
  /** This launch has begun to write: what the logs hold is its own, and not an earlier one's. */
  begun: boolean;
  /** The run's program is there; undefined: not known. */
  alive: boolean | undefined;
  /** The driver's summary is there. */
  ended: boolean;
  now: Now;
  silence: Silence;
  lastSign: number | undefined;
  /**
   * As far as they were read: the source for estimators that log no epoch lines, and for logs entered at
   * their end.
   */
  metrics: Metrics;
  /** Start of the last launch (ms), to tell its metrics from those of earlier ones. */
  launched: number | undefined;
  /** What is to be added to the log's clock to get ours (ms). */
  zone: number;
}

/** The state of one node, and this launch's losses: of the validation, or of the training without one. */
export function nodeProgress(log: NodeLog, situation: NodeSituation): { progress: NodeProgress; losses: readonly number[] } {
  const epochs = situation.begun ? epochsOf(log, situation) : [];
  const last = epochs.at(-1);
  const status = statusOf(log, situation, epochs.length > 0);
  const round = situation.begun ? roundOf(log, situation) : null;
  // nobody knows how many rounds, and epochs in each, there will be
  const planned = round === null ? (last?.epochs ?? situation.config.epochs ?? null) : null;
  const before = beforeOf(log, situation, epochs);
  const rate = rateOf(epochs);
  const left = last && planned !== null && before !== null ? Math.max(0, planned - (last.epoch - before)) : null;
  const sinceLast = last ? Math.max(0, situation.now.wall - (last.time + situation.zone)) / 1000 : 0;
  const best = situation.begun && log.launch.length > 0 ? log.best : bestOf(epochs);
  const losses = epochs === log.launch ? log.losses : lossesOf(epochs);
  // of an epoch that was not validated the loss is that of the one that was last
  const told = last && { ...last, validationLoss: losses.validated?.validationLoss };
  const notFinite = stretches(epochs === log.launch ? log : epochs, situation.zone, told);
  const usual = log.rhythm.usual;
  const limit = log.rhythm.limit(stallFloor);
  const silent = situation.lastSign === undefined ? 0 : situation.silence.since(situation.lastSign, situation.now);
  const progress: NodeProgress = {
    name: log.name,
    status,
    logged: situation.logged,
    unit: "epoch",
    round: round === null ? null : { ...round, left: status === "training" ? roundsLeft(round, rate, sinceLast) : null },
    epoch: last?.epoch ?? null,
    epochs: planned,
    epochsBefore: before,
    fraction: last && planned && before !== null ? fractionOf(last.epoch - before, planned) : null,
    loss: finite(last?.loss),
    validationLoss: finite(told?.validationLoss),
    bestValidationLoss: best?.validationLoss ?? null,
    epochsSinceBest: round !== null ? round.epochsSinceBest : best && last ? last.epoch - best.epoch : null,
    patience: round?.patience ?? situation.config.patience ?? null,
    nonFinite: notFinite.flatMap(({ stretch, open }) => (open ? stretch : [])),
    lastNonFinite: notFinite.map(({ stretch }) => stretch),
    samples: last?.samples ?? null,
    steps: last?.steps ?? null,
    learningRate: finite(last?.learningRate),
    epochsPerMinute: rate,
    timeLeft:
      status === "training" && rate !== null && rate > 0 && left !== null ? Math.max(0, (left / rate) * 60 - sinceLast) : null,
    lastSign: situation.lastSign ?? null,
    rhythm: usual === undefined ? null : usual / 1000,
    longestEpoch: log.rhythm.longest === undefined ? null : log.rhythm.longest / 1000,
    stalled: status === "training" && situation.logged && limit !== undefined && silent > limit,
    error: (situation.begun ? log.lastError : undefined) ?? null,
  };
  return { progress, losses: losses.validated === undefined ? losses.training : losses.validation };
}

/** Past its plan nobody knows how far it is. */
function fractionOf(done: number, planned: number): number | null {
  return done > planned ? null : done / planned;
}

/**
 * When a training in rounds ends: after `max_rounds` of at most `epochs` each, or as soon as enough are
 * rejected in a row; a round is over early when its best epoch is `patience` old. Nobody knows which of these
 * comes first.
 */
function roundsLeft(progress: RoundProgress, rate: number | null, sinceLast: number): TimeRange | null {
  const { round, rounds, epoch, epochs, epochsSinceBest, patience, rejected, patienceRounds } = progress;
  if (rate === null || rate <= 0 || epochs === null) return null;
  if (rounds === null && patienceRounds === null) return null;
  const here = Math.max(0, epochs - epoch);
  const leastHere = patience === null || epochsSinceBest === null ? 0 : Math.min(here, Math.max(0, patience - epochsSinceBest));
  const shortest = patience === null ? 1 : Math.min(epochs, patience + 1);
  const more = rounds === null ? Number.POSITIVE_INFINITY : Math.max(0, rounds - round);
  const rejections = patienceRounds === null ? Number.POSITIVE_INFINITY : Math.max(0, patienceRounds - rejected - 1);
  const seconds = (count: number) => Math.max(0, (count / rate) * 60 - sinceLast);
  return {
    least: seconds(leastHere + Math.min(more, rejections) * shortest),
    most: rounds === null ? null : seconds(here + more * epochs),
  };
}

function roundOf({ rounds, launch }: NodeLog, situation: NodeSituation): RoundProgress | null {
  const { driver, logged, config } = situation;
  // what the driver says, once a minute, where its log is elsewhere
  const told =
    launch.length === 0 && !logged && driver?.round !== undefined
      ? { round: driver.round, epoch: driver.epoch ?? 0, epochs: driver.epochs, bestEpoch: 0, accepted: 0, rejected: 0 }
      : undefined;
  const found = rounds ?? told;
  if (found === undefined) return null;
  const { round, epoch, epochs, bestEpoch, accepted, rejected } = found;
  return {
    round,
    rounds: config.rounds.most ?? null,
    epoch,
    epochs: epochs ?? null,
    epochsSinceBest: bestEpoch > 0 ? epoch - bestEpoch : null,
    patience: config.rounds.patienceEpochs ?? null,
    accepted,
    rejected,
    patienceRounds: config.rounds.patienceRounds ?? rounds?.patienceRounds ?? null,
  };
}

/**
 * The last stretch of each metric that was no number, as the log has gathered it or from epochs that came
 * from elsewhere.
 */
function stretches(from: NodeLog | EpochList, zone: number, last: EpochRecord | undefined): Stretch[] {
  const found = from instanceof NodeLog ? from.stretches.map((one) => one.found) : stretchesOf(from);
  return found.flatMap((one) => {
    if (one === undefined) return [];
    const { stretch, open } = one;
    // a line that does not have a metric tells nothing of one that was none before
    const told = last?.[stretch.metric] !== undefined;
    return { stretch: { ...stretch, since: stretch.since + zone }, open: open && told };
  });
}

/** Epochs of this launch: from its log, else from its metrics, else the one that the driver named last. */
function epochsOf(log: NodeLog, situation: NodeSituation): EpochList {
  if (log.launch.length > 0) return log.launch;
  const measured = epochsOfMetrics(situation);
  const { driver, logged, config } = situation;
  if (measured.length > 0 || logged || driver?.epoch === undefined || driver.epoch === 0) return measured;
  return [
    {
      epoch: driver.epoch,
      epochs: driver.epochs ?? config.epochs ?? 0,
      time: driver.time,
      loss: undefined,
      validationLoss: driver.loss,
      learningRate: undefined,
      samples: undefined,
      steps: undefined,
    },
  ];
}

/** Epochs that earlier launches had trained; null where nothing tells. */
function beforeOf(log: NodeLog, situation: NodeSituation, epochs: EpochList): number | null {
  if (!situation.begun) return null;
  if (log.launch.length > 0 && log.beginningSeen && log.first !== undefined) return log.first - 1;
  const first = epochs.at(0);
  if (log.launch.length === 0 && first && situation.logged) return first.epoch - 1;
  return beforeOfMetric(situation);
}

function statusOf(
  log: NodeLog,
  { config, logged, driver, known, begun, alive, ended }: NodeSituation,
  hasEpochs: boolean,
): NodeStatus {
  if (!config.trained) return "idle";
  if (!known) return "unknown";
  if (!begun) return "waiting";
  if (log.completed || (!logged && driver?.done === true)) return "done";
  const started = log.started || hasEpochs || (!logged && driver !== undefined);
  if (!started) return "waiting";
  return ended || alive === false ? "stopped" : "training";
}

/**
 * Epochs per minute over the last of them; null for fewer than two, or when they all fall into the same
 * second.
 */
function rateOf(epochs: EpochList): number | null {
  const [first, last] = [epochs.at(-Math.min(rateWindow, epochs.length)), epochs.at(-1)];
  if (!first || !last || last.time <= first.time) return null;
  return ((last.epoch - first.epoch) * 60_000) / (last.time - first.time);
}

/**
 * A resumed launch overwrites the metric's first chunk: its first entry is the launch's first epoch, if it is
 * of this launch.
 */
function beforeOfMetric({ metrics, launched, zone }: NodeSituation): number | null {
  if (launched === undefined) return null;
  const first = metrics.epoch.points.find(({ time }) => time * 1000 >= launched + zone - 1000);
  return first ? first.value - 1 : null;
}

/** Epochs as the metrics have them, for an estimator that logs none. */
function epochsOfMetrics({ metrics, config, launched, zone }: NodeSituation): EpochRecord[] {
  const from = launched === undefined ? Number.NEGATIVE_INFINITY : (launched + zone) / 1000 - 1;
  const latest = ({ points }: MetricReader, until: number) => {
    let [low, high] = [0, points.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((points[middle]?.time as number) <= until) low = middle + 1;
      else high = middle;
    }
    const point = points[low - 1];
    return point && point.time >= from ? point.value : undefined;
  };
  const points = metrics.epoch.points.filter((point) => point.time >= from);
  // falcon writes `epoch` when one begins: its losses are the last ones before the next begins, and the last
  // epoch is not finished
  return points.slice(0, -1).map((point, i) => {
    const until = points[i + 1]?.time ?? point.time;
    return {
      epoch: point.value,
      epochs: config.epochs ?? 0,
      time: until * 1000 - zone,
      loss: latest(metrics["train/loss"], until),
      validationLoss: latest(metrics["val/loss"], until),
      learningRate: latest(metrics.lr, until),
      samples: latest(metrics.n_samples, until),
      steps: undefined,
    };
  });
}
