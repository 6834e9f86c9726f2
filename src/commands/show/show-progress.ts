// How far a run's nodes are, as `falcon show` tells it: a node a line, broken between facts where the
// terminal is narrow.
import stringWidth from "string-width";
import { printable } from "../../base/text/printable.ts";
import type { ShownNode, ShownRun } from "../../presentation/shown-run.ts";
import { epochText, leftText, number, roundText, stuckText } from "../../presentation/summary.ts";
import type { NonFinite } from "../../trainers/run/run.ts";

const metricNames: Readonly<Record<NonFinite["metric"], string>> = {
  loss: "train loss",
  validationLoss: "val loss",
  learningRate: "learning rate",
};

function sinceBest(epochs: number): string {
  if (epochs === 0) return "the last one";
  return epochs === 1 ? "1 epoch ago" : `${epochs} epochs ago`;
}

/**
 * Lines of the nodes. @param width columns of the terminal; 0 for none: then a node is one line, for programs
 * that read it.
 */
export function progressText(progress: ShownRun, width: number): string[] {
  const lines: string[] = [];
  for (const node of progress.nodes) {
    if (node.status === "idle") continue;
    const facts = [
      `${node.status}${node.stalled ? ", stalled" : ""}`,
      node.epoch === null && node.fraction === null ? "" : progressWords(node),
      node.loss === null ? "" : `train loss ${number(node.loss)}`,
      node.validationLoss === null ? "" : `val loss ${number(node.validationLoss)}`,
      ...node.nonFinite.map(({ metric, value, epoch }) => `${metricNames[metric]} ${value} since epoch ${epoch}`),
      node.bestValidationLoss === null ? "" : `best ${number(node.bestValidationLoss)} (${sinceBest(node.epochsSinceBest ?? 0)})`,
      stuckText(node),
      node.samples === null ? "" : `${node.samples} samples`,
      node.learningRate === null ? "" : `learning rate ${number(node.learningRate)}`,
      node.epochsPerMinute === null ? "" : `${number(node.epochsPerMinute)} ${node.unit ?? "epoch"}s/min`,
      progress.stopping ? "" : leftText([node]),
      node.error === null ? "" : `error: ${node.error}`,
    ];
    lines.push(...wrapped(`  ${node.name}  `, facts.filter(Boolean), width));
  }
  if (progress.problem !== null) lines.push(...wrapped("  ", [progress.problem], width));
  return lines;
}

/** "epoch 3/10", "step 200/5000", "40 %" */
function progressWords(node: ShownNode): string {
  if (node.round) return roundText(node.round);
  const text = epochText(node);
  return text.endsWith("%") ? text : `${node.unit ?? "epoch"} ${text}`;
}

/**
 * The deepest that lines after the first are set in: on a narrow terminal a long node name would leave no
 * room.
 */
const deepest = 10;

/**
 * Facts in lines of at most `width` columns; the first line begins with `head`. Broken between facts, and
 * between words where one is longer.
 */
export function wrapped(head: string, facts: readonly string[], width: number): string[] {
  const clean = facts.map(printable);
  const first = printable(head);
  if (width === 0) return [first + clean.join(" · ")];
  const indent = " ".repeat(Math.min(deepest, stringWidth(first)));
  const lines: string[] = [];
  let line = first;
  let empty = true;
  const put = (text: string, joint: string): void => {
    if (!empty && stringWidth(line) + joint.length + stringWidth(text) > width) {
      lines.push(line);
      line = indent;
      empty = true;
    }
    line += empty ? text : joint + text;
    empty = false;
  };
  for (const fact of clean) {
    if (stringWidth(fact) <= width - indent.length) put(fact, " · ");
    else for (const [i, word] of fact.split(" ").entries()) put(word, i === 0 ? " · " : " ");
  }
  return [...lines, line];
}
