// What a node's log tells of its training: every epoch of every launch.
import { parseEpoch, parseLogLine } from "./log-line.ts";
import { Rhythm } from "./rhythm.ts";

/** One epoch as the log has it. Losses in nats. */
export interface EpochRecord {
  epoch: number;
  epochs: number;
  /** ms since 1970 by the log's own clock, whole seconds. */
  time: number;
  loss: number | undefined;
  validationLoss: number | undefined;
  learningRate: number | undefined;
  samples: number | undefined;
  steps: number | undefined;
}

/** Past this many epochs every second of the older half is dropped: curves have a few hundred columns. */
const mostEpochs = 20_000;

/** Reads node lines in order. */
export class NodeLog {
  readonly name: string;
  /** Epochs of earlier launches, then of the last one, which begins at `launchAt`. */
  epochs: EpochRecord[] = [];
  launchAt = 0;
  /** Whether the beginning of the last launch was read: not so in a log that was entered at its end. */
  beginningSeen = false;
  started = false;
  completed = false;
  readonly rhythm = new Rhythm();
  /** The last line logged as an error in this launch, without its time. */
  lastError: string | undefined;
  /** ms by the log's own clock of the last line with a time. */
  lastTime: number | undefined;

  constructor(name: string) {
    this.name = name;
  }

  /** Epochs of the last launch. */
  get launch(): EpochRecord[] {
    return this.epochs.slice(this.launchAt);
  }

  /** Takes one line of the log. */
  line(line: string): void {
    const read = parseLogLine(line);
    if (!read) return;
    this.lastTime = read.time;
    if (read.level === "ERROR" || read.level === "CRITICAL") this.lastError = read.text;
    if (read.text === `[${this.name}] Training started`) {
      this.launchAt = this.epochs.length;
      this.beginningSeen = true;
      this.started = true;
      this.completed = false;
      this.lastError = undefined;
      this.rhythm.pause();
    } else if (read.text.startsWith(`[${this.name}] Training completed`)) this.completed = true;
    else if (read.text.startsWith("Epoch ")) this.#epoch(read.text, read.time);
  }

  /** The log began anew. */
  restart(): void {
    this.epochs = [];
    this.launchAt = 0;
    this.beginningSeen = false;
    this.started = false;
    this.completed = false;
    this.lastError = undefined;
    this.rhythm.pause();
  }

  #epoch(text: string, time: number): void {
    const read = parseEpoch(text);
    if (!read) return;
    this.started = true;
    this.completed = false;
    this.epochs.push({ ...read, time });
    this.rhythm.sign(time);
    if (this.epochs.length > mostEpochs) this.#thin();
  }

  #thin(): void {
    const half = Math.floor(this.epochs.length / 2);
    const older = this.epochs.slice(0, half).filter((_, i) => i % 2 === 0);
    this.launchAt = Math.max(0, this.launchAt < half ? Math.ceil(this.launchAt / 2) : this.launchAt - half + older.length);
    this.epochs = [...older, ...this.epochs.slice(half)];
  }
}
