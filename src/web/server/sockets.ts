// WebSockets, by ws: the only module that knows it.
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";

/**
 * Makes WebSockets of requests that were let in. @param longest message, bytes: a longer one ends its
 * connection (1009).
 */
export class Sockets {
  readonly #server: WebSocketServer;

  constructor(longest: number) {
    // without compression: a terminal's output is small, and a zip bomb is none
    this.#server = new WebSocketServer({ noServer: true, maxPayload: longest, perMessageDeflate: false, clientTracking: false });
  }

  accept(request: IncomingMessage, socket: Duplex, head: Buffer, made: (socket: WebSocket) => void): void {
    this.#server.handleUpgrade(request, socket, head, made);
  }
}
