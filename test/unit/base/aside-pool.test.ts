// The helpers that touch files of users: who waits for whom when one hangs, ends, or reads too much.
import assert from "node:assert/strict";
import { ChildProcess } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, type TestContext, test } from "node:test";
import { NoAnswer } from "../../../src/base/aside/aside.ts";
import { AsidePool, costs, longestWork, mostHelpers } from "../../../src/base/aside/aside-pool.ts";
import { Failure } from "../../../src/base/failure.ts";
import { until } from "../../support/events.ts";

/** Hangs as in a system call that does not return, and takes no processor from the tests beside it. */
const hang = "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)";

/**
 * A helper that does what it is asked by name: hangs; takes its time; ends; fills its memory; throws; answers
 * its number.
 */
const helper = `
process.on("message", ({ id, name, args }) => {
  if (name === "hang") ${hang};
  if (name === "end") process.exit(1);
  if (name === "wait") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, args[0]);
  if (name === "fill") { const kept = []; for (;;) kept.push(new Array(1e6).fill(kept.length + 0.5)); }
  if (name === "throw") return process.send({ id, thrown: { message: args[0], code: "ENOENT", status: 1 } });
  process.send({ id, value: { pid: process.pid, args } });
});
process.on("disconnect", () => process.exit(0));
process.send("ready");
`;

describe("work that is done aside", () => {
  let folder: string;
  let pool: AsidePool;
  const logged: string[] = [];
  /** What was let pass of the steady clock (ms). */
  let passed = 0;
  let frozen: number | undefined;
  // a helper alone keeps no process
  const kept = setInterval(() => {}, 1_000);
  before(() => {
    folder = fs.mkdtempSync("/tmp/fs-");
    const script = path.join(folder, "helper.cjs");
    fs.writeFileSync(script, helper);
    pool = new AsidePool(script, {
      log: (event) => void logged.push(event),
      steady: () => frozen ?? performance.now() + passed,
      mounts: () => ["/", "/away", "/slow", "/large"],
    });
  });
  after(() => {
    clearInterval(kept);
    pool.dispose();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  /**
   * A helper that has started: the time for a piece of work counts the start of one, and says another
   * sentence, where that lasts.
   */
  const started = () => until(() => pool.ask("echo", "/home/u/a", []).catch(() => undefined), "a helper");

  /** From here on time passes as the answer says. */
  function inHand(t: TestContext): (ms: number) => void {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    return (ms) => {
      passed += ms;
      t.mock.timers.tick(ms);
    };
  }

  test("comes back, with buffers and what was thrown as it was", async () => {
    const { args } = (await pool.ask("echo", "/home/u/a", ["a", Buffer.from("b"), undefined])) as { args: unknown[] };
    assert.deepEqual([args[0], Buffer.from(args[1] as Uint8Array).toString(), args[2]], ["a", "b", undefined]);
    await assert.rejects(pool.ask("throw", "/home/u/a", ["no session"]), (error: Failure & { code: string }) => {
      assert.ok(error instanceof Failure && !(error instanceof NoAnswer));
      return error.message === "no session" && error.status === 1 && error.code === "ENOENT";
    });
  });

  test("is done by one helper, and by another one where a place keeps that", async () => {
    await Promise.all(Array.from({ length: 50 }, (_, n) => pool.ask("echo", `/home/u/${n}`, [])));
    assert.equal(pool.helpers, 1);
    const long = pool.ask("wait", "/slow/a", [1_000]);
    assert.ok(await pool.ask("echo", "/home/u/a", []));
    assert.equal(pool.helpers, 2);
    await long;
  });

  test("that hangs is told in a sentence within its time; others are served meanwhile, by few helpers", async (t) => {
    await started();
    const pass = inHand(t);
    const hung = Array.from({ length: 20 }, (_, n) => pool.ask("hang", `/away/${n}`, []));
    const told = Promise.allSettled(hung);
    pass(longestWork / 2);
    for (let n = 0; n < 50; n++) await pool.ask("echo", `/home/u/${n}`, []);
    assert.ok(pool.helpers <= mostHelpers);
    pass(longestWork / 2);
    for (const outcome of await told) {
      assert.equal(outcome.status, "rejected");
      assert.match(
        String((outcome as PromiseRejectedResult).reason.message),
        /^\/away\/\d+ does not answer: is its file system away\?$/,
      );
    }
    assert.ok(logged.filter((event) => event === "aside.timed-out").length <= 2, "who waits behind them is told with them");
  });

  test(`of a place that cost ${costs} is refused at once, and asked again later`, async (t) => {
    for (let n = 0; n < costs; n++) {
      await started();
      const pass = inHand(t);
      const asked = pool.ask("hang", "/slow/x", []);
      pass(longestWork);
      t.mock.timers.reset();
      await assert.rejects(asked, NoAnswer);
    }
    const before = logged.length;
    await assert.rejects(pool.ask("echo", "/slow/y", []), /does not answer/);
    assert.equal(logged.length, before);
    assert.ok(await pool.ask("echo", "/home/u/z", []), "another place");
    passed += 61_000;
    assert.ok(await pool.ask("echo", "/slow/y", []));
  });

  test("that fills its memory, or whose helper ends, is too large to read; the next is served", async () => {
    await assert.rejects(pool.ask("end", "/large/a", []), /^Failure: \/large\/a is too large to read$|too large to read/);
    await assert.rejects(pool.ask("fill", "/large/b", []), NoAnswer);
    assert.ok(await pool.ask("echo", "/large/c", []));
  });

  test("by a helper that ended, or hung, before it was ready is no fault of the file: there was no process", async (t) => {
    for (const start of ["process.abort()", hang]) {
      const script = path.join(folder, "unready.cjs");
      fs.writeFileSync(script, start);
      const unready = new AsidePool(script, { log() {}, steady: () => performance.now(), mounts: () => ["/", "/away"] });
      const pass = inHand(t);
      const asked = unready.ask("echo", "/away/a", []);
      if (start === hang) pass(longestWork);
      t.mock.timers.reset();
      await assert.rejects(asked, /^Failure: no process can be started to look at files/);
      unready.dispose();
    }
  });

  test("for which there is no memory is refused in words; the server goes on, and asks again", async (context) => {
    const poor = new AsidePool(path.join(folder, "helper.cjs"), { log() {}, steady: () => performance.now(), mounts: () => [] });
    await poor.ask("echo", "/home/u/a", []);
    const none = context.mock.method(ChildProcess.prototype as unknown as { spawn(): void }, "spawn", () => {
      throw Object.assign(new Error("spawn ENOMEM"), { code: "ENOMEM" });
    });
    const ends = poor.ask("end", "/home/u/b", []);
    await assert.rejects(
      poor.ask("echo", "/home/u/c", []),
      /^Failure: no process can be started to look at files: spawn ENOMEM$/,
    );
    await assert.rejects(ends, NoAnswer);
    none.mock.restore();
    assert.ok(await poor.ask("echo", "/home/u/d", []));
    poor.dispose();
  });

  test("of no place in particular needs no list of what is mounted", async () => {
    let listed = 0;
    let time = 0;
    const mounts = () => {
      listed++;
      return ["/", "/away"];
    };
    const counted = new AsidePool(path.join(folder, "helper.cjs"), { log() {}, steady: () => (time += 2_000), mounts });
    for (let n = 0; n < 5; n++) await counted.ask("echo", "/", []);
    assert.equal(listed, 0);
    await counted.ask("echo", "/home/u/a", []);
    assert.equal(listed, 1);
    counted.dispose();
  });

  test("is not begun any more when the server ends", async () => {
    frozen = performance.now();
    const waiting = pool.ask("hang", "/home/w/a", []);
    pool.dispose();
    await assert.rejects(waiting, NoAnswer);
    await assert.rejects(pool.ask("echo", "/home/w/b", []), NoAnswer);
    assert.equal(pool.helpers, 0);
  });
});
