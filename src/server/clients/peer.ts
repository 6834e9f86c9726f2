// One connection of a client: its request is read, its command is run, and bytes go both ways until one side
// leaves.

import type net from "node:net";
import { Status } from "../../base/failure.ts";
import type { Log } from "../../base/log.ts";
import { printableLines, printableProse } from "../../base/text/printable.ts";
import type { TerminalBytes } from "../../base/text/terminal-bytes.ts";
import type { Call, InputMode } from "../../commands/dispatch/call.ts";
import {
  ClientFrame,
  clientProtocol,
  type Direct,
  decodeDirectAt,
  decodeDirectEnded,
  decodeHello,
  decodeInputAt,
  decodeInputFrom,
  decodeSignal,
  decodeSize,
  encodeDirect,
  encodeExec,
  encodeExit,
  encodeHello,
  encodeInputMode,
  encodeInputTaken,
  encodeKeysOpen,
  encodeLeaveKeys,
  encodeResume,
  encodeResumeSame,
  encodeSignals,
  type Hello,
  lengthInFrame,
  mostFromClient,
  mostFromServer,
  type Request,
  RequestReader,
  ServerFrame,
} from "../../protocol/client.ts";
import { encodeFrame, FrameReader } from "../../protocol/frame.ts";
import { Outgoing } from "./outgoing.ts";

/** A peer is in one of these phases; each frame is right in exactly one. */
type Phase = "hello" | "command" | "closing";

/**
 * Typed bytes that wait for a command that is about to take them: as many as a client keeps for the next
 * server.
 */
const mostEarly = 1 << 20;

/** What came of a keyboard; `at` and the wish for an answer only from clients that say them. */
interface Typed {
  bytes: Buffer;
  at: number | undefined;
  answer: boolean;
}

/** What a peer needs of the server. */
export interface PeerEffects {
  readonly pid: number;
  readonly version: string;
  /**
   * Runs the command; answers the exit status, or undefined when the client was told to become something
   * else.
   */
  run(call: Call): Promise<number | undefined>;
  /** The request is complete. */
  identified?(): void;
  /**
   * The client speaks another protocol. Whether it is sent away at once; else its request is read, whose form
   * every protocol shares.
   */
  foreign(peer: Peer, hello: Hello): boolean;
  readonly log: Log;
}

export class Peer implements Call {
  readonly gone: Promise<void>;
  isGone = false;
  onInputEnd: () => void = () => {};
  onSize: (cols: number, rows: number) => void = () => {};
  onSignal: (signal: number) => void = () => {};
  onContinued: () => void = () => {};
  typedBefore: number | undefined;
  onDirectAt: (at: { offset: number; blocked: number }) => void = () => {};
  onDirectEnded: (end: { offset: number; why: number }) => void = () => {};

  /**
   * INPUT and INPUT_AT frames that the command has taken: what waits for it is to be overtaken by nothing.
   */
  #inputs = 0;
  /** Said together with the exit status. */
  #lastWords = "";
  #socket: net.Socket;
  readonly #outgoing: Outgoing;
  #effects: PeerEffects;
  #reader: FrameReader;
  #builder = new RequestReader();
  #phase: Phase = "hello";
  #input: Call["onInput"] | undefined;
  /** Typed while the command has not begun to take it. */
  #early: Typed[] = [];
  #earlyBytes = 0;
  #request: Request | undefined;
  /** It knows that it will be sent to the next server. */
  #announced = false;
  /** It was told what to ask that one for. */
  #resumes = false;
  /** Its standard output has got something. */
  #wrote = false;
  #setGone!: () => void;

  constructor(socket: net.Socket, effects: PeerEffects) {
    this.#socket = socket;
    this.#outgoing = new Outgoing(socket);
    this.#effects = effects;
    this.#reader = new FrameReader(mostFromClient, (type, payload) => this.#frame(type, payload));
    this.gone = new Promise((resolve) => {
      this.#setGone = resolve;
    });
    socket.setNoDelay?.(true);
    socket.on("data", (chunk) => this.#feed(chunk));
    socket.on("error", () => {});
    socket.on("end", () => this.#inputEnded());
    socket.on("close", () => this.#closed());
  }

  /** Takes what is typed; what came before anybody took it comes first. */
  set onInput(take: Call["onInput"]) {
    this.#input = take;
    const early = this.#early;
    this.#early = [];
    for (const typed of early) this.#typed(typed);
  }

  #typed(typed: Typed): void {
    if (this.#input !== undefined) {
      this.#inputs++;
      const taken = this.#input(typed.bytes, typed.at);
      if (typed.answer && taken !== false) this.#send(encodeFrame(ServerFrame.taken));
      return;
    }
    // counted on the way: a byte a frame would else be counted as often as there are bytes
    if (this.#earlyBytes + typed.bytes.length > mostEarly) {
      // a client that keeps what it types has no count for what is dropped: it comes again with all of it
      if (this.typedBefore !== undefined) this.#socket.destroy();
      return;
    }
    this.#earlyBytes += typed.bytes.length;
    this.#early.push(typed);
  }

  get request(): Request {
    if (this.#request === undefined) throw new Error("the request is not complete");
    return this.#request;
  }

  #feed(chunk: Buffer): void {
    try {
      this.#reader.feed(chunk);
    } catch (error) {
      this.#effects.log("peer.refused", { reason: String(error) });
      this.#socket.destroy();
    }
  }

  #frame(type: number, payload: Buffer): void {
    if (this.#phase === "closing") return;
    if (this.#phase === "hello") return this.#identify(type, payload);
    switch (type) {
      case ClientFrame.input:
        return this.#typed({ bytes: Buffer.from(payload), at: undefined, answer: false });
      case ClientFrame.inputAt: {
        const { bytes, at, answer } = decodeInputAt(payload);
        return this.#typed({ bytes: Buffer.from(bytes), at, answer });
      }
      case ClientFrame.inputEnd:
        return this.onInputEnd();
      case ClientFrame.size: {
        const { cols, rows } = decodeSize(payload);
        // a command that has not come to its terminal yet finds the size as it is then
        Object.assign(this.request.terminal, { cols, rows });
        return this.onSize(cols, rows);
      }
      case ClientFrame.signal:
        return this.onSignal(decodeSignal(payload));
      case ClientFrame.continued:
        return this.onContinued();
      case ClientFrame.inputFrom:
        this.typedBefore = decodeInputFrom(payload);
        return;
      case ClientFrame.directAt:
        return this.onDirectAt(decodeDirectAt(payload));
      case ClientFrame.directEnded:
        return this.onDirectEnded(decodeDirectEnded(payload));
      default:
        this.#effects.log("peer.frame-refused", { type });
    }
  }

  #identify(type: number, payload: Buffer): void {
    if (type === ClientFrame.hello) {
      this.#send(encodeHello({ protocol: clientProtocol, pid: this.#effects.pid, version: this.#effects.version }));
      const hello = decodeHello(payload);
      // what a newer one says after its request may mean something else than we think
      if (hello.protocol !== clientProtocol && this.#effects.foreign(this, hello)) return;
    }
    const request = this.#builder.take(type, payload);
    if (request === undefined) return;
    this.#request = request;
    this.#phase = "command";
    this.#effects.identified?.();
    void this.#serve();
  }

  async #serve(): Promise<void> {
    const status = await this.#effects.run(this);
    if (status !== undefined) this.exit(status);
  }

  stdout(text: string): void {
    this.#output(ServerFrame.stdout, Buffer.from(printableProse(text)));
  }

  stderr(text: string): void {
    this.#output(ServerFrame.stderr, Buffer.from(printableLines(text)));
  }

  write(bytes: TerminalBytes): void {
    this.#output(ServerFrame.stdout, bytes);
  }

  lastWords(text: string): void {
    this.#lastWords += printableProse(text);
  }

  #output(type: number, all: Uint8Array): void {
    this.#wrote ||= type === ServerFrame.stdout && all.length > 0;
    this.#outgoing.output(type, all);
  }

  backlog(): number {
    return this.#outgoing.backlog;
  }

  onDrained(callback: () => void): void {
    this.#outgoing.onDrained(callback);
  }

  inputMode(mode: InputMode): void {
    this.#send(encodeInputMode(mode));
  }

  forwardSignals(on: boolean): void {
    this.#send(encodeSignals(on));
  }

  resume(args: readonly string[] | undefined): void {
    this.#resumes = args !== undefined;
    this.#send(args === this.#request?.arguments ? encodeResumeSame(args ?? []) : encodeResume(args ?? []));
  }

  together(work: () => void): void {
    this.#outgoing.together(work);
  }

  restore(bytes: Uint8Array): void {
    this.#send(encodeFrame(ServerFrame.restore, bytes));
  }

  leaveKeys(keys: readonly number[]): void {
    this.#send(encodeLeaveKeys(keys));
  }

  inputTaken(read: number, typed: number): void {
    this.#send(encodeInputTaken(read, typed));
  }

  direct(begin: Direct, holder: number, sent: () => void): void {
    this.#outgoing.sendWith(encodeDirect(begin), holder, sent);
  }

  keysOpen(set: Uint8Array, interrupt: number, holder?: number): void {
    const frame = encodeKeysOpen(this.#inputs, set, holder !== undefined, interrupt);
    if (holder === undefined) return this.#send(frame);
    this.#outgoing.sendWith(frame, holder);
  }

  keysClose(): void {
    this.#send(encodeFrame(ServerFrame.keysClose));
  }

  directEnd(): void {
    this.#send(encodeFrame(ServerFrame.directEnd));
  }

  exec(file: string, argv: readonly string[]): void {
    const length = lengthInFrame([file, ...argv]);
    if (length > mostFromServer) {
      this.stderr(`falcon: ${length} bytes of arguments: at most ${mostFromServer} can be handed on to ${file}\n`);
      return this.exit(Status.ours);
    }
    this.#send(encodeExec(file, argv));
    this.#close();
  }

  /** Ends the client with this status. */
  exit(status: number): void {
    const words = this.#lastWords === "" ? [] : [encodeFrame(ServerFrame.stdout, Buffer.from(this.#lastWords))];
    this.#send(Buffer.concat([...words, encodeExit(status)]));
    this.#close();
  }

  /** Tells the client to ask the next server. */
  reconnect(): void {
    this.announceNext();
    this.#close();
  }

  /**
   * Tells the client that it will be sent to the next server: it reads no more keys, and waits for our end of
   * the connection.
   */
  announceNext(): void {
    if (this.#wrote && !this.#resumes && this.#request?.terminal.stdout === false) return this.#breakOff();
    this.#announced = true;
    this.#send(encodeFrame(ServerFrame.reconnect));
  }

  /** What stands in a file or pipe is not written there a second time. */
  #breakOff(): void {
    this.stderr("falcon: another session server took over before all of it was written: give the command again\n");
    this.exit(Status.ours);
  }

  /**
   * The client says no more. One that was told of the next server has closed its side only, and waits until
   * there is one.
   */
  #inputEnded(): void {
    if (!this.#announced) this.#socket.end();
  }

  #send(frame: Uint8Array): void {
    this.#outgoing.send(frame);
  }

  #close(): void {
    if (this.#phase === "closing") return;
    this.#phase = "closing";
    this.#outgoing.close();
  }

  #closed(): void {
    this.#phase = "closing";
    this.isGone = true;
    this.#setGone();
    this.#outgoing.gone();
  }
}
