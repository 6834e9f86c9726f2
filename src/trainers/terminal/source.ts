// Follows what the terminal of a program says of its training: its rows are looked at when somebody asks, at
// most twice a second.
import { metricKinds } from "../reading/metric-words.ts";
import type { Now } from "../run/silence.ts";
import { mostPoints, type Point, type Told, thinned } from "../run/told.ts";
import type { TerminalState, WatchEffects } from "../trainer.ts";
import { type Reading, readRows } from "./rows.ts";

/** Between two looks at the rows (ms). */
const pause = 500;

/** Points that outlive the server: as many as a curve on a terminal has columns. */
const mostKept = 300;

/** How long the fraction is measured for its pace (ms): of now, and not of the start. */
const paceWindow = 600_000;

/** What outlives the server. JSON-friendly; NaN and infinities are kept as words. */
export interface KeptTerminal {
  unit: string;
  /** Number, time (ms), loss, validation loss, learning rate; null: none. */
  points: (number | string | null)[][];
}

export class TerminalSource {
  readonly #screen: NonNullable<WatchEffects["screen"]>;
  readonly #clock: () => Now;
  #looked = Number.NEGATIVE_INFINITY;
  #reading: Reading | undefined;
  #said = "";
  #unit = "";
  #points: Point[] = [];
  #sign: number | null = null;
  #paces: { at: number; fraction: number }[] = [];
  #commands = 0;

  constructor(screen: NonNullable<WatchEffects["screen"]>, clock: () => Now, kept?: KeptTerminal) {
    this.#screen = screen;
    this.#clock = clock;
    if (kept === undefined) return;
    this.#unit = kept.unit;
    for (const [at, time, ...values] of kept.points) {
      const point: Point = { at: Number(at), time: Number(time) };
      metricKinds.forEach((kind, i) => {
        if (values[i] !== null && values[i] !== undefined) point[kind] = Number(values[i]);
      });
      this.#points.push(point);
    }
  }

  /** Looks at what stands there now. @param last it has ended: what stands there is the last word. */
  async look(last: boolean): Promise<void> {
    const { wall, steady } = this.#clock();
    if (!last && steady - this.#looked < pause) return;
    this.#looked = steady;
    const rows = await this.#screen.rows();
    // what a stored screen knows is told before its rows are
    const state = this.#screen.state();
    if (state.commands !== this.#commands) {
      // a shell began another command: what the one before said is over
      this.#commands = state.commands;
      this.#forget();
    }
    // undefined: nothing has changed since
    const reading = rows === undefined ? this.#reading : state.prompt ? undefined : readRows(rows);
    this.#take(withOsc(reading, state), wall, steady);
  }

  #forget(): void {
    this.#points = [];
    this.#paces = [];
    this.#said = "";
  }

  #take(reading: Reading | undefined, wall: number, steady: number): void {
    this.#reading = reading;
    if (reading === undefined) return;
    const said = JSON.stringify([reading.done, reading.fraction, reading.marks.map(Object.values), Object.values(reading.now)]);
    if (said === this.#said) return;
    this.#said = said;
    this.#sign = wall;
    if (reading.unit !== this.#unit) this.#points = [];
    this.#unit = reading.unit;
    const newest = reading.marks.at(-1);
    if (newest !== undefined) {
      // another training on the same terminal
      if (newest.at < (this.#points.at(-1)?.at ?? 0)) this.#points = [];
      const kept = new Map(this.#points.map((point) => [point.at, point]));
      for (const mark of reading.marks) kept.set(mark.at, { time: wall, ...kept.get(mark.at), ...mark });
      this.#points = [...kept.values()].sort((a, b) => a.at - b.at);
      if (this.#points.length > mostPoints) this.#points = thinned(this.#points);
    }
    const { fraction } = reading;
    if (fraction === null) return;
    if (fraction < (this.#paces.at(-1)?.fraction ?? 0)) this.#paces = [];
    this.#paces.push({ at: steady, fraction });
    while (this.#paces.length > 2 && steady - (this.#paces[0]?.at ?? 0) > paceWindow) this.#paces.shift();
  }

  /** Seconds by the pace of the last minutes; null where there is none. */
  #left(): number | null {
    const [first, last] = [this.#paces[0], this.#paces.at(-1)];
    if (first === undefined || last === undefined || last.fraction <= first.fraction) return null;
    const seconds = ((1 - last.fraction) * (last.at - first.at)) / (last.fraction - first.fraction) / 1000;
    return Math.max(0, seconds - (this.#clock().steady - last.at) / 1000);
  }

  /** What it says; undefined while it says nothing. */
  get told(): Told | undefined {
    const reading = this.#reading;
    if (reading === undefined) return undefined;
    const { unit, done, total, fraction, rate, left } = reading;
    return {
      unit,
      points: this.#points,
      done,
      total,
      fraction,
      left: left ?? this.#left(),
      perMinute: rate === null ? null : rate * 60,
      sign: this.#sign,
    };
  }

  /** What a later server goes on with. */
  get kept(): KeptTerminal | undefined {
    if (this.#points.length === 0) return undefined;
    let points = this.#points;
    while (points.length > mostKept) points = thinned(points);
    const word = (value: number | undefined) => (value === undefined ? null : Number.isFinite(value) ? value : String(value));
    return {
      unit: this.#unit,
      points: points.map((point) => [point.at, point.time, ...metricKinds.map((kind) => word(point[kind]))]),
    };
  }
}

/** What OSC 9;4 says counts where the rows say nothing of how far it is. */
function withOsc(reading: Reading | undefined, { progress }: TerminalState): Reading | undefined {
  // 1 is progress as usual, 2 the same in an error, 4 the same while it pauses
  if (progress === undefined || ![1, 2, 4].includes(progress.state)) return reading;
  const fraction = Math.min(100, Math.max(0, progress.percent)) / 100;
  if (reading !== undefined) return reading.fraction === null ? { ...reading, fraction } : reading;
  return { unit: "%", done: Math.round(fraction * 100), total: 100, fraction, rate: null, left: null, marks: [], now: {} };
}
