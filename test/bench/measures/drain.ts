// Time to drain a flood: plain log text, coloured UTF-8 and falcon's footer pattern, with and without a
// viewer that reads.
import { amount, type Bench, figure, inTurns, type Measure } from "../bench.ts";
import { Flood } from "../drivers.ts";
import { cpuMs } from "../facts.ts";
import type { Figure, Goal } from "../figures.ts";
import { type Side, sideNames } from "../sides.ts";

type Kind = "plain" | "colour" | "footer";

const floods: Record<Kind, { title: string; megabytes: number; detached: Goal[]; attached: Goal[] }> = {
  plain: {
    title: "plain log text",
    megabytes: 100,
    detached: [
      { over: "bare", atLeast: 0.9 },
      { over: "tmux", atLeast: 1.5 },
    ],
    attached: [
      { over: "dtach", atLeast: 1.3 },
      { over: "tmux", atLeast: 2 },
    ],
  },
  colour: {
    title: "coloured UTF-8",
    megabytes: 60,
    detached: [
      { over: "bare", atLeast: 0.9 },
      { over: "tmux", atLeast: 4 },
    ],
    attached: [
      { over: "dtach", atLeast: 1.2 },
      { over: "tmux", atLeast: 4 },
    ],
  },
  footer: {
    title: "footer pattern",
    megabytes: 40,
    detached: [{ over: "bare", atLeast: 0.9 }],
    attached: [{ over: "dtach", atLeast: 1.1 }],
  },
};

/**
 * The whole flood from its first write until the terminal had taken the last one (nobody views; bare: a
 * reader that throws away).
 */
async function detached(bench: Bench, side: Side, kind: Kind, bytes: number): Promise<Record<string, number>> {
  const flood = new Flood(bench.drivers, kind, bytes);
  const session = await side.create(flood.argv);
  const reader = side.name === "bare" ? bench.drivers.view(session.attach) : undefined;
  await flood.waits();
  const pids = () => [...side.resident().server, ...side.resident().holders];
  const before = cpuMs(pids());
  await flood.begin();
  const [start, end] = [await flood.startTime(), await flood.endTime()];
  const cpu = cpuMs(pids()) - before;
  // A side that keeps a screen is done when its screen shows the end.
  let shown = end;
  if (side.keepsScreen) {
    const viewer = bench.drivers.view(session.attach, { until: flood.end, leave: true });
    shown = await viewer.time("complete");
    await viewer.said("end");
  }
  await reader?.leave();
  await session.end();
  return { rate: rate(bytes, start, end), current: rate(bytes, start, shown), cpu: (cpu / bytes) * 1e6 };
}

/** The same with a viewer that reads everything: until it has the flood's last line. */
async function attached(bench: Bench, side: Side, kind: Kind, bytes: number): Promise<Record<string, number>> {
  const flood = new Flood(bench.drivers, kind, bytes);
  const session = await side.create(flood.argv);
  const viewer = bench.drivers.view(session.attach, { until: flood.end });
  await viewer.time("first");
  await flood.begin();
  const [start, end, seen] = [await flood.startTime(), await flood.endTime(), await viewer.time("complete")];
  await viewer.leave();
  await session.end();
  return { rate: rate(bytes, start, Math.max(end, seen)) };
}

function rate(bytes: number, start: number, end: number): number {
  return bytes / 1e6 / ((end - start) / 1e9);
}

export const drain: Measure = {
  name: "drain",
  title: "draining a flood",
  async run(bench) {
    const figures: Figure[] = [];
    for (const kind of Object.keys(floods) as Kind[]) {
      const { title, megabytes, ...goals } = floods[kind];
      const bytes = amount(bench, megabytes, 5, 1) * 1e6;
      bench.log(`${title}, detached`);
      const alone = await inTurns(bench, sideNames, (side) => detached(bench, side, kind, bytes));
      figures.push(figure(`drain ${title}, detached`, "MB/s", alone, "rate", goals.detached));
      const current = figure(`drain ${title}, detached, until an attach shows the end`, "MB/s", alone, "current");
      delete current.samples.bare;
      delete current.samples.dtach;
      figures.push(current);
      const cpu = figure(`CPU of server and holder for 1 MB of ${title}, detached`, "ms", alone, "cpu");
      delete cpu.samples.bare;
      figures.push(cpu);
      bench.log(`${title}, attached`);
      const viewed = await inTurns(bench, sideNames, (side) => attached(bench, side, kind, bytes));
      figures.push(figure(`drain ${title}, attached`, "MB/s", viewed, "rate", goals.attached));
    }
    return figures;
  },
};
