// The output that a screen has taken, sent on to those who are to see it as it comes; what nobody takes in
// time is left out, and told to be missing.

/** Output that was sent on and was not taken (bytes): what comes beyond is not sent. */
export const mostStreamed = 4 << 20;

/** How it is sent. */
export interface SentStreamEffects {
  send(offset: number, bytes: Uint8Array): void;
  /** Those who are sent the stream lack something of it. */
  miss(): void;
}

export class SentStream {
  readonly #effects: SentStreamEffects;
  /** Bytes that were not taken, and whether some were left out; undefined where nobody is sent it. */
  #sent: { untaken: number; missing: boolean } | undefined;

  constructor(effects: SentStreamEffects) {
    this.#effects = effects;
  }

  get isOn(): boolean {
    return this.#sent !== undefined;
  }

  turn(on: boolean): void {
    this.#sent = on ? (this.#sent ?? { untaken: 0, missing: false }) : undefined;
  }

  /** So much of it was taken. */
  taken(bytes: number): void {
    if (this.#sent !== undefined) this.#sent.untaken = Math.max(0, this.#sent.untaken - bytes);
  }

  /** The screen has taken these bytes. */
  pass(offset: number, bytes: Uint8Array): void {
    const sent = this.#sent;
    if (sent === undefined || bytes.length === 0) return;
    // who joined while something was missing lacks that, too
    if (sent.missing && sent.untaken === 0) {
      sent.missing = false;
      this.#effects.miss();
    }
    if (!sent.missing && sent.untaken + bytes.length > mostStreamed) {
      sent.missing = true;
      this.#effects.miss();
    }
    if (sent.missing) return;
    sent.untaken += bytes.length;
    this.#effects.send(offset, bytes);
  }

  /** The screen has passed over some output. */
  skip(): void {
    if (this.isOn) this.#effects.miss();
  }
}
