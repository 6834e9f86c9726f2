// A screen that is packed up while nobody needs it, and made anew where the emulator throws.
import { steady } from "../../base/clock.ts";
import { Screen, type StoredScreen } from "../model/screen.ts";
import type { Open } from "./channel.ts";
import type { ScreenReport } from "./screen-report.ts";
import { collectGarbage, scanPlainText } from "./worker-native.ts";

/**
 * A screen that says nothing for so long (ms) is packed up: 10,000 lines then take some 100 KB instead of
 * 15 MB. One that somebody looks at waits longer, and one that was woken again soon waits four times as long
 * the next time, since unpacking costs some 30 ms.
 */
const packing = { least: 400, attended: 30_000, most: 120_000, soon: 20_000 };

/** A screen that is packed up. */
export interface Packed {
  stored: StoredScreen;
  /** Output behind it that does not end a sequence. */
  tail: Buffer;
  /** What a viewer gets first, at once; of a stored one that was not needed yet it is not known. */
  first: Buffer | undefined;
  since: number;
}

/** Where a screen is told of. */
export interface PackableEffects {
  /** What it says while it takes output. */
  readonly report: ScreenReport;
  /** The emulator threw; `kept`: the new screen has what the old one showed. */
  rebuilt(reason: string, kept: boolean): void;
  /** What was stored cannot be opened: it begins blank. */
  unreadable(reason: string): void;
}

let empty: Screen | undefined;

/** Stands where a screen is packed up; never fed. */
function emptyScreen(): Screen {
  empty ??= new Screen({ cols: 2, rows: 1, scrollback: 0 });
  return empty;
}

export class PackableScreen {
  readonly #effects: PackableEffects;
  readonly #scrollback: number;
  #screen: Screen;
  #packed: Packed | undefined;
  #patience = packing.least;
  /** Whether anybody looks at it. */
  attended = false;

  constructor(beginning: Open, effects: PackableEffects) {
    this.#effects = effects;
    const { cols, rows, scrollback, offset, restore } = beginning;
    this.#scrollback = scrollback;
    if (restore === undefined) {
      this.#screen = this.#open(beginning);
      effects.report.noteModes(this.#screen);
      return;
    }
    // most stored screens are not looked at soon
    this.#screen = emptyScreen();
    const stored = { cols, rows, offset, replay: Buffer.from(restore) };
    this.#packed = { stored, tail: Buffer.alloc(0), first: undefined, since: Number.NEGATIVE_INFINITY };
  }

  #open({ cols, rows, offset, restore }: Pick<Open, "cols" | "rows" | "offset" | "restore">): Screen {
    const shared = this.#options(offset);
    if (restore !== undefined) {
      try {
        return Screen.restore(restore, shared, this.#effects.report);
      } catch (error) {
        this.#effects.unreadable(reasonOf(error));
      }
    }
    return new Screen({ cols, rows, ...shared }, this.#effects.report);
  }

  #options(offset: number) {
    return { scrollback: this.#scrollback, offset, scanPlainText };
  }

  /** The screen; an empty one while it is packed up. */
  get screen(): Screen {
    return this.#screen;
  }

  get packed(): Packed | undefined {
    return this.#packed;
  }

  /** Offset of the next byte of output. */
  get offset(): number {
    return this.#packed === undefined ? this.#screen.offset : this.#packed.stored.offset + this.#packed.tail.length;
  }

  /** The screen, to store. */
  encode(): StoredScreen {
    return this.#packed?.stored ?? this.#screen.encode();
  }

  /** Silence after which it is to be packed up (ms). */
  get patience(): number {
    return this.attended ? Math.max(packing.attended, this.#patience) : this.#patience;
  }

  /** Packs it up, where it stands between two sequences. */
  pack(): void {
    const tail = this.#screen.tail();
    if (tail === undefined) return;
    try {
      const { first } = this.#screen.snapshot(0);
      this.#packed = { stored: this.#screen.encode(), tail, first, since: steady() };
    } catch {
      // it stays as it is
      return;
    }
    this.#screen.dispose();
    // the emulator and its lines go with the screen
    this.#screen = emptyScreen();
    collectGarbage();
  }

  /** Has the screen again, if it is packed up. Answers whether it told anything that was not known. */
  unpack(): boolean {
    if (this.#packed === undefined) return false;
    const { report } = this.#effects;
    const { stored, tail, since, first } = this.#packed;
    this.#packed = undefined;
    const soon = steady() - since < packing.soon;
    this.#patience = soon ? Math.min(packing.most, this.#patience * 4) : Math.max(packing.least, this.#patience / 2);
    this.#screen = this.#open({ ...stored, restore: stored.replay });
    // what was told about it is known already
    report.take();
    this.attempt(() => this.#screen.feed(tail));
    if (first !== undefined) return false;
    report.noteModes(this.#screen);
    if (this.#screen.title !== "") report.title(this.#screen.title);
    const { marks } = this.#screen;
    if (marks.progress !== undefined || marks.prompt) report.marks(marks, false);
    return true;
  }

  /**
   * Does something with the screen. xterm.js must not be trusted with every byte that programs can send:
   * where it throws, the screen is made anew from what it shows.
   */
  attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      const { cols, rows, offset } = this.#screen;
      const broken = this.#screen;
      let kept = true;
      try {
        this.#screen = Screen.restore(broken.encode().replay, this.#options(offset), this.#effects.report);
      } catch {
        kept = false;
        this.#screen = new Screen({ ...this.#options(offset), cols, rows }, this.#effects.report);
      }
      this.#effects.rebuilt(reasonOf(error), kept);
    }
  }

  dispose(): void {
    if (this.#packed === undefined) this.#screen.dispose();
  }
}

/** An error in full, for the log. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
