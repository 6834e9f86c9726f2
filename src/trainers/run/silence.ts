// How long nothing has been heard: signs carry times of the wall clock, which may be set at any moment; what
// passed since they were seen is measured by the steady one.

/** Both clocks at one moment (ms). */
export interface Now {
  wall: number;
  steady: number;
}

export class Silence {
  #last: { sign: number; silence: number } | undefined;
  #asked: number | undefined;

  /**
   * The silence (ms) now that `sign` (ms of the wall clock) is the last that was heard. It is asked again
   * whenever there may be a newer one.
   */
  since(sign: number, { wall, steady }: Now): number {
    const passed = this.#asked === undefined ? Number.POSITIVE_INFINITY : steady - this.#asked;
    const known = this.#last;
    const silence = known?.sign === sign ? known.silence + passed : Math.min(passed, Math.max(0, wall - sign));
    this.#asked = steady;
    this.#last = { sign, silence };
    return silence;
  }
}
