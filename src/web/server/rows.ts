// A run as the page's list has it, made of `falcon sessions --json`: by a list of what is told, so that
// nothing else ever is.
import { finite } from "../../base/numbers.ts";
import type { NodeRow, RunRow } from "../wire.ts";

type Json = Record<string, unknown>;

/** One session; undefined for what is none. */
export function runRow(found: unknown): RunRow | undefined {
  const listing = object(found);
  const id = text(listing.id);
  const state = text(listing.state);
  if (id === null || state === null) return undefined;
  const progress = object(listing.progress);
  const outcome = object(listing.outcome);
  return {
    id,
    state,
    name: text(listing.name) ?? id,
    live: state === "running" || state === "starting" || state === "exiting",
    host: text(listing.host) ?? "",
    job: text(listing.job),
    created: text(listing.created) ?? "",
    started: text(listing.started),
    ended: text(listing.ended),
    cols: finite(listing.cols) ?? 80,
    rows: finite(listing.rows) ?? 24,
    outputBytes: finite(listing.outputBytes) ?? 0,
    outcome: text(outcome.kind),
    sentence: text(outcome.sentence),
    run: text(listing.run) ?? id,
    part: finite(listing.part) ?? 1,
    deadline: text(object(listing.deadline).at),
    phase: text(progress.phase),
    fraction: finite(progress.fraction),
    timeLeft: finite(progress.timeLeft),
    stalled: progress.stalled === true,
    nodes: (Array.isArray(progress.nodes) ? progress.nodes : []).map(nodeRow),
    notHeardFor: finite(listing.notHeardFor),
  };
}

function nodeRow(found: unknown): NodeRow {
  const node = object(found);
  return {
    name: text(node.name) ?? "",
    status: text(node.status) ?? "unknown",
    epoch: finite(node.epoch),
    epochs: finite(node.epochs),
    loss: finite(node.loss),
    validationLoss: finite(node.validationLoss),
    bestValidationLoss: finite(node.bestValidationLoss),
    epochsSinceBest: finite(node.epochsSinceBest),
    samples: finite(node.samples),
    timeLeft: finite(node.timeLeft),
    epochsPerMinute: finite(node.epochsPerMinute),
    stalled: node.stalled === true,
    error: text(node.error),
    trend: Array.isArray(node.trend) ? node.trend.filter((y) => typeof y === "number") : [],
  };
}

/**
 * A row for who came with a link: no paths. A line that the program logged as an error, and a sentence that
 * names a file, may have some.
 */
export function withoutPlaces(row: RunRow): RunRow {
  return {
    ...row,
    host: "",
    job: null,
    sentence: row.outcome,
    nodes: row.nodes.map((node) => ({ ...node, error: node.error === null ? null : "an error was logged" })),
  };
}

function object(value: unknown): Json {
  return typeof value === "object" && value !== null ? (value as Json) : {};
}

function text(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
