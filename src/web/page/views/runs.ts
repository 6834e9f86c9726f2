// The first page: all runs, live, with what one wants to know of each; filters, search, and a choice to
// compare.
import type { PageMessage, RunRow, ServerMessage } from "../../wire.ts";
import type { View } from "../connection.ts";
import { fill, h, setText } from "../dom.ts";
import { moment } from "../format.ts";
import { sparkline } from "../widgets/sparkline.ts";
import { badge, bar, factsOf } from "../widgets/status.ts";

type Filter = "all" | "live" | "ended" | "failed";
const filters: readonly Filter[] = ["all", "live", "ended", "failed"];

export class RunsView implements View {
  readonly #list = h("ul", { class: "runs", "aria-label": "runs" });
  readonly #count = h("p", { class: "count", role: "status" });
  readonly #compare = h("a", { class: "button", href: "#/" }, "Compare");
  readonly #chosen = new Set<string>();
  #rows: RunRow[] | undefined;
  #filter: Filter = "all";
  #text = "";

  constructor(host: Element) {
    const search = h("input", { type: "search", placeholder: "name, host, id, state", "aria-label": "search runs" });
    search.addEventListener("input", () => {
      this.#text = search.value.trim().toLowerCase();
      this.#draw();
    });
    const choice = h("div", { class: "choice", role: "group", "aria-label": "which runs" });
    const draw = () =>
      fill(
        choice,
        ...filters.map((filter) =>
          h("button", { type: "button", "aria-pressed": String(filter === this.#filter), onclick: () => pick(filter) }, filter),
        ),
      );
    const pick = (filter: Filter) => {
      this.#filter = filter;
      draw();
      this.#draw();
    };
    draw();
    fill(host, h("h1", {}, "Runs"), h("div", { class: "tools" }, search, choice, this.#compare), this.#count, this.#list);
    this.#draw();
  }

  connected(say: (message: PageMessage) => void): void {
    say({ do: "runs" });
  }

  message(message: ServerMessage): void {
    if (message.is !== "runs") return;
    this.#rows = message.rows;
    this.#draw();
  }

  #draw(): void {
    const rows = this.#rows;
    this.#drawCompare();
    if (rows === undefined) return setText(this.#count, "…");
    const shown = rows.filter((row) => this.#wanted(row)).sort(order);
    const live = rows.filter((row) => row.live).length;
    setText(
      this.#count,
      rows.length === 0 ? "No runs yet: 'falcon launch' starts one." : `${shown.length} of ${rows.length} · ${live} running`,
    );
    // what is typed into or focused stays: only what differs is replaced
    const focus = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.key : undefined;
    fill(this.#list, ...shown.map((row) => this.#item(row)));
    if (focus !== undefined) this.#list.querySelector<HTMLElement>(`[data-key="${CSS.escape(focus)}"]`)?.focus();
  }

  #wanted(row: RunRow): boolean {
    if (this.#filter === "live" && !row.live) return false;
    if (this.#filter === "ended" && row.live) return false;
    if (this.#filter === "failed" && !["failed", "killed", "lost"].includes(row.outcome ?? row.state)) return false;
    const text = [row.name, row.id, row.host, row.job ?? "", row.state, row.outcome ?? "", row.phase ?? ""]
      .join(" ")
      .toLowerCase();
    return this.#text.split(/\s+/).every((word) => text.includes(word));
  }

  #item(row: RunRow): HTMLElement {
    const box = h("input", {
      type: "checkbox",
      "aria-label": `compare ${row.name} ${row.id}`,
      checked: this.#chosen.has(row.id),
    });
    box.dataset.key = `box-${row.id}`;
    box.addEventListener("change", () => {
      if (box.checked) this.#chosen.add(row.id);
      else this.#chosen.delete(row.id);
      this.#drawCompare();
    });
    const trained = row.nodes.find((node) => node.trend.length > 1);
    const link = h("a", { href: `#/run/${row.id}`, class: "name" }, row.name);
    link.dataset.key = `link-${row.id}`;
    const place = [row.host, row.job === null ? "" : `job ${row.job.slice(1)}`, row.id].filter(Boolean).join(" · ");
    const when = row.live || row.ended === null ? "" : moment(row.ended);
    return h(
      "li",
      { class: `run ${row.live ? "is-live" : ""}` },
      h("div", { class: "head" }, box, link, badge(row)),
      h(
        "div",
        { class: "middle" },
        h("div", { class: "facts" }, factsOf(row).join(" · ") || (row.sentence ?? "")),
        trained && sparkline(trained.trend),
      ),
      bar(row),
      h(
        "div",
        { class: "place" },
        [place, when, row.part > 1 ? `part ${row.part}` : "", row.notHeardFor === null ? "" : "not heard of lately"]
          .filter(Boolean)
          .join(" · "),
      ),
    );
  }

  #drawCompare(): void {
    const ids = [...this.#chosen];
    this.#compare.hidden = ids.length < 2;
    setText(this.#compare, `Compare ${ids.length}`);
    this.#compare.setAttribute("href", `#/compare/${ids.join(",")}`);
  }
}

/** What runs first, then the newest. */
function order(a: RunRow, b: RunRow): number {
  return Number(b.live) - Number(a.live) || (b.started ?? b.created).localeCompare(a.started ?? a.created);
}
