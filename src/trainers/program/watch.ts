// Follows any program by what it writes to files of metrics and what its terminal says, together.

import path from "node:path";
import { lightningFiles, mostFollowed } from "../files/lightning.ts";
import { MetricsFile } from "../files/metrics-file.ts";
import { SessionRows } from "../files/node-rows.ts";
import { type MetricKind, metricKinds } from "../reading/metric-words.ts";
import type { Before } from "../reading/metrics-files.ts";
import { curveOf, type NodeCurves } from "../run/curve.ts";
import { Rhythm } from "../run/rhythm.ts";
import { type NodeProgress, type RunProgress, unknownRun } from "../run/run.ts";
import type { MetricSeries } from "../run/series.ts";
import { Silence } from "../run/silence.ts";
import type { Told } from "../run/told.ts";
import { type KeptTerminal, TerminalSource } from "../terminal/source.ts";
import type { RunWatch, TrainedSession, WatchEffects } from "../trainer.ts";
import { lossesOf, programNode } from "./node.ts";

/** What is kept for a later server. */
interface Kept {
  terminal?: KeptTerminal;
}

/** What a node of whom nothing but the terminal tells is called. */
const terminalNode = "terminal";

/** Files' times are cut to what the file system keeps, and a session's end is noticed a little later (ms). */
const slack = 2_000;

interface Heard {
  rhythm: Rhythm;
  silence: Silence;
  sign: number | null;
}

export class ProgramWatch implements RunWatch {
  readonly #session: TrainedSession;
  readonly #effects: WatchEffects;
  readonly #rows = new SessionRows();
  #files: MetricsFile[];
  readonly #terminal: TerminalSource | undefined;
  readonly #heard = new Map<string, Heard>();
  #reading: Promise<void> | undefined;

  constructor(session: TrainedSession, effects: WatchEffects) {
    this.#session = session;
    this.#effects = effects;
    const kept = effects.kept as Kept | undefined;
    const { screen, clock } = effects;
    if (screen !== undefined) this.#terminal = new TerminalSource(screen, clock, kept?.terminal);
    const named = session.facts.metrics ?? [];
    this.#files = named.map(({ file, before }) => this.#follow(file, path.basename(file), before));
  }

  async read(alive?: boolean): Promise<RunProgress | null> {
    this.#reading ??= this.#refresh(alive !== false).finally(() => {
      this.#reading = undefined;
    });
    await this.#reading;
    return this.#progress(alive !== false);
  }

  get kept(): Kept | undefined {
    const terminal = this.#terminal?.kept;
    return terminal === undefined ? undefined : { terminal };
  }

  async #refresh(alive: boolean): Promise<void> {
    await Promise.all([this.#terminal?.look(!alive), this.#find().then(() => this.#readFiles())]);
  }

  /**
   * Files that nobody named: those of Lightning that were written to while no other session of the directory
   * ran.
   */
  async #find(): Promise<void> {
    const { directory, created, ended, facts } = this.#session;
    if (facts.metrics !== undefined) return;
    const others: { from: number; until: number }[] = [];
    for (const { from, until } of this.#effects.others()) {
      if (until === null) return;
      others.push({ from, until: until + slack });
    }
    const until = ended === null ? Number.POSITIVE_INFINITY : ended + slack;
    const found = await lightningFiles(directory, created, until, others).catch((): string[] => []);
    for (const file of found) {
      if (this.#files.some((known) => known.file === file)) continue;
      const name = path.basename(path.dirname(file));
      this.#files.push(this.#follow(file, name, { bytes: 0, mark: "" }));
    }
    if (this.#files.length <= mostFollowed) return;
    for (const known of this.#files) if (!found.includes(known.file)) known.forget();
    this.#files = this.#files.filter(({ file }) => found.includes(file));
  }

  #follow(file: string, name: string, before: Before): MetricsFile {
    return new MetricsFile(file, name, before, this.#effects.look, this.#rows);
  }

  async #readFiles(): Promise<void> {
    if (this.#files.length === 0) return;
    const seen = await this.#effects.look(this.#files.map(({ lookedAt }) => lookedAt));
    await Promise.all(this.#files.map((file, i) => file.read(seen[i])));
  }

  /** What is told of each node; the terminal speaks of the one that was told of last. */
  #told(): { node: string; told: Told }[] {
    const nodes = this.#files.flatMap((file) => file.told());
    const terminal = this.#terminal?.told;
    if (terminal === undefined) return nodes;
    const newest = nodes.reduce<{ node: string; told: Told } | undefined>(
      (a, b) => ((b.told.sign ?? 0) >= (a?.told.sign ?? 0) ? b : a),
      undefined,
    );
    if (newest === undefined) return [{ node: terminalNode, told: terminal }];
    newest.told = joined(newest.told, terminal);
    return nodes;
  }

  #progress(alive: boolean): RunProgress | null {
    const now = this.#effects.clock();
    const told = this.#told();
    if (told.length === 0) return null;
    // of several fits in one program the earlier ones are over
    const newest = Math.max(...told.map((one) => one.told.sign ?? 0));
    const single = told.length > 1 && this.#files.length > 1;
    const nodes = told.map((one): NodeProgress => {
      const { rhythm, silence } = this.#hear(one.node, one.told.sign);
      const over = single && (one.told.sign ?? 0) < newest;
      return programNode(one.node, { alive: alive && !over, told: one.told, rhythm, silence, now });
    });
    const busy = nodes.filter(({ status }) => status === "training");
    const current = busy.length > 0 ? busy : nodes;
    const fractions = current.flatMap(({ fraction }) => fraction ?? []);
    const left = current.flatMap(({ timeLeft }) => timeLeft ?? []);
    const signs = nodes.flatMap(({ lastSign }) => lastSign ?? []);
    const lastSign = signs.length > 0 ? Math.max(...signs) : null;
    const usual = current.flatMap(({ rhythm }) => rhythm ?? []);
    const { directory } = this.#session;
    return {
      ...unknownRun,
      directory,
      name: path.basename(directory),
      phase: alive ? "training" : "ended",
      nodes,
      fraction: fractions.length === current.length ? fractions.reduce((a, b) => a + b, 0) / fractions.length : null,
      timeLeft: left.length > 0 ? Math.max(...left) : null,
      lastSign,
      silence: lastSign === null ? null : Math.max(0, now.wall - lastSign) / 1000,
      rhythm: usual.length > 0 ? Math.min(...usual) : null,
      stalled: nodes.some(({ stalled }) => stalled),
    };
  }

  #hear(node: string, sign: number | null): Heard {
    let heard = this.#heard.get(node);
    if (heard === undefined) {
      heard = { rhythm: new Rhythm(), silence: new Silence(), sign: null };
      this.#heard.set(node, heard);
    }
    if (sign !== null && sign !== heard.sign) {
      heard.sign = sign;
      heard.rhythm.sign(sign);
    }
    return heard;
  }

  losses(): readonly (readonly number[])[] {
    return this.#told().map(({ told }) => lossesOf(told.points));
  }

  async curves(): Promise<NodeCurves[]> {
    await this.read(this.#session.ended === null);
    return this.#told().map(({ node, told: { points, unit } }) => {
      const curve = (kind: MetricKind) => curveOf(points, kind, ({ at }) => at);
      return {
        node,
        unit,
        training: curve("loss"),
        validation: curve("validationLoss"),
        learningRate: curve("learningRate"),
        seams: [],
      };
    });
  }

  async series(only?: string): Promise<MetricSeries[]> {
    await this.read(this.#session.ended === null);
    const files = this.#files.flatMap((file) => file.series());
    const terminal = this.#terminal?.told;
    const all = files.length > 0 || terminal === undefined ? files : seriesOf(terminal);
    return only === undefined ? all : all.filter(({ metric }) => metric === only);
  }

  logFile(node: string): string | undefined {
    return this.#files.find(({ name }) => name === node)?.file;
  }
}

/** A file is exact in what it has; how far it is and how long it takes is told by the terminal. */
function joined(file: Told, terminal: Told): Told {
  const same = file.unit === terminal.unit;
  const sign = Math.max(file.sign ?? 0, terminal.sign ?? 0);
  return {
    ...file,
    points:
      file.points.some(({ loss, validationLoss }) => loss !== undefined || validationLoss !== undefined) || !same
        ? file.points
        : terminal.points,
    total: file.total ?? (same ? terminal.total : null),
    fraction: terminal.fraction ?? file.fraction,
    left: terminal.left,
    perMinute: same ? terminal.perMinute : null,
    sign: sign > 0 ? sign : null,
  };
}

function seriesOf({ points, unit }: Told): MetricSeries[] {
  const names = { loss: "train_loss", validationLoss: "val_loss", learningRate: "lr" } as const;
  return metricKinds.flatMap((kind): MetricSeries[] => {
    const known = points.filter((point) => point[kind] !== undefined);
    if (known.length === 0) return [];
    const at = known.map((point) => point.at);
    const none = known.map(() => null);
    return [
      {
        node: terminalNode,
        metric: names[kind],
        step: unit === "epoch" ? none : at,
        epoch: unit === "epoch" ? at : none,
        time: known.map(({ time }) => time),
        samples: none,
        value: known.map((point) => point[kind] as number),
      },
    ];
  });
}
