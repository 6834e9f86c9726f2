// Curves, by uPlot: the only module that knows it.
import uPlot from "uplot";

/** One line of a plot. */
export interface Series {
  label: string;
  /** Which of the colours. */
  colour: number;
  dashed?: boolean;
  /** On an axis of its own at the right: what has another unit. */
  right?: boolean;
  y: (number | null)[];
}

export interface PlotData {
  x: number[];
  series: Series[];
  /** Marks on the x axis. */
  marks: number[];
}

export interface PlotLook {
  log: boolean;
  dark: boolean;
  xLabel: string;
}

/** Colours that are told apart by most who see few colours (Okabe and Ito), for a light and a dark ground. */
const palette = {
  light: ["#0061a8", "#b34700", "#00785a", "#8f3f71", "#6b5d00", "#3b3b98", "#a01c1c", "#0a6c74"],
  dark: ["#5ab4f0", "#f0a35a", "#3fc79a", "#e08fc0", "#e6d34a", "#a0a0ff", "#ff8a80", "#5fd4dc"],
};

export function colourOf(index: number, dark: boolean): string {
  const colours = dark ? palette.dark : palette.light;
  return colours[index % colours.length] as string;
}

/** A plot in `host`; it is made anew when its series change, and only gets its data where they do not. */
export class Plot {
  readonly #host: HTMLElement;
  readonly #observer: ResizeObserver;
  #plot: uPlot | undefined;
  #shape = "";
  #marks: number[] = [];
  #next: { data: PlotData; look: PlotLook } | undefined;
  #frame = 0;

  constructor(host: HTMLElement) {
    this.#host = host;
    this.#observer = new ResizeObserver(() => this.#plot?.setSize(this.#size()));
    this.#observer.observe(host);
  }

  /**
   * Draws with the next frame, the last of what it is given: uPlot finishes its work in a microtask, and
   * must be there until then.
   */
  draw(data: PlotData, look: PlotLook): void {
    this.#next = { data, look };
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      if (this.#next !== undefined) this.#draw(this.#next.data, this.#next.look);
    });
  }

  #draw({ x, series, marks }: PlotData, look: PlotLook): void {
    this.#marks = marks;
    const data: uPlot.AlignedData = [x, ...series.map(({ y }) => y)];
    const shape = JSON.stringify([look, series.map(({ y: _, ...facts }) => facts)]);
    if (shape === this.#shape && this.#plot !== undefined) {
      const { min, max } = this.#plot.scales.x ?? {};
      const [first, last] = [this.#plot.data[0][0], this.#plot.data[0].at(-1)];
      // who zoomed in keeps what they look at
      const zoomed = min != null && max != null && (min > (first ?? 0) || max < (last ?? 0));
      this.#plot.setData(data, !zoomed);
      if (zoomed) this.#plot.redraw();
      return;
    }
    this.#shape = shape;
    this.#plot?.destroy();
    this.#plot = new uPlot(this.#options(series, look), data, this.#host);
  }

  dispose(): void {
    this.#observer.disconnect();
    cancelAnimationFrame(this.#frame);
    this.#plot?.destroy();
    this.#plot = undefined;
  }

  #size(): { width: number; height: number } {
    const width = Math.max(200, this.#host.clientWidth);
    return { width, height: Math.round(Math.min(340, Math.max(190, width * 0.5))) };
  }

  #options(series: readonly Series[], look: PlotLook): uPlot.Options {
    const ink = look.dark ? "#a9b3bf" : "#57606a";
    const grid = { stroke: look.dark ? "#262d36" : "#e4e7eb", width: 1 };
    const axis = { stroke: ink, grid, ticks: grid, font: "12px system-ui, sans-serif", labelFont: "12px system-ui, sans-serif" };
    const values = (_plot: uPlot, ticks: (number | null)[]) => ticks.map(tick);
    const right = series.some((one) => one.right);
    return {
      ...this.#size(),
      // symmetric: a loss may cross zero
      scales: { x: { time: false }, y: look.log ? { distr: 4, asinh: 0.01 } : {}, r: { distr: 3 } },
      axes: [
        { ...axis, label: look.xLabel, labelSize: 18, size: 34 },
        { ...axis, scale: "y", size: 58, values },
        ...(right ? [{ ...axis, scale: "r", side: 1 as const, size: 58, grid: { show: false }, values }] : []),
      ],
      series: [
        { label: look.xLabel },
        ...series.map((one) => ({
          label: one.label,
          scale: one.right ? "r" : "y",
          stroke: colourOf(one.colour, look.dark),
          width: one.right ? 1 : 1.75,
          spanGaps: true,
          points: { show: false },
          ...(one.dashed ? { dash: [5, 4] } : {}),
          value: (_plot: uPlot, value: number | null) => (value == null ? "–" : String(Number(value.toPrecision(5)))),
        })),
      ],
      cursor: { drag: { x: true, y: false }, focus: { prox: 24 } },
      hooks: { drawClear: [(plot) => this.#drawMarks(plot, ink)] },
    };
  }

  #drawMarks(plot: uPlot, ink: string): void {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.strokeStyle = ink;
    ctx.setLineDash([3, 4]);
    for (const mark of this.#marks) {
      const x = plot.valToPos(mark, "x", true);
      if (x < bbox.left || x > bbox.left + bbox.width) continue;
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
    }
    ctx.restore();
  }
}

function tick(value: number | null): string {
  if (value === null) return "";
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e5) ? value.toExponential(0) : String(Number(value.toPrecision(4)));
}
