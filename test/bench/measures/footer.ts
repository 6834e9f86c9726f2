// What a viewer of falcon's display is sent in a second, at the session's size and at another one.
import { setTimeout as pause } from "node:timers/promises";
import { amount, figure, inTurns, type Measure } from "../bench.ts";
import { usual } from "../drivers.ts";
import { sideNames } from "../sides.ts";

export const footer: Measure = {
  name: "footer",
  title: "bytes to a viewer of falcon's display",
  async run(bench) {
    const seconds = amount(bench, 8, 3, 1);
    const taken = await inTurns(
      bench,
      sideNames,
      async (side) => {
        const session = await side.create([bench.drivers.program("footer"), "2", "20", "2"]);
        const same = bench.drivers.view(session.attach);
        await same.time("first");
        const kilobytes = async (viewer: typeof same) => {
          await pause(1000); // what the attach itself sends is not counted
          const before = await viewer.bytes();
          await pause(seconds * 1000);
          const after = await viewer.bytes();
          return (after.bytes - before.bytes) / 1000 / ((after.time - before.time) / 1e9);
        };
        const rates: Record<string, number> = { same: await kilobytes(same) };
        await same.leave();
        if (side.keepsScreen) {
          const other = bench.drivers.view(session.attach, { size: { cols: usual.cols - 20, rows: usual.rows - 10 } });
          await other.time("first");
          rates.other = await kilobytes(other);
          await other.leave();
        }
        await session.end();
        return rates;
      },
      Math.min(bench.rounds, 3),
    );
    return [
      figure("footer display to a viewer of the same size", "KB/s", taken, "same"),
      figure("footer display to a smaller viewer", "KB/s", taken, "other"),
    ];
  },
};
