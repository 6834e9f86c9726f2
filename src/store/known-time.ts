// The time by which what is old is deleted: never later than what two starts of a server agree on, however
// the wall clock jumps.
import fs from "node:fs";
import { replaceFile } from "../base/replace-file.ts";

/** What one start said the time was; kept up to date while that server runs. */
interface Reading {
  /** The machine's life. */
  boot: string;
  /** ms that the machine had been up at that start. */
  up: number;
  /**
   * ms since 1970: the clock at the start and what the machine has been up since, so that a clock that is set
   * meanwhile does not show in it.
   */
  wall: number;
  /** What that start and those before it agreed on. */
  agreed: number;
}

export interface KnownTimeEffects {
  /** ms since 1970. */
  wall(): number;
  /** ms since the machine was started, sleep included. */
  up(): number;
  readonly boot: string;
  /**
   * The latest time (ms since 1970) that is known from before: of what is to be deleted. Undefined where
   * there is nothing.
   */
  readonly latest: number | undefined;
  /** The file of what earlier starts said. */
  readonly file: string;
}

/**
 * Two starts of one life of the machine are two witnesses only when so much time (ms) lies between them: by
 * then a clock that was wrong at boot was set.
 */
const apart = 3_600_000;
/** A reading that lies so far (ms) ahead of a later start's time was wrong. */
const slack = 60_000;
/** Readings that are kept: those of the last starts. */
const most = 4;

export class KnownTime {
  readonly #effects: KnownTimeEffects;
  readonly #start: Reading;
  readonly #earlier: Reading[];

  constructor(effects: KnownTimeEffects) {
    this.#effects = effects;
    const [boot, up, wall] = [effects.boot, effects.up(), effects.wall()];
    const known = read(effects.file);
    this.#earlier = known.filter((reading) => reading.wall <= wall + slack);
    const witnesses = this.#earlier.filter((reading) => reading.boot !== boot || up - reading.up >= apart);
    const agreed =
      known.length === 0
        ? (effects.latest ?? wall)
        : Math.max(0, ...this.#earlier.map((reading) => reading.agreed), ...witnesses.map((reading) => reading.wall));
    this.#start = { boot, up, wall, agreed: Math.min(wall, agreed) };
    this.keep();
  }

  /** ms since 1970 that have certainly been reached. */
  now(): number {
    return Math.min(this.#effects.wall(), this.#start.agreed + this.#passed);
  }

  get #passed(): number {
    return this.#effects.up() - this.#start.up;
  }

  /**
   * Writes down what time it is, for the next start. A disk that takes nothing makes that one more careful.
   */
  keep(): void {
    const wall = Math.min(this.#effects.wall(), this.#start.wall + this.#passed);
    const readings = [...this.#earlier, { ...this.#start, wall, agreed: this.now() }].slice(-most);
    try {
      replaceFile(this.#effects.file, JSON.stringify(readings));
    } catch {
      // said by whatever else cannot be written
    }
  }
}

function read(file: string): Reading[] {
  try {
    const known: unknown = JSON.parse(fs.readFileSync(file, "utf8"));
    return Array.isArray(known) ? known.filter(isReading).slice(-most) : [];
  } catch {
    return [];
  }
}

function isReading(value: unknown): value is Reading {
  const { boot, up, wall, agreed } = (value ?? {}) as Record<string, unknown>;
  return typeof boot === "string" && [up, wall, agreed].every((number) => Number.isFinite(number));
}
