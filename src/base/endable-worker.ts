// A thread that may be ended at any time, and zlib in it. Node aborts the whole process (node_zlib.cc, "close
// before init") where a thread ends while it makes a compressor or its opposite, as of Node 20 to 26; so a
// thread that is in zlib is ended behind it.
import { setTimeout as delay } from "node:timers/promises";
import { Worker, type WorkerOptions, workerData } from "node:worker_threads";
import zlib from "node:zlib";
import { threadStarts } from "./late-optimizing.ts";

/** What a thread's memory says of it. An ended one stays that. */
const [free, inZlib, ended] = [0, 1, 2];

/** So often (ms) it is looked whether a thread has left zlib. */
const pause = 1;

export class EndableWorker extends Worker {
  readonly #state: Int32Array;

  /** @throws Error where the limit of threads leaves none. */
  constructor(file: string | URL, options: WorkerOptions = {}) {
    const state = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    threadStarts();
    super(file, { ...options, workerData: { ...options.workerData, zlib: state } });
    this.#state = state;
  }

  /** Ends it, whatever it does. */
  override async terminate(): Promise<number> {
    const busy = () => Atomics.compareExchange(this.#state, 0, free, ended) === inZlib;
    // one that is gone says no more that it has left
    while (busy() && this.threadId !== -1) await delay(pause);
    return super.terminate();
  }
}

/** In a thread of these: its memory. */
const state = (workerData as { zlib?: Int32Array } | null)?.zlib;

/** One that is ended meanwhile does no more. */
function inTurn<A extends unknown[], R>(work: (...of: A) => R): (...of: A) => R {
  if (state === undefined) return work;
  return (...of) => {
    while (Atomics.compareExchange(state, 0, free, inZlib) === ended) Atomics.wait(state, 0, ended);
    try {
      return work(...of);
    } finally {
      Atomics.store(state, 0, free);
    }
  };
}

export const deflateSync = inTurn(zlib.deflateSync);
export const inflateSync = inTurn(zlib.inflateSync);
export const deflateRawSync = inTurn(zlib.deflateRawSync);
export const inflateRawSync = inTurn(zlib.inflateRawSync);
