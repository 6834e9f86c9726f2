// What a day of falcon's display becomes on disk, and what reading it back costs: generated output through
// the product's own store.
import fs from "node:fs";
import path from "node:path";
import { SessionLines, storeLines } from "../../../src/logs/session-lines.ts";
import { WorkerPool } from "../../../src/logs/worker-pool.ts";
import { punchHole } from "../../../src/platform/native.ts";
import { OutputLog } from "../../../src/store/output-log.ts";
import { migrate } from "../../../src/store/schema.ts";
import { LineStore } from "../../../src/store/search.ts";
import { openDatabase } from "../../../src/store/sqlite.ts";
import { FakeHolder } from "../../support/holder/session-folder.ts";
import { root } from "../../support/paths.ts";
import { amount, type Measure } from "../bench.ts";
import type { Figure, Unit } from "../figures.ts";

const cols = 180;
const rows = 50;
const footerRows = 20;
const start = Date.UTC(2026, 10, 24);
/** The driver speaks now and then; each of its lines redraws the footer as well. */
const driverEvery = 10;

/**
 * One redraw of falcon's footer (interactive.py) in second `s` of a run with two nodes that train an epoch
 * every 5 seconds.
 */
function redraw(s: number): string {
  const epoch = Math.floor(s / 5);
  const clock = (at: number) => new Date(start + at * 1000).toISOString().slice(11, 19);
  const loss = (n: number) => (-2 - Math.log1p(n) / 4 + Math.sin(n * 12.9898) / 50).toFixed(6);
  const content = [
    "─".repeat(cols),
    `\x1b[33m\x1b[1m▸ z\x1b[0m\x1b[0m |   theta  │  training | ${epoch}/30000 | loss: ${loss(epoch)} | sims: ${epoch * 64} | buffer: ${(epoch * 8) % 4096}`,
    `\x1b[90m${"─".repeat(cols)}\x1b[0m`,
  ];
  for (let i = footerRows - 5; i >= 0; i--) {
    const n = Math.max(0, epoch - i);
    content.push(
      `${clock(n * 5)} [INFO] Epoch ${n}/30000 | train_loss=${loss(n)} val_loss=${loss(n + 3)} lr=${(1e-3 * 0.999 ** n).toExponential(3)} n_sims=${n * 64} steps=${n * 17}`,
    );
  }
  content.push("\x1b[90m[j/k] switch node\x1b[0m");
  // falcon draws what is new in that second about ten times: once a second and after each line of a node or
  // the driver
  let out = "\x1b[s";
  for (const [i, line] of content.entries()) out += `\x1b[${rows - footerRows + i + 1};1H\x1b[K${line}`;
  return `${out}\x1b[u`;
}

export const history: Measure = {
  name: "history",
  title: "a day of footer redraws on disk",
  async run(bench) {
    const seconds = amount(bench, 86_400, 14_400, 3_600);
    const scale = 86_400 / seconds;
    // 13 to 16 KB a second (falcon.md): so many redraws of this footer
    const perSecond = Math.round(15_000 / Buffer.byteLength(redraw(1000)));
    const folder = fs.mkdtempSync(path.join(bench.drivers.folder, "day-"));
    const holder = new FakeHolder(path.join(folder, "s"), { time: start, cols, rows });
    const database = openDatabase(path.join(folder, "state.db"));
    database.pragma("journal_mode = WAL");
    database.pragma("synchronous = NORMAL");
    migrate(database);
    const store = new LineStore(database);
    const workers = new WorkerPool(path.join(root, "dist", "log-worker.cjs"));
    const source = { id: "day", display: true, openLog: () => OutputLog.open(holder.folder) };
    try {
      holder.write(`\x1b[?1049h\x1b[?25l\x1b[1;${rows - footerRows}r\x1b[${rows - footerRows};1H`, start);
      const log = source.openLog();
      let compressing = 0;
      let storing = 0;
      const timed = async <T>(work: () => Promise<T>): Promise<[T, number]> => {
        const began = performance.now();
        return [await work(), performance.now() - began];
      };
      let driver = 0;
      for (let s = 0; s < seconds; s++) {
        let out =
          s % driverEvery === 0
            ? `\x1b[${rows - footerRows};1H${new Date(start + s * 1000).toISOString().slice(11, 19)} [INFO] [z] Epoch ${Math.floor(s / 5)} done, message ${driver++}\r\n`
            : "";
        for (let i = 0; i < perSecond; i++) out += redraw(s);
        holder.write(out, start + s * 1000);
        if (s % 1000 !== 999 && s !== seconds - 1) continue;
        const ended = s === seconds - 1;
        compressing += (await timed(() => log.compress({ punchHole, ended })))[1];
        let more = true;
        while (more) {
          const [left, took] = await timed(() => storeLines(source, { store, workers }, 4 << 20, ended));
          more = left;
          storing += took;
        }
      }
      const raw = holder.end;
      const segments = log.diskBytes;
      database.pragma("wal_checkpoint(TRUNCATE)");
      const lines = fs.statSync(path.join(folder, "state.db")).size;
      const times = fs.statSync(path.join(holder.folder, "times")).size;
      const select = { from: 0, to: Number.MAX_SAFE_INTEGER, since: 0, stamp: 0, colours: true, prefix: "" };
      const [last] = await timed(() =>
        new SessionLines(source, { store, workers }).last(10, { ...select, pattern: null }, "end"),
      );
      if (
        !Buffer.from(last.at(-1)?.text ?? [])
          .toString()
          .includes(`message ${driver - 1}`)
      )
        throw new Error("the last line is not the last");
      const samples: Record<"last" | "found" | "range", number[]> = { last: [], found: [], range: [] };
      for (let round = 0; round < bench.rounds; round++) {
        const tools = { store, workers };
        samples.last.push((await timed(() => new SessionLines(source, tools).last(10, { ...select, pattern: null }, "end")))[1]);
        const pattern = { source: `message ${Math.floor(driver / 2)}$`, flags: "" };
        samples.found.push((await timed(() => new SessionLines(source, tools).last(1, { ...select, pattern }, "end")))[1]);
        samples.range.push((await timed(() => log.read(Math.floor((raw * (round + 1)) / (bench.rounds + 2)), 4096)))[1]);
      }
      log.close();
      const figure = (measure: string, unit: Unit, values: number[], goals: Figure["goals"] = []): Figure => ({
        measure,
        unit,
        samples: { falcon: values },
        goals,
      });
      const day = scale === 1 ? "" : ` (${seconds / 3600} h, times ${scale})`;
      return [
        figure(`a day of the display, raw${day}`, "MB", [(raw * scale) / 1e6]),
        figure(`a day of the display on disk, segments${day}`, "MB", [(segments * scale) / 1e6], [{ atMost: 20 }]),
        figure(`a day of the display on disk, times, lines and index${day}`, "MB", [((lines + times) * scale) / 1e6]),
        figure(`compressing a day, CPU and disk${day}`, "ms", [compressing * scale]),
        figure(`reading and storing the lines of a day${day}`, "ms", [storing * scale]),
        figure("its last 10 lines", "ms", samples.last),
        figure("one line found in the middle", "ms", samples.found),
        figure("4 KiB of raw output anywhere", "ms", samples.range),
      ];
    } finally {
      await workers.dispose();
      database.close();
      holder.close();
      fs.rmSync(folder, { recursive: true, force: true });
    }
  },
};
