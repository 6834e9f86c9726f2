// What a run would lack, and whose server is to start it: every way in which a caller and a server can
// differ.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type Allowance,
  type AllowanceEffects,
  longestFile,
  shortfall,
  shortfallSentence,
  systemAllowance,
} from "../../../src/platform/allowance.ts";

const unlimited = 2n ** 64n - 1n;
const files = (hard: bigint) => ({ resource: 7, soft: hard, hard });
const space = (hard: bigint) => ({ resource: 9, soft: hard, hard });
const plain = { niceness: 0, oomScoreAdj: 0, processors: "0f" };

/** A server that has this, and a kernel that allows nothing more, or everything. */
function server(own: Allowance, allows = false): AllowanceEffects & { raised: [number, bigint][] } {
  const raised: [number, bigint][] = [];
  const scheduling = own.scheduling ?? plain;
  return {
    raised,
    own: () => ({ limits: own.limits, scheduling }),
    raise: (resource, hard) => {
      if (allows) raised.push([resource, hard]);
      return allows;
    },
    couldTake: (niceness, oom) => ({
      niceness: allows || niceness >= scheduling.niceness,
      oomScoreAdj: allows || oom >= scheduling.oomScoreAdj,
    }),
  };
}

const of = (caller: Allowance, own: Allowance, allows = false) => shortfall(caller, server(own, allows), "linux");

describe("a caller and a server", () => {
  test("of the same means: nothing lacks", () => {
    const both = { limits: [files(1024n), space(unlimited)], scheduling: plain };
    assert.deepEqual(of(both, both), { lacks: [], callerIsBetter: false });
  });

  test("a caller with less than the server: its run is given less, by the holder", () => {
    const caller = { limits: [files(200n)], scheduling: { niceness: 15, oomScoreAdj: 500, processors: "01" } };
    assert.deepEqual(of(caller, { limits: [files(1024n)], scheduling: plain }), { lacks: [], callerIsBetter: false });
  });

  test("a caller with more in one thing and less in none takes over", () => {
    assert.deepEqual(of({ limits: [files(unlimited), space(5n)] }, { limits: [files(200n), space(5n)] }), {
      lacks: ["200 open files (ulimit -n) instead of unlimited"],
      callerIsBetter: true,
    });
    const nicer = of({ limits: [], scheduling: plain }, { limits: [], scheduling: { ...plain, niceness: 15 } });
    assert.deepEqual(nicer, { lacks: ["niceness 15 instead of 0"], callerIsBetter: true });
  });

  test("where they cross nobody takes over, whichever two things they are", () => {
    const crossed = of({ limits: [files(500n), space(5n)] }, { limits: [files(200n), space(unlimited)] });
    assert.deepEqual(crossed, { lacks: ["200 open files (ulimit -n) instead of 500"], callerIsBetter: false });
    const nice = { ...plain, niceness: 10 };
    assert.equal(
      of({ limits: [files(500n)], scheduling: nice }, { limits: [files(200n)], scheduling: plain }).callerIsBetter,
      false,
    );
    const spared = { ...plain, oomScoreAdj: -100 };
    const oom = of({ limits: [files(100n)], scheduling: spared }, { limits: [files(200n)], scheduling: plain });
    assert.deepEqual(oom, { lacks: ["an out-of-memory adjustment of 0 instead of -100"], callerIsBetter: false });
  });

  test("what the kernel lets the server raise is raised, and lacks nothing", () => {
    const effects = server({ limits: [files(200n)], scheduling: { ...plain, niceness: 15 } }, true);
    const caller = { limits: [files(unlimited)], scheduling: { ...plain, niceness: -5 } };
    assert.deepEqual(shortfall(caller, effects, "linux"), { lacks: [], callerIsBetter: false });
    assert.deepEqual(effects.raised, [[7, unlimited]]);
  });

  test("processors that the server's control group lacks are told, and are no reason to take over", () => {
    const lacking = of({ limits: [], scheduling: { ...plain, processors: "0103" } }, { limits: [], scheduling: plain });
    assert.deepEqual(lacking, { lacks: ["not processor 8, 9"], callerIsBetter: false });
  });

  test("a client that does not tell its scheduling is compared by its limits", () => {
    assert.equal(of({ limits: [files(300n)] }, { limits: [files(200n)], scheduling: { ...plain, niceness: 3 } }).lacks.length, 1);
  });

  test("elsewhere a limit goes by its number", () => {
    const { lacks } = shortfall({ limits: [files(2n)] }, server({ limits: [files(1n)] }), "darwin");
    assert.deepEqual(lacks, ["1 as limit 7 instead of 2"]);
  });
});

test("this process: nothing lacks against itself, and its limits are the kernel's", () => {
  const own = systemAllowance.own();
  assert.deepEqual(shortfall(own, systemAllowance), { lacks: [], callerIsBetter: false });
  assert.ok(own.limits.length >= 9 && own.limits.every(({ soft, hard }) => soft <= hard));
  assert.equal(longestFile(server({ limits: [{ resource: 1, soft: 1n, hard: 51_200n }] })), 51_200n);
  assert.equal(longestFile(server({ limits: [{ resource: 1, soft: 1n, hard: unlimited }] })), undefined);
});

test("the sentence is one, and says what helps", () => {
  assert.match(
    shortfallSentence(["a", "b"]),
    /^this run gets less than your shell has: a, b; [^.\n]*'falcon server stop'[^.\n]*$/,
  );
});
