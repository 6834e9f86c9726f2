// What goes out on a client's connection, in order: frames, output in pieces, and frames that bring a
// descriptor along.
import type net from "node:net";
import { close, sendFds, writeSome } from "../../platform/native.ts";
import { descriptorOf } from "../../platform/own-socket.ts";
import { encodeFrame } from "../../protocol/frame.ts";

/** Payload of one frame of output at most: a client reads it in a few pieces. */
const longestOutput = 64 << 10;

/**
 * Output up to this length is copied behind its header and written in one call, past Node's stream: what is
 * typed is seen some 30 µs sooner.
 */
const smallOutput = 4 << 10;

/** A descriptor that finds no room in the client's socket is tried again after this time (ms). */
const descriptorRetry = 5;

export class Outgoing {
  readonly #socket: net.Socket;
  /** Frames that wait behind one with a descriptor, which goes past Node's stream. */
  #behind: { frame: Uint8Array; descriptor?: number; sent?: (() => void) | undefined }[] = [];
  #drained: (() => void)[] = [];
  #closing = false;

  constructor(socket: net.Socket) {
    this.#socket = socket;
  }

  /** Whether nothing more is taken: it was closed, or the client is gone. */
  get #over(): boolean {
    return this.#closing || this.#socket.destroyed;
  }

  send(frame: Uint8Array): void {
    if (this.#over) return;
    if (this.#behind.length > 0) this.#behind.push({ frame });
    else this.#write(frame);
  }

  /** Output of any length, in frames of this type. */
  output(type: number, all: Uint8Array): void {
    if (this.#over) return;
    if (all.length <= smallOutput || this.#behind.length > 0) {
      if (all.length > 0) this.send(encodeFrame(type, all));
      return;
    }
    this.together(() => {
      for (let at = 0; at < all.length; at += longestOutput) {
        const part = all.subarray(at, at + longestOutput);
        const head = Buffer.allocUnsafe(5);
        head.writeUInt32LE(part.length, 0);
        head.writeUInt8(type, 4);
        this.#socket.write(head);
        this.#socket.write(part, () => this.#written());
      }
    });
  }

  /**
   * A frame, and a descriptor that comes along and is closed here, sent or not.
   * @param sent is called when it has gone.
   */
  sendWith(frame: Uint8Array, descriptor: number, sent?: () => void): void {
    if (this.#over) return close(descriptor);
    this.#behind.push({ frame, descriptor, sent });
    if (this.#behind.length === 1) this.#sendBehind();
  }

  /** What is sent in `work` is one write. */
  together(work: () => void): void {
    this.#socket.cork();
    try {
      work();
    } finally {
      this.#socket.uncork();
    }
  }

  /** Bytes that the socket has not taken yet. */
  get backlog(): number {
    const behind = this.#behind.reduce((sum, { frame }) => sum + frame.length, 0);
    return this.#socket.destroyed ? 0 : this.#socket.writableLength + behind;
  }

  /** Calls back once nothing waits. */
  onDrained(callback: () => void): void {
    if (this.backlog === 0) setImmediate(callback);
    else this.#drained.push(callback);
  }

  /** Sends what waits, and then no more. A descriptor is of no use any more to a client that is let go of. */
  close(): void {
    this.#closing = true;
    for (const { frame, descriptor } of this.#forget()) if (descriptor === undefined) this.#write(frame);
    this.#socket.end();
  }

  /** The client is gone. */
  gone(): void {
    this.#closing = true;
    this.#forget();
    this.#written();
  }

  /** Where nothing waits any more, whoever waits for that is told. */
  #written(): void {
    if (this.#drained.length === 0 || this.backlog > 0) return;
    for (const callback of this.#drained.splice(0)) callback();
  }

  /**
   * Sends what waits, as far as the socket takes it: a descriptor goes in a call of its own, once everything
   * before it has gone.
   */
  #sendBehind(): void {
    for (let first = this.#behind[0]; first !== undefined; first = this.#behind[0]) {
      const { frame, descriptor, sent } = first;
      if (descriptor !== undefined && !this.#sendDescriptor(frame, descriptor)) {
        setTimeout(() => this.#sendBehind(), descriptorRetry);
        return;
      }
      this.#behind.shift();
      sent?.();
      if (descriptor === undefined) this.#write(frame);
    }
    this.#written();
  }

  /** False where it is to be tried again. */
  #sendDescriptor(frame: Uint8Array, descriptor: number): boolean {
    const fd = descriptorOf(this.#socket);
    if (fd < 0) {
      close(descriptor);
      return true; // the client is gone
    }
    if (this.#socket.writableLength > 0) return false;
    try {
      const sent = sendFds(fd, frame, [descriptor]);
      if (sent < frame.length) this.#socket.write(frame.subarray(sent), () => this.#written());
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EAGAIN") return false;
    }
    close(descriptor);
    return true;
  }

  #write(frame: Uint8Array): void {
    const taken = this.#writeAtOnce(frame);
    if (taken < frame.length) this.#socket.write(frame.subarray(taken), () => this.#written());
  }

  /** Answers how many bytes the socket took now; none while others wait before them, or for them. */
  #writeAtOnce(frame: Uint8Array): number {
    const fd = descriptorOf(this.#socket);
    if (fd < 0 || this.#socket.writableLength > 0 || this.#socket.writableCorked > 0) return 0;
    try {
      return writeSome(fd, frame, 0);
    } catch {
      return 0; // the client is gone: the stream hears the same, and says so
    }
  }

  #forget(): { frame: Uint8Array; descriptor?: number }[] {
    const behind = this.#behind;
    this.#behind = [];
    for (const { descriptor } of behind) if (descriptor !== undefined) close(descriptor);
    return behind;
  }
}
