// What stays while nobody looks: memory with many lines of history, CPU of idle and of drawing sessions.
import { setTimeout as pause } from "node:timers/promises";
import { amount, type Bench, figure, inTurns, type Measure } from "../bench.ts";
import { usual } from "../drivers.ts";
import { memory, settled, ticks } from "../facts.ts";
import type { Side } from "../sides.ts";

/**
 * Rest (ms) after which nothing of a start is left: of ours, lines are stored after a second, and V8 collects
 * for some 15.
 */
const afterStart = 12_000;

function residents(side: Side): number[] {
  const { server, holders } = side.resident();
  return [...server, ...holders];
}

function linesOf(bench: Bench): number {
  return amount(bench, 10_000, 1000, 200);
}

async function memoryOf(bench: Bench, side: Side): Promise<Record<string, number>> {
  const lines = linesOf(bench);
  const start = async (count: number) => {
    const sessions = [];
    for (let i = 0; i < count; i++)
      sessions.push(await side.create([bench.drivers.program("screenful"), `${lines}`, `${usual.rows}`]));
    await settled(() => residents(side), side.name, 60_000, amount(bench, afterStart, afterStart, 500));
    return sessions;
  };
  const count = amount(bench, 10, 10, 2);
  const sessions = await start(count);
  const ten = {
    server: memory(side.resident().server),
    all: memory(residents(side)),
    holders: memory(side.resident().holders),
    count: side.resident().holders.length,
  };
  sessions.push(...(await start(count)));
  const twenty = memory(residents(side));
  const viewer = bench.drivers.view((sessions[0] as (typeof sessions)[0]).attach);
  await viewer.time("first");
  const client = memory([await viewer.commandPid()]);
  await viewer.leave();
  for (const session of sessions) await session.end();
  const taken: Record<string, number> = {
    server: ten.server.rss / 1024,
    serverPss: ten.server.pss / 1024,
    all: ten.all.pss / 1024,
    further: (twenty.pss - ten.all.pss) / count / 1024,
    client: client.pss / 1024,
  };
  if (ten.count > 0) taken.holder = ten.holders.pss / ten.count / 1024;
  return taken;
}

export const resident: Measure = {
  name: "memory",
  title: "memory with sessions of 10,000 lines",
  async run(bench) {
    const taken = await inTurns(bench, ["falcon", "tmux", "screen"], (side) => memoryOf(bench, side), 1);
    const what = `${amount(bench, 10, 10, 2)} sessions of ${linesOf(bench)} lines`;
    return [
      figure(`server, ${what}, resident`, "MB", taken, "server", [{ atMost: 150 }]),
      figure(`server, ${what}, proportional`, "MB", taken, "serverPss"),
      figure(`server and holders, ${what}, proportional`, "MB", taken, "all"),
      figure(`each further session of ${linesOf(bench)} lines, holder included`, "MB", taken, "further", [{ atMost: 4 }]),
      figure("a holder, proportional", "MB", taken, "holder"),
      figure("a client, attached, proportional", "MB", taken, "client"),
    ];
  },
};

export const cpu: Measure = {
  name: "cpu",
  title: "CPU of ten idle and ten drawing sessions",
  async run(bench) {
    const seconds = amount(bench, 10, 3, 1);
    const used = async (side: Side, argv: string[], idle: boolean) => {
      const sessions = [];
      for (let i = 0; i < amount(bench, 10, 10, 2); i++) sessions.push(await side.create(argv));
      if (idle) await settled(() => residents(side), side.name, 60_000, amount(bench, afterStart, afterStart, 500));
      else await pause(2000); // their first screens
      const pids = residents(side);
      const before = ticks(pids);
      await pause(seconds * 1000);
      const sum = ticks(pids) - before;
      for (const session of sessions) await session.end();
      return sum;
    };
    const taken = await inTurns(
      bench,
      ["falcon", "tmux", "screen", "dtach"],
      async (side) => ({
        idle: await used(side, ["/bin/sleep", "100000"], true),
        footers: ((await used(side, [bench.drivers.program("footer"), "2", "20", "2"], false)) * 10) / seconds,
      }),
      1,
    );
    return [
      figure(`server and holders of ten idle sessions, in ${seconds} s`, "ticks", taken, "idle", [{ atMost: 0 }]),
      figure("server and holders of ten footer-drawing sessions, CPU per second", "ms/s", taken, "footers"),
    ];
  },
};
