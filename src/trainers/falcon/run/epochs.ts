// The epochs of a log, kept as a table of numbers: an object for each would be walked through by V8's
// collector for as long as the run is known, and runs have thousands.

import type { EpochLine } from "./log-line.ts";

/** One epoch as the log has it. */
export interface EpochRecord extends EpochLine {
  /** ms since 1970 by the log's own clock, whole seconds. */
  time: number;
}

/** Epochs in their order, whether they are kept as records or made into such when they are asked for. */
export interface EpochList extends Iterable<EpochRecord> {
  readonly length: number;
  /** Counted from the end where it is negative, as an array's. */
  at(index: number): EpochRecord | undefined;
}

const fields = ["epoch", "epochs", "time", "loss", "validationLoss", "learningRate", "samples", "steps"] as const;

/** The numbers of each epoch side by side, where one look at the memory finds them all. */
interface Table {
  numbers: Float64Array;
  /** One bit for each field of an epoch: whether it was told. */
  told: Uint8Array;
  length: number;
}

/** Epochs that a table has room for at first. */
const room = 16;

/** How much larger a full table becomes: not so much that thousands of runs take memory for nothing. */
const growth = 1.5;

export class Epochs implements EpochList {
  readonly #table: Table;
  readonly #first: number;

  /** @param of whose they are, from `first` on; undefined: none yet. */
  private constructor(of: Table | undefined, first: number) {
    this.#table = of ?? { numbers: new Float64Array(room * fields.length), told: new Uint8Array(room), length: 0 };
    this.#first = first;
  }

  static of(records: Iterable<EpochRecord> = []): Epochs {
    const epochs = new Epochs(undefined, 0);
    for (const record of records) epochs.push(record);
    return epochs;
  }

  /** Those from a place on, which grow as these do. */
  from(first: number): Epochs {
    return first === 0 ? this : new Epochs(this.#table, this.#first + first);
  }

  get length(): number {
    return this.#table.length - this.#first;
  }

  push(record: EpochRecord): void {
    const table = this.#table;
    if (table.length === table.told.length) grow(table);
    const at = table.length++;
    let told = 0;
    for (let field = 0; field < fields.length; field++) {
      const value = record[fields[field] as keyof EpochRecord];
      if (value === undefined) continue;
      told |= 1 << field;
      table.numbers[at * fields.length + field] = value;
    }
    table.told[at] = told;
  }

  at(index: number): EpochRecord | undefined {
    const { length } = this;
    const at = this.#first + (index < 0 ? length + index : index);
    if (at < this.#first || at >= this.#first + length) return undefined;
    const { numbers, told } = this.#table;
    const value = (field: number) =>
      ((told[at] as number) & (1 << field)) === 0 ? undefined : numbers[at * fields.length + field];
    return {
      epoch: value(0) as number,
      epochs: value(1) as number,
      time: value(2) as number,
      loss: value(3),
      validationLoss: value(4),
      learningRate: value(5),
      samples: value(6),
      steps: value(7),
    };
  }

  *[Symbol.iterator](): Iterator<EpochRecord> {
    for (let at = 0; at < this.length; at++) yield this.at(at) as EpochRecord;
  }
}

function grow(table: Table): void {
  const size = Math.ceil(table.told.length * growth);
  const { numbers, told } = table;
  table.numbers = new Float64Array(size * fields.length);
  table.numbers.set(numbers);
  table.told = new Uint8Array(size);
  table.told.set(told);
}
