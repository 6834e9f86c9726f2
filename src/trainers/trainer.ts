// What the rest of the program knows of a program that trains: the one interface that every trainer has.

import type { StatFiles } from "../base/aside/stat-files.ts";
import type { NamedFile } from "./reading/metrics-files.ts";
import type { NodeCurves } from "./run/curve.ts";
import type { EndFacts, ModelFiles, PostMortem } from "./run/ending.ts";
import type { RunProgress } from "./run/run.ts";
import type { MetricSeries } from "./run/series.ts";
import type { Now } from "./run/silence.ts";

/** What a configuration holds, nested. */
export type ConfigTree = string | number | boolean | null | ConfigTree[] | { [key: string]: ConfigTree };

/** What a trainer is told of a session: its row, as far as it concerns a trainer. */
export interface TrainedSession {
  kind: "launch" | "run";
  command: readonly string[];
  /** Working directory of the program. */
  directory: string;
  environment: Readonly<Record<string, string>>;
  runDirectory: string | null;
  /** When it was asked for, and when it ended (null: it runs), ms since 1970. */
  created: number;
  ended: number | null;
  /** Of its facts: `metrics` names the files of `falcon run --metrics`. */
  facts: { readonly metrics?: readonly NamedFile[] };
}

/**
 * How a program is asked to end. interrupt: the Ctrl+C that a person would type, once. A name: that signal.
 */
export type StopOrder = "interrupt" | NodeJS.Signals;

/** A process that an ended run left behind. */
export interface LeftProcess {
  pid: number;
  /** For a person: "raylet", "worker ray::NodeWrapper". */
  what: string;
}

/** A run directory that was found after the start. */
export interface FoundRun {
  run: string;
  /** One of its processes writes there; without it another run of the directory may have made it. */
  own: boolean;
}

/** How a run would be started again. */
export interface ResumePlan {
  /** The arguments, in the same run directory. */
  args: string[];
  /** model: from what was saved; config: anew with the saved configuration; nothing: as the first time. */
  from: "model" | "config" | "nothing";
  /** One sentence for a person. */
  sentence: string;
}

/** A setting of the command whose value is another one than the configuration's. */
export interface Override {
  key: string;
  value: string;
  /** What the file has there, as JSON; null: nothing. */
  config: string | null;
}

/** What is known of how a run was started. `null`: not known. */
export interface StartedWith {
  /** The trainer's own version and that of its Python. */
  falcon: string | null;
  python: string | null;
  overrides: Override[];
}

/** A node of a cluster. */
export interface ClusterNode {
  address: string;
  name: string | null;
  cpus: number;
  gpus: number;
}

/** What a run joins instead of starting its own. */
export interface Cluster {
  address: string;
  /** Who named it: "RAY_ADDRESS", "ray.init" (the configuration), "ray start" (the last one here). */
  how: string;
  /** Null: it did not answer. */
  nodes: ClusterNode[] | null;
}

/** What is said of a launch before it begins. */
export interface Notice {
  /** One sentence without a full stop. */
  sentence: string;
  /** It will most likely fail by this. */
  amiss: boolean;
}

/**
 * Rows of the program's screen as they are now, without looks, top first; undefined where they are as they
 * were the last time, or cannot be had now (a flood).
 */
export type ScreenRows = () => Promise<readonly string[] | undefined>;

/** When a session ran, ms since 1970; `until` null: it runs. */
export interface Lifetime {
  from: number;
  until: number | null;
}

/** What a run is watched by. */
export interface WatchEffects {
  look: StatFiles;
  clock: () => Now;
  /** The kept screen; undefined where there is none to read. */
  screen?: { rows: ScreenRows; state(): TerminalState } | undefined;
  /**
   * Folders with the metrics that earlier parts of the run left, laid out as the run's own folder of nodes,
   * oldest first; undefined: not known now.
   */
  earlier?(): Promise<readonly string[] | undefined>;
  /** What RunWatch.kept was when an earlier server looked last. */
  kept?: unknown;
  /** What other sessions of the same directory may have written is nobody's. */
  others(): readonly Lifetime[];
}

/**
 * OSC 9;4, as a program has set it last. state: 0 none, 1 normal, 2 error, 3 indeterminate, 4 paused;
 * percent 0 to 100.
 */
export interface TerminalProgress {
  state: number;
  percent: number;
}

/** What a program told its terminal beside what stands on it. */
export interface TerminalState {
  /** Undefined: none, or taken back. */
  progress?: TerminalProgress | undefined;
  /** OSC 133: a shell shows its prompt, so that nothing runs. */
  prompt: boolean;
  /** OSC 133: commands that a shell has begun. */
  commands: number;
}

/** Follows one run; what it reads costs nothing while nobody asks. */
export interface RunWatch {
  /**
   * Reads what is new and tells the state; null while nothing is known. `alive`: whether the run's program is
   * there, where the caller knows.
   */
  read(alive?: boolean): Promise<RunProgress | null>;
  /**
   * Of each node of the run that was read last, in its order: the losses of this launch, oldest first, by the
   * validation, or of the training where there is none. Later reads may lengthen them.
   */
  losses(): readonly (readonly number[])[];
  /** Losses by epoch of every node, over all launches. */
  curves(): Promise<NodeCurves[]>;
  /**
   * Every metric of every node over all parts, by itself: for comparing and for notebooks. Without it there
   * are none.
   * @param only the metric of this name alone, which may cost less
   */
  series?(only?: string): Promise<MetricSeries[]>;
  /** The configuration as the run has it; undefined where it cannot be read. */
  configuration?(): Promise<ConfigTree | undefined>;
  /**
   * What a later server cannot find out again: kept with the session. JSON-friendly and small (some 20 KB).
   */
  readonly kept?: unknown;
  /** The file of a node's log, or undefined for a name that the run does not have. */
  logFile(node: string): string | undefined;
}

/** What is special about the display of a program on its terminal. */
export interface DisplayFacts {
  /** `d` is bound to nothing: it may detach. */
  detachKeyFree: boolean;
  /**
   * It is drawn in the alternate screen, without a scrollback of its own: a key of ours may show the
   * history.
   */
  drawn: boolean;
}

/** A condition that can cost a run. */
export interface TrainerCondition {
  /** Names it, for programs; never changes. */
  id: string;
  /** What is so, in one sentence without a full stop, and what to do. */
  what: string;
  remedy: string;
}

/** One kind of program that trains. Registered in registry.ts; nothing else knows its folder. */
export interface Trainer {
  /** Stored with each session: never changed. */
  readonly name: string;
  /** For a person: "falcon launch". */
  readonly words: string;
  /** Whether this command asks for plain lines: it draws no display, and every key is the program's. */
  plain?(command: readonly string[]): boolean;
  /** Whether this session's program is one of it. The first trainer that says so is the session's. */
  is(session: TrainedSession): boolean;
  /** What keeps its model at the end of a graceful stop: a second order would lose it. */
  readonly savesModel: boolean;
  /** How it is asked to stop where nobody named a signal. */
  readonly stopOrder: StopOrder;
  readonly display: DisplayFacts;
  /** Seconds after which it stops by itself, by its command; undefined: never. */
  timeLimit?(command: readonly string[]): number | undefined;
  /** Before the start: what findRun() compares with afterwards; must be JSON. */
  beforeStart?(directory: string): Promise<unknown>;
  /**
   * Looks for the run directory after the start: absolute and canonical (without links). `pids`: the run's
   * processes, the program itself first.
   */
  findRun?(directory: string, before: unknown, pids: readonly number[]): Promise<FoundRun | undefined>;
  /** Undefined: it leaves nothing that could be watched. */
  watch(session: TrainedSession, effects: WatchEffects): RunWatch | undefined;
  /** Which of these descendants of the holder it left behind, to be ended. */
  leftBehind?(pids: readonly number[]): LeftProcess[];
  /** What its model files say after the end. */
  models?(run: RunProgress, since: number): Promise<ModelFiles>;
  /** Why it ended; undefined: nothing says more than its exit status. */
  postMortem?(facts: EndFacts): PostMortem | undefined;
  /** The arguments of its own command, by which it would go on. */
  resume?(args: readonly string[], directory: string, run: string | undefined): Promise<ResumePlan>;
  /** Read from files alone, aside: no Python is started. */
  startedWith?(session: TrainedSession): StartedWith;
  /** The cluster that it joined, asked after the start; undefined: none. Takes seconds. */
  cluster?(session: TrainedSession): Promise<Cluster | undefined>;
  /** What `falcon doctor` looks at for a run that is started here. `look` never throws. */
  readonly conditions?: { readonly name: string; look(where: FindOptions): Promise<TrainerCondition[]> };
}

/** How the trainer's program is started. */
export interface FoundProgram {
  /** The words that start it; its subcommand follows. */
  command: string[];
  /**
   * Set for a script that is no Python's: it may call `falcon` by its name, which is ours. This value of
   * `viaVariable` in its environment makes the falcon that it calls one that comes after it.
   */
  via?: string;
}

/** Where the trainer's program is looked for. */
export interface FindOptions {
  /** The caller's environment and working directory: never the server's. */
  environment: Readonly<Record<string, string>>;
  directory: string;
  /** The value of --falcon. */
  explicit?: string | undefined;
  /** Root of our own installation. */
  root?: string;
}

/** What a launch was asked for, as far as others than its trainer care. */
export interface LaunchRequest {
  /** The run directory, as it was written; undefined: the program makes one. */
  output: string | undefined;
  /** True: it draws its display; false: plain lines; undefined: as the terminal is. */
  interactive: boolean | undefined;
}

/** The environment's `falcon` after a shim was put in or taken out. */
export interface EnvironmentShim {
  /** The environment's `falcon`: ours now, or the Python one again. */
  file: string;
  /** The Python falcon. */
  python: string;
  changed: boolean;
}

/**
 * The trainer that our own command `falcon` stands before: it is found, asked and started under that name.
 */
export interface Launcher extends Trainer {
  /** What the program is called where an environment's `falcon` is our shim. */
  readonly pythonName: string;
  /** How a shim tells where it lies. */
  readonly shimVariable: string;
  /** The scripts that were started as the program on the way to this call. */
  readonly viaVariable: string;
  resume(args: readonly string[], directory: string, run: string | undefined): Promise<ResumePlan>;
  /** @throws Failure 127 when there is none; 126 or 127 when one was named that cannot be it. */
  find(options: FindOptions): Promise<FoundProgram>;
  /** The first `falcon` on PATH, and whether that is ourselves. */
  firstOnPath(options: FindOptions): Promise<{ file: string; ourselves: boolean } | undefined>;
  /** The program behind a file that has become our shim, or its starter. */
  behind(file: string): Promise<string | undefined>;
  /** Reads what stands behind `falcon launch`; never throws. */
  request(args: readonly string[]): LaunchRequest;
  /**
   * One sentence about a mistake that the program would end with, or undefined. Only cheap and certain ones.
   */
  check(command: readonly string[], args: readonly string[], directory: string): Promise<string | undefined>;
  /** Worth a sentence before it begins: what it asks for in vain, whom it joins. Never throws. */
  notices(
    command: readonly string[],
    args: readonly string[],
    directory: string,
    environment: Readonly<Record<string, string>>,
  ): Promise<Notice[]>;
  /** Its bare usage without colours; undefined where it says none. */
  usage(found: FoundProgram, environment: Readonly<Record<string, string>>, directory: string): Promise<string | undefined>;
  /** The commands that a usage names. */
  commandsIn(usage: string): string[];
  /** The folder of `falcon init --shim`, where one was made. */
  shimFolder(environment: Readonly<Record<string, string>>): Promise<string | undefined>;
  makeShim(
    client: string,
    environment: Readonly<Record<string, string>>,
    directory: string,
    chosen: string | undefined,
  ): Promise<string>;
  installShim(client: string, environment: string): Promise<EnvironmentShim>;
  removeShim(environment: string): Promise<Omit<EnvironmentShim, "python">>;
}
