// A steady clock for the native part that stands until a test says what it is: what a program does after some
// time is seen however long the machine takes.
import fs from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { library } from "./compile.ts";

/** Whether programs take a library: what has sanitizers, or is emulated (both are other builds), does not. */
const preloads =
  process.platform === "linux" &&
  process.env.FALCON_SESSIONS_NATIVE === undefined &&
  process.env.FALCON_TEST_CLIENT === undefined;

/** Where no library is taken, the machine's own clock, which is waited for. */
export class ToldClock {
  /** What a program that is to have this clock needs in its environment. */
  readonly env: Record<string, string>;
  readonly #file: string;
  #ms = 0;

  /** @param folder where it may keep a file. */
  constructor(folder: string) {
    this.#file = path.join(folder, "clock");
    this.env = preloads ? { LD_PRELOAD: library("told-clock"), FALCON_TEST_CLOCK: this.#file } : {};
  }

  async pass(ms: number): Promise<void> {
    if (!preloads) return delay(ms);
    this.#ms += ms;
    // whole, for whoever looks meanwhile
    fs.writeFileSync(`${this.#file}.new`, String(this.#ms));
    fs.renameSync(`${this.#file}.new`, this.#file);
  }
}
