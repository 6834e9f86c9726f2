// The numbers of the loss figure as a table: CSV for a spreadsheet, JSON for a program. One line an epoch and
// node.
import { finite } from "../base/numbers.ts";
import { csvNumber, csvText } from "../base/text/csv.ts";
import type { Curve, NodeCurves } from "../trainers/run/curve.ts";

interface Entry {
  node: string;
  epoch: number;
  /** Losses in nats. null: there is none; NaN and infinities where the run wrote them. */
  training: number | null;
  validation: number | null;
  learningRate: number | null;
}

/** Epochs in order, node by node. */
export function curveEntries(curves: readonly NodeCurves[], from: number): Entry[] {
  return curves.flatMap(({ node, training, validation, learningRate }) => {
    const [train, valid, rate] = [training, validation, learningRate].map(byEpoch) as [Values, Values, Values];
    const epochs = [...new Set([...train.keys(), ...valid.keys()])].filter((epoch) => epoch >= from).sort((a, b) => a - b);
    return epochs.map((epoch) => ({
      node,
      epoch,
      training: train.get(epoch) ?? null,
      validation: valid.get(epoch) ?? null,
      learningRate: rate.get(epoch) ?? null,
    }));
  });
}

type Values = ReadonlyMap<number, number>;

function byEpoch({ x, y }: Curve): Values {
  return new Map(x.map((epoch, i) => [epoch, y[i] as number]));
}

/**
 * CSV (RFC 4180, lines end in a line feed); what is not known is empty, NaN and Inf are written as numpy and
 * pandas read them.
 */
export function curveCsv(curves: readonly NodeCurves[], from: number): string {
  const lines = curveEntries(curves, from).map(({ node, epoch, training, validation, learningRate }) =>
    [csvText(node), epoch, csvNumber(training), csvNumber(validation), csvNumber(learningRate)].join(","),
  );
  return `${["node,epoch,training_loss,validation_loss,learning_rate", ...lines].join("\n")}\n`;
}

/**
 * JSON: `{"nodes": [{"node", "epoch": [], "trainingLoss": [], "validationLoss": [], "learningRate": [],
 * "nonFinite": [], "seams": []}]}`.
 * A number or null throughout; `nonFinite` names metric, epoch and value of each that JSON has no number for.
 */
export function curveJson(curves: readonly NodeCurves[], from: number): string {
  const nodes = curves.map((node) => {
    const entries = curveEntries([node], from);
    const column = (key: "training" | "validation" | "learningRate") => entries.map((entry) => finite(entry[key]));
    return {
      node: node.node,
      epoch: entries.map(({ epoch }) => epoch),
      trainingLoss: column("training"),
      validationLoss: column("validation"),
      learningRate: column("learningRate"),
      nonFinite: entries.flatMap(({ epoch, training, validation }) =>
        [
          { metric: "trainingLoss", value: training },
          { metric: "validationLoss", value: validation },
        ].flatMap(({ metric, value }) =>
          value === null || Number.isFinite(value) ? [] : [{ metric, epoch, value: String(value) }],
        ),
      ),
      seams: node.seams.filter((epoch) => epoch > from),
    };
  });
  return `${JSON.stringify({ nodes }, null, 2)}\n`;
}
