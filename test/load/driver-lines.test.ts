// The promise of the logs: 10,000 driver lines at 500 a second through falcon's display, all there and in
// order, after resizes and killed servers.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { program } from "../support/compile.ts";
import { until } from "../support/events.ts";
import { TestHome } from "../support/home.ts";
import { notBuilt } from "../support/paths.ts";

const lines = 10_000;
const rate = 500;
const resizes = 20;
const kills = 5;
/** The run itself takes 20 s; a busy machine gets three times that. */
const limit = 90_000;

const home = new TestHome();
before(() => assert.deepEqual(notBuilt(), [], "npm run build comes first"));
after(() => home.dispose());

const sizes = [
  { cols: 120, rows: 40 },
  { cols: 80, rows: 24 },
  { cols: 100, rows: 60 },
  { cols: 60, rows: 18 },
  { cols: 140, rows: 30 },
];

test(`${lines} driver lines at ${rate} a second, ${resizes} resizes, ${kills} server kills`, { timeout: 2 * limit }, async () => {
  const id = await home.start([program("footer"), String(rate), "12"], ["--name", "driver"]);
  const terminal = home.terminal(["attach", id], sizes[0] as { cols: number; rows: number });
  await terminal.waitFor("j/k: node");
  // the line that the viewer saw last tells how far the run is: an event at each thousandth part, no clock
  let seen = 0;
  const reached = (wanted: number) =>
    terminal.waitFor(
      () => {
        // to the row's end: after a resize a line may stand over what is left of an old footer
        const shown = [...terminal.text().matchAll(/\] driver message (\d+)$/gm)].map(([, n]) => Number(n));
        seen = Math.max(seen, ...shown);
        return seen >= wanted;
      },
      `line ${wanted}`,
      limit,
    );
  const killed = new Set<number>();
  for (let step = 1; step <= resizes; step++) {
    await reached((step * lines) / (resizes + 2));
    const size = sizes[step % sizes.length] as { cols: number; rows: number };
    terminal.resize(size.cols, size.rows);
    if (step % (resizes / kills) !== 0) continue;
    const server = await until(() => home.serverPid(), "a server");
    process.kill(server, "SIGKILL");
    killed.add(server);
    await until(() => home.serverPid() !== undefined && home.serverPid() !== server, "the next server");
  }
  assert.equal(killed.size, kills);
  await reached(lines);
  // the signal, not the key: at Ctrl+C the kernel throws away what it holds of a terminal's output at that
  // moment, in every terminal
  await home.ok(["kill", id, "--signal", "INT"]);
  await terminal.waitForExit("the end of the run", limit);
  await home.untilState(id, "exited");
  const said = (await home.ok(["logs", id])).split("\n");
  const summary = said.pop() as string;
  const count = Number(/^display saved after (\d+) lines/.exec(summary)?.[1]);
  assert.ok(count >= lines, summary);
  assert.equal(said.length, count);
  for (const [i, line] of said.entries())
    assert.equal(line, `2026-02-06T08:01:${String(i % 60).padStart(2, "0")} [INFO] driver message ${i}`);
  const found = await home.ok(["logs", id, "--grep", "message 9999$"]);
  assert.match(found, /^\S+ \[INFO\] driver message 9999$/);
});
