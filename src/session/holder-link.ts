// The server's end of one holder: launching it, finding it again, taking its place after a kill, and the stream of frames in both directions.
import { spawn } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { isPlain, onDisk, percentCoded } from "../base/bytes.ts";
import { Failure, sentence } from "../base/failure.ts";
import {
  close,
  connectUnix,
  dup,
  holderProgram,
  type LineMode,
  lineMode,
  peerCredentials,
  recvFds,
  sendFds,
  setWindowSize,
  writeSome,
} from "../platform/native.ts";
import { commandLine, parentOf, processAlive } from "../platform/processes.ts";
import { signalName, signalNumber } from "../platform/signals.ts";
import { FrameReader } from "../protocol/frame.ts";
import {
  decodeData,
  decodeExit,
  decodeGap,
  decodeHello,
  decodeSized,
  decodeTyped,
  type ExitRecord,
  encodeFd,
  encodeGo,
  encodeInput,
  encodeKeep,
  encodeRelease,
  encodeSignal,
  encodeSubscribe,
  encodeWindowSize,
  FromHolder,
  fromHolderLimit,
  type Hello,
  type ResourceLimit,
  type SignalTarget,
  toHolderLimit,
} from "../protocol/holder.ts";
import { spawnUnread, type UnreadPty } from "./unread-pty.ts";

/** How long a holder may take to appear and to say hello. It answers within milliseconds; this is for a machine that swaps. */
const launchLimitMs = 15_000;
/** How long a running holder may take to answer a new server. Past it, it is taken for hung, and nothing waits for it. */
const answerLimitMs = 5_000;
/** INPUT bytes on their way through the holder: half of what it queues, so that a signal or a resize never waits behind a paste. */
const inputWindow = 512 * 1024;
/** A holder that closed the connection is about to end: so long (ms) its own words are waited for, which say more. */
const lastWordsMs = 1_000;
/** Of a holder that is our child we are told how it ended; so long (ms) that is waited for. */
const holderEndMs = 300;
/** Bytes that are read at once: what the socket holds is a little more than three of the holder's frames. */
const readBuffer = 256 << 10;
/** Above this much waiting input {@link HolderLink.input} asks its caller to stop reading. */
const inputHighWater = 1 << 20;
/**
 * Input that waits for a program which reads none: what comes beyond is dropped, as a terminal drops it after 4 KiB. So large that no paste is cut
 * that somebody means; the viewer's own connection is not held up, since the key that leaves comes on it.
 */
export const mostWaitingInput = 16 << 20;
/** Answers of the screen that wait for the program: a real terminal's line takes 4 KiB. One that asks and never reads gets no more of them. */
export const mostWaitingAnswers = 64 << 10;

export interface HolderEvents {
  hello(hello: Hello): void;
  /** Output, in order; `bytes` may be kept. */
  data(offset: number, bytes: Buffer): void;
  /** The program has ended and all of its output was delivered. */
  exit(exit: ExitRecord): void;
  /** These bytes are not in the log; those from the present position on were not delivered either. */
  gap(offset: number, length: number): void;
  /** The terminal has this size since `offset`; the answer to `resize`. */
  sized(size: { offset: number; cols: number; rows: number }): void;
  /** The connection is gone, not by {@link HolderLink.close}. */
  closed(reason: string): void;
  /** After {@link HolderLink.input} said false: typing may go on. */
  inputDrained?(): void;
}

export interface LaunchOptions {
  /** The session folder, absolute, 0700, empty. */
  folder: string;
  /** The command, looked up on the environment's PATH, and its arguments. */
  file: string;
  args: string[];
  directory: string;
  environment: Record<string, string>;
  cols: number;
  rows: number;
  umask: number;
  limits: readonly ResourceLimit[];
  /** Bytes of log to retain at most, 0 all. */
  keep: number;
  /** What the program's oom_score_adj is raised to. */
  oomScoreAdj: number;
}

/**
 * Starts a program in a session of its own. Answers once the holder has said hello: then the program runs, or
 * `link.hello.execError` tells why it could not be started. Throws where no holder could be started, and leaves nothing behind then.
 */
export async function launchHolder(options: LaunchOptions, events: HolderEvents): Promise<HolderLink> {
  checkDirectory(options.directory);
  const pty = spawnHolder(options);
  const deadline = Date.now() + launchLimitMs;
  const gone = holderGone(pty);
  let link: HolderLink | undefined;
  try {
    const socket = await connectSoon(options.folder, deadline, gone);
    link = greet(socket, encodeGo(options), pty.master, events);
    const greeted = link.greeted.catch(async (error: unknown) => {
      await Promise.race([gone, delay(lastWordsMs, undefined, { ref: false })]);
      throw error;
    });
    await Promise.race([greeted, gone, expire(deadline, "the holder did not start the program in time")]);
    pty.handOver();
    link.holderEnded = pty.exited;
    return link;
  } catch (error) {
    // with its terminal gone, what was started ends; the holder too, unless it hangs
    if (link) {
      pty.handOver();
      link.close();
    } else pty.dispose();
    pty.killUnlessEnded();
    if (error instanceof Failure) throw error;
    throw failureOf((error as NodeJS.ErrnoException).code ?? "", `no holder can be reached for a session: ${sentence(error)}`);
  }
}

/** Connects to a holder that runs already. Throws ENOENT or ECONNREFUSED where there is none, ETIMEDOUT where it does not answer. */
export async function connectHolder(folder: string, events: HolderEvents): Promise<HolderLink> {
  const socket = connectUnix(socketOf(folder));
  const passed: number[] = [];
  let link: HolderLink | undefined;
  try {
    checkPeer(socket, folder);
    sendFds(socket, encodeFd(), []);
    const early: Frame[] = [];
    const stream = new HolderStream((type, payload) => early.push({ type, payload: Buffer.from(payload) }));
    const deadline = Date.now() + answerLimitMs;
    // libuv cannot receive descriptors, so this first answer is read here, and Node's socket takes over behind it
    for (let wait = 0; !early.some((frame) => frame.type === FromHolder.fd); wait = Math.min(wait * 2 + 1, longestWaitMs)) {
      const received = recvFds(socket, fromHolderLimit, true);
      if (received === null) {
        if (Date.now() > deadline) throw failureOf("ETIMEDOUT", `the holder of ${folder} does not answer`);
        await delay(wait);
        continue;
      }
      passed.push(...received.fds);
      if (received.data.length === 0) throw failureOf("ECONNRESET", `the holder of ${folder} closed the connection`);
      stream.feed(received.data);
    }
    link = new HolderLink(socket, passed.shift() ?? -1, stream, events);
    for (const { type, payload } of early) stream.onFrame(type, payload);
    await link.greeted;
    return link;
  } catch (error) {
    if (link) link.close();
    else close(socket);
    throw error;
  } finally {
    for (const fd of passed) close(fd);
  }
}

/**
 * Makes a holder that lives bind its socket's path again, where that was deleted, and connects. `pids` may be its own or its program's number.
 * Throws what connecting threw where there is no such holder.
 */
export async function recallHolder(
  folder: string,
  pids: readonly (number | null | undefined)[],
  events: HolderEvents,
): Promise<HolderLink> {
  const holder = pids
    .flatMap((pid) => (pid ? [pid, parentOf(pid) ?? 0] : []))
    .find((pid) => commandLine(pid)[1] === folder && processAlive(pid));
  if (holder === undefined) throw failureOf("ENOENT", `no holder of ${folder} is alive`);
  process.kill(holder, "SIGUSR1");
  const socket = await connectSoon(folder, Date.now() + answerLimitMs, new Promise<never>(() => {}), holder);
  close(socket);
  return connectHolder(folder, events);
}

/**
 * Starts a successor for a holder that was killed, while the terminal lives because `masterFd` (which stays the caller's) is open.
 * Throws where the old holder still lives, or the successor cannot be started.
 */
export async function adoptAfterHolder(
  folder: string,
  masterFd: number,
  programPid: number,
  events: HolderEvents,
  orders: { keep?: number } = {},
): Promise<HolderLink> {
  const master = dup(masterFd);
  let link: HolderLink | undefined;
  let child: ReturnType<typeof spawn> | undefined;
  try {
    child = spawn(holderProgram, [folder, "--adopt", String(programPid)], { cwd: "/", env: {}, stdio: "ignore", detached: true });
    child.unref();
    const gone = new Promise<never>((_, reject) => {
      child?.once("error", (error) =>
        reject(new Failure(`the successor of a killed holder cannot be started: ${sentence(error)}`)),
      );
      child?.once("exit", (status) => reject(new Failure(`the successor of a killed holder ended with status ${status}`)));
    });
    gone.catch(() => {}); // it may well end weeks later
    const deadline = Date.now() + launchLimitMs;
    const socket = await connectSoon(folder, deadline, gone, child.pid);
    // size 0: the terminal keeps the one it has
    const go = encodeGo({ umask: 0o077, keep: orders.keep ?? 0, oomScoreAdj: 0, cols: 0, rows: 0, limits: [] });
    link = greet(socket, go, master, events);
    await Promise.race([link.greeted, gone, expire(deadline, "the successor of a killed holder does not answer")]);
    const successor = child;
    link.holderEnded = new Promise((resolve) => {
      successor.once("exit", (code, signal) => resolve(signal === null ? (code ?? 0) : 128 + (signalNumber(signal) ?? 0)));
    });
    return link;
  } catch (error) {
    if (link) link.close();
    else close(master);
    child?.kill("SIGKILL");
    throw error;
  }
}

interface Frame {
  type: number;
  payload: Buffer;
}

/** The frames of one connection; who takes them changes once, when the first answer has been read. */
class HolderStream {
  onFrame: (type: number, payload: Buffer) => void;
  readonly #reader: FrameReader;

  constructor(onFrame: (type: number, payload: Buffer) => void) {
    this.onFrame = onFrame;
    this.#reader = new FrameReader(fromHolderLimit, (type, payload) => this.onFrame(type, payload));
  }

  feed(chunk: Buffer): void {
    this.#reader.feed(chunk);
  }

  stop(): void {
    this.#reader.stop();
  }
}

/** One connection to one holder, and a copy of the terminal's master. */
export class HolderLink {
  /** Resolves at HELLO; rejects when the connection ends before. */
  readonly greeted: Promise<Hello>;
  #hello: Hello | null = null;
  #master: number;
  readonly #socket: net.Socket;
  readonly #stream: HolderStream;
  readonly #events: HolderEvents;
  #resolveGreeted: (hello: Hello) => void = () => {};
  #rejectGreeted: (error: Error) => void = () => {};
  #trouble: string | null = null;
  #ended = false;
  #over = false;
  #left = false;
  /** The holder's exit code, 128 + n for signal n; undefined where it is not a child of this process. */
  holderEnded: Promise<number> | undefined;

  /** Input that waits for room on its way, oldest first, and how many bytes that is. */
  #queue: Buffer[] = [];
  #queued = 0;
  /** INPUT bytes that were sent to the holder, and those that it has passed on. While they are equal, we write to the terminal ourselves. */
  #sent = 0;
  #typed = 0;
  #askedToWait = false;

  /** Takes both descriptors over, whatever happens. */
  constructor(socket: number, master: number, stream: HolderStream, events: HolderEvents) {
    this.#master = master;
    this.#events = events;
    this.#stream = stream;
    stream.onFrame = (type, payload) => this.#frame(type, payload);
    this.greeted = new Promise((resolve, reject) => {
      this.#resolveGreeted = resolve;
      this.#rejectGreeted = reject;
    });
    this.greeted.catch(() => {});
    // one buffer for all reads, with room for several frames: Node would make one of 64 KiB for each, also for a single byte
    const buffer = Buffer.allocUnsafeSlow(readBuffer);
    const callback = (length: number): boolean => {
      this.#feed(buffer.subarray(0, length));
      return true;
    };
    this.#socket = new net.Socket({
      fd: socket,
      readable: true,
      writable: true,
      onread: { buffer, callback },
    } as net.SocketConstructorOpts);
    this.#socket.on("error", (error) => {
      this.#trouble ??= error.message;
    });
    this.#socket.on("close", () => this.#lost());
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

  /** Our copy of the terminal's master; -1 once the program has ended. It stays open when the connection is lost, for a successor. */
  get master(): number {
    return this.#master;
  }

  /** Bytes of input that the terminal has not taken yet. */
  get waitingInput(): number {
    return this.#queued + this.#sent - this.#typed;
  }

  /** Output from `offset` on, then live. */
  subscribe(offset: number): void {
    this.#send(encodeSubscribe(offset));
  }

  /**
   * Bytes for the program, in the order of the calls. Straight to the terminal while nothing waits; what the terminal does not take
   * goes through the holder, which waits for it without anybody spinning. False: enough waits, stop until `inputDrained`; what does not fit into
   * `mostWaitingInput` is dropped.
   */
  input(bytes: Uint8Array): boolean {
    if (this.#master < 0 || this.#over) return true;
    if (this.waitingInput + bytes.length > mostWaitingInput) return false;
    let taken = 0;
    if (this.waitingInput === 0) {
      try {
        taken = writeSome(this.#master, bytes, 0);
      } catch {
        return true; // the terminal is gone: nobody will read this
      }
    }
    if (taken < bytes.length) {
      // a copy: the caller may use its buffer again
      this.#queue.push(Buffer.from(bytes.subarray(taken)));
      this.#queued += bytes.length - taken;
      this.#sendInput();
    }
    this.#askedToWait = this.waitingInput > inputHighWater;
    return !this.#askedToWait;
  }

  /** The screen's answer to the program; dropped where so much waits already that nobody reads it. */
  answer(bytes: Uint8Array): void {
    if (this.waitingInput + bytes.length <= mostWaitingAnswers) this.input(bytes);
  }

  #sendInput(): void {
    for (;;) {
      const first = this.#queue[0];
      const room = Math.min(inputWindow - (this.#sent - this.#typed), toHolderLimit);
      if (first === undefined || room <= 0) return;
      const piece = first.subarray(0, room);
      if (piece.length === first.length) this.#queue.shift();
      else this.#queue[0] = first.subarray(piece.length);
      this.#queued -= piece.length;
      this.#sent += piece.length;
      this.#send(encodeInput(piece));
    }
  }

  #inputTyped(total: number): void {
    this.#typed = total;
    this.#sendInput();
    if (this.#askedToWait && this.waitingInput <= inputHighWater / 2) {
      this.#askedToWait = false;
      this.#events.inputDrained?.();
    }
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

  /** Bytes of log to retain at most, 0 all. */
  keep(bytes: number): void {
    this.#send(encodeKeep(bytes));
  }

  /** Takes no more output until resume(); the holder goes on without us. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** How the program has set its terminal at this moment. Throws when the terminal is gone. */
  lineMode(): LineMode {
    return lineMode(this.#master);
  }

  /** Lets go of the holder, which lives on, and of the terminal. Frames that were sent still arrive. */
  close(): void {
    this.#left = true;
    if (!this.#over) {
      this.#over = true;
      this.#stream.stop();
      // end(), not destroy(): a RELEASE that was just sent must not be dropped with the socket; unread output is nobody's any more
      this.#socket.removeAllListeners("data");
      this.#socket.resume();
      this.#socket.end(() => this.#socket.destroy());
      this.#rejectGreeted(new Failure("the connection to the holder was closed"));
    }
    this.#closeMaster();
  }

  #send(frame: Buffer): void {
    if (!this.#over) this.#socket.write(frame);
  }

  #feed(chunk: Buffer): void {
    try {
      this.#stream.feed(chunk);
    } catch (error) {
      // a holder that cannot be understood is as good as none; the log and the record are still whole
      this.#trouble ??= sentence(error);
      this.#stream.stop();
      this.#socket.destroy();
    }
  }

  #frame(type: number, payload: Buffer): void {
    if (this.#over) return;
    switch (type) {
      case FromHolder.data: {
        const { offset, bytes } = decodeData(payload);
        // a copy: the next read uses the buffer again
        this.#events.data(offset, Buffer.from(bytes));
        break;
      }
      case FromHolder.hello:
        this.#hello = decodeHello(payload);
        this.#events.hello(this.#hello);
        this.#resolveGreeted(this.#hello);
        break;
      case FromHolder.exit: {
        const exit = decodeExit(payload);
        this.#ended = true;
        // what the program left behind on the terminal must not find it open for our sake
        this.#closeMaster();
        this.#events.exit(exit);
        break;
      }
      case FromHolder.gap: {
        const { offset, length } = decodeGap(payload);
        this.#events.gap(offset, length);
        break;
      }
      case FromHolder.sized:
        this.#events.sized(decodeSized(payload));
        break;
      case FromHolder.typed:
        this.#inputTyped(decodeTyped(payload));
        break;
      default: // of a later holder
    }
  }

  #lost(): void {
    if (this.#over) return;
    this.#over = true;
    const reason = this.#trouble ?? (this.#ended ? "the session is over" : "the holder is gone");
    this.#rejectGreeted(new Failure(`the holder closed the connection: ${reason}`));
    if (this.#trouble !== null || this.#ended || this.holderEnded === undefined) return this.#events.closed(reason);
    void Promise.race([this.holderEnded, delay(holderEndMs, 0, { ref: false })]).then((status) => {
      if (this.#left) return;
      this.#events.closed(status > 128 ? `the holder was ended by ${signalName(status - 128)}` : reason);
    });
  }

  #closeMaster(): void {
    if (this.#master >= 0) close(this.#master);
    this.#master = -1;
  }
}

// ---- how a connection comes about

/** While a holder is starting, its socket is looked for this often at the least (ms). */
const longestWaitMs = 20;

function socketOf(folder: string): string {
  return path.join(folder, "sock");
}

/** chdir fails in the child, too late for a clear sentence. */
function checkDirectory(directory: string): void {
  try {
    if (!fs.statSync(onDisk(directory)).isDirectory()) throw new Failure(`${directory} is not a directory`);
    fs.accessSync(onDisk(directory), fs.constants.X_OK);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(`the directory ${directory} cannot be entered: ${sentence(error)}`);
  }
}

function spawnHolder(options: LaunchOptions): UnreadPty {
  try {
    const { folder, file, args, directory, environment } = options;
    const plain = [file, ...args, directory, ...Object.entries(environment).flat()].every(isPlain);
    if (plain) return spawnUnread(holderProgram, [folder, "--", file, ...args], options);
    // node-pty passes UTF-8 only: the holder decodes the words and variables, and enters the directory
    return spawnUnread(holderProgram, [folder, "--coded", ...[directory, file, ...args].map(percentCoded)], {
      ...options,
      directory: "/",
      environment: Object.fromEntries(Object.entries(environment).map((entry) => entry.map(percentCoded))),
    });
  } catch (error) {
    throw new Failure(
      `no terminal or process can be had for a session (too many open files, terminals or processes): ${sentence(error)}`,
    );
  }
}

/** Rejects when the holder ends, with what it said on its terminal. */
function holderGone(pty: UnreadPty): Promise<never> {
  const gone = pty.exited.then((status) => {
    throw new Failure(`the holder ended with status ${status}${pty.lastWords()}`);
  });
  gone.catch(() => {}); // usually it ends long after the launch
  return gone;
}

/** Connects as soon as a holder that is starting listens; before that there is no socket, a dead one, or (`pid`) another holder's. */
async function connectSoon(folder: string, deadline: number, gone: Promise<never>, pid?: number): Promise<number> {
  for (let wait = 1; ; wait = Math.min(wait * 2, longestWaitMs)) {
    try {
      const socket = connectUnix(socketOf(folder));
      const peer = checkPeer(socket, folder);
      if (pid === undefined || peer === pid || peer < 0) return socket;
      close(socket);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? "";
      if (!["ENOENT", "ECONNREFUSED", "EAGAIN"].includes(code)) throw error;
    }
    if (Date.now() > deadline) throw failureOf("ETIMEDOUT", "the holder did not start in time");
    await Promise.race([delay(wait), gone]);
  }
}

/** The folder is ours alone, and still: a holder of another user is none. Answers its process, -1 where the system does not tell. */
function checkPeer(socket: number, folder: string): number {
  const { uid, pid } = peerCredentials(socket);
  if (uid === process.geteuid?.() || uid === 0) return pid;
  close(socket);
  throw failureOf("EPERM", `the holder of ${folder} belongs to user ${uid}`);
}

/** Sends GO with the master; what answers is a HolderLink. */
function greet(socket: number, go: Buffer, master: number, events: HolderEvents): HolderLink {
  try {
    if (sendFds(socket, go, [master]) !== go.length) throw new Failure("the holder took only a part of its orders");
  } catch (error) {
    close(socket);
    throw error;
  }
  return new HolderLink(socket, master, new HolderStream(() => {}), events);
}

function expire(deadline: number, what: string): Promise<never> {
  return delay(Math.max(0, deadline - Date.now()), undefined, { ref: false }).then(() => {
    throw failureOf("ETIMEDOUT", what);
  });
}

function failureOf(code: string, message: string): Failure {
  return Object.assign(new Failure(message), { code });
}
