// What a run was started with, its configuration, and every download.

import { downloads } from "../../downloads.ts";
import type { RunRow } from "../../wire.ts";
import { fill, h } from "../dom.ts";
import { bytes, moment, short, span } from "../format.ts";
import { Question } from "../question.ts";
import { download, isNone, me, type None } from "../server.ts";
import { trained } from "../widgets/status.ts";

interface Facts {
  command?: string[];
  directory?: string;
  runDirectory?: string | null;
  pid?: number | null;
  reason?: string;
  changes?: string[];
  provenance?: {
    falcon?: string | null;
    python?: string | null;
    commit?: string | null;
    dirty?: boolean | null;
    gpus?: string[];
    visibleGpus?: string | null;
    overrides?: { key: string; value: string; config: string | null }[];
  } | null;
  postMortem?: { summary: string[] | null; traceback: string[] | null } | null;
}

interface Told {
  row: RunRow;
  facts: Facts | null;
}

export class About {
  readonly #id: string;
  readonly #known = h("dl", { class: "known" });
  readonly #more = h("div", {});
  readonly #config = h("div", {});
  readonly #facts = new Question<Told>((answer) => this.#take(answer));
  readonly #configuration = new Question<{ text: string }>((answer) => {
    if (!isNone(answer)) fill(this.#config, ...block("config.yml", [answer.text]));
  });
  #standing = "";

  constructor(host: HTMLElement, id: string) {
    this.#id = id;
    const owner = me().role !== "link";
    const note = h("p", { class: "note", role: "status" });
    const buttons = Object.entries(downloads)
      .filter(([, { link }]) => owner || link)
      .map(([format, { what }]) => {
        const button = h("button", { type: "button" }, what);
        button.addEventListener("click", async () => {
          button.disabled = true;
          note.textContent = "…";
          note.textContent = (await download(id, format)) ?? "";
          button.disabled = false;
        });
        return button;
      });
    fill(
      host,
      h("h2", {}, "Downloads"),
      h("div", { class: "downloads" }, ...buttons),
      note,
      h("h2", {}, "About this run"),
      this.#known,
      this.#more,
      this.#config,
    );
  }

  /** A run's facts of this kind change with its state alone; its post-mortem comes with its outcome. */
  row({ state, outcome, sentence }: RunRow): void {
    this.#standing = [state, outcome, sentence].join();
    this.#facts.ask(`facts/${this.#id}`, this.#standing);
  }

  connected(): void {
    this.#facts.now();
    this.#configuration.now();
  }

  dispose(): void {
    this.#facts.giveUp();
    this.#configuration.giveUp();
  }

  #take(answer: Told | None): void {
    if (isNone(answer)) return fill(this.#more, h("p", { class: "note" }, answer.none));
    list(this.#known, answer.row, answer.facts);
    if (answer.facts === null) return fill(this.#more);
    const { postMortem } = answer.facts;
    fill(this.#more, ...block("falcon's summary", postMortem?.summary), ...block("Traceback", postMortem?.traceback));
    this.#configuration.ask(`config/${this.#id}`, this.#standing);
  }
}

function block(title: string, lines: readonly string[] | null = null): HTMLElement[] {
  if (lines === null || lines.length === 0) return [];
  return [h("h2", {}, title), h("pre", { tabindex: "0", "aria-label": title }, lines.join("\n"))];
}

function list(host: HTMLElement, row: RunRow, facts: Facts | null): void {
  const provenance = facts?.provenance;
  const entries: [string, string | null | undefined][] = [
    ["session", `${row.name} · ${row.id}${row.part > 1 ? ` · part ${row.part} of run ${row.run}` : ""}`],
    ["state", row.sentence ?? facts?.reason ?? row.state],
    ["host", row.host],
    ["job", row.job],
    ["started", moment(row.started)],
    ["ended", row.ended === null ? null : moment(row.ended)],
    ["time limit", row.deadline === null ? null : moment(row.deadline)],
    ["output", bytes(row.outputBytes)],
    ["terminal", `${row.cols} × ${row.rows}`],
    ["command", facts?.command?.join(" ")],
    ["directory", facts?.directory],
    ["run directory", facts?.runDirectory],
    ["process", facts?.pid == null ? null : String(facts.pid)],
    ["changes", facts?.changes?.join(" ")],
    ["falcon", provenance?.falcon],
    ["Python", provenance?.python],
    ["commit", provenance?.commit == null ? null : `${provenance.commit}${provenance.dirty ? ", with changes" : ""}`],
    ["GPUs", provenance?.gpus?.join(", ")],
    ["CUDA_VISIBLE_DEVICES", provenance?.visibleGpus],
    [
      "settings",
      provenance?.overrides
        ?.map(({ key, value, config }) => `${key}=${value}${config === null ? "" : ` (config.yml: ${cut(config)})`}`)
        .join("\n"),
    ],
  ];
  fill(
    host,
    ...entries.flatMap(([name, value]) =>
      value == null || value === "" || value === "–" ? [] : [h("div", {}, h("dt", {}, name), h("dd", {}, value))],
    ),
  );
}

/** Characters of what stood in a setting's place: a whole map may, which the configuration below shows. */
const longestBefore = 60;

function cut(text: string): string {
  return text.length <= longestBefore ? text : `${text.slice(0, longestBefore - 1)}…`;
}

/** The best validation loss, and how many epochs ago that was. */
function best({ bestValidationLoss, epochsSinceBest }: RunRow["nodes"][number]): string {
  if (bestValidationLoss === null) return "–";
  if (epochsSinceBest === null) return short(bestValidationLoss);
  return `${short(bestValidationLoss)} (${epochsSinceBest === 0 ? "the last one" : `${epochsSinceBest} ago`})`;
}

/** The nodes of a run that train as a table; undefined without any. */
export function nodeTable(row: RunRow): HTMLElement | undefined {
  const nodes = trained(row);
  if (nodes.length === 0) return undefined;
  const head = ["node", "state", "epoch", "training", "validation", "best", "left", "epochs/min", "samples"];
  // roles are named: on a phone the rows are cards by their style, which would take them away
  return h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": "nodes" },
    h(
      "table",
      { role: "table", class: "cards" },
      h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, ...head.map((text) => h("th", { role: "columnheader" }, text)))),
      h(
        "tbody",
        { role: "rowgroup" },
        ...nodes.map((node) =>
          h(
            "tr",
            { role: "row" },
            h("th", { role: "rowheader" }, node.name),
            ...[
              `${node.status}${node.stalled ? ", stalled" : ""}`,
              node.epoch === null ? "–" : `${node.epoch}${node.epochs === null ? "" : ` / ${node.epochs}`}`,
              short(node.loss),
              short(node.validationLoss),
              best(node),
              span(node.timeLeft),
              short(node.epochsPerMinute),
              node.samples === null ? "–" : String(node.samples),
            ].map((text, i) => h("td", { role: "cell", "data-head": head[i + 1] ?? "" }, text)),
          ),
        ),
      ),
    ),
    ...nodes.filter(({ error }) => error !== null).map((node) => h("p", { class: "error" }, `${node.name}: ${node.error}`)),
  );
}
