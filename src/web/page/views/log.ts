// The log of a run: its lines with their times, a search over all of them, and the way from a hit to its
// line and its moment.
import type { Lines } from "../../wire.ts";
import { fill, h, setText } from "../dom.ts";
import { moment } from "../format.ts";
import { Question } from "../question.ts";
import { isNone, type None } from "../server.ts";

/** Lines that are shown at once. */
const window_ = 300;
/** Hits that are listed. */
const mostHits = 200;
/** How often the end is asked for while the run goes on (ms). */
const followEach = 2_000;

export class LogView {
  readonly #id: string;
  readonly #lines = h("div", { class: "lines", role: "log", tabindex: "0", "aria-label": "log lines", "aria-live": "off" });
  readonly #state = h("span", { class: "state", role: "status" });
  readonly #hits = h("div", { class: "hits" });
  readonly #toMoment: (at: number) => void;
  readonly #timer: number;
  #from: number | undefined;
  #total = 0;
  #follow = true;
  #shown: { first: number; last: number } = { first: 0, last: 0 };
  #marked = -1;
  #live: boolean | undefined;
  /** How often the lines were wanted: what is asked for again may have become more. */
  #times = 0;
  readonly #question = new Question<Lines>((answer) => this.#take(answer));
  /** How often it was searched: a log that goes on may have more that matches. */
  #searches = 0;
  readonly #searched = new Question<Lines>((answer) => this.#takeHits(answer));

  /** @param toMoment shows the screen of that moment. */
  constructor(host: HTMLElement, id: string, toMoment: (at: number) => void) {
    this.#id = id;
    this.#toMoment = toMoment;
    const search = h("input", { type: "search", placeholder: "search (a regular expression)", "aria-label": "search the log" });
    const form = h("form", { class: "tools", role: "search" }, search, h("button", { type: "submit" }, "Search"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#search(search.value);
    });
    const go = (label: string, action: () => void) => h("button", { type: "button", onclick: action }, label);
    const tools = h(
      "div",
      { class: "tools" },
      go("First", () => this.#show(0)),
      go("Earlier", () => this.#show(Math.max(0, this.#shown.first - window_))),
      go("Later", () => this.#show(this.#shown.last + 1)),
      go("Latest", () => this.#show(undefined)),
      this.#state,
    );
    fill(host, form, this.#hits, tools, this.#lines);
    this.#timer = window.setInterval(() => {
      if (!this.#follow || document.visibilityState !== "visible" || !this.#question.idle) return;
      if (this.#live) this.#times++;
      this.#ask();
    }, followEach);
  }

  live(live: boolean): void {
    const first = this.#live === undefined;
    this.#live = live;
    if (first) this.#show(undefined);
  }

  connected(): void {
    this.#question.now();
    this.#searched.now();
  }

  dispose(): void {
    clearInterval(this.#timer);
    this.#question.giveUp();
    this.#searched.giveUp();
  }

  /** @param from the first line; undefined: the end, and what comes. */
  #show(from: number | undefined, marked = -1): void {
    // past the end is the end
    const past = from !== undefined && this.#total > 0 && from >= this.#total;
    this.#from = past ? undefined : from;
    this.#follow = this.#from === undefined;
    this.#marked = marked;
    this.#times++;
    this.#ask();
  }

  /** Of a run that is over they are asked for once more: its last ones may have come behind the answer. */
  #ask(): void {
    if (this.#live === undefined) return;
    const from = this.#from === undefined ? "" : `&from=${this.#from}`;
    this.#question.ask(`lines/${this.#id}?count=${window_}${from}`, `${this.#times} ${this.#live}`);
  }

  #take(answer: Lines | None): void {
    if (isNone(answer)) return setText(this.#state, answer.none);
    const { lines, total } = answer;
    this.#total = total;
    const last = lines.at(-1)?.n ?? 0;
    const same = this.#shown.first === (lines[0]?.n ?? 0) && this.#shown.last === last && this.#marked < 0 && !this.#follow;
    this.#shown = { first: lines[0]?.n ?? 0, last };
    setText(
      this.#state,
      lines.length === 0
        ? "nothing was said yet"
        : `lines ${this.#shown.first + 1} to ${last + 1} of ${total}${this.#follow && this.#live ? ", following" : ""}`,
    );
    if (same) return;
    const atEnd = this.#lines.scrollHeight - this.#lines.scrollTop - this.#lines.clientHeight < 40;
    fill(this.#lines, ...lines.map((line) => this.#line(line, line.n === this.#marked)));
    const marked = this.#lines.querySelector(".marked");
    if (marked !== null) marked.scrollIntoView({ block: "center" });
    else if (this.#follow && (atEnd || this.#lines.dataset.once === undefined)) this.#lines.scrollTop = this.#lines.scrollHeight;
    this.#lines.dataset.once = "1";
  }

  #line({ n, text, at }: Lines["lines"][number], marked: boolean): HTMLElement {
    const time =
      at === null ? "" : new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
    const number = h(
      "button",
      {
        type: "button",
        class: "n",
        "aria-label": `line ${n + 1}, the screen of that moment`,
        title: "the screen of that moment",
        disabled: at === null,
        onclick: () => at !== null && this.#toMoment(at),
      },
      String(n + 1),
    );
    return h(
      "div",
      { class: marked ? "line marked" : "line" },
      number,
      h("span", { class: "at" }, time),
      h("span", { class: "text" }, text),
    );
  }

  #search(pattern: string): void {
    if (pattern === "") {
      this.#searched.giveUp();
      return fill(this.#hits);
    }
    fill(this.#hits, h("p", { class: "note" }, "…"));
    this.#searched.ask(`lines/${this.#id}?count=${mostHits}&find=${encodeURIComponent(pattern)}`, String(++this.#searches));
  }

  #takeHits(answer: Lines | None): void {
    if (isNone(answer)) return fill(this.#hits, h("p", { class: "note" }, answer.none));
    const { lines, more } = answer;
    const told =
      lines.length === 0
        ? "no line matches"
        : `${more ? `the last ${lines.length} of more` : lines.length} ${lines.length === 1 ? "line matches" : "lines match"}`;
    fill(
      this.#hits,
      h("p", { class: "note", role: "status" }, told),
      h(
        "ol",
        { class: "found" },
        ...lines.map(({ n, text, at }) =>
          h(
            "li",
            {},
            h("button", { type: "button", class: "hit", onclick: () => this.#show(Math.max(0, n - 20), n) }, `${n + 1}`),
            h("span", { class: "at" }, at === null ? "" : moment(at)),
            h("span", { class: "text" }, text),
          ),
        ),
      ),
    );
  }
}
