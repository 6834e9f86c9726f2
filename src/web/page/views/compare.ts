// Several runs beside each other: one plot for each node, a line for each run, and the same numbers as a
// table.
import type { NodeCurve, PageMessage, RunRow, ServerMessage } from "../../wire.ts";
import type { View } from "../connection.ts";
import { fill, h } from "../dom.ts";
import { short, span } from "../format.ts";
import { Question } from "../question.ts";
import { isNone } from "../server.ts";
import { isDark, onTheme } from "../theme.ts";
import { Plot } from "../widgets/plot.ts";
import { ranFor, trained } from "../widgets/status.ts";
import { swatch } from "./curves.ts";

/** Runs that are still told apart. */
const mostRuns = 8;
const metrics = { validationLoss: "validation loss", trainingLoss: "training loss", learningRate: "learning rate" } as const;
type Metric = keyof typeof metrics;

export class CompareView implements View {
  readonly #ids: readonly string[];
  readonly #curves = new Map<string, NodeCurve[]>();
  readonly #plots = new Map<string, Plot>();
  readonly #questions = new Map<string, Question<{ nodes: NodeCurve[] }>>();
  readonly #panels = h("div", { class: "panels" });
  readonly #table = h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "the runs" });
  readonly #stopTheme: () => void;
  #rows: RunRow[] = [];
  #metric: Metric = "validationLoss";
  #log = false;

  constructor(host: Element, ids: readonly string[]) {
    this.#ids = ids.slice(0, mostRuns);
    const metric = h(
      "select",
      { "aria-label": "metric" },
      ...Object.entries(metrics).map(([value, text]) => h("option", { value }, text)),
    );
    metric.addEventListener("change", () => {
      this.#metric = metric.value as Metric;
      this.#draw();
    });
    const log = h("input", { type: "checkbox" });
    log.addEventListener("change", () => {
      this.#log = log.checked;
      this.#draw();
    });
    fill(
      host,
      h("a", { href: "#/", class: "back" }, "all runs"),
      h("h1", {}, "Compare"),
      h("div", { class: "tools" }, metric, h("label", { class: "check" }, log, "log axis")),
      this.#table,
      this.#panels,
    );
    this.#stopTheme = onTheme(() => this.#draw());
  }

  connected(say: (message: PageMessage) => void): void {
    say({ do: "runs" });
    for (const question of this.#questions.values()) question.now();
  }

  message(message: ServerMessage): void {
    if (message.is !== "runs") return;
    this.#rows = this.#ids.flatMap((id) => message.rows.find((row) => row.id === id) ?? []);
    this.#drawTable();
    for (const row of this.#rows) this.#ask(row);
  }

  dispose(): void {
    this.#stopTheme();
    for (const question of this.#questions.values()) question.giveUp();
    for (const plot of this.#plots.values()) plot.dispose();
  }

  #ask({ id, nodes, live }: RunRow): void {
    let question = this.#questions.get(id);
    if (question === undefined) {
      question = new Question((answer) => {
        if (isNone(answer)) return;
        this.#curves.set(id, answer.nodes);
        this.#draw();
      });
      this.#questions.set(id, question);
    }
    question.ask(`curves/${id}`, nodes.map(({ epoch }) => epoch).join() + live);
  }

  #drawTable(): void {
    const cell = (text: string) => h("td", {}, text);
    fill(
      this.#table,
      h(
        "table",
        {},
        h(
          "thead",
          {},
          h("tr", {}, ...["run", "state", "node", "epoch", "validation", "best", "took"].map((text) => h("th", {}, text))),
        ),
        h(
          "tbody",
          {},
          ...this.#rows.flatMap((row) => {
            const nodes = trained(row);
            const took = span(ranFor(row));
            const head = h(
              "th",
              {},
              swatch(this.#ids.indexOf(row.id), ""),
              h("a", { href: `#/run/${row.id}` }, `${row.name} ${row.id}`),
            );
            if (nodes.length === 0)
              return [h("tr", {}, head, cell(row.outcome ?? row.state), cell("–"), cell("–"), cell("–"), cell("–"), cell(took))];
            return nodes.map((node, i) =>
              h(
                "tr",
                {},
                i === 0 ? head : h("td", {}),
                cell(i === 0 ? (row.outcome ?? row.phase ?? row.state) : ""),
                cell(node.name),
                cell(node.epoch === null ? "–" : String(node.epoch)),
                cell(short(node.validationLoss)),
                cell(short(node.bestValidationLoss)),
                cell(i === 0 ? took : ""),
              ),
            );
          }),
        ),
      ),
    );
  }

  #draw(): void {
    const nodes = [
      ...new Set(
        [...this.#curves.values()].flatMap((curves) => curves.filter(({ epoch }) => epoch.length > 0).map(({ node }) => node)),
      ),
    ];
    for (const node of nodes) {
      let plot = this.#plots.get(node);
      if (plot === undefined) {
        const box = h("div", { class: "plot", role: "img", "aria-label": `${node}: the runs overlaid, by epoch` });
        this.#panels.append(h("section", { class: "panel" }, h("h2", {}, node), box));
        plot = new Plot(box);
        this.#plots.set(node, plot);
      }
      const found = this.#ids.flatMap((id, colour) => {
        const curve = this.#curves.get(id)?.find((one) => one.node === node);
        return curve === undefined ? [] : [{ id, colour, curve }];
      });
      const x = [...new Set(found.flatMap(({ curve }) => curve.epoch))].sort((a, b) => a - b);
      const series = found.map(({ id, colour, curve }) => {
        const values = new Map(curve.epoch.map((epoch, i) => [epoch, curve[this.#metric][i] ?? null]));
        const name = this.#rows.find((row) => row.id === id)?.name ?? id;
        return { label: `${name} ${id}`, colour, y: x.map((epoch) => values.get(epoch) ?? null) };
      });
      plot.draw({ x, series, marks: [] }, { log: this.#log, dark: isDark(), xLabel: "epoch" });
    }
  }
}
