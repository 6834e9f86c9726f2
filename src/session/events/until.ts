// The conditions of `falcon wait --until`: a small grammar on the names of a run's state.
//
//     condition  = all { "or" all }            all  = one { "and" one }
//     one        = "(" condition ")" | word | [NODE "."] metric sign number
//     word       = "nan" | "stalled" | "ended"
//     sign       = "<" | "<=" | ">" | ">=" | "==" | "!="
//
// A metric with a slash is one that the run writes, by its own name: `val/nll`, and `/elapsed_minutes` for a
// name without one.
import { Failure, Status } from "../../base/failure.ts";
import type { NodeProgress, RunProgress } from "../../trainers/run/run.ts";
import type { MetricSeries } from "../../trainers/run/series.ts";

/** What a condition is asked of. */
export interface Asked {
  run: RunProgress | null;
  /** The session has ended. */
  ended: boolean;
  /** The run's own metrics; undefined where the condition names none. */
  series?: readonly MetricSeries[];
}

/** Whether it holds. What is not known holds in no comparison. */
export type Condition = (asked: Asked) => boolean;

/** A condition, and whether it asks for metrics of the run's own, which cost a look at its files. */
export type Until = Condition & { readonly metrics: boolean };

type Metric = (node: NodeProgress) => number | null;

/** Names of a node's state; a condition without a node holds where one node fulfils it. */
const metrics: Readonly<Record<string, Metric>> = {
  epoch: (node) => node.epoch,
  loss: (node) => node.loss,
  train_loss: (node) => node.loss,
  val_loss: (node) => node.validationLoss,
  best_val_loss: (node) => node.bestValidationLoss,
  epochs_since_best: (node) => node.epochsSinceBest,
  lr: (node) => node.learningRate,
  samples: (node) => node.samples,
  steps: (node) => node.steps,
  fraction: (node) => node.fraction,
};

const words: Readonly<Record<string, Condition>> = {
  nan: ({ run }) => run?.nodes.some(({ nonFinite }) => nonFinite.length > 0) === true,
  stalled: ({ run, ended }) => !ended && run?.stalled === true,
  ended: ({ ended }) => ended,
};

const signs: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
  "==": (a, b) => a === b,
  "!=": (a, b) => a !== b,
};

interface Token {
  text: string;
  at: number;
}

/** Deeper brackets than this are a slip. */
const deepest = 20;

/** @throws Failure 2 with the place of the mistake marked below the text. */
export function parseUntil(text: string): Until {
  const tokens: Token[] = [...text.matchAll(/[()]|[<>=!]=?|[^\s()<>=!]+/g)].map((m) => ({ text: m[0], at: m.index }));
  let next = 0;
  let own = false;
  const fail = (at: number, what: string): never => {
    const marked = /[^\x20-\x7e]/.test(text) ? "" : `\n  ${text}\n  ${" ".repeat(at)}^`;
    throw new Failure(`--until: ${what}${marked}`, Status.usage);
  };
  const take = (): Token | undefined => tokens[next++];
  const end = { text: "", at: text.trimEnd().length };

  const any = (depth: number): Condition => joined(depth, "or", all, (parts) => (asked) => parts.some((part) => part(asked)));
  const all = (depth: number): Condition => joined(depth, "and", one, (parts) => (asked) => parts.every((part) => part(asked)));
  function joined(
    depth: number,
    word: string,
    inner: (depth: number) => Condition,
    join: (parts: Condition[]) => Condition,
  ): Condition {
    const parts = [inner(depth)];
    while (tokens[next]?.text === word) {
      next++;
      parts.push(inner(depth));
    }
    return parts.length === 1 ? (parts[0] as Condition) : join(parts);
  }
  function one(depth: number): Condition {
    const { text: name, at } = take() ?? end;
    if (name === "") return fail(at, "a condition is missing here");
    if (name === "(") {
      if (depth >= deepest) return fail(at, `more than ${deepest} brackets`);
      const inside = any(depth + 1);
      const close = take() ?? end;
      return close.text === ")" ? inside : fail(close.at, "')' is missing here");
    }
    if (Object.hasOwn(words, name)) return words[name] as Condition;
    return comparison(name, at);
  }
  function comparison(name: string, at: number): Condition {
    const slash = name.indexOf("/");
    const dot = slash < 0 ? name.lastIndexOf(".") : name.lastIndexOf(".", slash);
    const node = dot < 0 ? undefined : name.slice(0, dot);
    const metric = metrics[Object.hasOwn(metrics, name.slice(dot + 1)) ? name.slice(dot + 1) : ""];
    if (metric === undefined && slash < 0)
      return fail(
        at + dot + 1,
        `no such name; there are ${Object.keys(metrics).join(", ")}, the words ${Object.keys(words).join(", ")}, and the run's own metrics with a slash: val/loss`,
      );
    const sign = take() ?? end;
    if (!Object.hasOwn(signs, sign.text)) return fail(sign.at, `one of ${Object.keys(signs).join(" ")} is missing here`);
    const right = take() ?? end;
    const number = right.text === "" ? Number.NaN : Number(right.text);
    if (!Number.isFinite(number)) return fail(right.at, "a number is missing here");
    const compare = signs[sign.text] as (a: number, b: number) => boolean;
    if (metric === undefined) {
      own = true;
      const wanted = name.slice(dot + 1).replace(/^\//, "");
      return ({ series }) =>
        series?.some((one) => {
          const value = one.value.at(-1);
          return (
            one.metric === wanted && (node === undefined || one.node === node) && value !== undefined && compare(value, number)
          );
        }) === true;
    }
    return ({ run }) =>
      run?.nodes.some((one) => {
        if (node !== undefined && one.name !== node) return false;
        const value = metric(one);
        return value !== null && compare(value, number);
      }) === true;
  }
  const condition = any(0);
  const rest = tokens[next];
  if (rest !== undefined) return fail(rest.at, "'and', 'or' or the end is expected here");
  return Object.assign((asked: Asked) => condition(asked), { metrics: own });
}
