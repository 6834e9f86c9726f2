// What the driver's log tells of a run: where it is in its course, and how it ended.
import { withoutAttributes } from "../../../base/text/control-sequences.ts";
import { failureOf } from "../../reading/last-traceback.ts";
import { numberOf } from "../../reading/metric-words.ts";
import { parseLogLine } from "../../reading/python-log.ts";

/** Where a launch is, by what its driver logged last. */
export type DriverPhase = "starting" | "simulating" | "training" | "sampling" | "ended";

/** Facts about the last launch in a driver's log. */
export interface DriverFacts {
  phase: DriverPhase;
  /** ms since 1970 by the log's own clock; undefined when the start was not read. */
  started: number | undefined;
  ended: number | undefined;
  /** How many launches the log was seen to begin, this one included. */
  launches: number;
  /** Whether a saved model was loaded. */
  loaded: boolean;
  /** A graceful stop was asked for. */
  stopping: boolean;
  /** falcon's own time limit (`--timeout`) was reached. */
  timedOut: boolean;
  /** The training came to its end and the model was saved. */
  saved: boolean;
  /** "completed", "interrupted", "failed", or undefined while there is no summary. */
  outcome: string | undefined;
  /** Of a failed launch: "FloatingPointError: negative variance". */
  failure: string | undefined;
  /** Nodes whose training the driver began, with what it says of them once a minute. */
  nodes: Map<string, DriverNode>;
}

/**
 * What the driver's log tells of a node: coarse, and all there is where the node's own log is on another
 * machine.
 */
export interface DriverNode {
  done: boolean;
  /** Undefined: it does not train in rounds. With rounds the epochs are those of the present one. */
  round: number | undefined;
  epoch: number | undefined;
  epochs: number | undefined;
  loss: number | undefined;
  /** ms by the log's own clock of the last line about it. */
  time: number;
}

/** Reads driver lines in order. */
export class DriverLog {
  facts: DriverFacts = fresh(0, undefined);
  #failing: string[] | undefined;

  /** Takes one line of the log. */
  line(line: string): void {
    const read = parseLogLine(line);
    if (!read) {
      this.#failing?.push(withoutAttributes(line));
      return;
    }
    this.settle();
    const { time, text } = read;
    const facts = this.facts;
    if (text.startsWith("Output: ") && !text.startsWith("Output:  ")) this.facts = fresh(facts.launches + 1, time);
    else if (/^Generating \d+ initial samples/.test(text)) facts.phase = "simulating";
    // 0.4.2 goes on with "Monitor with: falcon monitor"
    else if (text.startsWith("Starting analysis.")) facts.phase = "training";
    else if (/^Load(ing deployed graph|ing \S+) from: /.test(text)) facts.loaded = true;
    else if (/^(Graceful stop requested|Timeout reached)/.test(text)) {
      facts.stopping = true;
      facts.timedOut ||= text.startsWith("Timeout reached");
    } else if (text === "Analysis completed.") {
      facts.saved = true;
      facts.phase = "sampling";
    } else if (text.startsWith("falcon launch ")) this.#outcome(text.slice("falcon launch ".length), time);
    else this.#node(text, time);
  }

  /** Lines were passed over: an end that was seen before them may be an earlier launch's. */
  skip(): void {
    if (this.facts.phase === "ended") this.facts = fresh(this.facts.launches, undefined);
    this.#failing = undefined;
  }

  /**
   * `[name] Training started`, `[name] epoch 280/400, loss -0.82`, `[name] Training completed (loss:
   * -0.7873)`; of a falcon with an actor that trains `[name/train] round 3, epoch 41/100, loss -0.82`.
   */
  #node(text: string, time: number): void {
    const found =
      /^\[(.+?)(?:\/train)?\] (?:(Training started)|(Training completed)(?: \(loss: \S+\))?|(?:round (\d+), )?epoch (\d+)\/(\d+), loss (\S+))$/.exec(
        text,
      );
    if (!found) return;
    const [, name = "", started, completed, round, epoch, epochs, loss] = found;
    const before = started === undefined ? this.facts.nodes.get(name) : undefined;
    const known = before ?? { done: false, round: undefined, epoch: undefined, epochs: undefined, loss: undefined, time };
    this.facts.nodes.set(name, {
      done: completed !== undefined,
      round: round === undefined ? known.round : Number(round),
      epoch: epoch === undefined ? known.epoch : Number(epoch),
      epochs: epochs === undefined ? known.epochs : Number(epochs),
      loss: loss === undefined || loss === "?" ? known.loss : numberOf(loss),
      time,
    });
  }

  #outcome(text: string, time: number): void {
    const word = /^(completed|interrupted|failed)/.exec(text)?.[1];
    if (!word) return;
    this.facts.phase = "ended";
    this.facts.outcome = word;
    this.facts.ended = time;
    if (word === "failed") this.#failing = [withoutAttributes(text)];
  }

  /**
   * The lines up to here are all that there are: a failure's text is complete. Of `failed (Outer(Inner):
   * first line … last line)` what Python would say is the last line.
   */
  settle(): void {
    const text = this.#failing?.join("\n");
    this.#failing = undefined;
    if (text !== undefined) this.facts.failure = failureOf(text.replace(/^failed \(/, "").replace(/\)\s*$/, ""));
  }
}

function fresh(launches: number, started: number | undefined): DriverFacts {
  return {
    phase: "starting",
    started,
    ended: undefined,
    launches,
    loaded: false,
    stopping: false,
    timedOut: false,
    saved: false,
    outcome: undefined,
    failure: undefined,
    nodes: new Map(),
  };
}
