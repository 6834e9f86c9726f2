// Where a size begins in the output: what was drawn for the old one stands before it, also where the program
// writes without a pause.
import assert from "node:assert/strict";
import { test } from "node:test";
import { program } from "../../../support/compile.ts";
import { until } from "../../../support/events.ts";
import { Held } from "../../../support/holder/held.ts";

test("200 resizes of a program that writes all the time: nothing that it wrote for the old size comes behind the new one", async () => {
  const held = await Held.launch([program("sizes")]);
  try {
    // what follows the size that was told last: the holder tells it before the output that is drawn for it
    const enough = 100;
    let told: (typeof held.heard.sizes)[number] | undefined;
    let drawn = Buffer.alloc(0);
    held.heard.keepsBytes = false;
    held.heard.onData = (offset, bytes) => {
      const size = held.heard.sizes.at(-1);
      if (size !== told) [told, drawn] = [size, Buffer.alloc(0)];
      if (told === undefined || drawn.length >= enough) return;
      drawn = Buffer.concat([drawn, bytes.subarray(Math.max(0, told.offset - offset))]);
    };
    // the stream begins with the size that holds there, which is no answer to a resize
    await until(() => held.heard.sizes.length > 0, "the size at the stream's beginning");
    for (let i = 0; i < 200; i++) {
      const rows = i % 2 === 0 ? 40 : 20;
      const before = held.heard.sizes.length;
      held.link.resize(100, rows);
      await until(() => held.heard.sizes.length > before, "the holder to tell where the size begins");
      const size = held.heard.sizes.at(-1);
      assert.ok(size?.rows === rows);
      await until(() => told === size && drawn.length >= enough, "output of the new size");
      // the first may have been on its way: asked before the resize, written behind it
      const heights = drawn.subarray(0, enough).toString("latin1").split(";").slice(1, -1);
      assert.ok(heights.length > 20);
      assert.deepEqual(new Set(heights), new Set([String(rows)]), `resize ${i}: ${heights}`);
    }
  } finally {
    await held.dispose();
  }
});

test("a terminal that is set not to wait gets its size as well", async () => {
  const held = await Held.shell(
    `perl -e 'use Fcntl; fcntl(STDOUT, F_SETFL, O_NONBLOCK|O_RDWR); $|=1; $SIG{WINCH}=sub{print "got it\\n"}; print "ready\\n"; sleep 1 while 1'`,
  );
  try {
    await held.heard.until("ready");
    held.link.resize(90, 30);
    await held.heard.until("got it");
  } finally {
    await held.dispose();
  }
});
