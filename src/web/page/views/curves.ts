// The curves of a run: a panel for each node, with its losses and its learning rate; below them what it used
// and whichever other metric is chosen. Seams and events are marks.
import type { Beside, NodeCurve } from "../../wire.ts";
import { fill, h } from "../dom.ts";
import { Question } from "../question.ts";
import { isNone, type None } from "../server.ts";
import { isDark } from "../theme.ts";
import { colourOf, Plot, type PlotData } from "../widgets/plot.ts";

export class Curves {
  readonly #id: string;
  readonly #panels = new Map<string, Panel>();
  readonly #note = h("p", { class: "note" });
  readonly #grid = h("div", { class: "panels" });
  #log = false;
  #rate = true;
  #from = 0;
  readonly #question = new Question<{ nodes: NodeCurve[] }>((answer) => this.#take(answer));
  #nodes: NodeCurve[] = [];
  readonly #besideQuestion = new Question<Beside>((answer) => this.#takeBeside(answer));
  #standing = "";
  #beside: Beside | undefined;
  #metric = "";
  readonly #metrics = h("select", { "aria-label": "another metric", hidden: true });
  readonly #known: KnownBeside | undefined;

  /** @param known what stands beside the losses, where nobody is to be asked for it. */
  constructor(host: HTMLElement, id: string, known?: KnownBeside) {
    this.#id = id;
    this.#known = known;
    const box = (label: string, checked: boolean, change: (on: boolean) => void) => {
      const input = h("input", { type: "checkbox", checked });
      input.addEventListener("change", () => {
        change(input.checked);
        this.draw();
      });
      return h("label", { class: "check" }, input, label);
    };
    const from = h(
      "select",
      { "aria-label": "which epochs" },
      ...["all epochs", "last half", "last quarter", "last tenth"].map((text) => h("option", {}, text)),
    );
    from.addEventListener("change", () => {
      this.#from = [0, 1 / 2, 3 / 4, 9 / 10][from.selectedIndex] ?? 0;
      this.draw();
    });
    this.#metrics.addEventListener("change", () => {
      this.#metric = this.#metrics.value;
      // nothing of the one before is drawn under its name, however long it is waited for
      if (this.#beside !== undefined) this.#beside = { ...this.#beside, chosen: [] };
      this.draw();
      this.refreshBeside();
    });
    fill(
      host,
      h(
        "div",
        { class: "tools" },
        box("log axis", false, (on) => {
          this.#log = on;
        }),
        box("learning rate", true, (on) => {
          this.#rate = on;
        }),
        from,
        this.#metrics,
        h("span", { class: "hint" }, "drag to zoom, double click to go back"),
      ),
      this.#note,
      this.#grid,
    );
  }

  /** Asks for the numbers where `standing` is another one than before. */
  refresh(standing: string): void {
    this.#standing = standing;
    this.#question.ask(`curves/${this.#id}`, standing);
  }

  #take(answer: { nodes: NodeCurve[] } | None): void {
    if (isNone(answer)) {
      this.#note.textContent = answer.none;
      this.#note.hidden = false;
      return;
    }
    this.give(answer.nodes);
    this.refreshBeside();
  }

  /** Asks for what stands beside the losses, or takes what is known of it. */
  refreshBeside(): void {
    if (this.#known !== undefined) this.#takeBeside(this.#known(this.#metric));
    else this.#besideQuestion.ask(besidePath(this.#id, this.#metric), this.#standing);
  }

  #takeBeside(answer: Beside | None): void {
    // without it the losses stand alone
    if (isNone(answer)) return;
    this.#beside = answer;
    const names = ["", ...answer.metrics];
    if (names.join("\n") !== [...this.#metrics.options].map(({ value }) => value).join("\n")) {
      fill(this.#metrics, ...names.map((name) => h("option", { value: name }, name === "" ? "another metric …" : name)));
      this.#metrics.value = this.#metric;
    }
    this.#metrics.hidden = answer.metrics.length === 0;
    this.draw();
  }

  /** Numbers that are known already. */
  give(nodes: readonly NodeCurve[]): void {
    this.#note.hidden = true;
    this.#nodes = nodes.filter(({ epoch }) => epoch.length > 0);
    this.draw();
  }

  connected(): void {
    this.#question.now();
    this.#besideQuestion.now();
  }

  dispose(): void {
    this.#question.giveUp();
    this.#besideQuestion.giveUp();
    for (const { plot } of this.#panels.values()) plot.dispose();
  }

  draw(): void {
    const { usage, events = [], chosen = [] } = this.#beside ?? {};
    const cut = <T>(values: readonly T[]) => values.slice(Math.floor(values.length * this.#from));
    const shown = new Set<string>();
    for (const node of this.#nodes) {
      const last = node.validationLoss.findLast((y) => y !== null) ?? node.trainingLoss.findLast((y) => y !== null);
      const hasRate = this.#rate && node.learningRate.some((y) => y !== null);
      const own = events.filter(({ node: name, kind }) => (name === null || name === node.node) && kind !== "seam");
      const panel = this.#panel(
        node.node,
        `losses of ${node.node} by epoch: ${node.epoch.length} epochs, the last one ${last ?? "unknown"}`,
        {
          x: cut(node.epoch),
          marks: [...node.seams, ...own.map(({ epoch }) => epoch)],
          series: [
            { label: "training", colour: 0, y: cut(node.trainingLoss) },
            { label: "validation", colour: 1, y: cut(node.validationLoss) },
            ...(hasRate ? [{ label: "learning rate", colour: 2, dashed: true, right: true, y: cut(node.learningRate) }] : []),
          ],
        },
      );
      panel.box.dataset.epochs = String(node.epoch.length);
      const words = own.slice(-mostEvents).map(({ sentence }) => h("li", {}, sentence));
      panel.events.hidden = words.length === 0;
      fill(panel.events, ...words);
      shown.add(node.node);
    }
    for (const [i, { label, x, y }] of (usage?.curves ?? []).entries()) {
      const name = `used: ${label}`;
      const data = { x: cut(x), marks: [], series: [{ label, colour: 3 + i, y: cut(y) }] };
      this.#panel(name, `${label} by ${usage?.axis}, the last one ${y.at(-1) ?? "unknown"}`, data, usage?.axis);
      shown.add(name);
    }
    for (const { node, axis, x, y } of chosen) {
      const name = `${node}: ${this.#metric}`;
      const data = { x: cut(x), marks: [], series: [{ label: this.#metric, colour: 5, y: cut(y) }] };
      this.#panel(name, `${this.#metric} of ${node} by ${axis}, the last one ${y.at(-1) ?? "unknown"}`, data, axis);
      shown.add(name);
    }
    for (const [name, { plot, section }] of this.#panels) {
      if (shown.has(name)) continue;
      plot.dispose();
      section.remove();
      this.#panels.delete(name);
    }
  }

  /** The panel of this name, with these curves in it. @param label what it shows, in words. */
  #panel(name: string, label: string, data: PlotData, xLabel = "epoch"): Panel {
    let panel = this.#panels.get(name);
    if (panel === undefined) {
      const box = h("div", { class: "plot", role: "img" });
      const events = h("ul", { class: "events", hidden: true });
      const section = h("section", { class: "panel" }, h("h2", {}, name), box, events);
      this.#grid.append(section);
      panel = { box, events, section, plot: new Plot(box) };
      this.#panels.set(name, panel);
    }
    panel.box.setAttribute("aria-label", label);
    panel.plot.draw(data, { log: this.#log, dark: isDark(), xLabel });
    return panel;
  }
}

/** What stands beside the losses, with the curves of this metric. @param metric "": none. */
type KnownBeside = (metric: string) => Beside | None;

function besidePath(id: string, metric: string): string {
  return `beside/${id}${metric === "" ? "" : `?metric=${encodeURIComponent(metric)}`}`;
}

interface Panel {
  plot: Plot;
  box: HTMLElement;
  /** What happened, in words, for who sees no marks. */
  events: HTMLElement;
  section: HTMLElement;
}

/** Events that stand below a panel; the marks are all there. */
const mostEvents = 5;

/** One swatch and what it means. */
export function swatch(index: number, text: string): HTMLElement {
  const dot = h("span", { class: "swatch", "aria-hidden": "true" });
  dot.style.background = colourOf(index, isDark());
  return h("span", { class: "key" }, dot, text);
}
