// The watch's table without a terminal: order, folding, what is in sight, the footer's keys.
import assert from "node:assert/strict";
import { test } from "node:test";
import picocolors from "picocolors";
import { defaultKeymap, footerOf } from "../../../../src/base/keymap.ts";
import { type ListRow, progressOf } from "../../../../src/commands/list/list-row.ts";
import { progressText } from "../../../../src/commands/show/show-progress.ts";
import { statusWord } from "../../../../src/commands/text/status-word.ts";
import { type Frame, metricColumn, picture, tableHeight } from "../../../../src/commands/watch/watch-picture.ts";
import { rowKey, type Watched, watchRows } from "../../../../src/commands/watch/watch-rows.ts";
import type { ShownNode, ShownRun } from "../../../../src/presentation/shown-run.ts";

const now = Date.parse("2026-11-27T12:00:00Z");

function node(name: string, more: Partial<ShownNode> = {}): ShownNode {
  return { name, status: "training", epoch: 3, epochs: 10, fraction: 0.3, trend: [], stalled: false, ...more } as ShownNode;
}

function run(name: string, { live = true, word = "running", ended = now, nodes = [] as ShownNode[] } = {}) {
  const session: Watched = {
    id: name,
    name,
    directory: `/runs/${name}`,
    live,
    created: now - 60_000,
    started: now - 60_000,
    ended: live ? null : ended,
    status: statusWord(word),
    usage: { cpu: live ? "50%" : "", mem: live ? "1.2 GB" : "", gpu: "", gpuMem: "" },
  };
  return { session, progress: nodes.length === 0 ? null : ({ nodes, stalled: false } as unknown as ShownRun) };
}

const plain = { sort: "age", reverse: false, folded: false, filter: "" } as const;

test("what runs comes first, a line a node; what ended is a line a session, the newest first", () => {
  const sessions = [
    run("old", { live: false, word: "failed", ended: now - 9000 }),
    run("two", { nodes: [node("a"), node("b"), node("i", { status: "idle" })] }),
    run("new", { live: false, word: "completed", ended: now - 1000, nodes: [node("x"), node("y", { fraction: 0.1 })] }),
  ];
  const rows = watchRows(sessions, plain);
  assert.deepEqual(rows.map(rowKey), ["two/a", "two/b", "ended", "new/y", "old/"]);
  assert.deepEqual(watchRows(sessions, { ...plain, folded: true }).map(rowKey), ["two/a", "two/b", "ended"]);
  assert.deepEqual(watchRows(sessions, { ...plain, filter: "FAIL" }).map(rowKey), ["ended", "old/"]);
  const ended = rows.find((row) => row.kind === "ended");
  assert.deepEqual(ended?.kind === "ended" && ended.counts.map(({ word }) => word).sort(), ["completed", "failed"]);
});

test("by loss, those without one come last, and first the other way round", () => {
  const sessions = [
    run("none"),
    run("high", { nodes: [node("n", { loss: 2 })] }),
    run("low", { nodes: [node("n", { loss: -1 })] }),
  ];
  assert.deepEqual(watchRows(sessions, { ...plain, sort: "loss" }).map(rowKey), ["low/n", "high/n", "none/"]);
  assert.deepEqual(watchRows(sessions, { ...plain, sort: "loss", reverse: true }).map(rowKey), ["none/", "high/n", "low/n"]);
});

test("the footer keeps what matters most in every width", () => {
  const footer = (sort: string, cols: number) => footerOf(defaultKeymap.watch, cols, { sort });
  assert.equal(
    footer("loss", 200),
    "j/k select · Enter attach · e ended · / filter · s sort: loss · r reverse · ? keys · q leave",
  );
  for (let cols = 12; cols < 100; cols++) assert.ok(footer("loss", cols).length <= cols, `${cols}`);
  assert.equal(footer("loss", 40), "j/k select · Enter attach · q leave");
});

test("what is drawn a second time makes the texts of the lines in sight alone; the columns stay where they are", () => {
  let made = 0;
  const counted = (name: string, samples: number) => {
    const one = node(name, { nonFinite: [], validationLoss: -1, loss: null });
    Object.defineProperty(one, "samples", {
      get: () => {
        made++;
        return samples;
      },
    });
    return one;
  };
  const rows = watchRows(
    Array.from({ length: 30 }, (_, i) => run(`s${i}`, { nodes: [counted("n", i === 29 ? 1_000_000 : 1)] })),
    plain,
  );
  const frame: Frame = {
    cols: 120,
    rows: 24,
    now,
    colours: picocolors.createColors(false),
    bindings: defaultKeymap.watch,
    sort: "age",
    prompt: "",
    top: 0,
    usage: false,
    log: () => [],
  };
  const first = picture(rows, rows[0], frame);
  assert.equal(made, 30);
  made = 0;
  assert.deepEqual(picture(rows, rows[0], frame), first);
  assert.equal(made, tableHeight(rows.length, 24));
  // the widest number is out of sight, and in sight at the end
  const end = picture(rows, rows[29], { ...frame, top: 30 - tableHeight(rows.length, 24) });
  assert.equal(end[0], first[0]);
});

test("a metric that was chosen has a column of its own, which others give way to", () => {
  const rows = watchRows([run("a", { nodes: [node("n", { nonFinite: [], validationLoss: -1, loss: null })] }), run("b")], plain);
  const frame = (cols: number): Frame => ({
    ...{ cols, rows: 24, now, colours: picocolors.createColors(false), bindings: defaultKeymap.watch },
    ...{ sort: "age", prompt: "", top: 0, usage: false, log: () => [] },
    metric: metricColumn("val/nll", (row) => (row.node === undefined ? undefined : 0.1234)),
  });
  const [head = "", first = "", second = ""] = picture(rows, undefined, frame(140));
  assert.match(head, /VAL LOSS +val\/nll +TREND/);
  assert.match(first, / -1 +0\.123 /);
  assert.doesNotMatch(second, /0\.123/);
  const [narrow = ""] = picture(rows, undefined, frame(60));
  assert.match(narrow, /val\/nll/);
  assert.doesNotMatch(narrow, /LR|SAMPLES/);
});

test("a run that stops tells no time left, in the watch and in falcon show: it will not take the time of its epochs", () => {
  const one = node("n", {
    ...{ nonFinite: [], validationLoss: -1, bestValidationLoss: null, loss: null, timeLeft: 252, samples: null },
    ...{ learningRate: null, epochsPerMinute: null, epochsSinceBest: null, error: null },
  });
  const going = run("going", { nodes: [one] });
  const frame: Frame = {
    ...{ cols: 140, rows: 24, now, colours: picocolors.createColors(false), bindings: defaultKeymap.watch },
    ...{ sort: "age", prompt: "", top: 0, usage: false, log: () => [] },
  };
  for (const stopping of [false, true]) {
    const progress = { ...going.progress, stopping, problem: null } as ShownRun;
    const [, line = ""] = picture(watchRows([{ ...going, progress }], plain), undefined, frame);
    const shown = [line, progressText(progress, 0).join("\n")];
    assert.deepEqual(
      shown.map((text) => text.includes("4m 12s")),
      [!stopping, !stopping],
      shown.join("\n"),
    );
  }
});

test("HOST and JOB stand where another machine or a batch job has a session, and are found by the filter", () => {
  const frame: Frame = {
    ...{ cols: 120, rows: 12, now, colours: picocolors.createColors(false), bindings: defaultKeymap.watch, sort: "age" },
    ...{ prompt: "", top: 0, usage: false, log: () => [] },
  };
  const here = run("here");
  const far = run("far");
  const there = { ...far, session: { ...far.session, host: "node1", job: "4711" } };
  const plainRows = watchRows([here], plain);
  assert.doesNotMatch(picture(plainRows, undefined, frame)[0] ?? "", /HOST|JOB/);
  const rows = watchRows([here, there], plain);
  const [head = "", ...body] = picture(rows, undefined, frame);
  assert.match(head, /HOST +JOB/);
  assert.match(body.find((line) => line.startsWith("far")) ?? "", /node1 +4711/);
  // in a narrow terminal the ruler has what found no room
  const narrow = picture(rows, rows[1], { ...frame, cols: 40 });
  assert.match(narrow.join("\n"), /── far · on node1/);
  assert.deepEqual(watchRows([here, there], { ...plain, filter: "node1" }).map(rowKey), ["far/"]);
});

test("how far a run is by the word of another version's server is shown where it tells all that is drawn", () => {
  const told = (one: object) => progressOf({ listing: { progress: { graph: "/g", nodes: [one] } } } as unknown as ListRow);
  const whole = node("n", { nonFinite: [] });
  assert.notEqual(told(whole), null);
  for (const name of ["name", "status", "trend", "nonFinite"]) assert.equal(told({ ...whole, [name]: undefined }), null, name);
});

test("of more lines than fit, those in sight are drawn and the others counted above and below", () => {
  const sessions = Array.from({ length: 30 }, (_, i) => run(`s${String(i).padStart(2, "0")}`));
  const rows = watchRows(sessions, plain);
  for (const [cols, height] of [
    [60, 12],
    [80, 24],
    [200, 60],
  ] as const) {
    const frame: Frame = {
      cols,
      rows: height,
      now,
      colours: picocolors.createColors(false),
      bindings: defaultKeymap.watch,
      sort: "age",
      prompt: "",
      top: 2,
      usage: false,
      log: () => ["a log"],
    };
    const lines = picture(rows, rows[3], frame);
    assert.equal(lines.length, height);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the selected line is inverted
    const texts = lines.map((line) => line.replace(/\x1b\[\d+m/g, ""));
    assert.ok(texts.every((line) => line.length <= cols));
    const shown = tableHeight(rows.length, height);
    assert.equal(texts.filter((line) => /^s\d\d/.test(line)).length, Math.min(shown, 28));
    assert.match(texts.find((line) => line.startsWith("── s03")) ?? "", shown >= 28 ? /↑2 ──$/ : /↑2 ↓\d+ ──$/);
  }
});
