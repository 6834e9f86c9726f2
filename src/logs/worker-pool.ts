// The threads that work on lines: jobs wait for a free one, none may take for ever, and what hangs is ended
// with its thread.
import { EndableWorker } from "../base/endable-worker.ts";

/** Two jobs at a time at most: the screens, the event loop and the programs want processors as well. */
const mostThreads = 2;
/**
 * Of them, those that may be at work on somebody's pattern at a time: one that never ends must not keep
 * everybody else waiting.
 */
const mostUntrusted = 1;
/**
 * An idle thread is kept for so long (ms): the next search then begins at once; afterwards its memory is
 * given back.
 */
const idleTime = 5_000;
/**
 * A young heap that is collected often instead of growing to 48 MB; the old one is for the largest screen.
 * Where it is exceeded, the thread ends and the job fails.
 */
const heap = { maxYoungGenerationSizeMb: 6, maxOldGenerationSizeMb: 512 };

/** A job took longer than it may. */
export class JobTooLong extends Error {}
/** The server ends. */
export class PoolClosed extends Error {}

/** What the worker is told and what it answers. `failed` is a sentence. */
export interface JobMessage {
  job: unknown;
}
export type JobReply = { answer: unknown } | { failed: string };

interface Waiting {
  job: unknown;
  transfer: ArrayBuffer[];
  limit: number;
  untrusted: boolean;
  resolve: (answer: never) => void;
  reject: (error: Error) => void;
}

interface Thread {
  worker: EndableWorker;
  current: Waiting | null;
  timer: NodeJS.Timeout | undefined;
}

/** Runs jobs one after the other on each of a few threads. */
export class WorkerPool {
  readonly #file: string | URL;
  #threads = new Set<Thread>();
  #waiting: Waiting[] = [];
  #closed = false;

  /** @param file the bundled worker. */
  constructor(file: string | URL) {
    this.#file = file;
  }

  /**
   * Has one job done.
   * @param limit ms that it may take; then its thread is ended and the answer is JobTooLong.
   * @param transfer buffers of the job that are handed over instead of copied.
   * @param untrusted whether it may well take that long.
   */
  run<T>(job: unknown, limit: number, transfer: ArrayBuffer[] = [], untrusted = false): Promise<T> {
    if (this.#closed) return Promise.reject(new PoolClosed("the server is ending"));
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ job, transfer, limit, untrusted, resolve, reject });
      this.#next();
    });
  }

  async dispose(): Promise<void> {
    this.#closed = true;
    const error = new PoolClosed("the server is ending");
    for (const { reject } of this.#waiting.splice(0)) reject(error);
    await Promise.all(
      [...this.#threads].map((thread) => {
        thread.current?.reject(error);
        thread.current = null;
        return this.#end(thread);
      }),
    );
  }

  #next(): void {
    const crowded = [...this.#threads].filter(({ current }) => current?.untrusted).length >= mostUntrusted;
    const index = this.#waiting.findIndex(({ untrusted }) => !untrusted || !crowded);
    if (index < 0) return;
    let free = [...this.#threads].find(({ current }) => current === null);
    if (free === undefined) {
      if (this.#threads.size >= mostThreads) return;
      try {
        free = this.#start();
      } catch (error) {
        // one that works takes what waits when it is done; where there is none, nobody waits for it
        if (this.#threads.size === 0) for (const { reject } of this.#waiting.splice(0)) reject(error as Error);
        return;
      }
    }
    const thread = free;
    const [job] = this.#waiting.splice(index, 1) as [Waiting];
    thread.current = job;
    clearTimeout(thread.timer);
    thread.timer = setTimeout(() => {
      thread.current = null;
      job.reject(new JobTooLong(`no answer within ${job.limit} ms`));
      void this.#end(thread);
    }, job.limit);
    try {
      thread.worker.postMessage({ job: job.job } satisfies JobMessage, job.transfer);
    } catch (error) {
      this.#answered(thread);
      job.reject(error as Error);
    }
  }

  #start(): Thread {
    const worker = new EndableWorker(this.#file, { name: "lines", stdout: false, stderr: false, resourceLimits: heap });
    const thread: Thread = { worker, current: null, timer: undefined };
    worker.on("message", (reply: JobReply) => {
      const job = thread.current;
      if (job === null) return;
      this.#answered(thread);
      if ("failed" in reply) job.reject(new Error(reply.failed));
      else job.resolve(reply.answer as never);
    });
    worker.on("error", (error) => {
      const job = thread.current;
      thread.current = null;
      void this.#end(thread);
      job?.reject(error instanceof Error ? error : new Error(String(error)));
    });
    worker.unref();
    this.#threads.add(thread);
    return thread;
  }

  #answered(thread: Thread): void {
    thread.current = null;
    clearTimeout(thread.timer);
    thread.timer = setTimeout(() => void this.#end(thread), idleTime);
    thread.timer.unref();
    this.#next();
  }

  async #end(thread: Thread): Promise<void> {
    clearTimeout(thread.timer);
    this.#threads.delete(thread);
    await thread.worker.terminate();
    if (!this.#closed) this.#next();
  }
}
