// One process that fuzzes one target: makes inputs, keeps those that reach something new, and stops at the
// first that breaks a promise. Arguments: FILE NAME INPUTS SECONDS SEED SCRATCH. Tells its parent (IPC) how
// far it is; the input at hand always stands in SCRATCH/current.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { performance } from "node:perf_hooks";
import { Random } from "../support/random.ts";
import { Coverage } from "./coverage.ts";
import { readFolder } from "./found.ts";
import { mutated } from "./mutation.ts";
import { bytesOf, type Target } from "./target.ts";

/** What a worker tells its parent. */
export type Message =
  | { is: "going"; inputs: number }
  | { is: "done"; inputs: number; seconds: number; corpus: number; blocks: number }
  | { is: "grown"; inputs: number; problem: string }
  | { is: "found"; inputs: number; input: string; problem: string };

/** Inputs between two looks at the coverage; the look costs as much as some hundred small inputs. */
const batchLength = 100;
/**
 * Guided inputs without anything new after which a time of unguided ones begins, which are several times
 * faster.
 */
const patience = 3_000;
/** Unguided inputs for each guided one. */
const unguided = 19;
/** Samples with which a run begins unguided. */
const richCorpus = 200;
/** Inputs that are kept; past it a new one takes the place of any other. */
const mostKept = 4_000;
/**
 * Bytes that a worker's heap may have grown by when all is done: a parser that keeps something of every input
 * keeps more.
 */
const growth = 64 << 20;

const [file, name, inputs, seconds, seed, scratch] = process.argv.slice(2) as [string, string, string, string, string, string];

const { targets } = (await import(file)) as { targets: readonly Target[] };
const target = targets.find((t) => t.name === name);
if (target === undefined) throw new Error(`no target ${name} in ${file}`);
os.setPriority(10);
await work(target);

async function work(target: Target): Promise<void> {
  const random = new Random(Number(seed));
  const limit = Number(inputs);
  const end = performance.now() + Number(seconds) * 1000;
  const begin = performance.now();
  const current = fs.openSync(path.join(scratch, "current"), "w+");
  const coverage = new Coverage();
  const known = new Set<string>();
  const corpusFolder = path.join(scratch, "corpus", target.name);
  const corpus = [...target.seeds().map((bytes) => Buffer.from(bytes)), ...readFolder(corpusFolder).map(({ bytes }) => bytes)];
  if (corpus.length === 0) corpus.push(Buffer.alloc(0));
  let done = 0;
  let told = performance.now();
  let heapBefore = 0;

  const tell = (message: Message) => process.send?.(message);
  const attempt = async (input: Buffer): Promise<string | undefined> => {
    // written first: an input that ends the process, or never ends, is found there
    const head = Buffer.alloc(4);
    head.writeUInt32LE(input.length);
    fs.writeSync(current, head, 0, 4, 0);
    if (input.length > 0) fs.writeSync(current, input, 0, input.length, 4);
    done++;
    try {
      const running = target.run(input);
      if (running !== undefined) await running;
      return undefined;
    } catch (error) {
      return error instanceof Error ? (error.stack ?? error.message) : String(error);
    }
  };
  const fail = async (input: Buffer, problem: string): Promise<never> => {
    coverage.stop();
    // the same complaint: a smaller input may well break another promise
    const complaint = problem.split("\n")[0];
    const small = await smaller(input, async (candidate) => (await attempt(candidate))?.split("\n")[0] === complaint);
    tell({ is: "found", inputs: done, input: small.toString("base64"), problem });
    process.disconnect?.();
    process.exit(1);
  };
  /** Looks at one input by itself: is there anything new in it, and was it too much work? */
  const look = async (input: Buffer): Promise<boolean> => {
    coverage.take(false);
    const problem = await attempt(input);
    if (problem !== undefined) await fail(input, problem);
    const { blocks, steps } = coverage.take(true);
    const most = target.steps === undefined ? Number.POSITIVE_INFINITY : target.steps.base + target.steps.perByte * input.length;
    if (steps > most) await fail(input, `${steps} steps for ${input.length} bytes, at most ${most} are right`);
    let isNew = false;
    for (const block of blocks) {
      if (known.has(block)) continue;
      known.add(block);
      known.add(block.replace(/\*\d+$/, ""));
      isNew = true;
    }
    return isNew;
  };
  const keep = (input: Buffer) => {
    if (corpus.length < mostKept) corpus.push(input);
    else corpus[random.below(corpus.length)] = input;
    saveKept(corpusFolder, input);
  };
  const goOn = async () => {
    if (performance.now() - told > 500) {
      told = performance.now();
      tell({ is: "going", inputs: done });
      // a turn of the event loop, for what gives memory back there
      await new Promise((resolve) => setImmediate(resolve));
    }
    return done < limit && performance.now() < end;
  };
  const fresh = () => mutated(random, target, random.pick(corpus), random.pick(corpus));

  coverage.start();
  for (const input of [...corpus]) {
    if (!(await goOn())) break;
    await look(input);
  }
  for (const word of target.words ?? []) await look(bytesOf(word));
  // with many samples to change there is enough to try before anything new is looked for
  let guided = corpus.length < richCorpus;
  if (!guided) coverage.stop();
  let sinceNew = 0;
  while (await goOn()) {
    if (!guided) {
      for (let left = patience * unguided; left > 0 && (await goOn()); left--) {
        const input = fresh();
        const problem = await attempt(input);
        if (problem !== undefined) await fail(input, problem);
      }
      guided = true;
      sinceNew = 0;
      coverage.start();
      continue;
    }
    const batch: Buffer[] = [];
    for (let i = 0; i < batchLength && done < limit; i++) {
      const input = fresh();
      batch.push(input);
      const problem = await attempt(input);
      if (problem !== undefined) await fail(input, problem);
    }
    const { blocks, steps } = coverage.take(false);
    const bytes = batch.reduce((sum, input) => sum + input.length, 0);
    const tooMuch = target.steps !== undefined && steps > target.steps.base * batch.length + target.steps.perByte * bytes;
    // a block that never ran; or, one batch in fifty, one that runs more often than ever
    if (tooMuch || random.oneIn(50) || [...blocks].some((block) => !known.has(block))) {
      for (const input of batch) {
        if (!(await look(input))) continue;
        keep(input);
        sinceNew = 0;
      }
    }
    sinceNew += batch.length;
    if (heapBefore === 0 && done > 2_000) heapBefore = await heap();
    if (sinceNew >= patience) {
      coverage.stop();
      guided = false;
    }
  }
  coverage.stop();
  const grown = heapBefore === 0 ? 0 : (await heap()) - heapBefore;
  await target.dispose?.();
  // what is kept of the corpus and of the coverage is the fuzzer's own
  if (grown > growth + corpus.length * target.longest)
    tell({ is: "grown", inputs: done, problem: `the heap grew by ${grown} bytes over ${done} inputs` });
  const blocks = [...known].filter((block) => !block.includes("*")).length;
  tell({ is: "done", inputs: done, seconds: (performance.now() - begin) / 1000, corpus: corpus.length, blocks });
  process.disconnect?.();
  process.exit(0);
}

/** Bytes in use, after a collection where that can be had. */
async function heap(): Promise<number> {
  for (let turn = 0; turn < 3; turn++) {
    (globalThis as { gc?: () => void }).gc?.();
    // what holds memory outside of the heap gives it back in a turn of its own
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** The input without what it does not need to fail: pieces are left out, ever smaller ones. */
async function smaller(input: Buffer, fails: (input: Buffer) => Promise<boolean>): Promise<Buffer> {
  let best = input;
  let tries = 0;
  for (let piece = best.length >> 1; piece > 0; piece >>= 1) {
    for (let at = 0; at < best.length && tries < 2_000; ) {
      const candidate = Buffer.concat([best.subarray(0, at), best.subarray(at + piece)]);
      tries++;
      if (await fails(candidate)) best = candidate;
      else at += piece;
    }
  }
  return best;
}

function saveKept(folder: string, input: Buffer): void {
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, String(process.hrtime.bigint())), input);
}
