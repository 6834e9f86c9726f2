// A thousand sessions: how long the list takes, and how long a new server needs to have them all after a
// crash.

import { until, untilGone } from "../../support/events.ts";
import { amount, type Measure } from "../bench.ts";
import { memory, settled } from "../facts.ts";
import type { Figure } from "../figures.ts";
import { makeSide, run, type Side } from "../sides.ts";

/** Sessions that are started at a time. */
const abreast = 4;

async function startMany(side: Side, count: number): Promise<number> {
  const began = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: abreast }, async () => {
      while (next++ < count) await side.create(["/bin/sleep", "100000"], { name: `m${next}` });
    }),
  );
  return performance.now() - began;
}

export const many: Measure = {
  name: "many",
  title: "a thousand sessions",
  async run(bench) {
    const count = amount(bench, 1000, 50, 6);
    const start: Figure = { measure: `start of each of ${count} sessions`, unit: "ms", samples: {} };
    const list: Figure = { measure: `list of ${count} sessions`, unit: "ms", samples: {}, goals: [{ atMost: 100 }] };
    const json: Figure = { measure: `list of ${count} sessions, --json`, unit: "ms", samples: {}, goals: [{ atMost: 100 }] };
    const adopted: Figure = {
      measure: `kill -9 of the server until all ${count} are listed as running`,
      unit: "ms",
      samples: {},
      goals: [{ atMost: 2000 }],
    };
    const each: Figure = { measure: `server and holder for each of ${count} sessions, proportional`, unit: "MB", samples: {} };
    for (const name of ["falcon", "tmux"] as const) {
      if (!bench.sides.includes(name)) continue;
      const side = makeSide(name, bench.drivers);
      try {
        bench.log(`${name}: starting ${count}`);
        start.samples[name] = [(await startMany(side, count)) / count];
        await settled(() => side.resident().server, name);
        const command = side.list();
        if (command === undefined) continue;
        const { server, holders } = side.resident();
        each.samples[name] = [memory([...server, ...holders]).pss / 1024 / count];
        list.samples[name] = (await bench.drivers.commandTimes(command, 5 * bench.rounds)).times.map((time) => time / 1e6);
        if (name !== "falcon") continue;
        const asJson = { argv: [...command.argv, "--json"], env: command.env };
        json.samples[name] = (await bench.drivers.commandTimes(asJson, 5 * bench.rounds)).times.map((time) => time / 1e6);
        adopted.samples[name] = [];
        for (let round = 0; round < bench.rounds; round++) {
          const [pid] = side.resident().server;
          if (pid === undefined) throw new Error("no server to kill");
          const began = performance.now();
          process.kill(pid, "SIGKILL");
          await untilGone(pid);
          // The first answer may come before all are adopted: asked until it is whole.
          await until(async () => running(await run(asJson)) === count, `${count} adopted sessions`, 60_000);
          adopted.samples[name].push(performance.now() - began);
        }
      } finally {
        await side.end();
      }
    }
    return [start, list, json, adopted, each];
  },
};

function running(text: string): number {
  const answer: unknown = JSON.parse(text);
  const rows = (Array.isArray(answer) ? answer : (answer as { sessions: unknown[] }).sessions) as { state: string }[];
  return rows.filter(({ state }) => state === "running").length;
}
