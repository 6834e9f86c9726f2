// Measures what the running sessions use, each five seconds where something moves, and keeps it with each
// session.

import type { Log } from "../base/log.ts";
import { known, mostOf, sumOf } from "../base/numbers.ts";
import type { TreeUsage } from "../platform/native.ts";
import { type Finding, findings } from "./findings.ts";
import { type GpuShare, gpuShare } from "./gpu-share.ts";
import type { LimitPlace, MemoryUse } from "./memory-limit.ts";
import type { Nvidia } from "./nvidia.ts";
import type { UsageSample } from "./sample.ts";
import { backwards, type UsageSeries } from "./series.ts";
import { actorsOf, joinsCluster, keptUsage, totalsOf, type Usage } from "./usage.ts";
import { appendUsage, readUsage, writeUsage } from "./usage-file.ts";

/**
 * The first look at a session (ms): the program has begun to work, and who looks at the list has something to
 * see.
 */
const firstPause = 1_000;

/**
 * Pauses between two samples of a session (ms): while it moves, and after it has not, each time twice as
 * long.
 */
export const shortestPause = 5_000;
export const longestPause = 60_000;

/** Less than this part of a processor, or of its memory's size, is no movement. */
const stillCpu = 0.01;
const stillMemory = 0.01;

/** Whether a session has begun to use a GPU is looked for so often (ms): its open files are read for it. */
const gpuLook = 30_000;

/** Limits are looked for so often (ms): a batch system and a service manager may change them. */
const limitLook = 60_000;

/** The last samples before an end within so long (ms) say how full the memory was. */
const beforeEnd = 60_000;

/** What is measured. */
export interface SampledSession {
  readonly id: string;
  readonly folder: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** ms since 1970. */
  readonly started: number | null;
  readonly holderPid: number | null;
  readonly programPid: number | null;
}

export interface SamplerEffects {
  live(): readonly SampledSession[];
  /** What descends from each of these; empty where the system does not tell. */
  sample(roots: readonly number[], lookForGpu: boolean): Promise<TreeUsage[]>;
  /** NVIDIA's driver, where there is one (nvidia.ts). */
  readonly gpus: Pick<Nvidia, "want" | "gpus" | "processes">;
  /** Whether there is a GPU that could be used. */
  hasDriver(): boolean;
  limitPlace(pid: number): LimitPlace | undefined;
  memoryUse(place: LimitPlace): MemoryUse | undefined;
  /** Something worth telling; each kind once until it is over. */
  found(id: string, finding: Finding): void;
  clock(): number;
  steady(): number;
  log: Log;
}

interface Recorder {
  series: UsageSeries;
  pause: number;
  /** By the steady clock. */
  due: number;
  /** When this server measured it last, by the steady clock; undefined: not yet. */
  measured: number | undefined;
  /** Processor seconds and bytes that the series tells already, of this program's. */
  cpu: number;
  written: number;
  /** It has a GPU open. */
  gpu: boolean;
  limit: { at: number; place: LimitPlace | undefined };
  usage: Usage | undefined;
  told: Set<Finding["kind"]>;
  elsewhere: boolean;
}

export class UsageSampler {
  #effects: SamplerEffects;
  #recorders = new Map<string, Recorder>();
  #timer: NodeJS.Timeout | undefined;
  #turn: Promise<void> = Promise.resolve();
  #gpuLooked = Number.NEGATIVE_INFINITY;
  #gone = false;

  constructor(effects: SamplerEffects) {
    this.#effects = effects;
  }

  /** Something runs, or runs no more. */
  changed(): void {
    if (this.#gone) return;
    const live = this.#effects.live();
    for (const session of live) if (!this.#recorders.has(session.id)) this.#begin(session);
    const ids = new Set(live.map(({ id }) => id));
    for (const id of [...this.#recorders.keys()]) if (!ids.has(id)) this.#recorders.delete(id);
    this.#plan();
  }

  #begin(session: SampledSession): void {
    const series = readUsage(session.folder);
    this.#recorders.set(session.id, {
      series,
      pause: shortestPause,
      due: this.#effects.steady() + firstPause,
      measured: undefined,
      cpu: series.total("cpu"),
      written: series.total("written"),
      gpu: false,
      limit: { at: Number.NEGATIVE_INFINITY, place: undefined },
      usage: undefined,
      told: new Set(),
      elsewhere: joinsCluster(session.command, session.environment),
    });
  }

  /** One timer for all; what is due within half a pause is measured together. */
  #plan(): void {
    clearTimeout(this.#timer);
    if (this.#gone || this.#recorders.size === 0) return this.#effects.gpus.want(false);
    const due = Math.min(...[...this.#recorders.values()].map((recorder) => recorder.due));
    this.#timer = setTimeout(() => void this.#look(), Math.max(0, due - this.#effects.steady()));
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    const until = this.#effects.steady() + shortestPause / 2;
    const due = this.#effects.live().filter(({ id }) => (this.#recorders.get(id)?.due ?? Number.POSITIVE_INFINITY) <= until);
    await this.#measure(due);
    this.#plan();
  }

  /** Measures these sessions now. One at a time: the kernel's answers are gathered in one place. */
  #measure(sessions: readonly SampledSession[]): Promise<void> {
    this.#turn = this.#turn
      .then(() => (this.#gone ? undefined : this.#measureNow(sessions)))
      .catch((error) => this.#effects.log("usage.failed", { reason: String(error) }));
    return this.#turn;
  }

  async #measureNow(sessions: readonly SampledSession[]): Promise<void> {
    const { steady, clock, gpus } = this.#effects;
    const now = steady();
    const driver = this.#effects.hasDriver();
    const lookForGpu = driver && now - this.#gpuLooked >= gpuLook && [...this.#recorders.values()].some(({ gpu }) => !gpu);
    if (lookForGpu) this.#gpuLooked = now;
    // all of them, whoever is due: what is once known to be nobody's is not read again (native/addon/usage.c)
    const roots = this.#effects.live().flatMap(({ holderPid }) => holderPid ?? []);
    const trees = new Map((await this.#effects.sample(roots, lookForGpu)).map((tree) => [tree.root, tree]));
    const treeOf = ({ holderPid }: SampledSession) => (holderPid === null ? undefined : trees.get(holderPid));
    for (const session of this.#effects.live()) {
      const recorder = this.#recorders.get(session.id);
      if (recorder !== undefined && treeOf(session)?.gpu === true) recorder.gpu = true;
    }
    gpus.want(driver && [...this.#recorders.values()].some(({ gpu }) => gpu));
    const uses = new Map<string, MemoryUse | undefined>();
    const at = { wall: clock(), steady: steady() };
    for (const session of sessions) {
      const recorder = this.#recorders.get(session.id);
      if (recorder === undefined) continue;
      const tree = treeOf(session);
      const moved = tree !== undefined && this.#record(session, recorder, tree, at, uses);
      recorder.pause = moved ? shortestPause : Math.min(longestPause, recorder.pause * 2);
      recorder.due = now + recorder.pause;
    }
  }

  /** Answers whether something moved. */
  #record(
    session: SampledSession,
    recorder: Recorder,
    tree: TreeUsage,
    at: { wall: number; steady: number },
    uses: Map<string, MemoryUse | undefined>,
  ): boolean {
    const { series } = recorder;
    const before = series.last;
    // the wall clock may be set at any moment: what another server measured last is all that it is asked for
    const took =
      recorder.measured === undefined ? at.wall - (before?.time ?? session.started ?? at.wall) : at.steady - recorder.measured;
    recorder.measured = at.steady;
    if (took <= 0) return true;
    const span = took / 1000;
    // set back, it goes on from where it was
    const time = before !== undefined && at.wall <= before.time ? Math.ceil(before.time + took) : at.wall;
    const limit = this.#limitOf(session, recorder, uses);
    const share = recorder.gpu ? this.#gpuShareOf(session, tree) : undefined;
    // numbers of a process that is gone before its parent has waited for it are missing for a while: nothing
    // is taken back
    const cpu = Math.max(0, tree.cpu - recorder.cpu) / span;
    const written = Math.max(0, tree.written - recorder.written) / span;
    const alive = tree.pids.length > 0;
    const memory = alive ? tree.anonymous + tree.shared : null;
    const sample: UsageSample = {
      time,
      span,
      cpu: recorder.elsewhere ? null : cpu,
      memory: recorder.elsewhere ? null : memory,
      peak: recorder.elsewhere ? null : memory,
      share: limit === undefined || !alive ? null : Math.min(1, Math.max(0, limit.used / limit.limit)),
      written: recorder.elsewhere ? null : written,
      cards: recorder.gpu ? (share?.gpus.length ?? null) : this.#effects.hasDriver() ? 0 : null,
      gpu: meanOf((share?.gpus ?? []).map(({ use }) => use)),
      gpuMemory: share?.memory ?? null,
      power: sumOf((share?.gpus ?? []).map(({ power }) => power)),
      temperature: mostOf((share?.gpus ?? []).map(({ temperature }) => temperature)),
    };
    recorder.cpu = Math.max(recorder.cpu, tree.cpu);
    recorder.written = Math.max(recorder.written, tree.written);
    this.#keep(session, series, sample);
    recorder.usage = this.#usageOf(recorder, sample, tree, share, limit);
    this.#tell(session, recorder, limit);
    const memoryMoved = Math.abs((memory ?? 0) - (before?.memory ?? 0)) > stillMemory * Math.max(memory ?? 0, 1);
    return before === undefined || cpu > stillCpu || memoryMoved || (sample.gpu ?? 0) > stillCpu;
  }

  #limitOf(session: SampledSession, recorder: Recorder, uses: Map<string, MemoryUse | undefined>): MemoryUse | undefined {
    const now = this.#effects.steady();
    if (session.programPid !== null && now - recorder.limit.at >= limitLook)
      recorder.limit = { at: now, place: this.#effects.limitPlace(session.programPid) ?? recorder.limit.place };
    const { place } = recorder.limit;
    if (place === undefined) return undefined;
    const key = place.folder ?? "";
    if (!uses.has(key)) uses.set(key, this.#effects.memoryUse(place));
    return uses.get(key);
  }

  #gpuShareOf(session: SampledSession, tree: TreeUsage): GpuShare | undefined {
    const { gpus } = this.#effects;
    return gpuShare(gpus.gpus(), gpus.processes(), tree.pids, session.environment.CUDA_VISIBLE_DEVICES);
  }

  #keep(session: SampledSession, series: UsageSeries, sample: UsageSample): void {
    const merged = series.add(sample);
    try {
      if (merged) writeUsage(session.folder, series);
      else appendUsage(session.folder, sample);
    } catch (error) {
      // a full disk: the next rewriting has it
      this.#effects.log("usage.not-kept", { id: session.id, reason: String(error) });
    }
  }

  #usageOf(
    recorder: Recorder,
    sample: UsageSample,
    tree: TreeUsage,
    share: GpuShare | undefined,
    limit: MemoryUse | undefined,
  ): Usage {
    const { series } = recorder;
    return {
      time: sample.time,
      cpu: sample.cpu,
      memory: sample.memory ?? recorder.usage?.memory ?? null,
      memoryPeak: series.peak,
      memoryLimit: limit?.limit ?? null,
      limitBy: limit?.by ?? null,
      memoryShare: sample.share,
      ...totalsOf(series),
      gpu: sample.gpu,
      gpuMemory: sample.gpuMemory,
      gpus: share?.gpus ?? [],
      actors: recorder.elsewhere ? [] : actorsOf(tree.actors),
      elsewhere: recorder.elsewhere,
    };
  }

  #tell(session: SampledSession, recorder: Recorder, limit: MemoryUse | undefined): void {
    const found = findings(recorder.series.samples, limit?.limit ?? null);
    for (const finding of found) {
      if (recorder.told.has(finding.kind)) continue;
      recorder.told.add(finding.kind);
      this.#effects.found(session.id, finding);
    }
    for (const kind of [...recorder.told]) if (!found.some((finding) => finding.kind === kind)) recorder.told.delete(kind);
  }

  /** What a running session uses; undefined before it was measured. */
  of(id: string): Usage | undefined {
    return this.#recorders.get(id)?.usage;
  }

  /** Its whole life; of an ended session what its folder has. */
  series(session: Pick<SampledSession, "id" | "folder">): readonly UsageSample[] {
    return (this.#recorders.get(session.id)?.series ?? readUsage(session.folder)).samples;
  }

  /**
   * The last look at a session that has ended, while its holder is there: it knows what the dead have used.
   * `memoryShare` is that of its last minute. Where nothing can be measured any more (its end was in a time
   * without a server) it is what was kept.
   */
  async finish(session: SampledSession): Promise<Usage | undefined> {
    const recorder = this.#recorders.get(session.id);
    if (recorder !== undefined) await this.#measure([session]);
    const usage = recorder?.usage;
    const series = recorder?.series ?? readUsage(session.folder);
    if (usage === undefined) return keptUsage(series, joinsCluster(session.command, session.environment));
    const shares = Array.from(backwards(series.samples, beforeEnd), ([{ share }]) => share);
    return { ...usage, cpu: null, memoryShare: mostOf(shares) };
  }

  dispose(): void {
    this.#gone = true;
    clearTimeout(this.#timer);
    this.#effects.gpus.want(false);
  }
}

function meanOf(values: readonly (number | null)[]): number | null {
  const sum = sumOf(values);
  return sum === null ? null : sum / known(values).length;
}
