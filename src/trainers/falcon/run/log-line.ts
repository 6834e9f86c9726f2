// What a line of a driver's or node's output.log says (falcon 0.5.1, and the newest source, which trains in
// rounds: its round_trainer.py).
import { numberOf } from "../../reading/metric-words.ts";

/** One `Epoch n/N | key=value | …` line. Losses in nats; NaN and infinities as they were written. */
export interface EpochLine {
  /** Counts over all launches of the run. */
  epoch: number;
  /** Epochs that this launch was asked for: a resumed run's epoch exceeds it. */
  epochs: number;
  steps: number | undefined;
  samples: number | undefined;
  loss: number | undefined;
  validationLoss: number | undefined;
  learningRate: number | undefined;
}

/** The state of the sample buffer after `Appended …`. */
export interface BufferLine {
  total: number;
  training: number;
  validation: number;
}

/** Undefined where the text is no epoch summary. */
export function parseEpoch(text: string): EpochLine | undefined {
  const found = /^Epoch (\d+)\/(\d+)((?: \| [^|]*)*)\s*$/.exec(text);
  return found ? epochLine(found[1] as string, found[2] as string, found[3] as string) : undefined;
}

/** `Round 2 starting | …`, an epoch of a round, or its decision. */
export type RoundLine =
  | { is: "start"; round: number }
  | { is: "epoch"; round: number; line: EpochLine }
  /**
   * `rejected`: how many in a row, of how many (`patience`) that end the training, where it was;
   * `samples`: simulated by then.
   */
  | {
      is: "end";
      round: number;
      accepted: boolean;
      rejected: number | undefined;
      patience: number | undefined;
      samples: number | undefined;
    };

/** Undefined where the text is no line of a round. An epoch's number counts within its round. */
export function parseRound(text: string): RoundLine | undefined {
  const found = /^Round (\d+)(?: (starting|ACCEPTED|rejected)\b| \| epoch (\d+)\/(\d+))(.*)$/.exec(text);
  if (!found) return undefined;
  const [, number, word, epoch = "", epochs = "", rest = ""] = found;
  const round = Number(number);
  if (word === "starting") return { is: "start", round };
  if (word === undefined) return { is: "epoch", round, line: epochLine(epoch, epochs, rest) };
  const [, rejected, patience] = /\| rejected in a row=(\d+)(?:\/(\d+))?/.exec(rest) ?? [];
  const samples = /\| n_sims=(\d+)/.exec(rest)?.[1];
  return {
    is: "end",
    round,
    accepted: word === "ACCEPTED",
    rejected: rejected === undefined ? undefined : Number(rejected),
    patience: patience === undefined ? undefined : Number(patience),
    samples: samples === undefined ? undefined : Number(samples),
  };
}

function epochLine(epoch: string, epochs: string, rest: string): EpochLine {
  const values = new Map<string, number>();
  for (const part of rest.split("|")) {
    const pair = /^\s*([^=\s]+)=(\S+)\s*$/.exec(part);
    if (pair) values.set(pair[1] as string, numberOf(pair[2] as string) ?? Number.NaN);
  }
  return {
    epoch: Number(epoch),
    epochs: Number(epochs),
    steps: values.get("steps"),
    samples: values.get("n_sims"),
    loss: values.get("train_loss") ?? values.get("loss"),
    validationLoss: values.get("val_loss"),
    learningRate: values.get("lr"),
  };
}

/** Undefined where the text is no `Appended n samples | total=… train=… val=…`. */
export function parseBuffer(text: string): BufferLine | undefined {
  const found = /^Appended \d+ samples \| total=(\d+) train=(\d+) val=(\d+)$/.exec(text);
  if (!found) return undefined;
  const [total = 0, training = 0, validation = 0] = found.slice(1).map(Number);
  return { total, training, validation };
}
