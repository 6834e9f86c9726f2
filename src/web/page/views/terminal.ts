// The live terminal of a run: looks at first; "Type" takes the keys, with the same rules as in any terminal.
import type { RunRow, ServerMessage } from "../../wire.ts";
import type { Connection } from "../connection.ts";
import { fill, h, setText } from "../dom.ts";
import { me } from "../server.ts";
import { Taken } from "../taken.ts";
import { isDark } from "../theme.ts";
import { Screen } from "../widgets/screen.ts";

/** Keys that a phone has not. */
const extraKeys: readonly (readonly [string, string])[] = [
  ["Esc", "\x1b"],
  ["Tab", "\t"],
  ["Ctrl+C", "\x03"],
  ["Ctrl+\\", "\x1c"],
  ["↑", "\x1b[A"],
  ["↓", "\x1b[B"],
  ["←", "\x1b[D"],
  ["→", "\x1b[C"],
  ["PgUp", "\x1b[5~"],
  ["PgDn", "\x1b[6~"],
];

export class LiveTerminal {
  readonly #connection: Connection;
  readonly #id: string;
  readonly #screen: Screen;
  readonly #host = h("div", { class: "screen" });
  readonly #state = h("span", { class: "state", role: "status" });
  // a click before it is known whether the run is live would go nowhere
  readonly #type = h("button", { type: "button", class: "primary", disabled: true }, "Type");
  readonly #take = h("button", { type: "button", disabled: true }, "Take over");
  readonly #keys = h("div", { class: "keys", role: "group", "aria-label": "keys" });
  readonly #observer: ResizeObserver;
  readonly #taken: Taken;
  #row: RunRow | undefined;
  #n = 0;
  #drawn = 0;
  #typing = false;
  /** The browser's own size, instead of the session's. */
  #own = false;
  #size = { cols: 0, rows: 0 };
  #begun = false;

  constructor(host: HTMLElement, connection: Connection, id: string) {
    this.#connection = connection;
    this.#taken = new Taken((n, bytes) => connection.say({ do: "taken", n, bytes }));
    this.#id = id;
    const own = h("button", { type: "button", "aria-pressed": "false" }, "Own size");
    own.addEventListener("click", () => {
      this.#own = !this.#own;
      own.setAttribute("aria-pressed", String(this.#own));
      this.#measure(true);
    });
    const reader = h("button", { type: "button", "aria-pressed": "false" }, "Screen reader");
    reader.addEventListener("click", () => {
      const on = reader.getAttribute("aria-pressed") !== "true";
      reader.setAttribute("aria-pressed", String(on));
      this.#screen.terminal.options.screenReaderMode = on;
    });
    const find = h("input", { type: "search", placeholder: "find on screen", "aria-label": "find in the terminal" });
    find.addEventListener("keydown", (event) => {
      if (event.key === "Enter") find.classList.toggle("none", !this.#screen.find(find.value, event.shiftKey));
    });
    // as the button says, which changes when the server has answered: a double click asks twice for the same
    this.#type.addEventListener("click", () => this.#attach(this.#keys.hidden === true, false));
    this.#take.addEventListener("click", () => this.#attach(true, true));
    const mayType = me().role === "owner";
    this.#type.hidden = this.#take.hidden = !mayType;
    fill(
      this.#keys,
      ...extraKeys.map(([name, bytes]) => h("button", { type: "button", onclick: () => this.#press(bytes) }, name)),
    );
    this.#keys.hidden = true;
    fill(host, h("div", { class: "tools" }, this.#type, this.#take, own, reader, find, this.#state), this.#host, this.#keys);
    this.#screen = new Screen(this.#host, isDark());
    const encoder = new TextEncoder();
    this.#screen.terminal.onData((text) => this.#typed(encoder.encode(text)));
    this.#screen.terminal.onBinary((text) => this.#typed(Uint8Array.from(text, (letter) => letter.charCodeAt(0))));
    this.#observer = new ResizeObserver(() => this.#measure(false));
    this.#observer.observe(this.#host);
  }

  theme(): void {
    this.#screen.theme(isDark());
  }

  /** What is known of the session: its size, and whether it runs. */
  row(row: RunRow): void {
    const before = this.#row;
    this.#row = row;
    this.#type.disabled = this.#take.disabled = !row.live;
    if (before?.cols !== row.cols || before.rows !== row.rows) this.#measure(false);
    if (!this.#begun || before?.live !== row.live) this.#attach(false, false);
  }

  /** The connection is there, or there again. */
  connected(): void {
    this.#begun = false;
    this.#attach(this.#typing, false);
  }

  lost(): void {
    setText(this.#state, "no connection: it comes back by itself");
  }

  message(message: ServerMessage): void {
    if (message.is !== "terminal") return;
    if (message.state === "open") {
      this.#n = message.n;
      this.#drawn = 0;
      this.#screen.clear();
      this.#typingIs(message.typing);
      if (this.#row?.live === false) return setText(this.#state, "it is over: this is its last screen");
      return setText(this.#state, message.typing ? "your keys go to the program" : "you look; the keys are yours with Type");
    }
    if (message.state === "lost") return setText(this.#state, "the session server is being started; the run goes on");
    // left by its key, taken over, or over: back to looking, where there is something to see
    const was = this.#typing;
    this.#typingIs(false);
    if (was && this.#row?.live) this.#attach(false, false);
    setText(this.#state, message.why);
  }

  output(bytes: Uint8Array): void {
    const n = this.#n;
    this.#screen.write(bytes, () => {
      if (n !== this.#n) return;
      this.#drawn += bytes.length;
      this.#host.dataset.drawn = String(this.#drawn);
      this.#taken.add(n, bytes.length);
    });
  }

  dispose(): void {
    this.#observer.disconnect();
    this.#connection.say({ do: "leave" });
    this.#screen.dispose();
  }

  #typed(bytes: Uint8Array<ArrayBuffer>): void {
    if (!this.#typing) return;
    // longer than a message may be: a large paste
    for (let at = 0; at < bytes.length; at += 32 << 10) this.#connection.type(bytes.slice(at, at + (32 << 10)));
  }

  #press(text: string): void {
    this.#typed(new TextEncoder().encode(text));
    this.#screen.terminal.focus();
  }

  #typingIs(typing: boolean): void {
    this.#typing = typing;
    this.#screen.terminal.options.disableStdin = !typing;
    this.#screen.terminal.options.cursorBlink = typing;
    this.#host.classList.toggle("typing", typing);
    this.#keys.hidden = !typing;
    this.#type.textContent = typing ? "Only look" : "Type";
    if (typing) this.#screen.terminal.focus();
  }

  #attach(type: boolean, takeOver: boolean): void {
    if (this.#row === undefined) return;
    const { live } = this.#row;
    // no key follows the wish to look: the server would take it for one of somebody who may not type
    this.#typing &&= type && live;
    this.#begun = true;
    this.#measure(false);
    const shown = { id: this.#id, ...this.#size };
    if (live) return this.#connection.say({ do: "attach", ...shown, type, takeOver });
    setText(this.#state, "it is over: see its history");
    // its last screen
    this.#connection.say({ do: "replay", ...shown, at: null, speed: 1 });
  }

  #measure(changed: boolean): void {
    const row = this.#row;
    if (row === undefined || this.#host.clientWidth === 0) return;
    let size = { cols: row.cols, rows: row.rows };
    if (this.#own) size = this.#screen.ownSize() ?? size;
    else this.#screen.fitColumns(row.cols, row.rows);
    if (!changed && size.cols === this.#size.cols && size.rows === this.#size.rows) return;
    this.#size = size;
    if (this.#begun) this.#connection.say({ do: "size", ...size });
  }
}
