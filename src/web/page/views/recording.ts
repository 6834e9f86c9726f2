// A recording that plays in a page without a server: an asciicast (version 2), unpacked and fed to a
// terminal.
import { fill, h, setText } from "../dom.ts";
import { span } from "../format.ts";
import { isDark, onTheme } from "../theme.ts";
import { Screen } from "../widgets/screen.ts";

/** An event of a recording: seconds from its start, `o` output or `r` another size, and what. */
type Event = [at: number, kind: string, data: string];

const speeds = [1, 4, 16, 64];
/** How often what is due is drawn (ms). */
const tickEach = 50;
const steps = 1_000;
/**
 * Characters that the terminal is given at once, and the next ones when it has drawn them: xterm.js throws
 * where 50 MB wait in it, and what is wanted may be another moment by then.
 */
const piece = 1 << 20;

/** @param packed as the page has it: gzip, base64. @throws where the browser cannot unpack it. */
export async function playRecording(host: HTMLElement, packed: string): Promise<void> {
  const { head, events } = await unpack(packed);
  const screenHost = h("div", { class: "screen" });
  const play = h("button", { type: "button", class: "primary" }, "Play");
  const speed = h("select", { "aria-label": "speed" }, ...speeds.map((one) => h("option", { value: String(one) }, `${one}×`)));
  const time = h("output", { class: "state" });
  const slider = h("input", { type: "range", min: 0, max: steps, step: 1, "aria-label": "moment" });
  fill(host, h("div", { class: "tools" }, play, speed, time), h("div", { class: "timeline" }, slider), screenHost);
  const screen = new Screen(screenHost, isDark());
  onTheme(() => screen.theme(isDark()));
  const length = events.at(-1)?.[0] ?? 0;
  let [cols, rows] = [head.width, head.height];
  let next = 0;
  let at = length;
  let playing = false;
  let drawing = false;
  const fit = () => screen.fitColumns(cols, rows);
  const begin = () => {
    screen.clear();
    [cols, rows] = [head.width, head.height];
    fit();
    next = 0;
  };
  /** Gives the terminal what comes next, up to the moment or to another size. */
  const feed = (): Promise<void> => {
    let text = "";
    for (let event = events[next]; event !== undefined && event[0] <= at && text.length < piece; event = events[++next]) {
      const [, kind, data] = event;
      if (kind === "o") text += data;
      const size = kind === "r" ? /^(\d+)x(\d+)$/.exec(data) : null;
      if (size === null) continue;
      // what came before is drawn in the size that it was made for
      if (text !== "") break;
      [cols, rows] = [Number(size[1]), Number(size[2])];
      fit();
    }
    return new Promise((done) => screen.write(text, done));
  };
  /** Draws the screen of the moment, which may be another one meanwhile. */
  const draw = async () => {
    tell();
    if (drawing) return;
    drawing = true;
    for (;;) {
      if ((events[next - 1]?.[0] ?? 0) > at) begin();
      const event = events[next];
      if (event === undefined || event[0] > at) break;
      await feed();
    }
    drawing = false;
  };
  const tell = () => {
    slider.value = String(Math.round((at / (length || 1)) * steps));
    setText(time, `${span(at)} of ${span(length)}`);
    play.textContent = playing ? "Pause" : "Play";
  };
  play.addEventListener("click", () => {
    playing = !playing;
    if (playing && at >= length) at = 0;
    void draw();
  });
  slider.addEventListener("input", () => {
    at = (Number(slider.value) / steps) * length;
    playing = false;
    void draw();
  });
  setInterval(() => {
    if (!playing) return;
    at = Math.min(length, at + (tickEach / 1000) * Number(speed.value));
    playing = at < length;
    void draw();
  }, tickEach);
  new ResizeObserver(fit).observe(screenHost);
  begin();
  void draw();
}

async function unpack(packed: string): Promise<{ head: { width: number; height: number }; events: Event[] }> {
  const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const [first = "{}", ...lines] = (await new Response(stream).text()).split("\n").filter(Boolean);
  const head = JSON.parse(first) as { width: number; height: number };
  return { head, events: lines.map((line) => JSON.parse(line) as Event) };
}
