// A page that was written to a folder: shows the run that stands in it, and asks nobody for anything.
import type { SharedRun } from "../wire.ts";
import { fill, h } from "./dom.ts";
import { moment } from "./format.ts";
import { onTheme, startTheme, switchTheme } from "./theme.ts";
import { nodeTable } from "./views/about.ts";
import { Curves } from "./views/curves.ts";
import { playRecording } from "./views/recording.ts";
import { allowStyles } from "./widgets/allowed-styles.ts";
import { badge, bar, factsOf } from "./widgets/status.ts";

/** The run that stands in this page; undefined where it is served. */
export function sharedRun(): SharedRun | undefined {
  const text = document.querySelector('script[type="application/json"]#run')?.textContent;
  return text == null ? undefined : (JSON.parse(text) as SharedRun);
}

export function showShared({ row, written, nodes, beside, metrics, lines, screen, recording }: SharedRun): void {
  allowStyles();
  startTheme();
  const main = h("main", {});
  fill(
    document.body,
    h(
      "div",
      { class: "top", role: "banner" },
      h("span", { class: "brand" }, "falcon"),
      h("span", { class: "standing" }, `as of ${moment(written)}`),
      h("button", { type: "button", class: "plain", onclick: switchTheme }, "Light / dark"),
    ),
    main,
  );
  const count = lines.lines.length;
  const curveHost = h("div", {});
  const played = h("div", {});
  fill(
    main,
    h("div", { class: "head" }, h("h1", {}, row.name), badge(row)),
    h("p", { class: "facts" }, factsOf(row).join(" · ")),
    bar(row),
    nodeTable(row),
    curveHost,
    h("h2", {}, recording === null ? "Last screen" : "Recording"),
    played,
    h("h2", {}, `Log: ${count < lines.total ? `the last ${count} of ` : ""}${lines.total} lines`),
    h("pre", { tabindex: "0", "aria-label": "log" }, lines.lines.map(({ text }) => text).join("\n")),
  );
  if (nodes.length > 0 || (beside?.usage.curves.length ?? 0) > 0) {
    const curves = new Curves(curveHost, row.id, (metric) =>
      beside === null ? { none: "" } : { ...beside, chosen: metrics[metric] ?? [] },
    );
    curves.give(nodes);
    curves.refreshBeside();
    onTheme(() => curves.draw());
  }
  const last = () => fill(played, h("pre", { tabindex: "0", "aria-label": "last screen" }, screen));
  if (recording === null) last();
  else playRecording(played, recording).catch(last);
}
