// What it costs to know what runs use: ten runs of twenty processes each that never rest, looked at each five
// seconds.
import { execFile } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { program } from "../../support/compile.ts";
import { falcon } from "../../support/paths.ts";
import { amount, figure, type Measure } from "../bench.ts";
import type { Command } from "../drivers.ts";
import { cpuMs } from "../facts.ts";
import { makeSide } from "../sides.ts";

/**
 * Eighteen processes beside the shell and its child, which moves: what rests would be looked at each minute
 * only.
 */
const run = `${program("uses")} 1 1 17 0 100000 0 - & while :; do sleep 0.1; done`;

export const usage: Measure = {
  name: "usage",
  title: "CPU of knowing what ten runs of twenty processes use",
  async run(bench) {
    const runs = amount(bench, 10, 10, 2);
    const seconds = amount(bench, 60, 30, 6);
    const side = makeSide("falcon", bench.drivers);
    const { env } = side.list() as Command;
    try {
      for (let i = 0; i < runs; i++) await promisify(execFile)(falcon, ["run", "-d", "--", "/bin/sh", "-c", run], { env });
      const [server = 0] = side.resident().server;
      // the first samples, and what V8 compiles of them
      await pause(amount(bench, 40_000, 20_000, 0));
      const before = cpuMs([server]);
      await pause(seconds * 1000);
      const spent = (cpuMs([server]) - before) / seconds;
      return [
        figure(
          "server while ten runs of 20 processes are measured each 5 s (3 ms/s: 0.3 % of a core)",
          "ms/s",
          { falcon: { used: [spent] } },
          "used",
          [{ atMost: 3 }],
        ),
      ];
    } finally {
      await side.end();
    }
  },
};
