// The past of a run as a time line that plays: made by the session server from the log and its keyframes.
import { steady } from "../../../base/clock.ts";
import type { RunRow, ServerMessage, Span } from "../../wire.ts";
import type { Connection } from "../connection.ts";
import { fill, h, setText } from "../dom.ts";
import { moment, span } from "../format.ts";
import { Question } from "../question.ts";
import { isNone, type None } from "../server.ts";
import { Taken } from "../taken.ts";
import { isDark } from "../theme.ts";
import { Screen } from "../widgets/screen.ts";

const speeds = [1, 4, 16, 64, 256, 1024];
/** How often the time is shown while it plays (ms). */
const tickEach = 200;
/** Steps of the slider. */
const steps = 1_000;

export class HistoryView {
  readonly #connection: Connection;
  readonly #id: string;
  readonly #screen: Screen;
  readonly #host = h("div", { class: "screen" });
  readonly #slider = h("input", { type: "range", min: 0, max: steps, step: 1, "aria-label": "moment" });
  readonly #play = h("button", { type: "button", class: "primary" }, "Play");
  readonly #time = h("output", { class: "state" });
  readonly #marks = h("div", { class: "marks" });
  readonly #speed = h(
    "select",
    { "aria-label": "speed" },
    ...speeds.map((speed) => h("option", { value: String(speed) }, `${speed}×`)),
  );
  readonly #observer: ResizeObserver;
  readonly #taken: Taken;
  readonly #timer: number;
  readonly #question = new Question<Span>((answer) => this.#take(answer));
  #span: Span | undefined;
  /** How often it was looked at: the past of a run that goes on has become longer each time. */
  #looks = 0;
  /** Seconds from the beginning. */
  #at = 0;
  #playing = false;
  /** What was asked for last is shown: before that the clock stands, and what comes is of another moment. */
  #shown = false;
  #since = 0;
  /** Number of the terminal that shows it; 0: none on this connection yet. */
  #n = 0;
  #row: RunRow | undefined;
  #wanted: number | undefined;

  constructor(host: HTMLElement, connection: Connection, id: string) {
    this.#connection = connection;
    this.#taken = new Taken((n, bytes) => connection.say({ do: "taken", n, bytes }));
    this.#id = id;
    this.#speed.selectedIndex = 2;
    this.#slider.addEventListener("input", () => {
      this.#at = (Number(this.#slider.value) / steps) * this.#length();
      this.#playing = false;
      this.#tell();
    });
    this.#slider.addEventListener("change", () => {
      this.#look();
      this.#show();
    });
    this.#play.addEventListener("click", () => this.#turn());
    this.#speed.addEventListener("change", () => {
      this.#advance();
      if (this.#playing) this.#show();
    });
    fill(
      host,
      h("div", { class: "tools" }, this.#play, this.#speed, this.#time),
      h("div", { class: "timeline" }, this.#slider, this.#marks),
      this.#host,
    );
    this.#screen = new Screen(this.#host, isDark());
    this.#observer = new ResizeObserver(() => this.#fit());
    this.#observer.observe(this.#host);
    this.#timer = window.setInterval(() => this.#tick(), tickEach);
  }

  theme(): void {
    this.#screen.theme(isDark());
  }

  row(row: RunRow): void {
    const first = this.#row === undefined;
    this.#row = row;
    this.#fit();
    this.#ask();
    if (first) this.#show();
  }

  connected(): void {
    this.#n = 0;
    this.#look();
    this.#question.now();
    this.#show();
  }

  lost(): void {
    this.#advance();
    this.#shown = false;
  }

  /** @param at ms since 1970 */
  goTo(at: number): void {
    this.#wanted = at;
    this.#playing = false;
    if (this.#span === undefined) return;
    this.#at = Math.min(this.#length(), Math.max(0, (at - this.#span.begins) / 1000));
    this.#show();
  }

  message(message: ServerMessage): void {
    if (message.is !== "terminal") return;
    if (message.state === "lost") this.lost();
    else if (message.state === "open") {
      // the next session server was asked for where this one began, which is over
      if (message.n === this.#n) return this.#show();
      this.#n = message.n;
      this.#shown = true;
      this.#since = steady();
      this.#screen.clear();
    } else if (message.state === "closed" && message.why !== "") setText(this.#time, message.why);
  }

  output(bytes: Uint8Array): void {
    if (!this.#shown) return;
    const n = this.#n;
    this.#screen.write(bytes, () => this.#taken.add(n, bytes.length));
  }

  dispose(): void {
    clearInterval(this.#timer);
    this.#question.giveUp();
    this.#observer.disconnect();
    this.#connection.say({ do: "leave" });
    this.#screen.dispose();
  }

  #look(): void {
    this.#looks++;
    this.#ask();
  }

  /** Asks what there is of the run's past; of a run that is over once more, and never again. */
  #ask(): void {
    if (this.#row === undefined) return;
    this.#question.ask(`span/${this.#id}`, this.#row.live ? `look ${this.#looks}` : "over");
  }

  #take(answer: Span | None): void {
    const first = this.#span === undefined;
    if (isNone(answer)) {
      if (first) setText(this.#time, answer.none);
      return;
    }
    const atEnd = this.#at >= this.#length();
    // what was let go of meanwhile moves the beginning
    if (this.#span !== undefined) this.#at = Math.max(0, this.#at + (this.#span.begins - answer.begins) / 1000);
    this.#span = answer;
    // with a look at a run that goes on its screen is asked for as well; when it is over, no other one is
    if (!first && atEnd && this.#row?.live) this.#at = this.#length();
    fill(
      this.#marks,
      ...answer.marks
        .filter(({ at }) => at >= answer.begins - 1_000 && at <= answer.ends + 1_000)
        .map((mark) => {
          const button = h("button", {
            type: "button",
            class: `mark ${mark.kind}`,
            title: `${mark.text}, ${moment(mark.at)}`,
            "aria-label": `${mark.text}, ${moment(mark.at)}`,
            onclick: () => this.goTo(mark.at),
          });
          button.style.left = `${(((mark.at - answer.begins) / Math.max(1, answer.ends - answer.begins)) * 100).toFixed(2)}%`;
          return button;
        }),
    );
    if (!first) return this.#tell();
    if (this.#wanted !== undefined) this.goTo(this.#wanted);
    else this.#show();
  }

  #length(): number {
    return this.#span === undefined ? 0 : Math.max(0, (this.#span.ends - this.#span.begins) / 1000);
  }

  #turn(): void {
    this.#advance();
    if (!this.#playing && this.#at >= this.#length()) this.#at = 0;
    this.#playing = !this.#playing;
    this.#look();
    this.#show();
  }

  /** What has been played so far counts. */
  #advance(): void {
    if (!this.#playing || !this.#shown) return;
    const now = steady();
    this.#at = Math.min(this.#length(), this.#at + ((now - this.#since) / 1000) * Number(this.#speed.value));
    this.#since = now;
  }

  #tick(): void {
    if (!this.#playing) return;
    this.#advance();
    if (this.#at >= this.#length()) this.#playing = false;
    this.#tell();
  }

  #tell(): void {
    this.#play.textContent = this.#playing ? "Pause" : "Play";
    const span_ = this.#span;
    if (span_ === undefined) return;
    this.#slider.value = String(Math.round((this.#at / (this.#length() || 1)) * steps));
    const text = `${span(this.#at)} of ${span(this.#length())} · ${moment(span_.begins + this.#at * 1000)}`;
    this.#slider.setAttribute("aria-valuetext", text);
    setText(this.#time, text);
  }

  /** Asks for the screen of the moment, and for what came behind it where it plays. */
  #show(): void {
    this.#tell();
    const row = this.#row;
    if (this.#span === undefined || row === undefined) return;
    this.#shown = false;
    const speed = this.#playing ? Number(this.#speed.value) : 0;
    // a replay counts from the start, which the first output came behind
    const started = row.started === null ? this.#span.begins : Date.parse(row.started);
    const at = this.#at >= this.#length() ? null : this.#at + (this.#span.begins - started) / 1000;
    this.#connection.say({ do: "replay", id: this.#id, cols: row.cols, rows: row.rows, at, speed });
  }

  #fit(): void {
    if (this.#row !== undefined) this.#screen.fitColumns(this.#row.cols, this.#row.rows);
  }
}
