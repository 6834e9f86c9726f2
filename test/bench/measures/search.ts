// Searching a million lines of ended sessions: the time of the whole command, and the server's memory with
// them and after it.
import fs from "node:fs";
import path from "node:path";
import { until } from "../../support/events.ts";
import { amount, type Measure } from "../bench.ts";
import { memory, settled } from "../facts.ts";
import type { Figure } from "../figures.ts";
import { makeSide, run } from "../sides.ts";

/** Lines of training, as alike and as different as those of a run; every fifty-thousandth has a nan. */
const script = `BEGIN { for (i = 0; i < n; i++) printf "2026-11-24T%02d:%02d:%02d [INFO] Epoch %d/300 | loss=%s lr=0.%05d sims=%d worker-%d\\n", i/3600%24, i/60%60, i%60, i/100, (i % 50021 == 7 ? "nan" : -2.9 + (i*7919%9973)/1e4), i%97, i*64, i%13 }`;
const sessions = 5;

export const search: Measure = {
  name: "search",
  title: "search over a million lines",
  async run(bench) {
    if (!bench.sides.includes("falcon")) return [];
    const lines = amount(bench, 1_000_000, 300_000, 100_000);
    const side = makeSide("falcon", bench.drivers);
    try {
      const ids: string[] = [];
      for (let i = 0; i < sessions; i++)
        ids.push((await side.create(["/usr/bin/awk", "-v", `n=${lines / sessions}`, script])).name);
      const { argv, env } = side.list() as { argv: string[]; env: Record<string, string> };
      const log = path.join(env.FALCON_SESSIONS_HOME as string, "server.log");
      const began = performance.now();
      await until(
        () => (fs.readFileSync(log, "utf8").match(/retention\.settled/g) ?? []).length >= sessions,
        "the lines of all sessions to be stored",
        600_000,
      );
      bench.log(
        `${lines} lines were stored and indexed in ${((performance.now() - began) / 1000).toFixed(0)} s, beside everything else`,
      );
      const server = () => side.resident().server;
      await settled(server, "the server");
      const before = memory(server()).rss / 1024;
      const figure = (measure: string, samples: number[], goal?: number): Figure => ({
        measure,
        unit: "ms",
        samples: { falcon: samples },
        goals: goal === undefined ? [] : [{ atMost: goal }],
      });
      const timed = async (args: string[], wanted: (found: string) => boolean) => {
        const samples: number[] = [];
        for (let round = 0; round < bench.rounds + 1; round++) {
          const start = performance.now();
          const found = await run({ argv: [argv[0] as string, "logs", ...args], env });
          const took = performance.now() - start;
          if (!wanted(found)) throw new Error(`falcon logs ${args.join(" ")} found ${found.slice(0, 200)}`);
          // the first one starts a thread; it is measured as a figure of its own below
          if (round > 0) samples.push(took);
        }
        return samples;
      };
      const nans = Math.floor((lines / sessions - 8) / 50_021 + 1) * sessions;
      const counts = (n: number) => (found: string) => (n === 0 ? found === "" : found.split("\n").length === n);
      const of = `${lines} lines`;
      const figures = [
        figure(`logs --all --grep nan, ${of}`, await timed(["--all", "--grep", "nan"], counts(nans)), 50),
        figure(
          `logs --all --grep 'loss=nan lr=0\\.0+7', ${of}`,
          await timed(["--all", "--grep", "loss=nan lr=0\\.0+7 "], () => true),
          50,
        ),
        figure(`logs --all --grep Traceback (nowhere), ${of}`, await timed(["--all", "--grep", "Traceback"], counts(0)), 50),
        figure(`logs --all --grep 'n[ao]n' (no index possible), ${of}`, await timed(["--all", "--grep", "n[ao]n"], counts(nans))),
        figure(`logs -n 100 of ${lines / sessions} lines`, await timed([ids[0] as string, "-n", "100"], counts(100))),
        figure(`logs (all) of ${lines / sessions} lines`, await timed([ids[0] as string], counts(lines / sessions))),
      ];
      await settled(server, "the server");
      const database = ["", "-wal"].reduce((sum, suffix) => {
        const file = path.join(env.FALCON_SESSIONS_HOME as string, `state.db${suffix}`);
        return sum + (fs.existsSync(file) ? fs.statSync(file).size : 0);
      }, 0);
      figures.push(
        { measure: `lines and index of ${of}, on disk`, unit: "MB", samples: { falcon: [database / 1e6] } },
        {
          measure: `server, ${of} in ${sessions} ended sessions, resident`,
          unit: "MB",
          samples: { falcon: [before] },
          goals: [{ atMost: 150 }],
        },
        { measure: "server after all these searches, resident", unit: "MB", samples: { falcon: [memory(server()).rss / 1024] } },
      );
      return figures;
    } finally {
      await side.end();
    }
  },
};
