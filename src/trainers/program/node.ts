// How far one node of a program is that is no falcon: from what its sources tell.
import { finite } from "../../base/numbers.ts";
import { bestOf } from "../run/curve.ts";
import { lastStretch, watchedMetrics } from "../run/not-finite.ts";
import type { Rhythm } from "../run/rhythm.ts";
import { type NodeProgress, unknownNode } from "../run/run.ts";
import type { Now, Silence } from "../run/silence.ts";
import type { Point, Told } from "../run/told.ts";

/** Points that a rate is measured over. */
const rateWindow = 60;

/** A silence shorter than this is never a stall (ms): the server looks each half minute. */
export const stallFloor = 150_000;

export interface NodeSituation {
  alive: boolean;
  /** The last word of its sources. */
  told: Told;
  rhythm: Rhythm;
  silence: Silence;
  now: Now;
}

export function programNode(name: string, { alive, told, rhythm, silence, now }: NodeSituation): NodeProgress {
  const { points, unit, done, total, sign } = told;
  const last = latest(points);
  const best = bestOf(points);
  const perMinute = told.perMinute ?? rateOf(points);
  const full = told.fraction !== null && told.fraction >= 1;
  // a bar that is full says of a program that goes on only that something of it is done
  const fraction = alive && full ? null : told.fraction;
  const byRate =
    done !== null && total !== null && perMinute !== null && perMinute > 0 ? ((total - done) / perMinute) * 60 : null;
  const left = alive && !full ? (told.left ?? byRate) : null;
  const notFinite = watchedMetrics.flatMap((metric) => lastStretch(metric, points, ({ at }) => at) ?? []);
  const usual = rhythm.usual;
  const limit = rhythm.limit(stallFloor);
  const silent = sign === null ? 0 : silence.since(sign, now);
  return {
    ...unknownNode,
    name,
    status: alive ? "training" : fraction === 1 ? "done" : "stopped",
    unit,
    epoch: done === null ? null : Math.floor(done),
    epochs: total,
    epochsBefore: done === null ? null : 0,
    fraction,
    loss: finite(last.loss),
    validationLoss: finite(last.validationLoss),
    bestValidationLoss: best?.validationLoss ?? null,
    epochsSinceBest: best === undefined || done === null ? null : Math.max(0, Math.floor(done - best.at)),
    nonFinite: notFinite.flatMap(({ stretch, open }) => (open ? stretch : [])),
    lastNonFinite: notFinite.map(({ stretch }) => stretch),
    learningRate: finite(last.learningRate),
    epochsPerMinute: perMinute,
    timeLeft: left === null ? null : Math.max(0, left),
    lastSign: sign,
    rhythm: usual === undefined ? null : usual / 1000,
    stalled: alive && limit !== undefined && silent > limit,
  };
}

/** The last value of each metric: a row need not have all. */
function latest(points: readonly Point[]): Partial<Point> {
  const last: Partial<Point> = {};
  for (const point of points.slice(-rateWindow)) Object.assign(last, point);
  return last;
}

/** Validation losses that are numbers, or training losses where there are none. */
export function lossesOf(points: readonly Point[]): number[] {
  const of = (kind: "validationLoss" | "loss") => points.flatMap((point) => finite(point[kind]) ?? []);
  const validation = of("validationLoss");
  return validation.length > 0 ? validation : of("loss");
}

/** Units a minute by the times of the last points; null where they tell none. */
function rateOf(points: readonly Point[]): number | null {
  const recent = points.slice(-rateWindow);
  const [first, last] = [recent[0], recent.at(-1)];
  if (first === undefined || last === undefined || last.time <= first.time || last.at <= first.at) return null;
  return ((last.at - first.at) * 60_000) / (last.time - first.time);
}
