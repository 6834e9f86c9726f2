// What a session's screen shows, as text: of a session that has ended, once what it said since its screen was
// stored has been read.
import type { OutputLog } from "../../store/output-log.ts";
import type { ScreenHandle, ScreenText } from "../../terminal/worker/screens.ts";
import { feedLog } from "./feed-log.ts";
import type { SessionScreen } from "./session-screen.ts";

/** The session's output (SessionOutput). */
interface ReadOutput {
  /** Offset of the next byte, as far as it is known. */
  offset: number;
  /** The screen; opened when it is first needed. */
  screen(): ScreenHandle;
  /** Calls when the screen has been given all output up to now, or gets nothing any more. */
  whenCurrent(callback: () => void): void;
}

interface ScreenReaderEffects {
  /** Whether the session is neither exited nor lost. */
  live(): boolean;
  /** The whole output, by offset; who opens it closes it. */
  openLog(): OutputLog;
}

export class ScreenReader {
  readonly #screen: SessionScreen;
  readonly #output: ReadOutput;
  readonly #effects: ScreenReaderEffects;
  /** Those who wait for what the screen shows. */
  #readers = 0;
  /** While the screen of an ended session is brought to its end. */
  #fromDisk: Promise<void> | undefined;

  constructor(screen: SessionScreen, output: ReadOutput, effects: ScreenReaderEffects) {
    this.#screen = screen;
    this.#output = output;
    this.#effects = effects;
  }

  /** Rejects where the screen cannot be had. */
  async text(): Promise<ScreenText> {
    this.#readers++;
    try {
      await new Promise<void>((resolve) => this.#output.whenCurrent(resolve));
      if (!this.#effects.live() && (this.#screen.handle === undefined || this.#fromDisk !== undefined)) {
        this.#fromDisk ??= this.#catchUp().finally(() => {
          this.#fromDisk = undefined;
        });
        await this.#fromDisk;
      }
      return await this.#output.screen().text();
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
      await feedLog(this.#output.screen(), log, from, to);
      this.#screen.reach(to);
      this.#output.offset = to;
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
