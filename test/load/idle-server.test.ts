// A server that has nothing to do costs nothing.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { cpuMs } from "../bench/facts.ts";
import { until } from "../support/events.ts";
import { TestHome } from "../support/home.ts";
import { notBuilt } from "../support/paths.ts";

before(() => assert.deepEqual(notBuilt(), [], "npm run build comes first"));

test("an idle server with ten idle sessions uses no CPU", async () => {
  const home = new TestHome();
  try {
    for (let i = 0; i < 10; i++) await home.start(["/bin/sleep", "1000"]);
    const own = () =>
      home
        .processes()
        .filter(({ argv }) => argv[0] !== "/bin/sleep")
        .map(({ pid }) => pid);
    // the client that started the last one may be on its way out
    await until(() => own().length === 11, "a server and ten holders");
    const pids = own();
    // What was started works a little longer: threads end, screens are packed up, V8 collects for some 15
    // seconds. Afterwards ten seconds take under a tick (10 ms) of all together; ticks themselves would be
    // crossed by the 0.7 ms of a look around every half minute.
    const spans: number[] = [];
    assert.ok(cpuMs(pids) > 0, "the kernel counts the time that processes run");
    while (spans.length < 6 && !((spans.at(-1) as number) < 10)) {
      const before = cpuMs(pids);
      await pause(10_000); // the measure itself: CPU over ten seconds
      spans.push(cpuMs(pids) - before);
    }
    assert.deepEqual(own(), pids, "all of them are still there");
    assert.ok((spans.at(-1) as number) < 10, `ms of CPU in ten seconds each: ${spans.map((ms) => ms.toFixed(2)).join(", ")}`);
  } finally {
    await home.dispose();
  }
});
