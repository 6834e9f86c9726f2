// The frame that both wire protocols share: u32 payload length (little endian) · u8 type · payload
// (docs/design/protocol.md).

/** Bytes in front of every payload. */
export const frameHeader = 5;

/** The other side broke the protocol; nothing after it can be trusted, so the connection ends. */
export class ProtocolError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ProtocolError";
  }
}

/**
 * A frame may be longer than what is read of it (a later version says more), never shorter.
 * @throws ProtocolError
 */
export function need(payload: Buffer, length: number, name: string): void {
  if (payload.length < length) throw new ProtocolError(`${name} has ${payload.length} bytes, at least ${length} are needed`);
}

/** One frame as bytes. `type` is 0..255; the payload is the concatenation of `parts`. */
export function encodeFrame(type: number, ...parts: Uint8Array[]): Buffer {
  let length = 0;
  for (const part of parts) length += part.length;
  const frame = Buffer.allocUnsafe(frameHeader + length);
  frame.writeUInt32LE(length, 0);
  frame.writeUInt8(type, 4);
  let at = frameHeader;
  for (const part of parts) {
    frame.set(part, at);
    at += part.length;
  }
  return frame;
}

/**
 * Cuts a stream of bytes into frames, however it was chunked.
 * A payload may be a view of the chunk that was fed: whoever keeps it and reuses chunks must copy it.
 */
export class FrameReader {
  readonly #limit: number;
  readonly #onFrame: (type: number, payload: Buffer) => void;
  #header = Buffer.alloc(frameHeader);
  #headerFill = 0;
  /** The payload that is being collected, when one is spread over chunks. */
  #payload: Buffer | null = null;
  #payloadFill = 0;
  #stopped = false;

  /**
   * @param limit the longest payload in bytes; a frame that announces more makes `feed` throw {@link
   * ProtocolError}.
   */
  constructor(limit: number, onFrame: (type: number, payload: Buffer) => void) {
    this.#limit = limit;
    this.#onFrame = onFrame;
  }

  /** Delivers nothing any more, not even the frames that the present chunk still holds. */
  stop(): void {
    this.#stopped = true;
    this.#payload = null;
  }

  /** Takes the next bytes of the stream and calls onFrame for each frame that they complete, in order. */
  feed(chunk: Uint8Array): void {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let at = 0;
    while (!this.#stopped) {
      if (this.#headerFill < frameHeader) {
        if (at === bytes.length) return;
        const copied = bytes.copy(this.#header, this.#headerFill, at, at + frameHeader - this.#headerFill);
        this.#headerFill += copied;
        at += copied;
        if (this.#headerFill < frameHeader) return;
      }
      const length = this.#header.readUInt32LE(0);
      const type = this.#header.readUInt8(4);
      if (length > this.#limit) {
        this.stop();
        throw new ProtocolError(`frame of type ${type} announces ${length} bytes, at most ${this.#limit} are allowed`);
      }
      let payload: Buffer;
      if (this.#payload === null && bytes.length - at >= length) {
        payload = bytes.subarray(at, at + length);
        at += length;
      } else {
        this.#payload ??= Buffer.allocUnsafeSlow(length);
        const copied = bytes.copy(this.#payload, this.#payloadFill, at, at + length - this.#payloadFill);
        this.#payloadFill += copied;
        at += copied;
        if (this.#payloadFill < length) return;
        payload = this.#payload;
      }
      this.#payload = null;
      this.#payloadFill = 0;
      this.#headerFill = 0;
      this.#onFrame(type, payload);
    }
  }
}
