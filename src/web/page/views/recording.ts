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
  const fit = () => screen.fitColumns(cols, rows);
  const begin = () => {
    screen.clear();
    [cols, rows] = [head.width, head.height];
    fit();
    next = 0;
  };
  const draw = () => {
    for (let event = events[next]; event !== undefined && event[0] <= at; event = events[++next]) {
      const [, kind, data] = event;
      if (kind === "o") screen.terminal.write(data);
      const size = kind === "r" ? /^(\d+)x(\d+)$/.exec(data) : null;
      if (size === null) continue;
      [cols, rows] = [Number(size[1]), Number(size[2])];
      fit();
    }
    slider.value = String(Math.round((at / (length || 1)) * steps));
    setText(time, `${span(at)} of ${span(length)}`);
    play.textContent = playing ? "Pause" : "Play";
  };
  play.addEventListener("click", () => {
    playing = !playing;
    if (playing && at >= length) {
      at = 0;
      begin();
    }
    draw();
  });
  slider.addEventListener("input", () => {
    const wanted = (Number(slider.value) / steps) * length;
    if (wanted < at) begin();
    at = wanted;
    playing = false;
    draw();
  });
  setInterval(() => {
    if (!playing) return;
    at = Math.min(length, at + (tickEach / 1000) * Number(speed.value));
    playing = at < length;
    draw();
  }, tickEach);
  new ResizeObserver(fit).observe(screenHost);
  begin();
  draw();
}

async function unpack(packed: string): Promise<{ head: { width: number; height: number }; events: Event[] }> {
  const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const [first = "{}", ...lines] = (await new Response(stream).text()).split("\n").filter(Boolean);
  const head = JSON.parse(first) as { width: number; height: number };
  return { head, events: lines.map((line) => JSON.parse(line) as Event) };
}
