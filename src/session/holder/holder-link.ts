// The server's end of the connection by which it commands a holder: what it orders, types and hears of the
// end, and the terminal. The output goes past it, to whoever reads that. holder-launch.ts makes it.
import type net from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { Failure } from "../../base/failure.ts";
import { close, interruptTerminal, type LineMode, lineMode, setWindowSize, writeSome } from "../../platform/native.ts";
import { processAlive } from "../../platform/processes.ts";
import { signalName } from "../../platform/signals.ts";
import { FrameReader } from "../../protocol/frame.ts";
import { frameSocket } from "../../protocol/frame-socket.ts";
import {
  decodeExit,
  decodeHello,
  decodeInterrupted,
  decodeTaken,
  decodeTyped,
  type ExitRecord,
  encodeKeys,
  encodeRelease,
  encodeRenew,
  encodeSignal,
  encodeSpeak,
  encodeWindowSize,
  FromHolder,
  fromHolderLimit,
  type Hello,
  HolderRole,
  highestHolderVersion,
  type SignalTarget,
} from "../../protocol/holder.ts";
import { mostWaitingAnswers, type Position, type Typed, TypingQueue } from "./typing-queue.ts";

/** Of a holder that is our child we are told how it ended; for one that lives on so long (ms) is waited. */
const holderEndMs = 300;
/** Bytes that are read at once: nothing long comes here. */
const readBuffer = 4 << 10;

export interface HolderEvents {
  hello(hello: Hello): void;
  /** The program has ended; all that it said is in the log. Only from a holder that tells it here. */
  exit(exit: ExitRecord): void;
  /** The connection is gone, not by {@link HolderLink.close}. */
  closed(reason: string): void;
  /** The terminal has taken all that was typed here. */
  inputTaken?(): void;
  /** The holder has so many bytes of this writer. */
  taken?(writer: bigint, number: number): void;
  /** Viewers' clients have sent it so many interrupt characters themselves since it began. */
  interrupted?(total: number): void;
}

/** `ended`: the program has. `lost`: the connection is gone. `left`: by our own word. */
type LinkState = "open" | "ended" | "lost" | "left";

/** One connection to one holder, and a copy of the terminal's master. */
export class HolderLink {
  /** Resolves at HELLO; rejects when the connection ends before. */
  readonly greeted: Promise<Hello>;
  #hello: Hello | null = null;
  #master: number;
  readonly #socket: net.Socket;
  readonly #reader = new FrameReader(fromHolderLimit, (type, payload) => this.#frame(type, payload));
  readonly #events: HolderEvents;
  #resolveGreeted: (hello: Hello) => void = () => {};
  #rejectGreeted: (error: Error) => void = () => {};
  #state: LinkState = "open";
  /** The holder's exit code, 128 + n for signal n; undefined where it is not a child of this process. */
  holderEnded: Promise<number> | undefined;

  readonly #typing: TypingQueue;
  #telling: Promise<void> = Promise.resolve();
  /** Version of the protocol that this connection speaks. */
  #version = 1;

  /**
   * Takes both descriptors over, whatever happens.
   * @param read what was read of the connection before.
   */
  constructor(socket: number, master: number, events: HolderEvents, read: Buffer = Buffer.alloc(0)) {
    this.#master = master;
    this.#events = events;
    this.#typing = new TypingQueue({
      send: (frame) => this.#send(frame),
      write: (bytes) => this.#write(bytes),
      version: () => this.#version,
      taken: () => events.inputTaken?.(),
    });
    this.greeted = new Promise((resolve, reject) => {
      this.#resolveGreeted = resolve;
      this.#rejectGreeted = reject;
    });
    this.greeted.catch(() => {});
    this.#socket = frameSocket(socket, readBuffer, this.#reader, (error) => this.#lost(error));
    try {
      this.#reader.feed(read);
    } catch (error) {
      this.#socket.destroy(error as Error);
    }
  }

  /** What the holder said of itself at the beginning of this connection. */
  get hello(): Hello {
    if (this.#hello === null) throw new Failure("the holder has not said hello yet");
    return this.#hello;
  }

  get programPid(): number {
    return this.hello.programPid;
  }

  get holderPid(): number {
    return this.hello.holderPid;
  }

  /**
   * Our copy of the terminal's master; -1 once the program has ended, or the holder was let go of. It stays
   * open when the connection is lost, for a successor.
   */
  get master(): number {
    return this.#master;
  }

  /** Whether it tells of the interrupt characters that go past us. */
  get countsInterrupts(): boolean {
    return this.#hello?.countsInterrupts === true;
  }

  /** Bytes of input that the terminal has not taken yet. */
  get waitingInput(): number {
    return this.#typing.waiting;
  }

  /** Settled once it is told that the connection is gone, if it is. */
  get told(): Promise<void> {
    return this.#telling;
  }

  /**
   * The version of the protocol that is spoken: in 1 nobody but servers has a connection, and sizes are told
   * to who asked.
   */
  get version(): number {
    return this.#version;
  }

  /**
   * Bytes for the program, in the order of the calls, through the holder, where all who type have one queue,
   * and which waits for the terminal without anybody spinning. What does not fit into `mostWaitingInput` is
   * dropped.
   * @param by whose they are, where the holder is to count them: what it has already is dropped.
   */
  input(bytes: Uint8Array, by?: Position): void {
    if (this.#master >= 0) this.#typing.input(bytes, by);
  }

  /**
   * The terminal's interrupt character: nothing that the program reads, so that it may pass by whatever
   * others have typed.
   */
  interrupt(bytes: Uint8Array, by?: Position): void {
    if (this.#master < 0) return;
    // its count would pass by what the same writer typed before it, which the holder would drop as typed
    if (this.waitingInput > 0) return this.input(bytes, by);
    // counted first: should we be killed in between, it is lost, and not typed again
    if (by !== undefined) this.countTyped({ ...by, number: by.number + bytes.length });
    const taken = this.#write(bytes);
    if (taken < bytes.length) this.input(bytes.subarray(taken));
  }

  /**
   * The same of a writer of whom it is not known yet what the holder has: it types and counts what it has
   * not. Only for one that counts.
   */
  interruptOnce(bytes: Uint8Array, by: Position): void {
    if (this.#master >= 0) this.#typing.input(bytes, by, true);
  }

  /**
   * The terminal's interrupt without its character: a terminal that is full of lines which nobody reads takes
   * none (Linux' n_tty, 4 KiB). False where the system cannot do that.
   */
  interruptUntyped(): boolean {
    try {
      interruptTerminal(this.#master);
      return true;
    } catch {
      return false;
    }
  }

  /** What the terminal takes now; all where there is none any more, and nobody will read it. */
  #write(bytes: Uint8Array): number {
    try {
      return writeSome(this.#master, bytes, 0);
    } catch {
      return bytes.length;
    }
  }

  /** The screen's answer to the program; dropped where so much waits already that nobody reads it. */
  answer(bytes: Uint8Array): void {
    if (this.waitingInput + bytes.length <= mostWaitingAnswers) this.input(bytes);
  }

  /** The holder is to have this writer's first bytes, up to here, though nobody types them through it. */
  countTyped(by: Position): void {
    if (this.#over) this.#typing.count(by);
    else if (this.#version >= 2) this.#send(encodeKeys({ ...by, more: false }, Buffer.alloc(0)));
  }

  /** Asks the holder how many bytes of this writer it has; `taken` is the answer. */
  askTaken(writer: bigint): void {
    this.#send(encodeKeys({ writer, number: 0, more: false }, Buffer.alloc(0)));
  }

  /** Gives the terminal another size, and the holder the moment to note it. */
  resize(cols: number, rows: number): void {
    if (!this.#over) {
      this.#send(encodeWindowSize(cols, rows));
    } else if (this.#master >= 0) {
      try {
        setWindowSize(this.#master, cols, rows);
      } catch {
        // the terminal went between two events
      }
    }
  }

  /** Sends a signal. It overtakes input that waits. */
  signal(number: number, target: SignalTarget): void {
    this.#send(encodeSignal(number, target));
  }

  /** The end is stored: the holder may go. */
  release(): void {
    this.#send(encodeRelease());
  }

  /** What the next connection is to type once this one is lost. @param same whether to the same holder */
  left(same: boolean): Typed[] {
    return this.#typing.left(same);
  }

  /** Types what another connection has left. */
  takeOver(left: readonly Typed[]): void {
    this.#typing.takeOver(left);
  }

  /**
   * What was removed of the session's folder, its log as well, is to be made anew. A holder that does not
   * know this passes over it.
   */
  renew(): void {
    if (this.#version >= 2) this.#send(encodeRenew());
  }

  /** How the program has set its terminal at this moment. Throws when the terminal is gone. */
  lineMode(): LineMode {
    return lineMode(this.#master);
  }

  /** Lets go of the holder, which lives on, and of the terminal. Frames that were sent still arrive. */
  close(): void {
    const over = this.#over;
    this.#state = "left";
    if (!over) {
      this.#reader.stop();
      // end(), not destroy(): a RELEASE that was just sent must not be dropped with the socket
      this.#socket.end(() => this.#socket.destroy());
      this.#rejectGreeted(new Failure("the connection to the holder was closed"));
    }
    this.#closeMaster();
  }

  /** The program has ended, as is told here or elsewhere. */
  ended(): void {
    if (this.#state === "open") this.#state = "ended";
    // what the program left behind on the terminal must not find it open for our sake
    this.#closeMaster();
  }

  /** Whether what is sent goes to the holder. */
  get open(): boolean {
    return !this.#over;
  }

  /** Whether nothing goes to the holder any more, and nothing comes from it. */
  get #over(): boolean {
    return this.#state === "lost" || this.#state === "left";
  }

  #send(frame: Buffer): void {
    if (!this.#over) this.#socket.write(frame);
  }

  #frame(type: number, payload: Buffer): void {
    if (this.#over) return;
    switch (type) {
      case FromHolder.hello:
        this.#hello = decodeHello(payload);
        if (this.#hello.highest >= highestHolderVersion) {
          this.#version = highestHolderVersion;
          this.#send(encodeSpeak(highestHolderVersion, HolderRole.session));
        }
        this.#events.hello(this.#hello);
        this.#resolveGreeted(this.#hello);
        break;
      case FromHolder.exit: {
        const exit = decodeExit(payload);
        this.ended();
        this.#events.exit(exit);
        break;
      }
      case FromHolder.taken: {
        const { writer, number } = decodeTaken(payload);
        this.#events.taken?.(writer, number);
        break;
      }
      case FromHolder.interrupted:
        this.#events.interrupted?.(decodeInterrupted(payload));
        break;
      case FromHolder.typed:
        this.#typing.typed(decodeTyped(payload));
        break;
      default: // of the output, or of a later holder
    }
  }

  /** @param error a holder that cannot be understood is as good as none; log and record are still whole. */
  #lost(error: Error | undefined): void {
    if (this.#over) return;
    const ended = this.#state === "ended";
    this.#state = "lost";
    this.#typing.lose();
    const reason = error?.message ?? (ended ? "the session is over" : "the holder is gone");
    this.#rejectGreeted(new Failure(`the holder closed the connection: ${reason}`));
    if (error !== undefined || ended || this.holderEnded === undefined) return this.#events.closed(reason);
    const { holderEnded } = this;
    const livesOn = delay(holderEndMs, 0, { ref: false }).then(() =>
      processAlive(this.#hello?.holderPid ?? 0) ? 0 : holderEnded,
    );
    this.#telling = Promise.race([holderEnded, livesOn]).then((status) => {
      if (this.#state === "left") return;
      this.#events.closed(status > 128 ? `the holder was ended by ${signalName(status - 128)}` : reason);
    });
  }

  #closeMaster(): void {
    if (this.#master >= 0) close(this.#master);
    this.#master = -1;
  }
}
