// What a measure is given: the drivers, the sides that are here, how many rounds; and how it takes its
// samples in turns.
import type { Drivers } from "./drivers.ts";
import type { Figure, Goal, Unit } from "./figures.ts";
import { makeSide, type Side, type SideName } from "./sides.ts";

export interface Bench {
  drivers: Drivers;
  /** Sides that can be measured here. */
  sides: SideName[];
  /** Samples of each side: at least five in a full run. */
  rounds: number;
  load: Load;
  log(line: string): void;
  /** Tells that something could not be measured; the bench fails then. */
  failed(what: string): void;
}

/**
 * How much work the measures do: `full` for figures, `quick` for a look, `smoke` to see that each can be
 * taken.
 */
export type Load = "full" | "quick" | "smoke";

/** The amount for the bench's load. */
export function amount(bench: Bench, full: number, quick: number, smoke: number): number {
  return { full, quick, smoke }[bench.load];
}

export interface Measure {
  /** For --only. */
  name: string;
  /** What it measures, in words. */
  title: string;
  run(bench: Bench): Promise<Figure[]>;
}

/**
 * Takes samples in turns, A B C A B C …, so that a change of the machine's load meets all sides alike. A side
 * that fails is told and
 * left out from then on. Each side is made once for all its rounds and ended afterwards.
 */
export async function inTurns(
  bench: Bench,
  names: SideName[],
  sample: (side: Side, round: number) => Promise<Record<string, number | number[]>>,
  rounds = bench.rounds,
): Promise<Partial<Record<SideName, Record<string, number[]>>>> {
  const samples: Partial<Record<SideName, Record<string, number[]>>> = {};
  const sides = names.filter((name) => bench.sides.includes(name)).map((name) => makeSide(name, bench.drivers));
  const failed = new Set<Side>();
  try {
    for (let round = 0; round < rounds; round++) {
      for (const side of sides) {
        if (failed.has(side)) continue;
        try {
          const taken = await sample(side, round);
          const kept = samples[side.name] ?? {};
          samples[side.name] = kept;
          for (const [key, value] of Object.entries(taken))
            kept[key] = [...(kept[key] ?? []), ...(Array.isArray(value) ? value : [value])];
        } catch (error) {
          failed.add(side);
          bench.failed(`${side.name}: ${error instanceof Error ? error.message : String(error)}`);
        }
      }
    }
  } finally {
    for (const side of sides) await side.end();
  }
  return samples;
}

/** One figure of what inTurns has taken under a key. */
export function figure(
  measure: string,
  unit: Unit,
  taken: Partial<Record<SideName, Record<string, number[]>>>,
  key: string,
  goals: Goal[] = [],
  change: (value: number) => number = (value) => value,
): Figure {
  const samples: Partial<Record<SideName, number[]>> = {};
  for (const [side, kept] of Object.entries(taken) as [SideName, Record<string, number[]>][]) {
    const values = kept[key];
    if (values !== undefined) samples[side] = values.map(change);
  }
  return { measure, unit, samples, goals };
}
