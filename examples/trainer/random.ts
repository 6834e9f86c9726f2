// A seeded source of random numbers whose state can be saved, so that a run can be repeated and resumed
// exactly.

/** Four 32-bit words: the whole state of the generator. */
export type RandomState = [number, number, number, number];

/** xoshiro128** (Blackman and Vigna, 2018), seeded through splitmix32. */
export class Random {
  #s: RandomState;
  #spare: number | undefined;

  constructor(seed: number | RandomState) {
    if (typeof seed !== "number") {
      this.#s = [...seed];
      return;
    }
    let z = seed >>> 0;
    const next = () => {
      z = (z + 0x9e3779b9) >>> 0;
      let t = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
      t = Math.imul(t ^ (t >>> 15), 0x735a2d97);
      return (t ^ (t >>> 15)) >>> 0;
    };
    this.#s = [next(), next(), next(), next()];
  }

  /** The state to go on from; a second half of a normal pair that waits is dropped. */
  get state(): RandomState {
    this.#spare = undefined;
    return [...this.#s];
  }

  #next(): number {
    const s = this.#s;
    const r = Math.imul(rotate(Math.imul(s[1], 5), 7), 9) >>> 0;
    const t = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 11);
    return r;
  }

  /** Uniform in [0, 1), 32 bits. */
  uniform(): number {
    return this.#next() / 4294967296;
  }

  /** A whole number in [0, below). */
  below(below: number): number {
    return Math.floor(this.uniform() * below);
  }

  /** Standard normal (Box and Muller). */
  normal(): number {
    if (this.#spare !== undefined) {
      const spare = this.#spare;
      this.#spare = undefined;
      return spare;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.#spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }
}

function rotate(x: number, by: number): number {
  return (x << by) | (x >>> (32 - by));
}
