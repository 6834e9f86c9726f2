// `npm run test:fuzz`: every parser that reads from outside, fed with what no honest peer sends. Found inputs
// are replayed first.
//
//   --short         about 90 seconds in all, for CI
//   --inputs N      N inputs in all instead of each target's own number
//   --seconds S     at most S seconds in all
//   --only A,B      these targets
//   --seed N        what a run did can be done again (with the same corpus)
//   --list          says what there is
import { fork } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { root } from "../support/paths.ts";
import { keepFound } from "./found.ts";
import { nativeTargets, runNative } from "./native.ts";
import { replayFound } from "./replay.ts";
import type { Outcome } from "./target.ts";
import { loadTargets } from "./targets.ts";
import type { Message } from "./worker.ts";

/** Seconds of a short run, shared by the targets. */
const shortSeconds = 90;
/**
 * A worker that says nothing for so long is stuck in one input. Fuzzed inputs take microseconds; this is for
 * a machine that swaps.
 */
const stuckMs = 60_000;

const { values } = parseArgs({
  options: {
    short: { type: "boolean", default: false },
    inputs: { type: "string" },
    seconds: { type: "string" },
    only: { type: "string" },
    seed: { type: "string" },
    list: { type: "boolean", default: false },
  },
});

const scratch = path.join(root, "build/fuzz");
const outcomes: Outcome[] = [];
process.exitCode = await main();

async function main(): Promise<number> {
  const all = [...(await loadTargets()), ...nativeTargets()];
  const wanted = values.only?.split(",");
  const chosen = all.filter(({ name }) => wanted === undefined || wanted.includes(name));
  if (values.list || chosen.length === 0) {
    for (const { name, what, inputs } of all) console.log(`${name.padEnd(16)}${String(inputs).padStart(9)}  ${what}`);
    return chosen.length === 0 ? 2 : 0;
  }
  fs.mkdirSync(scratch, { recursive: true });
  const replayed = await replayFound(chosen.map(({ name }) => name));
  console.log(`${replayed.count} inputs that were found before: ${replayed.problems.length === 0 ? "all well" : "broken again"}`);
  for (const problem of replayed.problems) console.error(problem);
  const seconds = Number(values.seconds ?? (values.short ? shortSeconds : 24 * 3600));
  const sum = chosen.reduce((total, { inputs }) => total + inputs, 0);
  const scale = values.inputs === undefined ? 1 : Number(values.inputs) / sum;
  // CI tries the same each time: what is new is for the long runs to find
  const seed = values.seed === undefined ? (values.short ? 1 : Date.now() % 2 ** 40) : Number(values.seed);
  const limited = values.short || values.seconds !== undefined;
  console.log(`seed ${seed}`);
  for (const [i, target] of chosen.entries()) {
    const share = limited ? seconds / chosen.length : seconds;
    const order = { inputs: Math.ceil(target.inputs * scale), seconds: share, seed: seed + i };
    const outcome = "source" in target ? await runNative(target, order, scratch) : await work(target, order);
    outcomes.push(outcome);
    print(outcome);
  }
  const total = outcomes.reduce((count, { inputs }) => count + inputs, 0);
  const bad = outcomes.filter(({ problem }) => problem !== undefined).length + replayed.problems.length;
  console.log(`${total} inputs, ${outcomes.length} targets, ${bad === 0 ? "no promise broken" : `${bad} broken promises`}`);
  fs.writeFileSync(
    path.join(scratch, "report.json"),
    JSON.stringify({ date: new Date().toISOString(), seed, total, outcomes }, null, 1),
  );
  return bad === 0 ? 0 : 1;
}

function print({ target, inputs, seconds, corpus, blocks, problem, skipped }: Outcome): void {
  const rate = Math.round(inputs / Math.max(seconds, 0.001));
  const facts = `${String(inputs).padStart(9)} inputs ${seconds.toFixed(1).padStart(7)} s ${String(rate).padStart(7)}/s ${String(blocks).padStart(6)} blocks ${String(corpus).padStart(5)} kept`;
  console.log(`${target.padEnd(16)}${skipped === undefined ? facts : `skipped: ${skipped}`}`);
  if (problem !== undefined) console.error(`${target}: ${problem}`);
}

/** Runs one target in a process of its own. */
function work(
  target: { name: string; what: string; file: string },
  order: { inputs: number; seconds: number; seed: number },
): Promise<Outcome> {
  return new Promise((resolve) => {
    const begin = Date.now();
    const folder = path.join(scratch, target.name);
    fs.mkdirSync(folder, { recursive: true });
    const args = [target.file, target.name, String(order.inputs), String(order.seconds), String(order.seed), folder];
    const child = fork(path.join(import.meta.dirname, "worker.ts"), args, {
      execArgv: ["--import", "tsx", "--expose-gc", "--max-old-space-size=1024"],
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    const outcome: Outcome = { target: target.name, what: target.what, inputs: 0, seconds: 0, corpus: 0, blocks: 0 };
    let over = false;
    const stuck = () => {
      child.kill("SIGKILL");
      outcome.problem = `an input takes longer than ${stuckMs} ms, kept as ${keepFound(target.name, currentInput(folder))}`;
    };
    let timer = setTimeout(stuck, stuckMs);
    child.on("message", (message: Message) => {
      clearTimeout(timer);
      timer = setTimeout(stuck, stuckMs);
      outcome.inputs = message.inputs;
      if (message.is === "found") {
        const input = Buffer.from(message.input, "base64");
        outcome.problem = `${message.problem}\n  kept as ${keepFound(target.name, input)}`;
        over = true;
      } else if (message.is === "grown") outcome.problem = message.problem;
      else if (message.is === "done") {
        outcome.corpus = message.corpus;
        outcome.blocks = message.blocks;
        over = true;
      }
    });
    child.on("exit", (code, signal) => {
      clearTimeout(timer);
      outcome.seconds = (Date.now() - begin) / 1000;
      if (!over && outcome.problem === undefined)
        outcome.problem = `the process ended (status ${code}, signal ${signal}), kept as ${keepFound(target.name, currentInput(folder))}`;
      resolve(outcome);
    });
  });
}

/** The input that a worker was reading when it ended. */
function currentInput(folder: string): Buffer {
  const bytes = fs.readFileSync(path.join(folder, "current"));
  return bytes.subarray(4, 4 + bytes.readUInt32LE(0));
}
