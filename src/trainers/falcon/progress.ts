// Watches one run through its files alone: nothing that it does can disturb the training.

import path from "node:path";
import { steady, wall } from "../../base/clock.ts";
import type { FileStat, StatFiles } from "../../base/stat-files.ts";
import { ByteCount } from "../byte-count.ts";
import type { NodeCurves } from "../curve.ts";
import { LogReader } from "../log-reader.ts";
import { parseLogLine } from "../python-log.ts";
import { Rhythm } from "../rhythm.ts";
import type { NodeProgress, RunPhase, RunProgress } from "../run.ts";
import type { MetricSeries } from "../series.ts";
import { type Now, Silence } from "../silence.ts";
import { summarise } from "../summary.ts";
import type { ConfigTree, RunWatch } from "../trainer.ts";
import { type DriverFacts, DriverLog } from "./driver-log.ts";
import { parseBuffer } from "./log-line.ts";
import { epochSeries, metricSeries } from "./metric-series.ts";
import { MetricReader } from "./metrics.ts";
import { NodeLog } from "./node-log.ts";
import { nodeProgress, stallFloor } from "./node-progress.ts";
import { type ConfigNode, type RunConfig, readRunConfig, readWholeConfig } from "./run-config.ts";
import { canonical, runName } from "./run-directory.ts";

export interface WatchOptions {
  /** The run directory. */
  run: string;
  /** How its files are looked at. */
  look: StatFiles;
  /** Working directory of the run's program, for relative paths in its configuration. */
  directory?: string;
  /** paths.graph of the command line (LaunchArguments.graph). */
  graph?: string | undefined;
  /**
   * When this launch's program was started, ms since 1970: what an earlier launch wrote into the directory is
   * then not taken for its own.
   */
  since?: number | undefined;
  /** ms since 1970. */
  clock?: () => Now;
}

/** The driver speaks at least once a minute while it trains: two of them missed are a silence (ms). */
const runStallFloor = 150_000;

/** Logs tell whole seconds, so that a launch may seem to begin a little before its program (ms). */
const sinceSlack = 2_000;

/** A run that goes on is never said to be through. */
const mostRunning = 0.99;

/** Buffer lines that the simulation rate is measured over. */
const bufferWindow = 60;

/** Ours and the log's clock differ by a time zone when they differ by a multiple of this (ms)... */
const zoneStep = 15 * 60_000;
/** ...give or take this much, and at most so many (UTC-12 to UTC+14, seen from either end). */
const zoneSlack = 5_000;
const farthestZone = 26 * 3_600_000;

type Metrics = Record<"epoch" | "val/loss" | "train/loss" | "lr" | "n_samples", MetricReader>;

interface WatchedNode {
  log: NodeLog;
  reader: LogReader;
  /** Of a falcon that trains in an actor of its own, beside the one that samples. */
  trainReader: LogReader;
  trained: boolean;
  configured: number | undefined;
  patience: number | undefined;
  rounds: ConfigNode["rounds"];
  metrics: Metrics;
  /** Of the actor that trains. */
  trainMetrics: Metrics;
  silence: Silence;
}

/** Follows one run. Every read() reads only what is new. */
export class RunWatcher implements RunWatch {
  /** Without links once it was read. */
  run: string;
  readonly count = new ByteCount();
  readonly #look: StatFiles;
  readonly #directory: string;
  readonly #graphOption: string | undefined;
  readonly #since: number | undefined;
  readonly #clock: () => Now;
  readonly #silence = new Silence();
  #config: RunConfig | undefined;
  #configRead: string | undefined;
  #driver = new DriverLog();
  #driverReader: LogReader | undefined;
  #nodes: WatchedNode[] = [];
  #datasetReader: LogReader | undefined;
  #buffer: { time: number; total: number; training: number; validation: number }[] = [];
  #rhythm = new Rhythm();
  #zone: number | undefined;
  #reading: Promise<void> | undefined;

  constructor(options: WatchOptions) {
    this.run = path.resolve(options.run);
    this.#look = options.look;
    this.#directory = options.directory ?? process.cwd();
    this.#graphOption = options.graph;
    this.#since = options.since;
    this.#clock = options.clock ?? (() => ({ wall: wall(), steady: steady() }));
  }

  /**
   * Reads what is new and tells the state. `alive`: whether the run's program is there, where the caller
   * knows.
   */
  async read(alive?: boolean): Promise<RunProgress> {
    this.#reading ??= this.#refresh().finally(() => {
      this.#reading = undefined;
    });
    await this.#reading;
    return this.#progress(alive);
  }

  /**
   * Losses of every epoch by node, training and validation, over all launches: for drawing. Reads the metrics
   * of a log that was entered at its end.
   */
  async curves(): Promise<NodeCurves[]> {
    await this.read();
    const curves = [];
    for (const node of this.#nodes) {
      const { log, trained } = node;
      if (!trained) continue;
      const metrics = metricsOf(node);
      const first = log.epochs[0]?.time;
      await Promise.all([metrics["val/loss"].read(), metrics.epoch.read()]);
      // with rounds their epochs begin anew in each
      const early =
        log.rounds === undefined
          ? earlier(metrics.epoch, metrics["val/loss"], first === undefined ? undefined : (first + (this.#zone ?? 0)) / 1000 - 1)
          : { x: [], y: [] };
      const training = log.epochs.filter((e) => e.loss !== undefined);
      const validation = log.epochs.filter((e) => e.validationLoss !== undefined);
      const rates = log.epochs.filter((e) => e.learningRate !== undefined);
      curves.push({
        node: log.name,
        training: { label: "training", x: training.map((e) => e.epoch), y: training.map((e) => e.loss as number) },
        validation: {
          label: "validation",
          x: [...early.x, ...validation.map((e) => e.epoch)],
          y: [...early.y, ...validation.map((e) => e.validationLoss as number)],
        },
        learningRate: {
          label: "learning rate",
          x: rates.map((e) => e.epoch),
          y: rates.map((e) => e.learningRate as number),
        },
        seams: log.seams,
      });
    }
    return curves;
  }

  /**
   * Every metric of every node: what the log tells of each epoch, and what stands in the folders of metrics.
   */
  async series(): Promise<MetricSeries[]> {
    await this.read();
    const zone = this.#zone ?? 0;
    const graph = this.#config?.graph ?? path.join(this.run, "graph");
    const nodes = this.#nodes.filter(({ trained }) => trained);
    const told = await Promise.all(
      nodes.map(async ({ log, trainReader }) => [
        ...epochSeries(log, zone),
        ...(await metricSeries(graph, log.name, this.count)),
        ...(trainReader.exists ? await metricSeries(graph, path.join(log.name, "train"), this.count, log.name) : []),
      ]),
    );
    return told.flat();
  }

  configuration(): Promise<ConfigTree | undefined> {
    return readWholeConfig(this.run);
  }

  /**
   * The file that holds a node's log ("driver" is the driver's), or undefined for a name that the run does
   * not have.
   */
  logFile(node: string): string | undefined {
    const graph = this.#config?.graph ?? path.join(this.run, "graph");
    if (node !== "driver" && node !== "dataset" && !this.#nodes.some(({ log }) => log.name === node)) return undefined;
    const training = this.#nodes.find(({ log, trainReader }) => log.name === node && trainReader.exists);
    return training?.trainReader.file ?? path.join(graph, node, "output.log");
  }

  async #refresh(): Promise<void> {
    if (this.#config === undefined) this.run = await canonical(this.run);
    let seen = await this.#lookAround();
    if (await this.#readConfig(seen.config)) seen = await this.#lookAround();
    await Promise.all([
      this.#readDriver(this.#driverReader as LogReader, seen.driver),
      this.#readDataset(this.#datasetReader as LogReader, seen.dataset),
      ...this.#nodes.map((node, i) => this.#readNode(node, seen.nodes[i], seen.trains[i])),
    ]);
  }

  /** One look at all files of the run that are known of. */
  async #lookAround(): Promise<{
    config: FileStat;
    driver?: FileStat;
    dataset?: FileStat;
    nodes: FileStat[];
    trains: FileStat[];
  }> {
    const nodes = this.#nodes.length;
    const readers = [
      ...[this.#driverReader, this.#datasetReader],
      ...this.#nodes.map(({ reader }) => reader),
      ...this.#nodes.map(({ trainReader }) => trainReader),
    ];
    const config = { file: path.join(this.run, "config.yml"), from: 0, known: Number.POSITIVE_INFINITY };
    const seen = await this.#look([config, ...readers.flatMap((reader) => reader?.lookedAt ?? [])]);
    return {
      config: seen[0] as FileStat,
      driver: seen[1] as FileStat,
      dataset: seen[2] as FileStat,
      nodes: seen.slice(3, 3 + nodes),
      trains: seen.slice(3 + nodes),
    };
  }

  /** Whether other files are to be looked at from now on. */
  async #readConfig({ error, modified, size, inode }: FileStat): Promise<boolean> {
    const signature = error === 0 ? `${modified} ${size} ${inode}` : "none";
    if (this.#config && signature === this.#configRead && signature !== "none") return false;
    const config = await readRunConfig(this.run, this.#directory, this.#graphOption, this.count);
    this.#configRead = signature;
    if (this.#config && config.graph === this.#config.graph && same(config.nodes, this.#config.nodes)) {
      this.#config = config;
      return false;
    }
    this.#config = config;
    const reader = (node: string) => new LogReader(path.join(config.graph, node, "output.log"), this.#look, this.count);
    this.#driverReader = reader("driver");
    this.#datasetReader = reader("dataset");
    this.#driver.restart();
    this.#buffer = [];
    this.#nodes = config.nodes.map(({ name, trained, epochs, patience, rounds }) => {
      const metrics = (folder: string): Metrics => {
        const metric = (metricName: string) =>
          new MetricReader(path.join(config.graph, folder, "metrics", metricName), this.count);
        return {
          epoch: metric("epoch"),
          "val/loss": metric("val/loss"),
          "train/loss": metric("train/loss"),
          lr: metric("lr"),
          n_samples: metric("n_samples"),
        };
      };
      return {
        log: new NodeLog(name),
        reader: reader(name),
        trainReader: reader(path.join(name, "train")),
        trained,
        configured: epochs,
        patience,
        rounds,
        metrics: metrics(name),
        trainMetrics: metrics(path.join(name, "train")),
        silence: new Silence(),
      };
    });
    return true;
  }

  async #readDriver(reader: LogReader, seen: FileStat | undefined): Promise<void> {
    const news = await reader.read(seen);
    if (news.restarted) this.#driver.restart();
    if (news.skipped > 0) this.#driver.skip();
    const before = this.#driver.facts.launches;
    for (const line of news.lines) this.#driver.line(line);
    this.#driver.settle();
    if (this.#driver.facts.launches !== before) this.#rhythm.pause();
    this.#setZone(reader, news.lines);
  }

  async #readDataset(reader: LogReader, seen: FileStat | undefined): Promise<void> {
    const news = await reader.read(seen);
    if (news.restarted) this.#buffer = [];
    for (const line of news.lines) {
      const read = parseLogLine(line);
      if (!read) continue;
      if (read.text.startsWith("Dataset manager initialized")) this.#buffer = [];
      const buffer = parseBuffer(read.text);
      if (!buffer) continue;
      this.#rhythm.sign(read.time);
      this.#buffer.push({ time: read.time, total: buffer.total, training: buffer.training, validation: buffer.validation });
      if (this.#buffer.length > 2 * bufferWindow) this.#buffer.splice(0, bufferWindow);
    }
    this.#setZone(reader, news.lines);
  }

  async #readNode(node: WatchedNode, seen: FileStat | undefined, seenTrain: FileStat | undefined): Promise<void> {
    for (const [reader, stat] of [[node.reader, seen] as const, [node.trainReader, seenTrain] as const]) {
      const news = await reader.read(stat);
      // where two actors write, the one that trains tells of the training
      if (reader === node.reader && node.trainReader.exists) continue;
      if (news.restarted) node.log.restart();
      if (news.skipped > 0) node.log.skip();
      for (const line of news.lines) node.log.line(line);
      this.#setZone(reader, news.lines);
    }
    // metrics cost nothing until they are needed: the log has it all, and earlier
    const { log, reader, trainReader } = node;
    const metrics = metricsOf(node);
    if (!node.trained || !(reader.exists || trainReader.exists) || !log.started) return;
    if (log.launch.length === 0) await Promise.all(Object.values(metrics).map((metric) => metric.read()));
    else if (!log.beginningSeen) await metrics.epoch.read();
  }

  /** Logs carry local times without a zone: the file's own time tells how far that is from ours. */
  #setZone(reader: LogReader, lines: readonly string[]): void {
    if (this.#zone !== undefined || reader.modified === undefined) return;
    const last = lines.length === 0 ? undefined : parseLogLine(lines.at(-1) as string);
    if (!last) return;
    const difference = reader.modified - last.time;
    const zone = Math.round(difference / zoneStep) * zoneStep;
    if (Math.abs(zone) <= farthestZone && Math.abs(difference - zone) <= zoneSlack) this.#zone = zone;
  }

  #progress(alive: boolean | undefined): RunProgress {
    const config = this.#config as RunConfig;
    const zone = this.#zone ?? 0;
    const begun = this.#begun(zone);
    const facts = begun ? this.#driver.facts : notBegun(this.#driver.facts);
    const now = this.#clock();
    const ended = facts.phase === "ended";
    const known = config.localLogs || this.#driverReader?.exists === true;
    const nodes = this.#nodes.map((node) => {
      const { log, reader, trainReader, trained, configured, patience, rounds, silence } = node;
      const metrics = metricsOf(node);
      return nodeProgress(log, {
        trained,
        configured,
        patience,
        rounds,
        known,
        logged: reader.exists || trainReader.exists,
        driver: facts.nodes.get(log.name),
        begun: begun && ofThisLaunch(log, facts.started),
        alive,
        ended,
        now,
        zone,
        silence,
        lastSign:
          latest(reader.modified, trainReader.modified, ...Object.values(metrics).map((metric) => metric.modified)) ??
          driverSign(facts, log, zone),
        launched: facts.started,
        epochMetric: metrics.epoch,
        lossMetric: metrics["train/loss"],
        validationMetric: metrics["val/loss"],
        rateMetric: metrics.lr,
        samplesMetric: metrics.n_samples,
      });
    });
    const trained = nodes.filter((node) => node.status !== "idle");
    const lastSign = latest(
      this.#driverReader?.modified,
      this.#datasetReader?.modified,
      ...nodes.map((node) => node.lastSign ?? undefined),
      ...this.#nodes.flatMap((node) => [node.reader.modified, node.trainReader.modified]),
    );
    const silence = lastSign === undefined ? undefined : this.#silence.since(lastSign, now);
    const limit = this.#runLimit(facts.phase);
    const buffer = begun ? this.#buffer.at(-1) : undefined;
    const fractions = trained.flatMap((node) => (node.status === "done" ? 1 : (node.fraction ?? [])));
    const running = !ended && alive !== false;
    const phase = known ? phaseOf(facts, alive, trained) : "unknown";
    const run = {
      directory: this.run,
      name: runName(this.run),
      graph: config.graph,
      phase,
      stopping: running && facts.stopping && phase !== "sampling",
      timedOut: facts.timedOut,
      saved: facts.saved,
      resumed:
        this.#driver.facts.launches + (begun ? 0 : 1) > 1 || facts.loaded || trained.some((node) => (node.epochsBefore ?? 0) > 0),
      localLogs: config.localLogs,
      started: facts.started === undefined ? null : facts.started + zone,
      ended: facts.ended === undefined ? null : facts.ended + zone,
      nodes,
      samples: buffer ? { total: buffer.total, training: buffer.training, validation: buffer.validation } : null,
      samplesPerMinute: begun ? this.#sampleRate() : null,
      fraction:
        trained.length > 0 && fractions.length === trained.length
          ? // who goes on is not through: samples are still to be drawn
            Math.min(running ? mostRunning : 1, fractions.reduce((a, b) => a + b, 0) / fractions.length)
          : null,
      timeLeft:
        running && trained.some((node) => node.timeLeft !== null) ? Math.max(...trained.map((node) => node.timeLeft ?? 0)) : null,
      lastSign: lastSign ?? null,
      silence: silence === undefined ? null : silence / 1000,
      rhythm: usualRhythm(nodes, this.#rhythm),
      stalled:
        running && (nodes.some((node) => node.stalled) || (silence !== undefined && limit !== undefined && silence > limit)),
      failure: facts.failure ?? null,
      problem: config.problem ?? elsewhere(trained, phase),
    };
    return { ...run, summary: summarise(run) };
  }

  /** Whether the driver's log has come to this launch; what stands in it before that is an earlier one's. */
  #begun(zone: number): boolean {
    const { started, ended } = this.#driver.facts;
    const last = started ?? ended;
    return this.#since === undefined || last === undefined || last + zone >= this.#since - sinceSlack;
  }

  /** The silence of all logs together from which on the run is stuck; undefined before it has a rhythm. */
  #runLimit(phase: DriverFacts["phase"]): number | undefined {
    if (phase === "starting" || phase === "simulating") return undefined;
    const limits = [
      this.#rhythm.limit(runStallFloor),
      ...this.#nodes.map(({ log }) => log.rhythm.limit(Math.max(runStallFloor, stallFloor))),
    ];
    const known = limits.filter((limit): limit is number => limit !== undefined);
    return known.length > 0 ? Math.max(...known) : undefined;
  }

  #sampleRate(): number | null {
    const recent = this.#buffer.slice(-bufferWindow);
    const [first, last] = [recent[0], recent.at(-1)];
    return first && last && last.time > first.time ? ((last.total - first.total) * 60_000) / (last.time - first.time) : null;
  }
}

/** Those of the actor that trains, where there is one. */
function metricsOf({ metrics, trainMetrics, trainReader }: WatchedNode): Metrics {
  return trainReader.exists ? trainMetrics : metrics;
}

function phaseOf({ phase, outcome }: DriverFacts, alive: boolean | undefined, trained: readonly NodeProgress[]): RunPhase {
  if (phase === "ended") return outcome as RunPhase;
  if (alive === false) return "broken off";
  // a driver log that was entered at its end, or a driver with other words
  const begun = trained.some(({ status, epoch }) => status === "training" && (phase === "starting" || epoch !== null));
  if ((phase === "starting" || phase === "simulating") && begun) return "training";
  return phase;
}

/** The facts of a launch that has not written anything yet. */
function notBegun(earlier: DriverFacts): DriverFacts {
  return { ...new DriverLog().facts, launches: earlier.launches + 1 };
}

/**
 * Whether a node's log has come to the launch that the driver began at `started`: it speaks some seconds
 * later.
 */
function ofThisLaunch(log: NodeLog, started: number | undefined): boolean {
  const time = log.begunAt ?? log.lastTime;
  return started === undefined || time === undefined || time >= started;
}

/** When the driver last said something of a node. */
function driverSign(facts: DriverFacts, log: NodeLog, zone: number): number | undefined {
  const told = facts.nodes.get(log.name);
  return told === undefined ? undefined : told.time + zone;
}

/** A sentence about nodes that are trained where their logs cannot be seen from here. */
function elsewhere(trained: readonly NodeProgress[], phase: RunPhase): string | null {
  const missing = trained.filter((node) => !node.logged && node.status !== "waiting" && node.status !== "unknown");
  if (phase === "unknown" || missing.length === 0) return null;
  return `no log of ${missing.map((node) => node.name).join(", ")} here: only what the driver says once a minute`;
}

function latest(...times: (number | undefined)[]): number | undefined {
  const known = times.filter((time): time is number => time !== undefined);
  return known.length > 0 ? Math.max(...known) : undefined;
}

/** Validation losses by epoch from before `until` (seconds): what the log no longer tells. */
function earlier(epochs: MetricReader, losses: MetricReader, until: number | undefined): { x: number[]; y: number[] } {
  const early = { x: [] as number[], y: [] as number[] };
  let at = 0;
  for (const { time, value } of losses.points) {
    if (until !== undefined && time >= until) break;
    while (at + 1 < epochs.points.length && (epochs.points[at + 1]?.time as number) <= time) at++;
    const epoch = epochs.points[at];
    if (!epoch || epoch.time > time) continue;
    early.x.push(epoch.value);
    early.y.push(value);
  }
  return early;
}

function usualRhythm(nodes: readonly NodeProgress[], run: Rhythm): number | null {
  const known = nodes.flatMap((node) => (node.status === "training" && node.rhythm !== null ? node.rhythm : []));
  if (known.length > 0) return Math.min(...known);
  return run.usual === undefined ? null : run.usual / 1000;
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
