// The files of one run, read as they grow: configuration, the driver's log, the dataset's and each node's.
import path from "node:path";
import { NoAnswer } from "../../../base/aside/aside.ts";
import type { FileStat, StatFiles } from "../../../base/aside/stat-files.ts";
import { LogReader } from "../../reading/log-reader.ts";
import { parseLogLine } from "../../reading/python-log.ts";
import { Rhythm } from "../../run/rhythm.ts";
import { Silence } from "../../run/silence.ts";
import { type ConfigNode, type RunConfig, readRunConfig } from "../config/run-config.ts";
import { DriverLog } from "./driver-log.ts";
import { type BufferLine, parseBuffer } from "./log-line.ts";
import { type Metrics, metricsIn } from "./metrics.ts";
import { NodeLog } from "./node-log.ts";
import { canonical } from "./run-directory.ts";

/** Buffer lines that the simulation rate is measured over. */
export const bufferWindow = 60;

/** Ours and the log's clock differ by a time zone when they differ by a multiple of this (ms)... */
const zoneStep = 15 * 60_000;
/** ...give or take this much, and at most so many (UTC-12 to UTC+14, seen from either end). */
const zoneSlack = 5_000;
const farthestZone = 26 * 3_600_000;

interface WatchedNode {
  log: NodeLog;
  reader: LogReader;
  /** Of a falcon that trains in an actor of its own, beside the one that samples. */
  trainReader: LogReader;
  config: ConfigNode;
  metrics: Metrics;
  /** Of the actor that trains. */
  trainMetrics: Metrics;
  silence: Silence;
}

/** What a look at the logs has found just now. */
type Seen = ReadonlyMap<LogReader, FileStat>;

/** Where the files of a run are. */
interface RunPlace {
  run: string;
  look: StatFiles;
  directory: string;
  graph: string | undefined;
}

/** Reads one run. Every read() reads only what is new. */
export class RunReader {
  /** Without links once it was read. */
  run: string;
  config: RunConfig | undefined;
  driver = new DriverLog();
  driverReader: LogReader | undefined;
  datasetReader: LogReader | undefined;
  nodes: WatchedNode[] = [];
  /** What the dataset's log last said of the buffer. */
  buffer: ({ time: number } & BufferLine)[] = [];
  /** Of the driver and the dataset. */
  readonly rhythm = new Rhythm();
  /** What the logs' clock is behind ours (ms); undefined while that is not known. */
  zone: number | undefined;
  /** It is an earlier launch's: this one may run in a container, or on another host. */
  #isZoneOld = false;
  readonly #look: StatFiles;
  readonly #directory: string;
  readonly #graphOption: string | undefined;
  #configRead: string | undefined;
  #reading: Promise<void> | undefined;

  constructor({ run, look, directory, graph }: RunPlace) {
    this.run = run;
    this.#look = look;
    this.#directory = directory;
    this.#graphOption = graph;
  }

  async read(): Promise<void> {
    this.#reading ??= this.#refresh().finally(() => {
      this.#reading = undefined;
    });
    await this.#reading;
  }

  async #refresh(): Promise<void> {
    if (this.config === undefined) this.run = await canonical(this.run);
    let { config, logs } = await this.#lookAround();
    if (await this.#readConfig(config)) ({ logs } = await this.#lookAround());
    await Promise.all([
      this.#readDriver(this.driverReader as LogReader, logs),
      this.#readDataset(this.datasetReader as LogReader, logs),
      ...this.nodes.map((node) => this.#readNode(node, logs)),
    ]);
  }

  /** One look at all files of the run that are known of. */
  async #lookAround(): Promise<{ config: FileStat; logs: Seen }> {
    const ofNodes = this.nodes.flatMap(({ reader, trainReader }) => [reader, trainReader]);
    const readers = [this.driverReader, this.datasetReader, ...ofNodes].filter((reader) => reader !== undefined);
    const file = { file: path.join(this.run, "config.yml"), from: 0, known: Number.POSITIVE_INFINITY };
    const [config, ...logs] = await this.#look([file, ...readers.map(({ lookedAt }) => lookedAt)]);
    return { config: config as FileStat, logs: new Map(readers.map((reader, i) => [reader, logs[i] as FileStat])) };
  }

  /** Whether other files are to be looked at from now on. */
  async #readConfig({ error, modified, size, inode }: FileStat): Promise<boolean> {
    const signature = error === 0 ? `${modified} ${size} ${inode}` : "none";
    if (this.config && signature === this.#configRead && signature !== "none") return false;
    let config: RunConfig;
    try {
      config = await readRunConfig(this.run, this.#directory, this.#graphOption);
      // as where it does not answer
      if (config.unread && this.config && this.config.problem === undefined) return false;
      this.#configRead = config.unread ? undefined : signature;
    } catch (error) {
      if (!(error instanceof NoAnswer) || this.config === undefined) throw error;
      // asked for again at the next look; until then what was read before counts
      return false;
    }
    if (this.config && config.graph === this.config.graph && same(config.nodes, this.config.nodes)) {
      this.config = config;
      return false;
    }
    this.config = config;
    const reader = (node: string) => new LogReader(path.join(config.graph, node, "output.log"), this.#look);
    this.driverReader = reader("driver");
    this.datasetReader = reader("dataset");
    this.driver = new DriverLog();
    this.buffer = [];
    this.nodes = config.nodes.map((node) => {
      const { name } = node;
      const train = path.join(name, "train");
      return {
        log: new NodeLog(name),
        reader: reader(name),
        trainReader: reader(train),
        config: node,
        metrics: metricsIn(path.join(config.graph, name)),
        trainMetrics: metricsIn(path.join(config.graph, train)),
        silence: new Silence(),
      };
    });
    return true;
  }

  async #readDriver(reader: LogReader, seen: Seen): Promise<void> {
    const news = await reader.read(seen.get(reader));
    if (news.restarted) this.driver = new DriverLog();
    if (news.skipped > 0) this.driver.skip();
    const before = this.driver.facts.launches;
    for (const line of news.lines) this.driver.line(line);
    this.driver.settle();
    if (this.driver.facts.launches !== before) {
      this.rhythm.pause();
      this.#isZoneOld = true;
    }
    this.#setZone(reader, news.lines);
  }

  async #readDataset(reader: LogReader, seen: Seen): Promise<void> {
    const news = await reader.read(seen.get(reader));
    if (news.restarted) this.buffer = [];
    for (const line of news.lines) {
      const read = parseLogLine(line);
      if (!read) continue;
      if (read.text.startsWith("Dataset manager initialized")) this.buffer = [];
      const buffer = parseBuffer(read.text);
      if (!buffer) continue;
      this.rhythm.sign(read.time);
      this.buffer.push({ time: read.time, ...buffer });
      if (this.buffer.length > 2 * bufferWindow) this.buffer.splice(0, bufferWindow);
    }
    this.#setZone(reader, news.lines);
  }

  async #readNode(node: WatchedNode, seen: Seen): Promise<void> {
    for (const reader of [node.reader, node.trainReader]) {
      const news = await reader.read(seen.get(reader));
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
    if (!node.config.trained || !(reader.exists || trainReader.exists) || !log.started) return;
    if (log.launch.length === 0) await Promise.all(Object.values(metrics).map((metric) => metric.read()));
    else if (!log.beginningSeen) await metrics.epoch.read();
  }

  /** Logs carry local times without a zone: the file's own time tells how far that is from ours. */
  #setZone(reader: LogReader, lines: readonly string[]): void {
    if ((this.zone !== undefined && !this.#isZoneOld) || reader.modified === undefined) return;
    const last = lines.length === 0 ? undefined : parseLogLine(lines.at(-1) as string);
    if (!last) return;
    const difference = reader.modified - last.time;
    const zone = Math.round(difference / zoneStep) * zoneStep;
    if (Math.abs(zone) > farthestZone || Math.abs(difference - zone) > zoneSlack) return;
    this.zone = zone;
    this.#isZoneOld = false;
  }
}

/** Those of the actor that trains, where there is one. */
export function metricsOf({ metrics, trainMetrics, trainReader }: WatchedNode): Metrics {
  return trainReader.exists ? trainMetrics : metrics;
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
