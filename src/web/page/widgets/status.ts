// How a run stands, as a coloured word, a bar and a line of facts.
import type { NodeRow, RunRow } from "../../wire.ts";
import { h } from "../dom.ts";
import { short, since, span } from "../format.ts";

/** The one word of a run. */
export function wordOf(row: RunRow): string {
  if (!row.live) return row.outcome ?? row.state;
  if (row.stalled) return "stalled";
  return row.phase ?? row.state;
}

/** good, bad, warn or plain. */
function moodOf(row: RunRow): string {
  const word = wordOf(row);
  if (["failed", "killed", "lost", "broken off"].includes(word)) return "bad";
  if (["stalled", "time-limit", "stopped", "interrupted"].includes(word)) return "warn";
  if (word === "completed") return "good";
  return row.live ? "live" : "plain";
}

export function badge(row: RunRow): HTMLElement {
  return h("span", { class: `badge ${moodOf(row)}` }, wordOf(row));
}

export function bar(row: RunRow): HTMLElement | undefined {
  if (row.fraction === null) return undefined;
  const percent = Math.round(row.fraction * 100);
  const filled = h("span", { class: "filled" });
  filled.style.width = `${percent}%`;
  return h(
    "div",
    {
      class: "bar",
      role: "progressbar",
      "aria-valuenow": percent,
      "aria-valuemin": 0,
      "aria-valuemax": 100,
      "aria-label": `${row.name}: done`,
    },
    filled,
  );
}

/** The nodes that have something to show. */
export function trained(row: RunRow): NodeRow[] {
  return row.nodes.filter((node) => node.status !== "idle");
}

/** Seconds for which it has run; null: not known. */
export function ranFor(row: RunRow): number | null {
  if (row.live) return since(row.started);
  return row.started === null || row.ended === null ? null : (Date.parse(row.ended) - Date.parse(row.started)) / 1000;
}

/** What one wants to know first. */
export function factsOf(row: RunRow): string[] {
  const ran = ranFor(row);
  const [node] = trained(row);
  return [
    row.fraction === null ? "" : `${Math.round(row.fraction * 100)} %`,
    row.live && row.timeLeft !== null ? `${span(row.timeLeft)} left` : "",
    node?.epoch == null ? "" : `epoch ${node.epoch}${node.epochs === null ? "" : ` of ${node.epochs}`}`,
    node?.bestValidationLoss == null ? "" : `best ${short(node.bestValidationLoss)}`,
    ran === null ? "" : `${row.live ? "for" : "took"} ${span(ran)}`,
  ].filter(Boolean);
}
