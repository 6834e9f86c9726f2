// Time of a key from the viewer's terminal to the program and back: alone, under floods, with more viewers;
// and of Ctrl+C under a flood.
import { amount, type Bench, figure, inTurns, type Measure } from "../bench.ts";
import { Flood, type Viewer } from "../drivers.ts";
import { type Figure, type Goal, median, quantile } from "../figures.ts";
import { type Session, type Side, sideNames } from "../sides.ts";

type Condition = "idle" | "itself" | "another" | "viewers";

const conditions: Record<Condition, { title: string; median?: Goal; high?: Goal }> = {
  idle: { title: "idle", median: { over: "tmux", atMost: 1 }, high: { over: "tmux", atMost: 1.5 } },
  // µs: what a person does not notice
  itself: { title: "the same session floods", median: { atMost: 50_000 } },
  another: { title: "another session floods", high: { over: "tmux", atMost: 1 } },
  viewers: { title: "4 viewers" },
};

async function echoTimes(bench: Bench, side: Side, condition: Condition): Promise<Record<string, number>> {
  const count = amount(bench, condition === "itself" ? 300 : 1000, 100, 10);
  const program = [bench.drivers.program("echo"), ...(condition === "itself" ? ["--flood"] : [])];
  const session = await side.create(program);
  const others: Session[] = [];
  const viewers: Viewer[] = [];
  try {
    if (condition === "another") {
      const flood = new Flood(bench.drivers, "plain", 0, { forever: true });
      const other = await side.create(flood.argv);
      others.push(other);
      if (side.name === "bare") viewers.push(bench.drivers.view(other.attach));
      await flood.begin();
      await flood.startTime();
    }
    if (condition === "viewers") {
      for (let i = 0; i < 3; i++) viewers.push(bench.drivers.view(session.attach));
      for (const viewer of viewers) await viewer.time("first");
    }
    // dtach shows nothing of what was there before
    const times = await bench.drivers.echoTimes(
      session.attach,
      count,
      2000,
      side.keepsScreen || side.name === "bare" ? "echo waits" : "",
    );
    return {
      p50: median(times) / 1000,
      p99: quantile(times, 0.99) / 1000,
      lost: times.filter((time) => time === Number.POSITIVE_INFINITY).length,
    };
  } finally {
    for (const viewer of viewers) await viewer.leave();
    for (const other of [session, ...others]) await other.end().catch(() => {});
  }
}

export const echo: Measure = {
  name: "echo",
  title: "echo of a key",
  async run(bench) {
    const figures: Figure[] = [];
    for (const [condition, { title, median: usual, high }] of Object.entries(conditions) as [
      Condition,
      (typeof conditions)[Condition],
    ][]) {
      bench.log(title);
      const names = condition === "viewers" ? sideNames.filter((name) => name !== "bare") : sideNames;
      const taken = await inTurns(bench, names, (side) => echoTimes(bench, side, condition));
      figures.push(figure(`echo median, ${title}`, "µs", taken, "p50", usual === undefined ? [] : [usual]));
      const p99 = figure(`echo p99, ${title}`, "µs", taken, "p99", high === undefined ? [] : [high]);
      figures.push(p99);
      const lost = Object.entries(taken).flatMap(([side, kept]) => {
        const sum = (kept.lost ?? []).reduce((a, b) => a + b, 0);
        return sum > 0 ? [`${side} ${sum}`] : [];
      });
      if (lost.length > 0) p99.note = `keys that did not show within 2 s: ${lost.join(", ")}`;
    }
    return figures;
  },
};

export const interrupt: Measure = {
  name: "interrupt",
  title: "Ctrl+C under a flood until the program has it",
  async run(bench) {
    const taken = await inTurns(bench, sideNames, async (side) => {
      const interrupts = bench.drivers.file("interrupts");
      const flood = new Flood(bench.drivers, "plain", 0, { forever: true, interrupts });
      const session = await side.create(flood.argv);
      try {
        const times = await bench.drivers.interruptTimes(session.attach, amount(bench, 50, 10, 3), flood.report, interrupts);
        return { p50: median(times) / 1000, p99: quantile(times, 0.99) / 1000 };
      } finally {
        await session.end().catch(() => {});
      }
    });
    return [
      figure("Ctrl+C under flood, median", "µs", taken, "p50", [
        { over: "bare", atMost: 3 },
        { over: "tmux", atMost: 1 },
        { over: "dtach", atMost: 1 },
      ]),
      figure("Ctrl+C under flood, p99", "µs", taken, "p99"),
    ];
  },
};
