// A helper process for one series of work that keeps a file open between its pieces; like the pool's, it is
// killed when it does not answer.
import type { ChildProcess } from "node:child_process";
import { errorOf, NoAnswer, type Series, type Thrown } from "./aside.ts";
import { longestWork, noAnswer, noHelper, notStarted } from "./aside-pool.ts";
import { forkHelper, helperReady } from "./helper-process.ts";

/**
 * How long (ms) a piece after the first may take: a disk that is busy keeps a writer waiting for seconds, and
 * nobody but this command waits.
 */
const longestPiece = 30_000;

export class AsideSeries implements Series {
  #helper: ChildProcess;
  #file: string;
  #asked = 0;
  #ready = false;
  /** Why nothing can be asked any more. */
  #gone: NoAnswer | undefined;
  #waiting: { resolve(value: unknown): void; reject(error: Error): void; timer: NodeJS.Timeout } | undefined;

  /**
   * @param script the helper's program; @param file what the work touches.
   * @throws NoAnswer where the system gives no process for it
   */
  static begin(script: string, file: string): AsideSeries {
    let helper: ChildProcess;
    try {
      helper = forkHelper(script);
    } catch (error) {
      throw new NoAnswer(noHelper(error as Error));
    }
    return new AsideSeries(helper, file);
  }

  private constructor(helper: ChildProcess, file: string) {
    this.#file = file;
    this.#helper = helper;
    this.#helper.on("message", (message) => {
      this.#ready = true;
      if (message === helperReady) return;
      const { value, thrown } = message as { value?: unknown; thrown?: Thrown };
      const waiting = this.#answered();
      if (thrown === undefined) waiting?.resolve(value);
      else waiting?.reject(errorOf(thrown));
    });
    const lost = (why: string) => {
      this.#gone ??= new NoAnswer(why);
      this.#answered()?.reject(this.#gone);
    };
    this.#helper.on("error", (error) => lost(noHelper(error)));
    this.#helper.on("exit", () =>
      lost(this.#ready ? `what works on ${file} has ended: is the machine out of memory?` : notStarted),
    );
  }

  #answered() {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    clearTimeout(waiting?.timer);
    return waiting;
  }

  ask(name: string, args: readonly unknown[]): Promise<unknown> {
    if (this.#gone !== undefined) return Promise.reject(this.#gone);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => {
          this.#gone = this.#ready ? noAnswer(this.#file) : new NoAnswer(notStarted);
          this.#answered()?.reject(this.#gone);
          this.#helper.kill("SIGKILL");
        },
        this.#asked === 0 ? longestWork : longestPiece,
      );
      this.#waiting = { resolve, reject, timer };
      // without a process its error is on the way
      if (this.#helper.connected) this.#helper.send({ id: ++this.#asked, name, args });
    });
  }

  end(): void {
    this.#answered()?.reject(noAnswer(this.#file));
    // it removes what is not finished, and goes
    if (this.#helper.connected) this.#helper.disconnect();
  }
}
