// Time of a cold start with what an earlier server has compiled, and beside it without: what the code cache
// (src/base/kept-code.ts) is worth with this Node.
import fs from "node:fs";
import path from "node:path";
import { until } from "../../support/events.ts";
import type { Bench, Measure } from "../bench.ts";
import { usual, visibleTokens } from "../drivers.ts";
import type { Goal } from "../figures.ts";
import { makeSide } from "../sides.ts";

/** What the first screen may take with a warm cache, on two idle cores with Node 24 (ms). */
const coldGoal = 200;
/** Of code when all is written: three files of the server, two of its helper, three of the thread. */
const enough = 8;

/** Of a new home, in which `before` puts what it likes: ms until the program's whole first screen. */
async function coldStart(
  bench: Bench,
  env: Record<string, string>,
  before: (home: string) => void,
  after: (home: string) => Promise<void>,
): Promise<number> {
  const side = makeSide("falcon", bench.drivers);
  try {
    const command = side.fresh([bench.drivers.program("screenful"), "0", `${usual.rows}`]);
    const home = command.env.FALCON_SESSIONS_HOME as string;
    before(home);
    const tokens = visibleTokens(bench.drivers, 0, usual.rows);
    const viewer = bench.drivers.view({ ...command, env: { ...command.env, ...env } }, { tokens, leave: true });
    const [start, complete] = [await viewer.time("start"), await viewer.time("complete")];
    await viewer.said("end");
    await after(home);
    return (complete - start) / 1e6;
  } finally {
    await side.end();
  }
}

export const codeCache: Measure = {
  name: "code-cache",
  title: "cold start with and without what an earlier server compiled",
  async run(bench) {
    if (!bench.sides.includes("falcon")) return [];
    const kept = path.join(bench.drivers.folder, "code-cache");
    const inHome = (home: string) => path.join(home, "code-cache");
    const files = (folder: string) =>
      (fs.existsSync(folder) ? fs.readdirSync(folder) : []).filter((name) => /\.cjs-.*\.[a-z]+(-program)?$/.test(name));
    const first = await coldStart(
      bench,
      {},
      () => {},
      async (home) => {
        await until(() => files(inHome(home)).length >= enough, "compiled code");
        fs.cpSync(inHome(home), kept, { recursive: true });
      },
    );
    const times: Record<"with" | "without", number[]> = { with: [], without: [] };
    const nothing = async () => {};
    for (let round = 0; round < bench.rounds; round++) {
      const put = (home: string) => {
        if (fs.existsSync(kept)) fs.cpSync(kept, inHome(home), { recursive: true });
      };
      times.with.push(await coldStart(bench, {}, put, nothing));
      times.without.push(await coldStart(bench, { NODE_DISABLE_COMPILE_CACHE: "1" }, () => {}, nothing));
    }
    const figure = (what: string, samples: number[], goals: Goal[] = []) => ({
      measure: `cold start to first screen, ${what}`,
      unit: "ms" as const,
      samples: { falcon: samples },
      goals,
    });
    return [
      figure("the first of a home", [first]),
      figure("with what an earlier server compiled", times.with, [{ atMost: coldGoal }]),
      figure("without code cache", times.without),
    ];
  },
};
