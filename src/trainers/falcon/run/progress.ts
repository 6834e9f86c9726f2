// How far one run is, by its files alone: nothing that we do can disturb the training.

import path from "node:path";
import type { StatFiles } from "../../../base/aside/stat-files.ts";
import { steady, wall } from "../../../base/clock.ts";
import type { MetricKind } from "../../reading/metric-words.ts";
import { curveOf, type NodeCurves } from "../../run/curve.ts";
import type { Rhythm } from "../../run/rhythm.ts";
import type { NodeProgress, RunPhase, RunProgress } from "../../run/run.ts";
import type { MetricSeries } from "../../run/series.ts";
import { type Now, Silence } from "../../run/silence.ts";
import type { ConfigTree, RunWatch, WatchEffects } from "../../trainer.ts";
import { type RunConfig, readWholeConfig } from "../config/run-config.ts";
import { type DriverFacts, DriverLog } from "./driver-log.ts";
import { epochSeries, MetricFolders } from "./metric-series.ts";
import type { MetricReader } from "./metrics.ts";
import type { NodeLog } from "./node-log.ts";
import { nodeProgress, stallFloor } from "./node-progress.ts";
import { bufferWindow, metricsOf, RunReader } from "./run-reader.ts";

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
  /** WatchEffects.earlier. */
  earlier?: WatchEffects["earlier"] | undefined;
}

/** The driver speaks at least once a minute while it trains: two of them missed are a silence (ms). */
const runStallFloor = 150_000;

/** Logs tell whole seconds, so that a launch may seem to begin a little before its program (ms). */
const sinceSlack = 2_000;

/** A run that goes on is never said to be through. */
const mostRunning = 0.99;

/** Metrics that nobody has asked for during this time (ms) are forgotten: some have 40,000 entries each. */
const seriesKept = 60_000;

/** Follows one run. Every read() reads only what is new. */
export class RunWatcher implements RunWatch {
  readonly #reader: RunReader;
  readonly #since: number | undefined;
  readonly #clock: () => Now;
  readonly #silence = new Silence();
  /** Every metric of the nodes, followed while somebody asks, and when that was last (steady, ms). */
  readonly #metrics = new Map<string, MetricFolders>();
  #seriesAt = 0;
  readonly #askEarlier: NonNullable<WatchEffects["earlier"]>;
  /** Where the earlier parts' metrics are. Undefined: to be asked for. */
  #earlier: Promise<readonly string[] | undefined> | undefined;
  #losses: readonly (readonly number[])[] = [];

  constructor({ run, look, directory, graph, since, clock, earlier }: WatchOptions) {
    this.#reader = new RunReader({ run: path.resolve(run), look, directory: directory ?? process.cwd(), graph });
    this.#since = since;
    this.#askEarlier = earlier ?? (async () => []);
    this.#clock = clock ?? (() => ({ wall: wall(), steady: steady() }));
  }

  /** Without links once it was read. */
  get run(): string {
    return this.#reader.run;
  }

  /**
   * Reads what is new and tells the state. `alive`: whether the run's program is there, where the caller
   * knows.
   */
  async read(alive?: boolean): Promise<RunProgress> {
    await this.#reader.read();
    if (alive === false) this.#forgetMetrics();
    else this.#forgetUnasked();
    return this.#progress(alive);
  }

  losses(): readonly (readonly number[])[] {
    return this.#losses;
  }

  /**
   * Losses of every epoch by node, training and validation, over all launches. Reads the metrics
   * of a log that was entered at its end.
   */
  async curves(): Promise<NodeCurves[]> {
    await this.read();
    const curves = [];
    for (const node of this.#reader.nodes) {
      const { log, config } = node;
      if (!config.trained) continue;
      const metrics = metricsOf(node);
      const first = log.epochs.at(0)?.time;
      await Promise.all([metrics["val/loss"].read(), metrics.epoch.read()]);
      // with rounds their epochs begin anew in each
      const early =
        log.rounds === undefined
          ? earlier(
              metrics.epoch,
              metrics["val/loss"],
              first === undefined ? undefined : (first + (this.#reader.zone ?? 0)) / 1000 - 1,
            )
          : { x: [], y: [] };
      const epochs = [...log.epochs];
      const curve = (kind: MetricKind) => curveOf(epochs, kind, ({ epoch }) => epoch);
      const { x, y } = curve("validationLoss");
      curves.push({
        node: log.name,
        training: curve("loss"),
        validation: { x: [...early.x, ...x], y: [...early.y, ...y] },
        learningRate: curve("learningRate"),
        seams: log.seams,
      });
    }
    return curves;
  }

  /**
   * Every metric of every node: what the log tells of each epoch, and what stands in the folders of metrics.
   */
  async series(only?: string): Promise<MetricSeries[]> {
    this.#forgetUnasked();
    // before the first wait: a read() meanwhile must not take them for metrics that nobody asks for
    this.#seriesAt = this.#clock().steady;
    await this.read();
    const earlier = await this.#earlierFolders();
    const zone = this.#reader.zone ?? 0;
    const graph = this.#reader.config?.graph ?? path.join(this.run, "graph");
    const nodes = this.#reader.nodes.filter(({ config }) => config.trained);
    const seriesOf = (below: string, node: string) =>
      this.#folders(path.join(graph, below), node).series(
        earlier?.map((kept) => path.join(kept, below)),
        only,
      );
    const told = await Promise.all(
      nodes.map(async ({ log, trainReader }) => [
        ...epochSeries(log, zone, only),
        ...(await seriesOf(log.name, log.name)),
        ...(trainReader.exists ? await seriesOf(path.join(log.name, "train"), log.name) : []),
      ]),
    );
    return told.flat();
  }

  #folders(folder: string, node: string): MetricFolders {
    const folders = this.#metrics.get(folder) ?? new MetricFolders(folder, node);
    this.#metrics.set(folder, folders);
    return folders;
  }

  /** Undefined where the archive is silent: it is asked again at the next look. */
  async #earlierFolders(): Promise<readonly string[] | undefined> {
    this.#earlier ??= this.#askEarlier().catch(() => undefined);
    const asked = this.#earlier;
    const folders = await asked;
    if (folders === undefined && this.#earlier === asked) this.#earlier = undefined;
    return folders;
  }

  #forgetUnasked(): void {
    if (this.#clock().steady - this.#seriesAt > seriesKept) this.#forgetMetrics();
  }

  #forgetMetrics(): void {
    this.#metrics.clear();
    this.#earlier = undefined;
  }

  configuration(): Promise<ConfigTree | undefined> {
    return readWholeConfig(this.run).catch(() => undefined);
  }

  /**
   * The file that holds a node's log ("driver" is the driver's), or undefined for a name that the run does
   * not have.
   */
  logFile(node: string): string | undefined {
    const graph = this.#reader.config?.graph ?? path.join(this.run, "graph");
    const known = this.#reader.nodes.find(({ log }) => log.name === node);
    if (known === undefined && node !== "driver" && node !== "dataset") return undefined;
    return known?.trainReader.exists ? known.trainReader.file : path.join(graph, node, "output.log");
  }

  #progress(alive: boolean | undefined): RunProgress {
    const config = this.#reader.config as RunConfig;
    const zone = this.#reader.zone ?? 0;
    const begun = this.#begun(zone);
    const facts = begun ? this.#reader.driver.facts : notBegun(this.#reader.driver.facts);
    const now = this.#clock();
    const ended = facts.phase === "ended";
    const known = config.localLogs || this.#reader.driverReader?.exists === true;
    const read = this.#reader.nodes.map((node) => {
      const { log, reader, trainReader, silence } = node;
      const metrics = metricsOf(node);
      return nodeProgress(log, {
        config: node.config,
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
        metrics,
      });
    });
    const nodes = read.map(({ progress }) => progress);
    this.#losses = read.map(({ losses }) => losses);
    const trained = nodes.filter((node) => node.status !== "idle");
    const lastSign = latest(
      this.#reader.driverReader?.modified,
      this.#reader.datasetReader?.modified,
      ...nodes.map((node) => node.lastSign ?? undefined),
    );
    const silence = lastSign === undefined ? undefined : this.#silence.since(lastSign, now);
    const limit = this.#runLimit(facts.phase);
    const buffer = begun ? this.#reader.buffer.at(-1) : undefined;
    const fractions = trained.flatMap((node) => (node.status === "done" ? 1 : (node.fraction ?? [])));
    const running = !ended && alive !== false;
    const phase = known ? phaseOf(facts, alive, trained) : "unknown";
    return {
      directory: this.run,
      name: path.basename(this.run),
      graph: config.graph,
      phase,
      stopping: running && facts.stopping && phase !== "sampling",
      timedOut: facts.timedOut,
      saved: facts.saved,
      resumed: facts.launches > 1 || facts.loaded || trained.some((node) => (node.epochsBefore ?? 0) > 0),
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
      timeLeft: running ? timeLeftOf(trained) : null,
      lastSign: lastSign ?? null,
      silence: silence === undefined ? null : silence / 1000,
      rhythm: usualRhythm(nodes, this.#reader.rhythm),
      stalled:
        running && (nodes.some((node) => node.stalled) || (silence !== undefined && limit !== undefined && silence > limit)),
      failure: facts.failure ?? null,
      problem: config.problem ?? elsewhere(trained, phase),
    };
  }

  /** Whether the driver's log has come to this launch; what stands in it before that is an earlier one's. */
  #begun(zone: number): boolean {
    const { started, ended } = this.#reader.driver.facts;
    const last = started ?? ended;
    return this.#since === undefined || last === undefined || last + zone >= this.#since - sinceSlack;
  }

  /** The silence of all logs together from which on the run is stuck; undefined before it has a rhythm. */
  #runLimit(phase: DriverFacts["phase"]): number | undefined {
    if (phase === "starting" || phase === "simulating") return undefined;
    const limits = [
      this.#reader.rhythm.limit(runStallFloor),
      ...this.#reader.nodes.map(({ log }) => log.rhythm.limit(Math.max(runStallFloor, stallFloor))),
    ];
    const known = limits.filter((limit): limit is number => limit !== undefined);
    return known.length > 0 ? Math.max(...known) : undefined;
  }

  #sampleRate(): number | null {
    const recent = this.#reader.buffer.slice(-bufferWindow);
    const [first, last] = [recent[0], recent.at(-1)];
    return first && last && last.time > first.time ? ((last.total - first.total) * 60_000) / (last.time - first.time) : null;
  }
}

function phaseOf({ phase, outcome }: DriverFacts, alive: boolean | undefined, trained: readonly NodeProgress[]): RunPhase {
  if (phase === "ended") return outcome as RunPhase;
  if (alive === false) return "broken off";
  // a driver log that was entered at its end, or a driver with other words
  const begun = trained.some(({ status, epoch }) => status === "training" && (phase === "starting" || epoch !== null));
  if ((phase === "starting" || phase === "simulating") && begun) return "training";
  return phase;
}

/** Of the slowest node; null while one of them trains in rounds or has still to begin. */
function timeLeftOf(trained: readonly NodeProgress[]): number | null {
  const left = trained.filter(({ status }) => status === "training" || status === "waiting").map(({ timeLeft }) => timeLeft);
  const known = left.filter((seconds): seconds is number => seconds !== null);
  return known.length > 0 && known.length === left.length ? Math.max(...known) : null;
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
