// The size of a session's terminal while it changes: viewers are held, and join again once the screen has
// the new one.
import type { Viewer } from "../viewers/viewer.ts";

/**
 * A size that was asked for and not answered within this time (ms), as by a holder that stands still, is
 * given to the screen at once. A busy machine takes some 100 ms.
 */
const longestSizing = 1000;

/** What it needs of its session. */
export interface TerminalSizingEffects {
  readonly viewers: ReadonlyMap<Viewer, unknown>;
  /** The screen is given the terminal's size now, wherever its output stands. */
  force(): void;
  /** The size is late: the place is far behind a flood, or the holder is stopped. */
  late(): void;
}

export class TerminalSizing {
  readonly #effects: TerminalSizingEffects;
  #timer: NodeJS.Timeout | undefined;

  constructor(effects: TerminalSizingEffects) {
    this.#effects = effects;
  }

  /** Whether the screen still waits for the size that the terminal is being given. */
  get isOn(): boolean {
    return this.#timer !== undefined;
  }

  /**
   * What is on its way was drawn for the old size: the screen takes the new one where the holder says that it
   * began.
   */
  begin(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#effects.late();
      this.force();
    }, longestSizing);
    for (const viewer of this.#effects.viewers.keys()) viewer.hold();
  }

  /** Better a size at the wrong place than viewers that wait. */
  force(): void {
    this.#effects.force();
    this.done();
  }

  /** The screen has the last size that was asked for: viewers join again. */
  done(): void {
    if (!this.isOn) return;
    this.stop();
    for (const viewer of this.#effects.viewers.keys()) viewer.join();
  }

  /** Nobody waits for it any more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
