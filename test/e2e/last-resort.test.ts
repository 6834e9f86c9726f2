// The product with a version of xterm.js whose internals have moved: attaching works all the same, and server
// status says that it is less exact.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { TestHome } from "../support/home.ts";
import { moveInternals } from "../support/moved-internals.ts";
import { addon, falcon, holder, notBuilt, root, trainer } from "../support/paths.ts";

before(() => assert.deepEqual(notBuilt([falcon, trainer]), [], "npm run build comes first"));

/** The built program once more, with such a worker. */
function installation(folder: string): string {
  const native = path.join(folder, "native/build/Release");
  fs.mkdirSync(native, { recursive: true });
  for (const file of [falcon, holder, addon]) fs.copyFileSync(file, path.join(native, path.basename(file)));
  fs.cpSync(path.join(root, "dist"), path.join(folder, "dist"), { recursive: true });
  fs.copyFileSync(path.join(root, "package.json"), path.join(folder, "package.json"));
  for (const name of ["node_modules", "older-node"]) fs.symlinkSync(path.join(root, name), path.join(folder, name));
  const worker = path.join(folder, "dist/screen-worker.cjs");
  fs.writeFileSync(worker, moveInternals(fs.readFileSync(worker, "utf8")));
  return path.join(native, "falcon");
}

describe("screens of last resort", () => {
  const home = new TestHome();
  const folder = fs.mkdtempSync("/tmp/fs-");
  const file = installation(folder);
  after(async () => {
    await home.dispose();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  test("the trainer: display, scroll region, modes and keys, at the same size and at another", async () => {
    const settings = ["epochs=500", "rate=4", "samples=256", "log_rate=20"];
    const first = home.terminal(["launch", "--falcon", trainer, "-o", "run", ...settings], { file, cols: 100, rows: 36 });
    await first.waitFor("[j/k] switch node");
    first.key("C-\\");
    await first.waitForExit();
    for (const [cols, rows] of [
      [100, 36],
      [90, 44],
    ] as const) {
      const terminal = home.terminal(["attach", "run"], { file, cols, rows });
      await terminal.waitFor(
        () => terminal.lines().at(-1)?.includes("[j/k] switch node") === true,
        `the footer at ${cols}x${rows}`,
      );
      assert.equal(terminal.alternate, true);
      assert.equal(terminal.cursor().visible, false);
      // the log scrolls above the footer, which stays where it is
      const newest = () =>
        Math.max(0, ...terminal.lines().flatMap((line) => Number(/\[INFO\] line (\d+)$/.exec(line)?.[1] ?? 0)));
      await terminal.waitFor(() => newest() > 0, "the log");
      const goal = newest() + rows;
      await terminal.waitFor(() => newest() >= goal, "the log to scroll");
      await terminal.waitFor(() => terminal.lines().at(-1)?.includes("[j/k] switch node") === true, "the footer");
      terminal.key("C-\\");
      await terminal.waitForExit();
      assert.equal(terminal.alternate, false);
      assert.equal(terminal.cursor().visible, true);
      assert.equal(terminal.modes.bracketedPasteMode, false);
    }
  });

  test("a plain program: its text, its history, what is typed; to viewers of two sizes", async () => {
    const script = 'i=0; while [ $i -lt 60 ]; do echo "line $i"; i=$((i+1)); done; while read -r word; do echo "got $word"; done';
    const id = await home.start(["sh", "-c", script], ["--name", "plain", "--size", "80x20"], { file });
    const same = home.terminal(["attach", id], { file, cols: 80, rows: 20 });
    await same.waitFor("line 59");
    await same.waitFor(() => same.history().includes("line 3"), "the history");
    const smaller = home.terminal(["attach", "--read-only", id], { file, cols: 40, rows: 10 });
    await smaller.waitFor("line 59");
    same.type("hello\r");
    await same.waitFor("got hello");
    await smaller.waitFor("got hello");
    for (const terminal of [same, smaller]) {
      terminal.key("C-\\");
      await terminal.waitForExit();
    }
  });

  test("server status and one line of the log say so", async () => {
    const status = await home.ok(["server", "status"], { file });
    assert.match(status, /screens are those of last resort, less exact/);
    assert.equal(home.serverLog().match(/screens\.internals-moved/g)?.length, 1);
  });
});
