// What a node's log tells of its training: every epoch of every launch.

import { parseLogLine } from "../../reading/python-log.ts";
import { LastStretch, lastStretch, type Stretch, watchedMetrics } from "../../run/not-finite.ts";
import { Rhythm } from "../../run/rhythm.ts";
import { thinned } from "../../run/told.ts";
import { type EpochList, type EpochRecord, Epochs } from "./epochs.ts";
import { type EpochLine, parseEpoch, parseRound, type RoundLine } from "./log-line.ts";

/** Where a training in rounds stands. */
export interface RoundRecord {
  round: number;
  /** Within the round, of at most so many; and the best one of it. */
  epoch: number;
  epochs: number | undefined;
  bestEpoch: number;
  bestLoss: number;
  /**
   * Rounds that were accepted, of all launches that go on from one another, as far as the log was read;
   * rejected ones in a row, and how many of them end the training.
   */
  accepted: number;
  rejected: number;
  patienceRounds: number | undefined;
}

/** `[z] Training started`, in the training actor's log `[z/train] …`. The driver says the same. */
export function trainingLine(text: string): { node: string; is: "started" | "completed" } | undefined {
  const found = /^\[(.+?)(?:\/train)?\] Training (started|completed)\b/.exec(text);
  return found ? { node: found[1] as string, is: found[2] as "started" | "completed" } : undefined;
}

/** Past this many epochs every second of the older half is dropped: curves have a few hundred columns. */
const mostEpochs = 20_000;

/** Reads node lines in order. */
export class NodeLog {
  readonly name: string;
  /** Epochs of earlier launches, then of the last one. */
  epochs = Epochs.of();
  /** Epochs of the last launch, not to be changed; the same ones until another begins. */
  launch = this.epochs;
  /** First epochs of the later launches: the training was resumed there. */
  seams: number[] = [];
  /** The last launch's losses that are numbers: gathered here because a run is looked at once a second. */
  losses: Losses = lossesOf([]);
  /** The last launch's stretches of metrics that are no numbers, for the same reason. By the log's clock. */
  stretches = watchedMetrics.map((metric) => new LastStretch(metric));
  /**
   * Number of the last launch's first epoch that was seen, and its epoch of the lowest validation loss: both
   * outlive the thinning.
   */
  first: number | undefined;
  best: { epoch: number; validationLoss: number } | undefined;
  /** Whether the beginning of the last launch was read: not so in a log that was entered at its end. */
  beginningSeen = false;
  started = false;
  completed = false;
  /** ms by the log's own clock of the last launch's beginning; undefined where it was not seen. */
  begunAt: number | undefined;
  readonly rhythm = new Rhythm();
  /** Undefined: it does not train in rounds. Epochs then count through all rounds that were read. */
  rounds: RoundRecord | undefined;
  /** Epochs of the rounds before the present one. */
  #before = 0;
  /** The next line of a round begins one, whatever its number: another launch has begun. */
  #betweenRounds = true;
  /** What was simulated by the end of the last round. */
  #samples: number | undefined;
  /** The last line logged as an error in this launch, without its time. */
  lastError: string | undefined;
  /** ms by the log's own clock of the last line with a time. */
  lastTime: number | undefined;

  constructor(name: string) {
    this.name = name;
  }

  /** Takes one line of the log. */
  line(line: string): void {
    const read = parseLogLine(line);
    if (!read) return;
    this.lastTime = read.time;
    if (read.level === "ERROR" || read.level === "CRITICAL") this.lastError = read.text;
    const said = trainingLine(read.text);
    if (said?.node === this.name) {
      if (said.is === "completed") this.completed = true;
      else {
        this.#begin(true);
        this.started = true;
        this.begunAt = read.time;
      }
    } else if (read.text.startsWith("Epoch ")) this.#epoch(parseEpoch(read.text), read.time);
    else if (read.text.startsWith("Round ")) this.#round(parseRound(read.text), read.time);
  }

  /** The log began anew. */
  restart(): void {
    this.rounds = undefined;
    this.#before = 0;
    this.#samples = undefined;
    this.epochs = Epochs.of();
    this.seams = [];
    this.started = false;
    this.#begin(false);
  }

  /** Lines were passed over: what comes next may be of another launch, and its beginning was not seen. */
  skip(): void {
    this.started = true;
    this.#begin(false);
  }

  #begin(seen: boolean): void {
    this.launch = this.epochs.from(this.epochs.length);
    this.losses = lossesOf([]);
    this.stretches = watchedMetrics.map((metric) => new LastStretch(metric));
    this.first = undefined;
    this.best = undefined;
    this.begunAt = undefined;
    this.#betweenRounds ||= seen;
    this.beginningSeen = seen;
    this.completed = false;
    this.lastError = undefined;
    this.rhythm.pause();
  }

  #round(read: RoundLine | undefined, time: number): void {
    if (!read) return;
    if (this.rounds === undefined || this.#betweenRounds || this.rounds.round !== read.round)
      this.rounds = this.#nextRound(read.round);
    const { rounds } = this;
    this.started = true;
    if (read.is === "end") {
      rounds.accepted += read.accepted ? 1 : 0;
      rounds.rejected = read.accepted ? 0 : (read.rejected ?? rounds.rejected + 1);
      rounds.patienceRounds = read.patience ?? rounds.patienceRounds;
      this.#samples = read.samples ?? this.#samples;
    } else if (read.is === "epoch") {
      const { epoch, epochs, validationLoss } = read.line;
      Object.assign(rounds, { epoch, epochs });
      if (validationLoss !== undefined && validationLoss < rounds.bestLoss)
        Object.assign(rounds, { bestEpoch: epoch, bestLoss: validationLoss });
      this.#epoch({ ...read.line, epoch: this.#before + epoch, samples: read.line.samples ?? this.#samples }, time);
    }
  }

  /** Before the first line of a round: goes on from the one before, unless the training begins anew. */
  #nextRound(round: number): RoundRecord {
    this.#before = this.epochs.at(-1)?.epoch ?? 0;
    this.#betweenRounds = false;
    const goesOn = this.rounds !== undefined && round > this.rounds.round;
    return {
      ...{ round, epoch: 0, epochs: undefined, bestEpoch: 0, bestLoss: Number.POSITIVE_INFINITY },
      accepted: goesOn ? (this.rounds?.accepted ?? 0) : 0,
      rejected: goesOn ? (this.rounds?.rejected ?? 0) : 0,
      patienceRounds: this.rounds?.patienceRounds,
    };
  }

  #epoch(read: EpochLine | undefined, time: number): void {
    if (!read) return;
    this.started = true;
    this.completed = false;
    const record = { time, ...read };
    this.epochs.push(record);
    takeLosses(this.losses, record);
    watchedMetrics.forEach((metric, i) => {
      this.stretches[i]?.take(record[metric], record.epoch, time);
    });
    if (this.first === undefined && this.epochs.length > 1) this.seams.push(read.epoch);
    this.first ??= read.epoch;
    const { epoch, validationLoss } = read;
    if (
      validationLoss !== undefined &&
      Number.isFinite(validationLoss) &&
      validationLoss < (this.best?.validationLoss ?? Infinity)
    )
      this.best = { epoch, validationLoss };
    this.rhythm.sign(time);
    if (this.epochs.length > mostEpochs) this.#thin();
  }

  #thin(): void {
    const all = [...this.epochs];
    const begun = all.length - this.launch.length;
    this.epochs = Epochs.of(thinned(all));
    const gone = all.length - this.epochs.length;
    this.launch = this.epochs.from(begun < all.length / 2 ? Math.ceil(begun / 2) : begun - gone);
    this.losses = lossesOf(this.launch);
  }
}

/**
 * Losses of a stretch of epochs that are numbers, and the last epoch that was validated: a falcon may
 * validate each third one, and the loss that it trains by may be of another kind.
 */
export interface Losses {
  validation: number[];
  training: number[];
  validated: EpochRecord | undefined;
}

/** Losses of epochs that did not come through a log. */
export function lossesOf(epochs: EpochList): Losses {
  const losses: Losses = { validation: [], training: [], validated: undefined };
  for (const epoch of epochs) takeLosses(losses, epoch);
  return losses;
}

function takeLosses(losses: Losses, record: EpochRecord): void {
  const { validationLoss, loss } = record;
  if (validationLoss !== undefined) losses.validated = record;
  if (validationLoss !== undefined && Number.isFinite(validationLoss)) losses.validation.push(validationLoss);
  if (loss !== undefined && Number.isFinite(loss)) losses.training.push(loss);
}

/** The last stretch of each metric that was no number, in epochs that did not come through a log. */
export function stretchesOf(epochs: EpochList): (Stretch | undefined)[] {
  return watchedMetrics.map((metric) => lastStretch(metric, epochs, ({ epoch }) => epoch));
}
