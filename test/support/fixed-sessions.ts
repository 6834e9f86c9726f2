// A fixed set of sessions at a fixed time, for pictures of what the list, the watch and show make of them:
// each kind of end, a loss that is no number, letters of other scripts, long names and reasons.

import { defaultConfig } from "../../src/base/config/config.ts";
import type { Call, Context } from "../../src/commands/dispatch/call.ts";
import type { ShownNode, ShownRun } from "../../src/presentation/shown-run.ts";
import { summarise } from "../../src/presentation/summary.ts";
import type { RequestTerminal } from "../../src/protocol/client.ts";
import type { Usage } from "../../src/resources/usage.ts";
import type { Outcome } from "../../src/session/life/outcome.ts";
import type { Session } from "../../src/session/life/session.ts";
import type { SessionRow } from "../../src/store/session-store.ts";
import { trainerNamed } from "../../src/trainers/registry.ts";

/** Noon of a winter's day. */
export const now = Date.parse("2026-11-27T12:00:00Z");

const minute = 60_000;
const hour = 60 * minute;

/** The caller's folder, and the one above the others'. */
const project = "/home/ada/projects/lensing";

/** A loss that falls as losses do: fast, then slowly, with a little noise that is the same each time. */
function losses(epochs: number, from: number, to: number): number[] {
  return Array.from({ length: epochs }, (_, i) => to + (from - to) * Math.exp((-7 * i) / epochs) + 0.02 * Math.sin(i * 2.3));
}

interface Training {
  name: string;
  epoch: number;
  epochs: number;
  from?: number;
  to?: number;
  more?: Partial<ShownNode>;
}

function nodeOf({ name, epoch, epochs, from = 3.1, to = -1.2, more = {} }: Training): ShownNode {
  const trend = losses(40, from, to);
  return {
    ...{ name, status: "training", logged: true, epoch, epochs, epochsBefore: 0, fraction: epoch / epochs },
    ...{
      loss: Math.round(to * 100 + 10) / 100,
      validationLoss: to,
      bestValidationLoss: to,
      epochsSinceBest: 1,
      patience: 30,
      nonFinite: [],
      trend,
    },
    ...{ samples: 64 * epoch, steps: 16 * epoch, learningRate: 0.001, epochsPerMinute: 24 },
    ...{
      timeLeft: ((epochs - epoch) / 24) * 60,
      lastSign: now - 2000,
      rhythm: 2.5,
      longestEpoch: 4,
      stalled: false,
      error: null,
    },
    ...more,
  };
}

function progressOf(directory: string, nodes: ShownNode[], more: Partial<ShownRun> = {}): ShownRun {
  const run = {
    ...{ directory, name: directory.split("/").at(-1) as string, graph: `${directory}/graph`, phase: "training" as const },
    ...{ stopping: false, timedOut: false, saved: false, resumed: false, localLogs: true, started: null, ended: null },
    ...{ nodes, samples: null, samplesPerMinute: null, fraction: nodes[0]?.fraction ?? null },
    timeLeft: Math.max(0, ...nodes.map(({ timeLeft }) => timeLeft ?? 0)) || null,
    ...{ lastSign: now - 2000, silence: 2, rhythm: 2.5, stalled: false, failure: null, problem: null },
    ...more,
  };
  return { ...run, summary: summarise(run) };
}

interface Fixed {
  id: string;
  name: string;
  row?: Partial<SessionRow>;
  title?: string;
  viewers?: number;
  progress?: ShownRun;
  usage?: Partial<Usage>;
  outcome?: Pick<Outcome, "kind" | "saved" | "sentence">;
  /** ms ago. */
  started: number;
  ended?: number;
}

function sessionOf({ id, name, row = {}, title = "", viewers = 0, outcome, started, ended }: Fixed): Session {
  const trainer = row.trainer ?? "falcon";
  const facts = {
    ...row.facts,
    ...(outcome === undefined ? {} : { outcome: { by: null, time: now - (ended ?? 0), ...outcome } }),
  };
  const whole = {
    ...{ id, name, kind: trainer === "falcon" ? "launch" : "run", trainer, directory: project },
    command: trainer === "falcon" ? ["falcon", "launch", "-o", `runs/${name}`] : ["python", "sweep.py", "--n", "200"],
    ...{ environment: {}, umask: 0o22, limits: [], runDirectory: trainer === "falcon" ? `${project}/runs/${name}` : null },
    ...{ host: "node07", boot: "b", token: id, holderPid: 4000, programPid: ended === undefined ? 4001 : null },
    ...{ state: ended === undefined ? "running" : "exited", reason: "", created: now - started, started: now - started },
    ...{ ended: ended === undefined ? null : now - ended, waitStatus: ended === undefined ? null : 0, cols: 100, rows: 30 },
    ...{ pinned: false, interrupts: 0, attached: null, ...row, facts },
  } as SessionRow;
  return {
    id,
    row: whole,
    title,
    live: ended === undefined,
    trainer: trainerNamed(trainer),
    audience: {
      viewers: new Map(Array.from({ length: viewers }, (_, i) => [i, { pid: 500 + i, readOnly: i > 0, since: now - minute }])),
    },
    offset: 48_231,
    gaps: [],
    lastOutput: now - 2000,
    end: ended === undefined ? undefined : { code: 0, signal: null },
    lostLog: undefined,
    lastScreen: async () => [],
  } as unknown as Session;
}

const run = (name: string) => `${project}/runs/${name}`;

const traceback = [
  "Traceback (most recent call last):",
  '  File "/opt/venv/bin/falcon", line 8, in <module>',
  "    sys.exit(main())",
  '  File "/opt/venv/lib/python3.12/site-packages/falcon/cli.py", line 512, in launch_mode',
  "    graph = create_graph_from_config(cfg)",
  '  File "/home/ada/projects/lensing/model.py", line 41, in __init__',
  '    self.weights = np.load("data/weights.npz")',
  "FileNotFoundError: [Errno 2] No such file or directory: 'data/weights.npz'",
];

const all: Fixed[] = [
  {
    ...{ id: "a1k9zq", name: "shear-posterior-long-name-lr0.0003-seed17", started: 3 * hour + 5 * minute, viewers: 2 },
    progress: progressOf(run("shear-posterior-long-name-lr0.0003-seed17"), [
      nodeOf({ name: "theta", epoch: 187, epochs: 300 }),
      nodeOf({ name: "nuisance", epoch: 142, epochs: 300, to: -0.4, more: { epochsSinceBest: 55, bestValidationLoss: -0.46 } }),
    ]),
    usage: { cpu: 3.4, memory: 6.2e9, gpu: 0.93, gpuMemory: 11.4e9 },
    row: {
      facts: {
        provenance: {
          ...{ falcon: "0.5.1", python: "3.12.4", commit: "3f1c9a77d2be40517c9e0a1b2c3d4e5f60718293", dirty: true },
          ...{ gpus: ["NVIDIA A100", "NVIDIA A100"], visibleGpus: "0,1" },
          overrides: [{ key: "graph.theta.estimator.max_epochs", value: "300", config: "100" }],
        },
        tags: {},
      },
    },
  },
  {
    ...{ id: "b2m8yp", name: "nan", started: 40 * minute },
    progress: progressOf(run("nan"), [
      nodeOf({
        ...{ name: "theta", epoch: 61, epochs: 100, to: -0.9 },
        more: {
          ...{ loss: null, validationLoss: null, epochsSinceBest: 21 },
          nonFinite: [
            { metric: "validationLoss", value: "NaN", epoch: 40, since: now - 9 * minute },
            { metric: "loss", value: "NaN", epoch: 40, since: now - 9 * minute },
          ],
        },
      }),
    ]),
    usage: { cpu: 1, memory: 1.9e9 },
  },
  { id: "c3n7xo", name: "ヒッグス-µ→e", started: 12_000, row: { state: "starting" } },
  {
    ...{ id: "d4p6wn", name: "sweep", started: 26 * hour, title: "sweep.py 117/200", row: { trainer: "none" } },
    usage: { cpu: 0.9, memory: 0.3e9 },
  },
  {
    ...{ id: "e5q5vm", name: "night", started: 9 * hour, ended: 33_000 },
    outcome: { kind: "completed", saved: true, sentence: "completed, model saved" },
    progress: progressOf(
      run("night"),
      [nodeOf({ name: "theta", epoch: 300, epochs: 300, more: { status: "done", timeLeft: null, bestValidationLoss: -1.23 } })],
      { phase: "completed", saved: true, timeLeft: null },
    ),
  },
  {
    ...{ id: "f6r4ul", name: "weights", started: 21 * minute, ended: 20 * minute },
    outcome: { kind: "failed", saved: false, sentence: "ended with status 1, model not saved" },
    row: {
      waitStatus: 256,
      facts: {
        postMortem: {
          ...{ ending: "failed", sentence: "ended with status 1", summary: null, traceback, saved: false },
          error: "FileNotFoundError: [Errno 2] No such file or directory: 'data/weights.npz'",
        },
      },
    },
    progress: progressOf(run("weights"), [], { phase: "failed", failure: "FileNotFoundError", timeLeft: null }),
  },
  {
    ...{ id: "g7s3tk", name: "stopped-early", started: 3 * hour, ended: hour },
    outcome: { kind: "stopped", saved: true, sentence: "stopped, model saved" },
    progress: progressOf(
      run("stopped-early"),
      [nodeOf({ name: "theta", epoch: 58, epochs: 300, to: -0.81, more: { status: "done", timeLeft: null } })],
      { phase: "interrupted", saved: true, timeLeft: null },
    ),
  },
  {
    ...{ id: "h8t2sj", name: "big-batch", started: 5 * hour, ended: 4 * hour },
    outcome: { kind: "killed", saved: false, sentence: "killed by the kernel for want of memory, model not saved" },
    progress: progressOf(
      run("big-batch"),
      [nodeOf({ name: "theta", epoch: 3, epochs: 300, to: 1.7, more: { status: "stopped" } })],
      {
        ...{ phase: "broken off", timeLeft: null },
      },
    ),
  },
  {
    ...{ id: "j9u1ri", name: "part2", started: 12 * hour, ended: 8 * hour, row: { host: "node12", facts: { job: "s4711" } } },
    outcome: { kind: "time-limit", saved: true, sentence: "stopped at its time limit, model saved" },
    progress: progressOf(
      run("part2"),
      [nodeOf({ name: "theta", epoch: 187, epochs: 450, more: { status: "done", epochsBefore: 100, timeLeft: null } })],
      { phase: "interrupted", saved: true, resumed: true, timeLeft: null },
    ),
  },
  {
    ...{ id: "k0v0qh", name: "rebooted", started: 23 * hour, ended: 22 * hour },
    row: { state: "lost", reason: "the machine was restarted" },
    outcome: { kind: "lost", saved: null, sentence: "lost: the machine was restarted" },
  },
  {
    ...{ id: "m1w9pg", name: "last-week", started: 170 * hour, ended: 168 * hour },
    outcome: { kind: "completed", saved: true, sentence: "completed, model saved" },
  },
];

/** What a command answers to. */
export interface Asked {
  terminal: Partial<RequestTerminal>;
  environment?: Record<string, string>;
}

/** A call that keeps what is written, and the context of a server that has the fixed sessions. */
export function askFixed({ terminal, environment = {} }: Asked): { call: Call; context: Context; said(): string } {
  const sessions = all.map((fixed) => ({ fixed, session: sessionOf(fixed) }));
  const of = (session: Session) => sessions.find((one) => one.session === session)?.fixed;
  const usageOf = (fixed: Fixed | undefined): Usage | undefined =>
    fixed?.usage && {
      ...{ time: now, cpu: null, memory: null, memoryPeak: fixed.usage.memory ?? null, memoryLimit: 64e9, limitBy: "machine" },
      ...{ memoryShare: 0.1, cpuSeconds: 11_000, gpuSeconds: 9000, written: 2e9, gpu: null, gpuMemory: null, gpus: [] },
      ...{ actors: [], elsewhere: false, ...fixed.usage },
    };
  let out = "";
  const call = {
    request: {
      ...{
        name: "falcon",
        arguments: [],
        directory: project,
        environment: { HOME: "/home/ada", TZ: "Europe/Berlin", ...environment },
      },
      terminal: { stdin: true, stdout: true, stderr: true, cols: 80, rows: 24, filter: 0, ...terminal },
    },
    stdout: (text: string) => {
      out += text;
    },
    stderr: (text: string) => {
      out += text;
    },
    write: (bytes: Uint8Array) => {
      out += Buffer.from(bytes).toString();
    },
    together: (work: () => void) => work(),
    backlog: () => 0,
    ...{ restore() {}, resume() {}, leaveKeys() {}, inputMode() {} },
    gone: new Promise(() => {}),
  } as unknown as Call;
  const table = sessions.map(({ session }) => session).sort((a, b) => a.row.created - b.row.created);
  const context = {
    table: { changes: table.length, all: () => table, get: (id: string) => table.find((session) => session.id === id) },
    progress: {
      of: async (session: Session) => of(session)?.progress ?? null,
      curves: async (session: Session) => (of(session)?.progress?.nodes ?? []).map((node) => curvesOf(node)),
      series: async () => [],
    },
    usage: { of: (id: string) => usageOf(all.find((fixed) => fixed.id === id)), series: () => [] },
    neighbours: { any: false, place: { job: null } },
    submissions: { refresh: async () => {}, all: () => [] },
    hosts: { names: [] },
    roster: { others: async () => ({ sessions: [], problems: [] }) },
    takeInJobs: async () => {},
    config: defaultConfig,
    clock: () => now,
    stopping: { aborted: false },
  } as unknown as Context;
  return { call, context, said: () => out };
}

function curvesOf({ name, epoch, trend, nonFinite }: ShownNode) {
  const x = Array.from({ length: epoch ?? 0 }, (_, i) => i + 1);
  const last = nonFinite[0]?.epoch ?? Number.POSITIVE_INFINITY;
  const at = (i: number) => (i + 1 >= last ? Number.NaN : (trend[Math.floor((i * trend.length) / x.length)] as number));
  const curve = (y: number[]) => ({ x, y });
  return {
    node: name,
    training: curve(x.map((_, i) => at(i) + 0.15)),
    validation: curve(x.map((_, i) => at(i))),
    learningRate: { x: [], y: [] },
    seams: [],
  };
}
