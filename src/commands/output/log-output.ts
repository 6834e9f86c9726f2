// How falcon logs writes to its caller, whoever the log is of, and waits where one is followed.
import { showable, type TerminalBytes } from "../../base/text/terminal-bytes.ts";
import type { Selected } from "../../logs/line-job.ts";
import { type Call, taken } from "../dispatch/call.ts";

/** Bytes of raw output read at once. */
export const rawBytes = 256 << 10;
/**
 * Bytes after which the client is told how far it is. When a server is lost, the next one writes again what
 * came after the last such word.
 */
export const toldBytes = 32 << 10;

/** Writes what was chosen and waits while the caller is slower. */
export class Output {
  readonly #call: Call;

  constructor(call: Call) {
    this.#call = call;
  }

  get gone(): boolean {
    return this.#call.isGone;
  }

  /** @param written what it says goes together with them. */
  async bytes(bytes: TerminalBytes, written: () => void = () => {}): Promise<void> {
    this.#call.together(() => {
      if (bytes.length > 0) this.#call.write(bytes);
      written();
    });
    await taken(this.#call);
  }

  /** @param written told of the last line of each piece; what it says goes together with that. */
  async lines({ text, ends, numbers }: Selected, written: (line: number) => void = () => {}): Promise<void> {
    for (let line = 0, from = 0; line < ends.length; line++) {
      const to = ends[line] as number;
      if (line + 1 < ends.length && (ends[line + 1] as number) - from <= toldBytes) continue;
      // lines as we draw them: no control characters but our attributes
      const piece = showable(text.subarray(from, to));
      this.#call.together(() => {
        this.#call.write(piece);
        written(numbers[line] as number);
      });
      from = to;
    }
    await taken(this.#call);
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
