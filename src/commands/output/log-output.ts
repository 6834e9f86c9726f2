// How falcon logs writes to its caller, whoever the log is of, and waits where one is followed.
import { showable, type TerminalBytes } from "../../base/text/terminal-bytes.ts";
import type { Selected } from "../../logs/line-job.ts";
import type { Call } from "../dispatch/call.ts";

/** Bytes that may wait for the caller before the next are made. */
const backlogLimit = 256 << 10;
/** Bytes of raw output read at once. */
export const rawBytes = 256 << 10;

/** Writes what was chosen and waits while the caller is slower. */
export class Output {
  readonly #call: Call;
  #gone = false;

  constructor(call: Call) {
    this.#call = call;
    void call.gone.then(() => {
      this.#gone = true;
    });
  }

  get gone(): boolean {
    return this.#gone;
  }

  async bytes(bytes: TerminalBytes): Promise<void> {
    if (bytes.length > 0) this.#call.write(bytes);
    if (this.#call.backlog() > backlogLimit) await new Promise<void>((resolve) => this.#call.onDrained(resolve));
  }

  async lines({ text }: Selected): Promise<void> {
    // lines as we draw them: no control characters but our attributes
    await this.bytes(showable(text));
  }
}

/** Waits for what `wake` tells, remembering it when it came early. */
export class WakeUp {
  #rung = false;
  #resolve: (() => void) | undefined;

  signal = (): void => {
    this.#rung = true;
    this.#resolve?.();
  };

  async wait(): Promise<void> {
    if (!this.#rung)
      await new Promise<void>((resolve) => {
        this.#resolve = resolve;
      });
    this.#rung = false;
  }
}
