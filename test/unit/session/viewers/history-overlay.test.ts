// A history that was left leaves nothing behind, however long its viewer stays.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import v8 from "node:v8";
import vm from "node:vm";
import { defaultKeymap } from "../../../../src/base/keymap.ts";
import type { Session } from "../../../../src/session/life/session.ts";
import type { Archive } from "../../../../src/session/output/archive.ts";
import { openHistory } from "../../../../src/session/viewers/history-overlay.ts";
import type { ViewerInput } from "../../../../src/session/viewers/viewer-input.ts";

test("what it has loaded is let go of when it is left, and not when the viewer is", async () => {
  v8.setFlagsFromString("--expose-gc");
  const collect = vm.runInNewContext("gc") as () => void;
  let listeners = 0;
  const session = {
    id: "id",
    live: true,
    row: { name: "run" },
    trainer: { display: { drawn: false } },
    onMore: () => {
      listeners++;
      return () => listeners--;
    },
    openLog: () => assert.fail("it was removed"),
  } as unknown as Session;
  const archive = { store: { progress: () => undefined } } as unknown as Archive;
  const input = { cols: 80, rows: 24, draw: () => {}, over: new Promise(() => {}) } as unknown as ViewerInput;
  /** What nothing but the history holds. */
  const opened = () => {
    const bindings = [...defaultKeymap.history];
    const overlay = openHistory(archive, session, input, bindings);
    assert.ok(overlay.feed(Buffer.from("q")));
    overlay.close();
    return new WeakRef(bindings);
  };
  const left = opened();
  assert.equal(listeners, 0);
  await turn();
  collect();
  assert.equal(left.deref(), undefined);
});
