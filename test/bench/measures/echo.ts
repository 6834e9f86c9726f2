// Time of a key from the viewer's terminal to the program and back: alone, under floods, with more viewers;
// and of Ctrl+C under a flood.
import { amount, type Bench, figure, inTurns, type Measure } from "../bench.ts";
import { Flood, type Viewer } from "../drivers.ts";
import { type Figure, median, quantile } from "../figures.ts";
import type { Session, Side } from "../sides.ts";

type Condition = "idle" | "itself" | "another" | "viewers";

const titles: Record<Condition, string> = {
  idle: "idle",
  itself: "the same session floods",
  another: "another session floods",
  viewers: "4 viewers",
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
    const p99: Partial<Record<Condition, Figure>> = {};
    for (const condition of Object.keys(titles) as Condition[]) {
      bench.log(titles[condition]);
      const names =
        condition === "viewers"
          ? (["falcon", "tmux", "screen", "dtach"] as const)
          : (["bare", "falcon", "tmux", "screen", "dtach"] as const);
      const taken = await inTurns(bench, [...names], (side) => echoTimes(bench, side, condition));
      figures.push(
        figure(
          `echo median, ${titles[condition]}`,
          "µs",
          taken,
          "p50",
          condition === "idle" ? [{ over: "tmux", atMost: 1.1 }] : [],
        ),
      );
      const high = figure(`echo p99, ${titles[condition]}`, "µs", taken, "p99");
      p99[condition] = high;
      figures.push(high);
      const lost = Object.entries(taken).flatMap(([side, kept]) => {
        const sum = (kept.lost ?? []).reduce((a, b) => a + b, 0);
        return sum > 0 ? [`${side} ${sum}`] : [];
      });
      if (lost.length > 0) high.note = `keys that did not show within 2 s: ${lost.join(", ")}`;
    }
    figures.push(flooded(p99.idle, p99.another));
    return figures;
  },
};

/** Each side's p99 under another session's flood against its own when idle. */
function flooded(idle: Figure | undefined, another: Figure | undefined): Figure {
  const samples: Figure["samples"] = {};
  for (const side of Object.keys(another?.samples ?? {}) as (keyof Figure["samples"])[]) {
    const [quiet, busy] = [idle?.samples[side], another?.samples[side]];
    if (quiet?.length && busy?.length) samples[side] = [median(busy) / median(quiet)];
  }
  return { measure: "echo p99 while another session floods / idle p99", unit: "x", samples, goals: [{ atMost: 2 }] };
}

export const interrupt: Measure = {
  name: "interrupt",
  title: "Ctrl+C under a flood until the program has it",
  async run(bench) {
    const taken = await inTurns(bench, ["bare", "falcon", "tmux", "screen", "dtach"], async (side) => {
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
      figure("Ctrl+C under flood, median", "µs", taken, "p50", [{ over: "bare", atMost: 1.5 }]),
      figure("Ctrl+C under flood, p99", "µs", taken, "p99"),
    ];
  },
};
