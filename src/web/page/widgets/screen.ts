// A terminal on the page, by xterm.js: the only module that knows it. Same widths and modes as the
// session's own screen.
import { FitAddon } from "@xterm/addon-fit";
import { SearchAddon } from "@xterm/addon-search";
import { Unicode11Addon } from "@xterm/addon-unicode11";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { Terminal } from "@xterm/xterm";

/** The smallest and the usual letters (px). */
const smallest = 6;
const usual = 14;
/** A letter's width by its height, of the fonts that are named: a first guess, measured afterwards. */
const letterShape = 0.6;
/** Lines above the screen that are kept. */
const scrollback = 2_000;

/** The scroll bar, thin in colour. */
function slider(colour: string): Record<string, string> {
  return {
    scrollbarSliderBackground: `${colour}55`,
    scrollbarSliderHoverBackground: `${colour}99`,
    scrollbarSliderActiveBackground: colour,
  };
}

const light = {
  background: "#fdfdfc",
  foreground: "#24292f",
  cursor: "#24292f",
  selectionBackground: "#b6d7ff",
  ...slider("#8a94a0"),
  // the sixteen, each readable on a light ground; on a dark one xterm.js's own are
  black: "#24292f",
  red: "#b42318",
  green: "#1a6b2f",
  yellow: "#805300",
  blue: "#0b55b3",
  magenta: "#8a2e9c",
  cyan: "#0e6a75",
  white: "#57606a",
  brightBlack: "#57606a",
  brightRed: "#d1242f",
  brightGreen: "#1a7f37",
  brightYellow: "#9a6700",
  brightBlue: "#0969da",
  brightMagenta: "#a03fb0",
  brightCyan: "#1b7c83",
  brightWhite: "#6e7781",
};
const dark = {
  background: "#11151a",
  foreground: "#d6dbe1",
  cursor: "#d6dbe1",
  selectionBackground: "#2f4f7a",
  ...slider("#5b6775"),
};

export class Screen {
  readonly terminal: Terminal;
  readonly #fit = new FitAddon();
  readonly #search = new SearchAddon();
  readonly #host: HTMLElement;

  /** @param host where it is drawn. */
  constructor(host: HTMLElement, isDark: boolean) {
    this.#host = host;
    this.terminal = new Terminal({
      allowProposedApi: true,
      scrollback,
      disableStdin: true,
      cursorBlink: false,
      fontSize: usual,
      fontFamily: 'ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace',
      minimumContrastRatio: 4.5,
      // OSC 8: what a program calls a link leads to web pages only, and never to this page
      linkHandler: { activate: (_event, link) => openLink(link), allowNonHttpProtocols: false },
      theme: isDark ? dark : light,
    });
    this.terminal.loadAddon(this.#fit);
    this.terminal.loadAddon(this.#search);
    this.terminal.loadAddon(new Unicode11Addon());
    this.terminal.loadAddon(new WebLinksAddon((_event, link) => openLink(link)));
    this.terminal.unicode.activeVersion = "11";
    this.terminal.open(host);
    this.terminal.textarea?.setAttribute("aria-label", "terminal");
    // for the tests, which compare it cell by cell with the session's own
    (host as unknown as { terminal: Terminal }).terminal = this.terminal;
  }

  theme(isDark: boolean): void {
    this.terminal.options.theme = isDark ? dark : light;
  }

  /** Begins anew with what comes: in its place among what was written and is not drawn yet. */
  clear(): void {
    this.terminal.write("\x1bc");
  }

  write(output: Uint8Array | string, done: () => void): void {
    this.terminal.write(output, done);
  }

  /** Letters as large as this many columns leave room for. */
  fitColumns(cols: number, rows: number): void {
    const room = this.#host.clientWidth;
    if (room === 0) return;
    let size = Math.max(smallest, Math.min(usual, Math.floor((room / cols / letterShape) * 2) / 2));
    this.terminal.options.fontSize = size;
    this.terminal.resize(cols, rows);
    // what was measured decides
    for (let width = this.#width(); width > room && size > smallest; width = this.#width()) {
      size -= 0.5;
      this.terminal.options.fontSize = size;
    }
  }

  #width(): number {
    return this.#host.querySelector<HTMLElement>(".xterm-screen")?.offsetWidth ?? 0;
  }

  /** The size that fits letters of the usual size; undefined: it is not shown. */
  ownSize(): { cols: number; rows: number } | undefined {
    this.terminal.options.fontSize = usual - 2;
    const proposed = this.#fit.proposeDimensions();
    if (proposed === undefined || !Number.isFinite(proposed.cols)) return undefined;
    const cols = Math.max(20, proposed.cols);
    const rows = Math.max(10, Math.min(60, proposed.rows));
    this.terminal.resize(cols, rows);
    return { cols, rows };
  }

  find(text: string, back: boolean): boolean {
    if (text === "") return true;
    return back ? this.#search.findPrevious(text) : this.#search.findNext(text);
  }

  dispose(): void {
    this.terminal.dispose();
  }
}

function openLink(link: string): void {
  if (/^https?:\/\//i.test(link)) window.open(link, "_blank", "noopener,noreferrer");
}
