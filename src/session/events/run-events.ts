// What is worth telling of a run between two looks at it: derived from its state then and now, and from
// nothing
// else, so that a server that comes later goes on where the one before stood.

import type { ShownRun } from "../../presentation/shown-run.ts";
import { epochText, stuckText } from "../../presentation/summary.ts";
import type { NodeProgress } from "../../trainers/run/run.ts";

/** Kinds of events about a run, by name as `on_event` gets them. */
export type RunEventKind = "phase" | "nan" | "stalled" | "no-improvement" | "seam";

export interface RunEvent {
  kind: RunEventKind;
  node: string | null;
  metric: string | null;
  epoch: number | null;
  sentence: string;
}

/** What has been told of a run. JSON-friendly: kept with the session. */
export interface Told {
  phase: string | null;
  stalled: boolean;
  seam: boolean;
  /** Metrics that are no numbers any more, as "node metric". */
  nan: string[];
  /**
   * First epoch of what was told last of each of them, also where it is over. Undefined: told by an earlier
   * version.
   */
  nanAt?: Readonly<Record<string, number>>;
  /** Nodes that are told to be without a better loss. */
  stuck: string[];
}

export const nothingTold: Told = { phase: null, stalled: false, seam: false, nan: [], stuck: [] };

const metricWords = { loss: "train loss", validationLoss: "val loss", learningRate: "learning rate" } as const;

/** The events since `told`, and what has been told with them. A condition that is over may be told again. */
export function runEvents(told: Told, run: ShownRun): { events: RunEvent[]; told: Told } {
  const events: RunEvent[] = [];
  const tell = (kind: RunEventKind, sentence: string, about: Partial<RunEvent> = {}) =>
    events.push({ kind, node: null, metric: null, epoch: null, ...about, sentence });
  if (run.phase !== told.phase && run.phase !== "unknown" && run.phase !== "ended") tell("phase", run.phase);
  const seam = run.nodes.some((node) => (node.epochsBefore ?? 0) > 0);
  if (seam && !told.seam) {
    const first = run.nodes.find((node) => (node.epochsBefore ?? 0) > 0) as NodeProgress;
    const epoch = first.epochsBefore as number;
    tell("seam", `${first.name}: goes on after epoch ${epoch} of an earlier launch`, { node: first.name, epoch });
  }
  const nan: string[] = [];
  const nanAt: Record<string, number> = {};
  for (const node of run.nodes) {
    for (const { metric } of node.nonFinite) nan.push(`${node.name} ${metric}`);
    for (const { metric, value, epoch } of node.lastNonFinite ?? node.nonFinite) {
      const key = `${node.name} ${metric}`;
      nanAt[key] = epoch;
      if (told.nan.includes(key) || told.nanAt?.[key] === epoch) continue;
      const when = nan.includes(key) ? "since" : "in";
      const sentence = `${node.name}: ${metricWords[metric]} ${value} ${when} ${node.unit ?? "epoch"} ${epoch}`;
      tell("nan", sentence, { node: node.name, metric, epoch });
    }
  }
  const stuck: string[] = [];
  for (const node of run.nodes) {
    const why = node.status === "training" ? withoutBetter(node) : "";
    if (why === "") continue;
    stuck.push(node.name);
    if (told.stuck.includes(node.name)) continue;
    tell("no-improvement", `${node.name}: ${why}, at epoch ${epochText(node)}`, {
      node: node.name,
      metric: "validationLoss",
      epoch: node.epoch,
    });
  }
  if (run.stalled && !told.stalled) tell("stalled", run.summary);
  return { events, told: { phase: run.phase, stalled: run.stalled, seam, nan, nanAt, stuck } };
}

/** A run that stops by itself after so many epochs without a better loss is told at the half of them. */
const partOfPatience = 0.5;

function withoutBetter(node: NodeProgress): string {
  if (node.round) {
    // each round ends by its patience: what tells is how many were in vain
    const { rejected, patienceRounds } = node.round;
    if (patienceRounds === null || rejected < Math.max(2, partOfPatience * patienceRounds)) return "";
    return `${rejected} of ${patienceRounds} rounds of patience rejected in a row`;
  }
  const { patience, epochsSinceBest } = node;
  if (patience === null || patience === undefined) return stuckText(node);
  if (epochsSinceBest === null || epochsSinceBest < Math.max(2, partOfPatience * patience)) return "";
  return `no better for ${epochsSinceBest} of ${patience} epochs of patience`;
}
