// When a session said something last, and when it has been silent since for a while.

/** A session is silent when it has said nothing for so long (ms). */
const silence = 2_000;

interface Clocks {
  /** ms since 1970. */
  clock(): number;
  /** ms, monotonic. */
  steady(): number;
}

export class LastOutput {
  /** ms since 1970; 0 before any. */
  time = 0;
  readonly #clocks: Clocks;
  readonly #silent: () => void;
  /** The same by the steady clock. */
  #at: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param silent called once after each output that nothing follows for a while. */
  constructor(clocks: Clocks, silent: () => void) {
    this.#clocks = clocks;
    this.#silent = silent;
  }

  /** ms since it; undefined before any. */
  get quiet(): number | undefined {
    return this.#at === undefined ? undefined : this.#clocks.steady() - this.#at;
  }

  heard(): void {
    this.time = this.#clocks.clock();
    this.#at = this.#clocks.steady();
    this.#timer ??= setTimeout(() => this.#look(), silence);
  }

  #look(): void {
    this.#timer = undefined;
    const quiet = this.quiet ?? 0;
    if (quiet < silence) this.#timer = setTimeout(() => this.#look(), silence - quiet);
    else this.#silent();
  }

  /** Nobody is told any more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
