// The curves of a run: a panel for each node, with its losses and its learning rate.
import type { NodeCurve } from "../wire.ts";
import { fill, h } from "./dom.ts";
import { colourOf, Plot } from "./plot.ts";
import { get, isNone } from "./server.ts";
import { isDark } from "./theme.ts";

export class Curves {
  readonly #id: string;
  readonly #panels = new Map<string, { plot: Plot; box: HTMLElement }>();
  readonly #note = h("p", { class: "note" });
  readonly #grid = h("div", { class: "panels" });
  #log = false;
  #rate = true;
  #from = 0;
  #asked = "";
  #nodes: NodeCurve[] = [];

  constructor(host: HTMLElement, id: string) {
    this.#id = id;
    const box = (label: string, checked: boolean, change: (on: boolean) => void) => {
      const input = h("input", { type: "checkbox", checked });
      input.addEventListener("change", () => {
        change(input.checked);
        this.#draw();
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
      this.#draw();
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
        h("span", { class: "hint" }, "drag to zoom, double click to go back"),
      ),
      this.#note,
      this.#grid,
    );
  }

  /** Asks for the numbers where `standing` is another one than before. */
  async refresh(standing: string): Promise<void> {
    if (standing === this.#asked) return;
    this.#asked = standing;
    const answer = await get<{ nodes: NodeCurve[] }>(`curves/${this.#id}`);
    if (isNone(answer)) {
      this.#note.textContent = answer.none;
      this.#note.hidden = false;
      return;
    }
    this.give(answer.nodes);
  }

  /** Numbers that are known already. */
  give(nodes: readonly NodeCurve[]): void {
    this.#note.hidden = true;
    this.#nodes = nodes.filter(({ epoch }) => epoch.length > 0);
    this.#draw();
  }

  redraw(): void {
    this.#draw();
  }

  dispose(): void {
    for (const { plot } of this.#panels.values()) plot.dispose();
  }

  #draw(): void {
    for (const node of this.#nodes) {
      let panel = this.#panels.get(node.node);
      if (panel === undefined) {
        const box = h("div", { class: "plot", role: "img" });
        this.#grid.append(h("section", { class: "panel" }, h("h2", {}, node.node), box));
        panel = { box, plot: new Plot(box) };
        this.#panels.set(node.node, panel);
      }
      const last = node.validationLoss.findLast((y) => y !== null) ?? node.trainingLoss.findLast((y) => y !== null);
      panel.box.setAttribute(
        "aria-label",
        `losses of ${node.node} by epoch: ${node.epoch.length} epochs, the last one ${last ?? "unknown"}`,
      );
      panel.box.dataset.epochs = String(node.epoch.length);
      const first = Math.floor(node.epoch.length * this.#from);
      const cut = <T>(values: readonly T[]) => values.slice(first);
      const hasRate = this.#rate && node.learningRate.some((y) => y !== null);
      panel.plot.draw(
        {
          x: cut(node.epoch),
          marks: node.seams,
          series: [
            { label: "training", colour: 0, y: cut(node.trainingLoss) },
            { label: "validation", colour: 1, y: cut(node.validationLoss) },
            ...(hasRate ? [{ label: "learning rate", colour: 2, dashed: true, right: true, y: cut(node.learningRate) }] : []),
          ],
        },
        { log: this.#log, dark: isDark(), xLabel: "epoch" },
      );
    }
  }
}

/** One swatch and what it means. */
export function swatch(index: number, text: string): HTMLElement {
  const dot = h("span", { class: "swatch", "aria-hidden": "true" });
  dot.style.background = colourOf(index, isDark());
  return h("span", { class: "key" }, dot, text);
}
