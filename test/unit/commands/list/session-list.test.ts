// The list of sessions at the widths of terminals, in a pipe, without colours: what is there, what gives way
// first, what is never cut.
import assert from "node:assert/strict";
import { test } from "node:test";
import picocolors from "picocolors";
import { cutMiddle, type ListLine, sessionTable, shownPlace } from "../../../../src/commands/list/session-list.ts";
import { statusWord } from "../../../../src/commands/text/status-word.ts";
import { widthOf } from "../../../../src/commands/text/table.ts";

const line = (status: string, fields: Partial<ListLine>): ListLine => ({
  status: statusWord(status),
  progress: "",
  name: "gaussian",
  id: "abc123",
  age: "5s",
  viewers: 0,
  job: "",
  host: "node1",
  usage: { cpu: "", mem: "", gpu: "", gpuMem: "" },
  place: "/home/me/project",
  ...fields,
});
const lines = [
  line("running", {
    progress: "120/300 · loss -2.91 ▇▆▅▄▃▂▁▁ · 41m 10s left · time limit in 2h 10m",
    name: "gaussian-with-a-long-name-lr-0.0003",
    age: "1h 03m",
    place: "/home/me/project/output/gaussian-with-a-long-name-lr-0.0003",
  }),
  line("failed", {
    progress: `FileNotFoundError: ${"a long reason ".repeat(20)}`,
    id: "xyz789",
    age: "3h ago",
    place: "/scratch/other/output/run",
  }),
  line("time limit", { progress: "187/300, best -2.85 · model saved · ran 24h 00m", id: "qqq111", age: "2d ago" }),
];
const draw = (width: number, rows: readonly ListLine[] = lines) =>
  sessionTable(rows, { width, directory: "/home/me/project", home: "/home/me" }, picocolors.createColors(false)).split("\n");

test("at 80, 100, 120 and 300 columns each line fits; states, ids and ages are whole", () => {
  for (const width of [80, 100, 120, 300]) {
    const drawn = draw(width);
    for (const text of drawn) assert.ok(widthOf(text) <= width, `${width}: ${text}`);
    for (const whole of ["● running", "✗ failed", "■ time limit", "abc123", "xyz789", "qqq111", "1h 03m", "3h ago", "2d ago"])
      assert.ok(
        drawn.some((text) => text.includes(whole)),
        `${width}: ${whole}`,
      );
  }
});

test("HOST stands also where all sessions are on one other machine", () => {
  const place = { width: 120, directory: "/home/me/project", home: "/home/me", host: "login" };
  const head = (host: string) => sessionTable([line("running", { host })], place, picocolors.createColors(false)).split("\n")[0];
  assert.match(head("node1") ?? "", /HOST/);
  assert.doesNotMatch(head("login") ?? "", /HOST/);
});

test("at 80 columns", () => {
  assert.deepEqual(draw(80), [
    "STATE         PROGRESS                            NAME            ID         AGE",
    "● running     120/300 · loss -2.91 …              gaus…lr-0.0003  abc123  1h 03m",
    "✗ failed      FileNotFoundError: a long reason …  gaussian        xyz789  3h ago",
    "■ time limit  187/300, best -2.85 · model saved   gaussian        qqq111  2d ago",
  ]);
});

test("at 120 columns the run is there, cut in its middle", () => {
  assert.match(draw(120)[1] as string, /outpu.*….*0\.0003$/);
  assert.match(draw(120)[2] as string, /\/scra.*…?.*output\/run$/);
});

test("in a pipe nothing but a long reason is cut, and a wide terminal is not filled for it", () => {
  const [, first, second] = draw(0);
  assert.match(first as string, /output\/gaussian-with-a-long-name-lr-0\.0003$/);
  assert.match(second as string, /(a long reason ){20} +gaussian +xyz789/, "all of it");
  assert.ok((first as string).length < 230, "its own line alone is longer");
  assert.ok(draw(300).every((text) => widthOf(text) < 230));
});

test("columns that say nothing are not there: viewers, jobs, one host, the caller's own directory", () => {
  const plain = [line("running", {}), line("completed", { id: "two222" })];
  assert.match(draw(120, plain)[0] as string, /^STATE +PROGRESS +NAME +ID +AGE$/);
  const much = [line("running", { viewers: 2, job: "4711" }), line("completed", { host: "node2", place: "/home/me/x" })];
  assert.match(draw(160, much)[0] as string, /AGE +VIEWERS +JOB +HOST +RUN$/);
  assert.match(draw(160, much)[2] as string, /node2 +~\/x$/, "no viewers are no number");
});

test("places as a person calls them, and a text that is cut in its middle", () => {
  const at = { directory: "/home/me/project", home: "/home/me" };
  assert.equal(shownPlace("/home/me/project", at), ".");
  assert.equal(shownPlace("/home/me/project/output/a", at), "output/a");
  assert.equal(shownPlace("/home/me/other", at), "~/other");
  assert.equal(shownPlace("/home/melanie", at), "/home/melanie");
  assert.equal(cutMiddle("output/gaussian-1234", 12), "out…ian-1234");
  assert.equal(cutMiddle("short", 12), "short");
  assert.equal(widthOf(cutMiddle("ヒッグス粒子の探索の実験", 11)) <= 11, true);
});

test("what is used has columns where everything else is whole, and where it is asked for; in a pipe only then", () => {
  const used = [
    line("running", { progress: "12/300", usage: { cpu: "182%", mem: "3.2 GB", gpu: "97%", gpuMem: "12 GB" } }),
    line("running", { id: "idle22" }),
  ];
  const head = (width: number, usage?: boolean) =>
    sessionTable(
      used,
      { width, directory: "/", home: undefined, ...(usage === true ? { usage } : {}) },
      picocolors.createColors(false),
    ).split("\n")[0];
  assert.match(head(120) ?? "", /AGE {2,}CPU {2,}MEM {2,}GPU {2,}GPUMEM {2,}RUN$/);
  assert.match(head(76) ?? "", /CPU/, "what fits of them");
  assert.doesNotMatch(head(76) ?? "", /GPUMEM/);
  assert.doesNotMatch(head(60) ?? "", /CPU/);
  assert.match(head(60, true) ?? "", /CPU {2,}MEM {2,}GPU {2,}GPUMEM/);
  assert.doesNotMatch(head(0) ?? "", /CPU/);
  assert.match(head(0, true) ?? "", /GPUMEM/);
});
