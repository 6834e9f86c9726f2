// One curve of a run that has many parts: what earlier parts kept of theirs, before what the run's files
// still tell.

import { least } from "../../base/extremes.ts";
import type { KeptCurve } from "../../store/archive/part-archive.ts";
import type { Curve, NodeCurves } from "../../trainers/run/curve.ts";

/** The curves as the archive keeps them: points that are numbers, since JSON has no NaN. */
export function keptCurves(curves: readonly NodeCurves[]): KeptCurve[] {
  return curves.map(({ node, training, validation }) => ({ node, training: finite(training), validation: finite(validation) }));
}

/**
 * @param earlier the curves of the earlier parts, oldest first. Where two tell the same epoch, the run's own
 * files are right.
 */
export function joinCurves(earlier: readonly (readonly KeptCurve[])[], now: readonly NodeCurves[]): NodeCurves[] {
  return now.map((curves) => {
    let joined = curves;
    // the newest first: what a later part wrote over was written anew
    for (const part of [...earlier].reverse()) {
      const before = part.find(({ node }) => node === curves.node);
      if (before === undefined) continue;
      const first = least([...joined.training.x, ...joined.validation.x]);
      const adds = least([...before.training.x, ...before.validation.x]) < first;
      joined = {
        ...joined,
        training: prepend(joined.training, before.training),
        validation: prepend(joined.validation, before.validation),
        seams: adds && Number.isFinite(first) ? [...new Set([first, ...joined.seams])].sort((a, b) => a - b) : joined.seams,
      };
    }
    return joined;
  });
}

function prepend(curve: Curve, before: KeptCurve["training"]): Curve {
  const first = curve.x[0] ?? Number.POSITIVE_INFINITY;
  const kept = before.x.flatMap((x, i) => (x < first ? [i] : []));
  return {
    ...curve,
    x: [...kept.map((i) => before.x[i] as number), ...curve.x],
    y: [...kept.map((i) => before.y[i] as number), ...curve.y],
  };
}

function finite({ x, y }: Curve): KeptCurve["training"] {
  const numbers = y.flatMap((value, i) => (Number.isFinite(value) ? [i] : []));
  return { x: numbers.map((i) => x[i] as number), y: numbers.map((i) => y[i] as number) };
}
