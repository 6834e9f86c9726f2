// What is typed in the watch's bottom row: the text that lines have to have in them, or the name of a metric.

import type { KeyName } from "../../base/keymap.ts";
import { printable } from "../../base/text/printable.ts";

/** Text of a filter: longer than any name that one would type. */
const longest = 80;

export class WatchPrompt {
  /** Holds as it is typed; "": all lines are shown. */
  filter = "";
  #metric = "";
  #field: "filter" | "metric" | undefined;

  /** Whether keys are typed. */
  get typing(): boolean {
    return this.#field !== undefined;
  }

  typeFilter(): void {
    this.#field = "filter";
  }

  /** @param metric the one that is shown now */
  typeMetric(metric: string): void {
    this.#field = "metric";
    this.#metric = metric;
  }

  /** A key while something is typed; answers the metric that was chosen by it ("": none). */
  press(key: KeyName): string | undefined {
    const field = this.#field;
    const typed = field === "filter" ? this.filter : this.#metric;
    const give = (text: string) => {
      if (field === "filter") this.filter = text;
      else this.#metric = text;
    };
    if (key === "enter") {
      this.#field = undefined;
      return field === "metric" ? this.#metric.trim() : undefined;
    }
    if (key === "escape" || key === "interrupt") {
      this.#field = undefined;
      if (field === "filter") give("");
    } else if (key === "backspace") give([...typed].slice(0, -1).join(""));
    else if (key === "clear") give("");
    else if ([...key].length === 1 && [...typed].length < longest) give(typed + key);
    return undefined;
  }

  /** The row while something is typed, or lines are filtered; "": the keys stand there. */
  get row(): string {
    const filter = printable(this.filter);
    if (this.#field === "filter") return `/${filter}█`;
    if (this.#field === "metric") return `metric as a column, as val/nll (nothing: none): ${printable(this.#metric)}█`;
    return filter === "" ? "" : `with '${filter}' · / changes it · Esc shows all`;
  }
}
