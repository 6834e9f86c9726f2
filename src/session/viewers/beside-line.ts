// What a program does while a line of ours stands in the terminal's bottom row: it reaches the terminal, and
// one that says much ends the line.
import { PassingEffects } from "./passing-effects.ts";

/**
 * Bytes of output beside which a line of ours stands: who says more is about to scroll, and all that has
 * scrolled until then has to be in the screen's scrollback.
 */
const mostBesideLine = 1 << 13;

export class BesideLine {
  readonly #effects = new PassingEffects();
  readonly #write: (effects: Buffer) => void;
  readonly #flood: () => void;
  #said = 0;

  /** @param flood called at each output that is too much for the line. */
  constructor(write: (effects: Buffer) => void, flood: () => void) {
    this.#write = write;
    this.#flood = flood;
  }

  output(bytes: Buffer): void {
    const effects = this.#effects.feed(bytes);
    if (effects.length > 0) this.#write(effects);
    this.#said += bytes.length;
    if (this.#said > mostBesideLine) this.#flood();
  }
}
