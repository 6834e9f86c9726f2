// Connections that have not said yet who they are: they have a deadline, and make room for those that come.
import type { Log } from "../../base/log.ts";

/** A client says all of its request at once, in a millisecond. Who has not after this time (ms) is none. */
export const longestHandshake = 5_000;
/**
 * The last part of it (ms) begins only after the other has passed: a server that stood still itself reads
 * first what lies in its sockets.
 */
const secondLook = 1_000;
/** So many at the most: a shell loop of clients, all of which the server is still to read. */
export const mostHandshakes = 128;
/** Descriptors that are kept for those who are known, for holders, logs and the database. */
const reserve = 64;

/** One connection. */
export interface Handshake {
  /** Its descriptor: the system gives the lowest that is free, so the number tells how many are in use. */
  readonly fd: number;
  end(): void;
}

export class Handshakes {
  /** Oldest first. */
  #unfinished = new Map<Handshake, NodeJS.Timeout>();
  #most: number;
  #last: number;
  #log: Log;

  /** @param descriptors how many the process may have. */
  constructor(descriptors: number, log: Log) {
    this.#most = Math.max(1, Math.min(mostHandshakes, Math.floor(descriptors / 4)));
    this.#last = descriptors - Math.min(reserve, Math.floor(descriptors / 4));
    this.#log = log;
  }

  get count(): number {
    return this.#unfinished.size;
  }

  /** A connection came; where there are too many the oldest of those that have said nothing goes. */
  began(handshake: Handshake): void {
    const [oldest] = this.#unfinished.keys();
    // one each time: what it had is free for the next one only, this one has its number
    if (oldest !== undefined && (this.#unfinished.size >= this.#most || handshake.fd >= this.#last))
      this.#end(oldest, "others came, and there is no room");
    const first = setTimeout(() => {
      const last = setTimeout(() => this.#end(handshake, "it did not say who it is in time"), secondLook).unref();
      this.#unfinished.set(handshake, last);
    }, longestHandshake - secondLook).unref();
    this.#unfinished.set(handshake, first);
  }

  /** It has said who it is, or is gone. */
  finished(handshake: Handshake): void {
    clearTimeout(this.#unfinished.get(handshake));
    this.#unfinished.delete(handshake);
  }

  #end(handshake: Handshake, reason: string): void {
    this.finished(handshake);
    this.#log("peer.handshake-failed", { reason });
    handshake.end();
  }

  dispose(): void {
    for (const timer of this.#unfinished.values()) clearTimeout(timer);
    this.#unfinished.clear();
  }
}
