// What a session's screen shows, as text: of a session that has ended, once what it said since its screen was
// stored has been read.
import type { OutputLog } from "../../store/output-log.ts";
import type { ScreenHandle, ScreenText } from "../../terminal/worker/screens.ts";
import { feedLog } from "./feed-log.ts";
import type { SessionScreen } from "./session-screen.ts";

interface ScreenReaderEffects {
  /** The screen; opened when it is first needed. */
  open(): ScreenHandle;
  /** Calls when the screen has been given all output up to now, or gets nothing any more. */
  whenCurrent(callback: () => void): void;
  /** Whether the session is neither exited nor lost. */
  live(): boolean;
  /** The whole output, by offset; who opens it closes it. */
  openLog(): OutputLog;
  /** The screen of an ended session was brought to the end of its output. */
  caughtUp(end: number): void;
}

export class ScreenReader {
  readonly #screen: SessionScreen;
  readonly #effects: ScreenReaderEffects;
  /** Those who wait for what the screen shows. */
  #readers = 0;
  /** While the screen of an ended session is brought to its end. */
  #fromDisk: Promise<void> | undefined;

  constructor(screen: SessionScreen, effects: ScreenReaderEffects) {
    this.#screen = screen;
    this.#effects = effects;
  }

  /** Rejects where the screen cannot be had. */
  async text(): Promise<ScreenText> {
    this.#readers++;
    try {
      await new Promise<void>((resolve) => this.#effects.whenCurrent(resolve));
      if (!this.#effects.live() && (this.#screen.handle === undefined || this.#fromDisk !== undefined)) {
        this.#fromDisk ??= this.#catchUp().finally(() => {
          this.#fromDisk = undefined;
        });
        await this.#fromDisk;
      }
      return await this.#effects.open().text();
    } finally {
      this.#readers--;
    }
  }

  async #catchUp(): Promise<void> {
    const from = this.#screen.beginning().offset;
    const log = this.#effects.openLog();
    try {
      const to = log.end;
      if (from >= to) return;
      await feedLog(this.#effects.open(), log, from, to);
      this.#screen.reach(to);
      this.#effects.caughtUp(to);
      await this.#screen.store();
    } finally {
      log.close();
    }
  }

  /** Lets go of the screen's model; where somebody reads it, the last who does. */
  close(): void {
    if (this.#readers === 0) this.#screen.close();
  }
}
