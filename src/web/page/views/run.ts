// The page of one run: how it stands, and its curves, terminal, log, history and facts, one at a time.
import type { PageMessage, RunRow, ServerMessage } from "../../wire.ts";
import type { Connection, View } from "../connection.ts";
import { fill, h } from "../dom.ts";
import { me } from "../server.ts";
import { onTheme } from "../theme.ts";
import { badge, bar, factsOf, wordOf } from "../widgets/status.ts";
import { About, nodeTable } from "./about.ts";
import { Curves } from "./curves.ts";
import { HistoryView } from "./history.ts";
import { LogView } from "./log.ts";
import { LiveTerminal } from "./terminal.ts";

const tabs = ["curves", "terminal", "log", "history", "about"] as const;
export type Tab = (typeof tabs)[number];

export function tabOf(text: string | undefined): Tab | undefined {
  return tabs.find((tab) => tab === text);
}

/** What a tab has of a view; each is made when it is looked at, and gone when it is left. */
interface Shown {
  row?(row: RunRow): void;
  connected?(): void;
  lost?(): void;
  message?(message: ServerMessage): void;
  output?(bytes: Uint8Array): void;
  theme?(): void;
  dispose?(): void;
}

export class RunView implements View {
  readonly #connection: Connection;
  readonly #id: string;
  readonly #head = h("header", { class: "run-head" });
  readonly #nodes = h("div", { class: "nodes" });
  readonly #panel = h("section", { class: "tab", role: "tabpanel", id: "panel" });
  readonly #tabs = h("div", { class: "tabs", role: "tablist", "aria-label": "what to see" });
  readonly #stopTheme: () => void;
  #tab: Tab;
  #shown: Shown = {};
  #row: RunRow | undefined;
  #said = "";

  constructor(host: Element, connection: Connection, id: string, tab: Tab) {
    this.#connection = connection;
    this.#id = id;
    this.#tab = tab;
    this.#stopTheme = onTheme(() => this.#shown.theme?.());
    fill(host, this.#head, this.#nodes, this.#tabs, this.#panel);
    this.#draw();
    this.open(tab);
  }

  /** Another tab of the same run. @param at ms since 1970, of the history. */
  open(tab: Tab, at?: number): void {
    this.#shown.dispose?.();
    this.#tab = tab;
    this.#drawTabs();
    this.#panel.replaceChildren();
    this.#panel.setAttribute("aria-labelledby", `tab-${tab}`);
    const place = h("div", { class: `view ${tab}` });
    this.#panel.append(place);
    this.#shown = this.#make(tab, place, at);
    if (this.#row !== undefined) this.#shown.row?.(this.#row);
  }

  dispose(): void {
    this.#stopTheme();
    this.#shown.dispose?.();
  }

  connected(say: (message: PageMessage) => void): void {
    say({ do: "run", id: this.#id });
    this.#shown.connected?.();
  }

  message(message: ServerMessage): void {
    if (message.is !== "run") return this.#shown.message?.(message);
    if (message.row === null) {
      // the head is drawn anew with the next row, also where that says what the last one did
      this.#said = "";
      return fill(this.#head, h("h1", {}, this.#id), h("p", { class: "note" }, "There is no such run here, or not any more."));
    }
    this.#row = message.row;
    this.#draw();
    this.#shown.row?.(message.row);
  }

  output(bytes: Uint8Array): void {
    this.#shown.output?.(bytes);
  }

  lost(): void {
    this.#shown.lost?.();
  }

  #make(tab: Tab, place: HTMLElement, at: number | undefined): Shown {
    switch (tab) {
      case "curves": {
        const curves = new Curves(place, this.#id);
        return {
          row: (row) => curves.refresh(row.nodes.map(({ epoch, epochs }) => `${epoch}/${epochs}`).join() + row.live),
          connected: () => curves.connected(),
          theme: () => curves.draw(),
          dispose: () => curves.dispose(),
        };
      }
      case "terminal":
        return new LiveTerminal(place, this.#connection, this.#id);
      case "log": {
        const log = new LogView(place, this.#id, (moment) => {
          history.replaceState(null, "", `#/run/${this.#id}/history`);
          this.open("history", moment);
        });
        return { row: (row) => log.live(row.live), connected: () => log.connected(), dispose: () => log.dispose() };
      }
      case "history": {
        const past = new HistoryView(place, this.#connection, this.#id);
        if (at !== undefined) past.goTo(at);
        return past;
      }
      case "about":
        return new About(place, this.#id);
    }
  }

  #draw(): void {
    const row = this.#row;
    if (row === undefined) return fill(this.#head, h("h1", {}, this.#id));
    document.title = `${row.name} · falcon`;
    const said = JSON.stringify({ ...row, outputBytes: 0 });
    if (said === this.#said) return;
    this.#said = said;
    const back = me().role === "link" ? null : h("a", { href: "#/", class: "back" }, "all runs");
    fill(
      this.#head,
      back,
      h("div", { class: "head" }, h("h1", {}, row.name), badge(row)),
      h("p", { class: "facts" }, factsOf(row).join(" · ")),
      bar(row),
      row.sentence === null || row.sentence === wordOf(row) ? null : h("p", { class: "sentence" }, row.sentence),
    );
    fill(this.#nodes, nodeTable(row));
  }

  #drawTabs(): void {
    fill(
      this.#tabs,
      ...tabs.map((tab) => {
        const chosen = tab === this.#tab;
        const props = {
          type: "button",
          role: "tab",
          id: `tab-${tab}`,
          "aria-selected": String(chosen),
          "aria-controls": "panel",
          tabindex: chosen ? 0 : -1,
          onclick: () => this.#choose(tab),
          onkeydown: (event: KeyboardEvent) => this.#key(event, tab),
        };
        return h("button", props, `${tab[0]?.toUpperCase()}${tab.slice(1)}`);
      }),
    );
  }

  #choose(tab: Tab): void {
    history.replaceState(null, "", `#/run/${this.#id}/${tab}`);
    this.open(tab);
  }

  /** Arrow keys go along the tabs, as the ARIA practices have it. */
  #key(event: KeyboardEvent, tab: Tab): void {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length] as Tab;
    this.#choose(next);
    document.getElementById(`tab-${next}`)?.focus();
  }
}
