// The epochs of a log, kept as columns of numbers: an object for each would be walked through by V8's
// collector for as long as the run is known, and runs have thousands.

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

/** Epochs in their order, whether they are kept as records or made into such when they are asked for. */
export interface EpochList extends Iterable<EpochRecord> {
  readonly length: number;
  /** Counted from the end where it is negative, as an array's. */
  at(index: number): EpochRecord | undefined;
}

/** In each, what was not told is a hole. */
type Columns = Record<keyof EpochRecord, number[]>;

const fields = ["epoch", "epochs", "time", "loss", "validationLoss", "learningRate", "samples", "steps"] as const;

export class Epochs implements EpochList {
  readonly #columns: Columns;
  readonly #first: number;

  /** @param of whose they are, from `first` on; undefined: none yet. */
  private constructor(of: Columns | undefined, first: number) {
    this.#columns = of ?? {
      epoch: [],
      epochs: [],
      time: [],
      loss: [],
      validationLoss: [],
      learningRate: [],
      samples: [],
      steps: [],
    };
    this.#first = first;
  }

  static of(records: Iterable<EpochRecord> = []): Epochs {
    const epochs = new Epochs(undefined, 0);
    for (const record of records) epochs.push(record);
    return epochs;
  }

  /** Those from a place on, which grow as these do. */
  from(first: number): Epochs {
    return first === 0 ? this : new Epochs(this.#columns, this.#first + first);
  }

  get length(): number {
    return this.#columns.epoch.length - this.#first;
  }

  push(record: EpochRecord): void {
    for (const field of fields) {
      const value = record[field];
      const column = this.#columns[field];
      if (value === undefined) column.length++;
      else column.push(value);
    }
  }

  at(index: number): EpochRecord | undefined {
    const { length } = this;
    const at = this.#first + (index < 0 ? length + index : index);
    if (at < this.#first || at >= this.#first + length) return undefined;
    const { epoch, epochs, time, loss, validationLoss, learningRate, samples, steps } = this.#columns;
    return {
      epoch: epoch[at] as number,
      epochs: epochs[at] as number,
      time: time[at] as number,
      loss: loss[at],
      validationLoss: validationLoss[at],
      learningRate: learningRate[at],
      samples: samples[at],
      steps: steps[at],
    };
  }

  *[Symbol.iterator](): Iterator<EpochRecord> {
    for (let at = 0; at < this.length; at++) yield this.at(at) as EpochRecord;
  }
}
