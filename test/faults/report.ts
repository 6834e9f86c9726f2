// How the faults are run and told: one line each, what was done, what was lost; the first failure is kept and
// the others still run.

export interface Amounts {
  /** Bounded to a few minutes, for every change; otherwise the counts of docs/design/reliability.md. */
  short: boolean;
  /** Keys that are typed in each direct fault; undefined: as many as belong to its length. */
  keys?: number | undefined;
}

export interface Fault {
  name: string;
  /** Does it and answers what was done and lost, in words. Throws when the promise is broken. */
  run(amounts: Amounts): Promise<string>;
}

/** Runs the faults one after the other; answers how many promises were broken. */
export async function runAll(faults: readonly Fault[], amounts: Amounts): Promise<number> {
  let broken = 0;
  for (const { name, run } of faults) {
    const began = performance.now();
    let told: string;
    let mark = "ok    ";
    try {
      told = await run(amounts);
    } catch (error) {
      broken++;
      mark = "BROKEN";
      told = error instanceof Error ? (error.stack ?? error.message) : String(error);
    }
    process.stdout.write(`${mark} ${name}: ${told} (${((performance.now() - began) / 1000).toFixed(1)} s)\n`);
  }
  return broken;
}

/** Numbers from 0 to 1 that a seed repeats; a run that broke something can be run again with its seed. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** The moment of a fault is random, and nothing is awaited by it. */
export function moment(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
