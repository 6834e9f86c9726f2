// How a page says how much of a terminal it has drawn: now and then, and not of each few bytes.

/** At the latest after so many ms, and so many bytes. */
const longest = 50;
const mostBytes = 64 << 10;

export class Taken {
  readonly #say: (n: number, bytes: number) => void;
  #n = 0;
  #bytes = 0;
  #timer = 0;

  constructor(say: (n: number, bytes: number) => void) {
    this.#say = say;
  }

  /** @param n number of the terminal that the bytes were of. */
  add(n: number, bytes: number): void {
    if (n !== this.#n) this.#bytes = 0;
    this.#n = n;
    this.#bytes += bytes;
    if (this.#bytes >= mostBytes) this.#tell();
    else if (this.#timer === 0) this.#timer = window.setTimeout(() => this.#tell(), longest);
  }

  #tell(): void {
    clearTimeout(this.#timer);
    this.#timer = 0;
    if (this.#bytes > 0) this.#say(this.#n, this.#bytes);
    this.#bytes = 0;
  }
}
