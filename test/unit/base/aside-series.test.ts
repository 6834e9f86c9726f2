// One helper for several pieces of work, one after the other: it may end between two of them.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { AsideSeries } from "../../../src/base/aside/aside-series.ts";
import { until } from "../../support/events.ts";

const helper = `
process.on("message", ({ id }) => process.send({ id, value: process.pid }));
process.on("disconnect", () => process.exit(0));
process.send("ready");
`;

test("a helper that was ended between two pieces of work is told of at once, as what it is", async () => {
  const folder = fs.mkdtempSync("/tmp/fs-");
  const script = path.join(folder, "helper.cjs");
  fs.writeFileSync(script, helper);
  const series = AsideSeries.begin(script, "/home/u/film.cast");
  try {
    const pid = (await series.ask("first", [])) as number;
    process.kill(pid, "SIGKILL");
    // a zombie is there still: its parent has not heard of the end
    await until(() => !isThere(pid), "the helper's end");
    await assert.rejects(series.ask("second", []), /^Failure: what works on \/home\/u\/film\.cast has ended: /);
    await assert.rejects(series.ask("third", []), /has ended/);
  } finally {
    series.end();
    fs.rmSync(folder, { recursive: true, force: true });
  }
});

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
