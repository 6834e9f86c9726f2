// Time from starting the attach command until the whole first screen is there, and from nothing at all to a
// first screen.

import type { Bench } from "../bench.ts";
import { amount, figure, inTurns, type Measure } from "../bench.ts";
import { usual, visibleTokens } from "../drivers.ts";
import { settled } from "../facts.ts";
import type { Figure } from "../figures.ts";
import { type Side, sideNames } from "../sides.ts";

/** Attaches that are timed in a round. */
const attaches = 10;
const fewAttaches = 2; // --smoke

async function attachTimes(bench: Bench, side: Side, history: number): Promise<Record<string, number[]>> {
  const tokens = visibleTokens(bench.drivers, history, usual.rows);
  const session = await side.create([bench.drivers.program("screenful"), `${history}`, `${usual.rows}`]);
  await settled(() => [...side.resident().server, ...side.resident().holders], side.name);
  const times: number[] = [];
  const firsts: number[] = [];
  for (let i = 0; i < amount(bench, attaches, attaches, fewAttaches); i++) {
    const viewer = bench.drivers.view(session.attach, { tokens, leave: true });
    const [start, first, complete] = [await viewer.time("start"), await viewer.time("first"), await viewer.time("complete")];
    await viewer.said("end");
    times.push((complete - start) / 1e6);
    firsts.push((first - start) / 1e6);
  }
  await session.end();
  return { times, firsts };
}

export const attach: Measure = {
  name: "attach",
  title: "attach to complete first screen",
  async run(bench) {
    const figures: Figure[] = [];
    for (const history of [0, amount(bench, 10_000, 1000, 200)]) {
      const lines = history === 0 ? "no history" : `${history} lines of history`;
      bench.log(lines);
      const taken = await inTurns(bench, ["falcon", "tmux", "screen"], (side) => attachTimes(bench, side, history));
      const goals = history === 0 ? [] : [{ over: "tmux" as const, atMost: 1 }];
      figures.push(figure(`attach to complete first screen, ${lines}`, "ms", taken, "times", goals));
      figures.push(figure(`attach to first byte, ${lines}`, "ms", taken, "firsts"));
    }
    return figures;
  },
};

export const cold: Measure = {
  name: "cold",
  title: "cold start (no server) to the program's first screen",
  async run(bench) {
    const tokens = visibleTokens(bench.drivers, 0, usual.rows);
    const samples: Record<string, number[]> = {};
    for (let round = 0; round < bench.rounds; round++) {
      // A new side each time: nothing of it runs before.
      const taken = await inTurns(
        bench,
        sideNames,
        async (side) => {
          const viewer = bench.drivers.view(side.fresh([bench.drivers.program("screenful"), "0", `${usual.rows}`]), {
            tokens,
            leave: true,
          });
          const [start, complete] = [await viewer.time("start"), await viewer.time("complete")];
          await viewer.said("end");
          return { time: (complete - start) / 1e6 };
        },
        1,
      );
      for (const [side, kept] of Object.entries(taken)) samples[side] = [...(samples[side] ?? []), ...(kept.time ?? [])];
    }
    return [{ measure: "cold start to first screen", unit: "ms", samples, goals: [] }];
  },
};
