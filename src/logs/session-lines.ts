// The lines of one session, from wherever they are: blocks of the database first, then the log from where the
// blocks end.
import { logEvents } from "../store/log-events.ts";
import type { OutputLog } from "../store/output-log.ts";
import type { FoundBlock, LineBlock, LineProgress, LineStore } from "../store/search.ts";
import type { Beginning, Fed, LineJob, PackAnswer, ReadAnswer, ReadJob, Selected, Selection } from "./line-job.ts";
import { trigramQuery } from "./trigram-index.ts";
import { JobTooLong, type WorkerPool } from "./worker-pool.ts";

/** Bytes of the log for one job: about 30 ms of a thread. */
const turnBytes = 1 << 20;
/** Blocks for one job: about 10,000 lines. */
const turnBlocks = 80;
/** Blocks that are written to the database at once: about 5 ms in which nothing else happens. */
const blocksAtOnce = 16;
/**
 * A turn without a pattern takes tens of ms; one that takes this long (ms) has hit a machine that stands
 * still.
 */
const jobLimit = 60_000;
/** With a pattern: what takes this long (ms) for a megabyte is a pattern that tries all ways of matching. */
const patternLimit = 3_000;

/** A pattern that takes too long on some line: says so, and what to do. */
export class PatternTooSlow extends Error {
  constructor(cause: unknown) {
    super("this pattern takes too long on some line; write it without repetitions inside repetitions, such as (a+)+", {
      cause,
    });
  }
}

/** A session, as far as its lines need it. */
export interface LineSource {
  readonly id: string;
  /** Of falcon's display: where the beginning of its log is gone, the display is assumed to be up. */
  readonly display: boolean;
  openLog(): OutputLog;
}

/** All of them, as they are. */
export const everyLine: Selection = {
  from: 0,
  to: Number.MAX_SAFE_INTEGER,
  since: 0,
  stamp: 0,
  pattern: null,
  colours: false,
  prefix: "",
};

/** Where reading stands: after what was read so far. */
export interface Place {
  at: Uint8Array | Beginning;
  offset: number;
}

/** What becomes of lines that still stand on the screen where the log ends (ReadJob). */
export type Standing = ReadJob["standing"];
/** Told where reading stands when the log's end was reached. */
export type After = (place: Place, answer: ReadAnswer) => void;

/** Everything that reading lines takes. */
export interface LineTools {
  readonly store: LineStore;
  readonly workers: WorkerPool;
}

/**
 * The lines of a session as they are when this is made: what is stored as blocks afterwards is read from the
 * log all the same.
 */
export class SessionLines {
  readonly #source: LineSource;
  readonly #store: LineStore;
  readonly #workers: WorkerPool;
  /** Where the blocks end. */
  readonly #progress: LineProgress | undefined;

  constructor(source: LineSource, { store, workers }: LineTools) {
    this.#source = source;
    this.#store = store;
    this.#workers = workers;
    this.#progress = store.progress(source.id);
  }

  /** The chosen lines, oldest first, up to where the log ends at the call. @throws PatternTooSlow */
  async *forward(select: Selection, standing: Standing, after?: After): AsyncGenerator<Selected> {
    const query = queryOf(select);
    yield* query === undefined ? this.#stored(select) : this.found(this.#store.find(query, this.#source.id), select);
    yield* this.tail(select, standing, after);
  }

  /**
   * The last `count` chosen lines, oldest first. Goes back only as far as it has to. @throws PatternTooSlow
   */
  async last(count: number, select: Selection, standing: Standing, after?: After): Promise<Selected[]> {
    const query = queryOf(select);
    const found = query === undefined ? undefined : this.#store.find(query, this.#source.id);
    const stored = this.#progress?.lines ?? 0;
    const tail = new LastLines(count);
    if (select.to > stored) for await (const selected of this.tail(select, standing, after)) tail.push(selected);
    const chunks = tail.chunks;
    let have = tail.lines;
    let before = Math.min(stored, select.to);
    for (let batch = 2; have < count; batch = Math.min(turnBlocks, batch * 2)) {
      const blocks =
        found === undefined
          ? this.#store.blocksBefore(this.#source.id, before, batch).reverse()
          : this.#blocks(found.splice(-batch));
      const [oldest] = blocks;
      if (oldest === undefined) {
        if (found === undefined || found.length === 0) break;
        continue;
      }
      before = oldest.first;
      const selected = await this.#unpack(blocks, select);
      chunks.unshift(selected);
      have += selected.ends.length;
      if (before <= select.from || oldest.last < select.since) break;
    }
    const kept = new LastLines(count);
    for (const selected of chunks) kept.push(selected);
    return kept.chunks;
  }

  /** The chosen lines of blocks that the index found. */
  async *found(found: readonly FoundBlock[], select: Selection): AsyncGenerator<Selected> {
    for (let i = 0; i < found.length; i += turnBlocks) {
      yield await this.#unpack(this.#blocks(found.slice(i, i + turnBlocks)), select);
    }
  }

  /** The chosen lines that are in no block: the log's end. */
  async *tail(select: Selection, standing: Standing, after?: After): AsyncGenerator<Selected> {
    // of most sessions in a search everything is in blocks
    if (!this.#progress?.complete) yield* this.#read(undefined, select, standing, after);
  }

  /** The chosen lines from a place to where the log ends now. */
  onward(place: Place, select: Selection, standing: Standing, after: After): AsyncGenerator<Selected> {
    return this.#read(place, select, standing, after);
  }

  async *#stored(select: Selection): AsyncGenerator<Selected> {
    const { id } = this.#source;
    const end = Math.min(this.#progress?.lines ?? 0, select.to);
    let next = select.from;
    if (select.since > 0) next = Math.max(next, this.#store.lineAt(id, select.since) ?? end);
    while (next < end) {
      const blocks = this.#store.blocksFrom(id, next, turnBlocks).filter(({ first }) => first < end);
      const last = blocks.at(-1);
      if (last === undefined) return;
      next = last.first + last.count;
      yield await this.#unpack(blocks, select);
    }
  }

  #blocks(found: readonly FoundBlock[]): LineBlock[] {
    const end = this.#progress?.lines ?? 0;
    return found.flatMap(({ id }) => this.#store.block(id) ?? []).filter(({ first }) => first < end);
  }

  /** From a place, or from where the blocks end. */
  async *#read(from: Place | undefined, select: Selection, standing: Standing, after?: After): AsyncGenerator<Selected> {
    const log = this.#source.openLog();
    try {
      const place = from ?? startOf(this.#source, log, this.#progress);
      const fed = (begin: number, end: number) => fedFrom(log, begin, end);
      yield* linesInTurns(this.#workers, place, log.end, fed, select, standing, after);
    } finally {
      log.close();
    }
  }

  #unpack(blocks: readonly LineBlock[], select: Selection): Promise<Selected> {
    const copies = blocks.map(({ first, packed }) => ({ first, packed: new Uint8Array(packed) }));
    return runLineJob<Selected>(this.#workers, { do: "unpack", blocks: copies, select });
  }
}

/**
 * Reads on where the blocks of a session end, at most `bytes`, and stores what is read as blocks; both steps
 * are bounded. Answers whether
 * anything is left to be read.
 * @param ended nothing is written to the log any more: its last block may be short.
 */
export async function storeLines(
  source: LineSource,
  { store, workers }: LineTools,
  bytes: number,
  ended: boolean,
): Promise<boolean> {
  const progress = store.progress(source.id);
  if (progress?.complete) return false;
  const log = source.openLog();
  try {
    const place = startOf(source, log, progress);
    const to = Math.min(log.end, place.offset + bytes);
    const { feed, offset } = await fedFrom(log, place.offset, to);
    const end = ended && offset >= log.end;
    if (offset === place.offset && !end) return false;
    const answer = await runLineJob<PackAnswer>(workers, { do: "pack", at: place.at, feed, end });
    const lines = answer.blocks.reduce((sum, { count }) => sum + count, progress?.lines ?? 0);
    const next = { offset, lines, state: Buffer.from(answer.state), complete: end };
    for (let i = 0; ; i += blocksAtOnce) {
      const last = i + blocksAtOnce >= answer.blocks.length;
      store.add(source.id, answer.blocks.slice(i, i + blocksAtOnce), last ? next : undefined, i === 0);
      await new Promise((resolve) => setImmediate(resolve));
      store.tidy();
      if (last) break;
      await new Promise((resolve) => setImmediate(resolve));
    }
    return log.end > offset;
  } finally {
    log.close();
  }
}

/** Where the blocks end; without blocks, where the log begins. */
function startOf(source: LineSource, log: OutputLog, progress: LineProgress | undefined): Place {
  if (progress !== undefined) return { at: new Uint8Array(progress.state), offset: progress.offset };
  const offset = log.base;
  const { cols, rows } = log.times.sizeAt(offset) ?? { cols: 80, rows: 24 };
  return { at: { offset, cols, rows, drawn: offset > 0 && source.display }, offset };
}

function queryOf({ pattern }: Selection): string | undefined {
  return pattern === null ? undefined : trigramQuery(new RegExp(pattern.source, pattern.flags));
}

/**
 * The chosen lines from a place to an offset, a turn at a time.
 * @param fed what a reader is fed from one offset to another, and how far that is.
 * @throws PatternTooSlow
 */
export async function* linesInTurns(
  workers: WorkerPool,
  from: Place,
  end: number,
  fed: (begin: number, end: number) => Promise<{ feed: Fed[]; offset: number }>,
  select: Selection,
  standing: Standing,
  after?: After,
): AsyncGenerator<Selected> {
  let place = from;
  for (;;) {
    const { feed, offset } = await fed(place.offset, Math.min(end, place.offset + turnBytes));
    const done = offset >= end || offset === place.offset;
    const job: ReadJob = { do: "read", at: place.at, feed, standing: done ? standing : "keep", select };
    const answer = await runLineJob<ReadAnswer>(workers, job);
    place = { at: answer.state, offset };
    if (done) after?.(place, answer);
    if (answer.lines.ends.length > 0) yield answer.lines;
    if (done) return;
  }
}

/** Has a turn done with the limit that it deserves. @throws PatternTooSlow */
async function runLineJob<T>(workers: WorkerPool, job: LineJob): Promise<T> {
  const pattern = job.do !== "pack" && job.select.pattern !== null;
  const transfer: ArrayBuffer[] = [];
  if (job.do === "unpack") for (const { packed } of job.blocks) transfer.push(packed.buffer as ArrayBuffer);
  else for (const part of job.feed) if ("bytes" in part) transfer.push(part.bytes.buffer as ArrayBuffer);
  try {
    return await workers.run<T>(job, pattern ? patternLimit : jobLimit, transfer, pattern);
  } catch (error) {
    if (pattern && error instanceof JobTooLong) throw new PatternTooSlow(error);
    throw error;
  }
}

/**
 * The log from `from` to `to` as a reader takes it: bytes, what is missing, and the terminal's sizes between.
 * Copies: pieces may be shared.
 */
async function fedFrom(log: OutputLog, from: number, to: number): Promise<{ feed: Fed[]; offset: number }> {
  const feed: Fed[] = [];
  // a size that was given just before the first byte may not have been told yet; told twice it changes
  // nothing
  const first = log.times.sizeAt(from);
  if (first !== null) feed.push({ cols: first.cols, rows: first.rows });
  let offset = from;
  for await (const event of logEvents(log, from, to)) {
    if (event.kind === "bytes") feed.push({ bytes: new Uint8Array(event.bytes) });
    else if (event.kind === "hole") feed.push({ missing: event.length });
    else if (event.kind === "size" && event.offset < to) feed.push({ cols: event.cols, rows: event.rows });
    if (event.kind === "bytes") offset = event.offset + event.bytes.length;
    else if (event.kind === "hole") offset = event.offset + event.length;
  }
  return { feed, offset };
}

/** Chosen lines one by one. */
export function linesOf({ text, ends, numbers }: Selected): { number: number; text: string }[] {
  const bytes = Buffer.from(text.buffer, text.byteOffset, text.byteLength);
  return Array.from(ends, (end, i) => ({
    number: numbers[i] as number,
    text: bytes.toString("utf8", i === 0 ? 0 : (ends[i - 1] as number), end - 1),
  }));
}

/** Keeps the last lines of what comes by. */
export class LastLines {
  readonly #count: number;
  chunks: Selected[] = [];
  lines = 0;

  constructor(count: number) {
    this.#count = count;
  }

  push(selected: Selected): void {
    if (selected.ends.length === 0) return;
    this.chunks.push(selected);
    this.lines += selected.ends.length;
    while (this.lines > this.#count) {
      const oldest = this.chunks[0] as Selected;
      const extra = this.lines - this.#count;
      if (extra < oldest.ends.length) {
        const cut = oldest.ends[extra - 1] as number;
        this.chunks[0] = {
          text: oldest.text.subarray(cut),
          ends: oldest.ends.slice(extra).map((end) => end - cut),
          numbers: oldest.numbers.slice(extra),
        };
        this.lines = this.#count;
      } else {
        this.chunks.shift();
        this.lines -= oldest.ends.length;
      }
    }
  }
}
