// Why a session is lost, in words, from given facts; the same with real causes: test/e2e/server/lost.test.ts.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, test } from "node:test";
import { bootId } from "../../../../src/platform/processes.ts";
import { outOfMemory, watchMemory, whyLost } from "../../../../src/session/life/ending.ts";

const base = fs.mkdtempSync("/tmp/fs-");
after(() => fs.rmSync(base, { recursive: true, force: true }));

/** A control group as the kernel shows it: v2 counts in memory.events, v1 in memory.oom_control. */
function group(name: string, kills: number, file = "memory.events"): { folder: string; kills: number } {
  const folder = path.join(base, name);
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, file), `low 0\nhigh 0\nmax 3\noom 1\noom_kill ${kills}\noom_group_kill 0\n`);
  return { folder, kills };
}

const row = { boot: "now", started: 1, facts: {} as Record<string, unknown> };

test("the machine's boot id is another one", () => {
  assert.equal(whyLost({ ...row, boot: "earlier" }, "now", "the holder was ended by SIGKILL"), "the machine was restarted");
  assert.doesNotMatch(whyLost({ ...row, boot: bootId() }, bootId(), ""), /restarted/);
});

test("nothing was started yet", () => {
  assert.match(whyLost({ ...row, started: null }, "now", ""), /before the program was started/);
});

for (const file of ["memory.events", "memory.oom_control"]) {
  test(`the oom_kill counter of ${file} has grown, or has not`, () => {
    const memory = group(file, 4, file);
    const lost = { ...row, facts: { memory } };
    assert.match(whyLost(lost, "now", ""), /without an exit record/);
    group(file, 5, file);
    for (const holder of ["", "the connection was closed", "the holder was ended by SIGKILL"])
      assert.match(whyLost(lost, "now", holder), /^the kernel ended processes of its group for want of memory/);
    // want of memory is no cause of another signal than SIGKILL
    assert.equal(
      whyLost(lost, "now", "the holder was ended by SIGTERM"),
      "its holder was ended by SIGTERM, and the program with it",
    );
  });
}

test("a group that is gone with its last process is answered for by the next one above", () => {
  const above = [group("app.slice", 7), group("user.slice", 9)];
  const watch = { ...group("app.slice/session.scope", 0), above };
  assert.ok(!outOfMemory(watch));
  // a group that still counts is the one that counts
  group("app.slice", 8);
  assert.ok(!outOfMemory(watch));
  fs.rmSync(watch.folder, { recursive: true });
  assert.ok(outOfMemory(watch));
  fs.rmSync(path.join(base, "app.slice"), { recursive: true });
  assert.ok(!outOfMemory(watch), "what is further above has counted nothing");
  fs.rmSync(path.join(base, "user.slice"), { recursive: true });
  assert.ok(!outOfMemory(watch), "nobody counts any more");
});

test("a signal of the holder's is named; without any fact, what it may have been is said", () => {
  assert.equal(
    whyLost(row, "now", "the holder was ended by SIGKILL"),
    "its holder was ended by SIGKILL, and the program with it",
  );
  assert.match(whyLost(row, "now", ""), /gone without an exit record \(out of memory, a job's end or a kill\)/);
});

test("rows of an earlier release know no groups above, or no group", () => {
  assert.ok(!outOfMemory({ folder: path.join(base, "nowhere"), kills: 0 }));
  assert.ok(!outOfMemory(undefined));
});

test("the group of a living process, where the system tells", (context) => {
  const watch = watchMemory(process.pid);
  if (watch === undefined) return context.skip("no control group counts here");
  assert.ok(!outOfMemory({ ...watch, kills: watch.kills + 1_000_000 }));
  assert.ok(outOfMemory({ ...watch, kills: watch.kills - 1 }));
  for (const { folder } of watch.above ?? []) assert.ok(watch.folder.startsWith(`${folder}/`));
});
