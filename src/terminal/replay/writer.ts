// Collects output bytes: ASCII sequences and text, in one growing buffer.

/** First size; a screen of text with colours mostly fits. */
const firstSize = 8192;

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to leave out
const controls = /[\x00-\x1f\x80-\x9f]/g;

export class Writer {
  #bytes: Buffer = Buffer.allocUnsafe(firstSize);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  #room(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }

  /** Adds text that is known to be ASCII. */
  ascii(text: string): void {
    this.#room(text.length);
    const bytes = this.#bytes;
    let at = this.#length;
    for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
    this.#length = at;
  }

  /** Adds any text as UTF-8. */
  text(text: string): void {
    this.#room(text.length * 3);
    this.#length += this.#bytes.write(text, this.#length, "utf8");
  }

  bytes(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  byte(byte: number): void {
    this.#room(1);
    this.#bytes[this.#length++] = byte;
  }

  /** Adds one character as UTF-8. */
  codePoint(code: number): void {
    this.#room(4);
    const bytes = this.#bytes;
    let at = this.#length;
    if (code < 0x80) bytes[at++] = code;
    else if (code < 0x800) {
      bytes[at++] = 0xc0 | (code >> 6);
      bytes[at++] = 0x80 | (code & 0x3f);
    } else if (code < 0x10000) {
      bytes[at++] = 0xe0 | (code >> 12);
      bytes[at++] = 0x80 | ((code >> 6) & 0x3f);
      bytes[at++] = 0x80 | (code & 0x3f);
    } else {
      bytes[at++] = 0xf0 | (code >> 18);
      bytes[at++] = 0x80 | ((code >> 12) & 0x3f);
      bytes[at++] = 0x80 | ((code >> 6) & 0x3f);
      bytes[at++] = 0x80 | (code & 0x3f);
    }
    this.#length = at;
  }

  /** CSI, parameters as they stand, and the final byte or bytes. */
  csi(rest: string): void {
    this.ascii(`\x1b[${rest}`);
  }

  /** OSC with ST at the end. Control characters, but for DEL, would end it early: they are left out. */
  osc(text: string): void {
    this.ascii("\x1b]");
    this.text(text.replace(controls, ""));
    this.ascii("\x1b\\");
  }

  /** What was written; the writer must not be used any more. */
  take(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }
}
