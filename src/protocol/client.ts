// The client protocol (docs/design/protocol.md): its numbers, and what the server says and hears. The other
// side is native/client/client.h.
// Long: each message both ways, as written and as read.
import type { Limit, Scheduling } from "../base/limits.ts";
import { bytesOf, textOf } from "../base/text/bytes.ts";
import { encodeFrame, need, ProtocolError } from "./frame.ts";

/**
 * Version of this protocol. Both sides say theirs in HELLO; the number grows when an old side would
 * misunderstand a new one.
 */
export const clientProtocol = 1;

/**
 * Longest payload from a client: one argument or variable is at most 128 KiB on Linux, input comes in pieces
 * of 64 KiB.
 */
export const mostFromClient = 1 << 20;
/**
 * Longest payload to a client: an EXEC or RESUME carries all arguments at once. The client closes the
 * connection at a longer one.
 */
export const mostFromServer = 1 << 20;
/**
 * Longest request as a whole (bytes of all its payloads): Linux lets a process have 6 MiB of arguments and
 * environment at most.
 */
export const longestRequest = 8 << 20;
/** Most arguments, and most variables, of a request: far beyond any shell's habits, few enough to hold. */
export const mostEntries = 65_536;
/** Most resource limits of a request: Linux has 16, macOS 9. */
export const mostLimits = 64;
/** Longest mask of processors, bytes: for 8,192 of them, as many as Linux is built for. */
export const longestProcessors = 1024;
/** Bytes of a token. */
export const tokenLength = 16;

export const ClientFrame = {
  hello: 1,
  argument: 2,
  environment: 3,
  directory: 4,
  terminal: 5,
  limit: 6,
  token: 7,
  run: 8,
  scheduling: 9,
  input: 20,
  inputEnd: 21,
  size: 22,
  signal: 23,
  continued: 24,
  inputAt: 25,
  directAt: 26,
  directEnded: 27,
  inputFrom: 28,
} as const;

export const ServerFrame = {
  hello: 65,
  stdout: 66,
  stderr: 67,
  exit: 68,
  exec: 69,
  inputMode: 70,
  signals: 71,
  resume: 72,
  restore: 73,
  reconnect: 74,
  leaveKeys: 75,
  taken: 76,
  direct: 77,
  directEnd: 78,
  keysOpen: 79,
  keysClose: 80,
  inputTaken: 81,
  resumeSame: 82,
} as const;

export const TerminalBit = { stdin: 1, stdout: 2, stderr: 4 } as const;

/** Who is there. `name` (client only): what the command was called as, "falcon" or "falcon-sessions". */
export interface Hello {
  protocol: number;
  pid: number;
  version: string;
  name?: string;
}

export interface RequestTerminal {
  /** Which of the client's streams are terminals. */
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  /** 0 where there is none. */
  cols: number;
  rows: number;
  /** Version of the rules by which the client filters output itself; 0 where it cannot. */
  filter: number;
}

/**
 * All that a client says before its command runs. Texts are exact, whatever bytes they have
 * (base/text/bytes.ts).
 */
export interface Request {
  protocol: number;
  version: string;
  /** What the command was called as. */
  name: string;
  pid: number;
  arguments: string[];
  /** The caller's variables; of two with one name the first counts, as getenv has it. */
  environment: Record<string, string>;
  directory: string;
  terminal: RequestTerminal;
  umask: number;
  limits: Limit[];
  /** Undefined: the client is older than this frame. */
  scheduling?: Scheduling | undefined;
  /** How often this request was sent to other servers before. */
  sentBefore?: number;
  /** 32 hexadecimal digits; a repeated request carries the same. */
  token: string;
}

// From the server

export function encodeHello(hello: Hello): Buffer {
  const type = hello.name === undefined ? ServerFrame.hello : ClientFrame.hello;
  const numbers = Buffer.alloc(6);
  numbers.writeUInt16LE(hello.protocol, 0);
  numbers.writeUInt32LE(hello.pid, 2);
  return encodeFrame(type, numbers, Buffer.from(hello.name === undefined ? hello.version : `${hello.version}\0${hello.name}`));
}

/** @param status 0..255 */
export function encodeExit(status: number): Buffer {
  return encodeFrame(ServerFrame.exit, Buffer.from([status]));
}

/** @throws ProtocolError when the strings hold a NUL or are more than one frame takes. */
export function encodeExec(file: string, argv: readonly string[]): Buffer {
  return encodeFrame(ServerFrame.exec, strings([file, ...argv]));
}

/** @param mode 0 stdin is not read, 1 as it is, 2 as a raw terminal */
export function encodeInputMode(mode: number): Buffer {
  return encodeFrame(ServerFrame.inputMode, Buffer.from([mode]));
}

export function encodeSignals(on: boolean): Buffer {
  return encodeFrame(ServerFrame.signals, Buffer.from([on ? 1 : 0]));
}

/**
 * @param args what to ask the next server; none at all: nothing. @throws ProtocolError as encodeExec does.
 */
export function encodeResume(args: readonly string[]): Buffer {
  return encodeFrame(ServerFrame.resume, strings(args));
}

/**
 * The next server is to be asked the same. The words of a request may be more than a frame takes, and the
 * client still has them.
 */
export function encodeResumeSame(args: readonly string[]): Buffer {
  const bytes = inFrame(args);
  return bytes.length > mostFromServer ? encodeFrame(ServerFrame.resumeSame) : encodeFrame(ServerFrame.resume, bytes);
}

/** @param keys by which one leaves, a byte each: a control byte or an ASCII character. */
export function encodeLeaveKeys(keys: readonly number[]): Buffer {
  return encodeFrame(ServerFrame.leaveKeys, Buffer.from(keys));
}

export function decodeHello(payload: Buffer): Hello {
  need(payload, 6, "HELLO");
  const [version = "", name] = payload.toString("utf8", 6).split("\0");
  return { protocol: payload.readUInt16LE(0), pid: payload.readUInt32LE(2), version, ...(name === undefined ? {} : { name }) };
}

/**
 * Where the client's own reading of the output begins, by which rules it filters, and what the screen that it
 * was sent lacks.
 */
export interface Direct {
  offset: number;
  /** Version of the rules, as the client announced it. */
  filter: number;
  /** See encodeRules (src/platform/stream-filter.ts). */
  rules: Uint8Array;
  tail: Uint8Array;
}

/** The holder's descriptor rides on it. */
export function encodeDirect({ offset, filter, rules, tail }: Direct): Buffer {
  const head = Buffer.alloc(9);
  head.writeBigUInt64LE(BigInt(offset), 0);
  head.writeUInt8(filter, 8);
  return encodeFrame(ServerFrame.direct, head, rules, tail);
}

/**
 * What the client may send to the holder itself, as long as we have dealt with all else that was typed.
 * @param inputs INPUT and INPUT_AT frames of this connection that were dealt with. @param set a bit for each
 * byte, 32 bytes.
 * @param carries whether the holder's descriptor rides on it.
 * @param interrupt the terminal's interrupt character, where that may go too, by itself; 0: it may not.
 */
export function encodeKeysOpen(inputs: number, set: Uint8Array, carries: boolean, interrupt = 0): Buffer {
  const count = Buffer.alloc(4);
  count.writeUInt32LE(inputs >>> 0);
  return encodeFrame(ServerFrame.keysOpen, count, set, Buffer.of(carries ? 1 : 0, interrupt));
}

/**
 * What was typed and need not be sent to another server any more: `read` bytes of this connection, for which
 * the holder has `typed` bytes of this client over all connections. The first one, of 0 and 0, says that the
 * next ones come.
 */
export function encodeInputTaken(read: number, typed: number): Buffer {
  const payload = Buffer.alloc(16);
  payload.writeBigUInt64LE(BigInt(read), 0);
  payload.writeBigUInt64LE(BigInt(typed), 8);
  return encodeFrame(ServerFrame.inputTaken, payload);
}

/**
 * Bytes of this client that the holder has for what was typed before this connection's input, as far as the
 * client knows. @throws ProtocolError
 */
export function decodeInputFrom(payload: Buffer): number {
  need(payload, 8, "INPUT_FROM");
  return Number(payload.readBigUInt64LE(0));
}

/** Why the direct way ended. */
export const DirectEnd = { asTold: 0, sessionOver: 1, holderGone: 2, otherSize: 3, hole: 4 } as const;

// From the client

/** What was typed, and when. */
export interface InputAt {
  bytes: Buffer;
  /** ms of the client's steady clock. */
  at: number;
  /** The client waits for TAKEN. */
  answer: boolean;
}

/** @throws ProtocolError */
export function decodeInputAt(payload: Buffer): InputAt {
  need(payload, 9, "INPUT_AT");
  return { at: Number(payload.readBigUInt64LE(0)), answer: (payload.readUInt8(8) & 1) !== 0, bytes: payload.subarray(9) };
}

/**
 * Where the client's terminal stands in the output, and for how many percent of the time since the last
 * report it took nothing. @throws ProtocolError
 */
export function decodeDirectAt(payload: Buffer): { offset: number; blocked: number } {
  need(payload, 9, "DIRECT_AT");
  return { offset: Number(payload.readBigUInt64LE(0)), blocked: payload.readUInt8(8) };
}

/** @throws ProtocolError */
export function decodeDirectEnded(payload: Buffer): { offset: number; why: number } {
  need(payload, 9, "DIRECT_ENDED");
  return { offset: Number(payload.readBigUInt64LE(0)), why: payload.readUInt8(8) };
}

/** @throws ProtocolError */
export function decodeSize(payload: Buffer): { cols: number; rows: number } {
  need(payload, 4, "SIZE");
  return { cols: payload.readUInt16LE(0), rows: payload.readUInt16LE(2) };
}

/** The signal's number. @throws ProtocolError */
export function decodeSignal(payload: Buffer): number {
  need(payload, 1, "SIGNAL");
  return payload.readUInt8(0);
}

/**
 * Collects the frames of the identification until RUN, and checks that they make a request.
 * Unknown frames are passed over, so that a later client can say more.
 */
export class RequestReader {
  #hello: Hello | undefined;
  #arguments: string[] = [];
  #environment = new Map<string, string>();
  #directory: string | undefined;
  #terminal: (RequestTerminal & { umask: number }) | undefined;
  #limits: Limit[] = [];
  #scheduling: Scheduling | undefined;
  #sentBefore = 0;
  #token: string | undefined;
  #size = 0;

  /** Takes the next frame; answers the request when this was the last one. @throws ProtocolError */
  take(type: number, payload: Buffer): Request | undefined {
    this.#size += payload.length;
    if (this.#size > longestRequest) throw new ProtocolError(`the request is longer than ${longestRequest} bytes`);
    if (this.#hello === undefined && type !== ClientFrame.hello)
      throw new ProtocolError(`the first frame is of type ${type}, not HELLO`);
    switch (type) {
      case ClientFrame.hello:
        if (this.#hello !== undefined) throw new ProtocolError("a second HELLO");
        this.#hello = decodeHello(payload);
        return undefined;
      case ClientFrame.argument:
        if (this.#arguments.length >= mostEntries) throw new ProtocolError(`more than ${mostEntries} arguments`);
        this.#arguments.push(textOf(payload));
        return undefined;
      case ClientFrame.environment:
        this.#variable(textOf(payload));
        return undefined;
      case ClientFrame.directory:
        this.#directory = textOf(payload);
        return undefined;
      case ClientFrame.terminal:
        this.#terminal = decodeTerminal(payload);
        return undefined;
      case ClientFrame.limit:
        if (this.#limits.length >= mostLimits) throw new ProtocolError(`more than ${mostLimits} resource limits`);
        need(payload, 20, "LIMIT");
        this.#limits.push({
          resource: payload.readUInt32LE(0),
          soft: payload.readBigUInt64LE(4),
          hard: payload.readBigUInt64LE(12),
        });
        return undefined;
      case ClientFrame.scheduling:
        need(payload, 5, "SCHEDULING");
        this.#scheduling = {
          niceness: clamp(payload.readInt16LE(0), -20, 19),
          oomScoreAdj: clamp(payload.readInt16LE(2), -1000, 1000),
          processors: payload.toString("hex", 5, 5 + longestProcessors),
        };
        this.#sentBefore = payload.readUInt8(4);
        return undefined;
      case ClientFrame.token:
        need(payload, tokenLength, "TOKEN");
        this.#token = payload.toString("hex", 0, tokenLength);
        return undefined;
      case ClientFrame.run:
        return this.#request(this.#hello as Hello);
      default:
        return undefined;
    }
  }

  #variable(entry: string): void {
    const at = entry.indexOf("=", 1);
    if (at < 0) return; // no variable: a process may hand any string to execve
    const name = entry.slice(0, at);
    if (this.#environment.has(name)) return;
    if (this.#environment.size >= mostEntries) throw new ProtocolError(`more than ${mostEntries} variables`);
    this.#environment.set(name, entry.slice(at + 1));
  }

  #request(hello: Hello): Request {
    if (this.#directory === undefined || this.#terminal === undefined || this.#token === undefined) {
      throw new ProtocolError("RUN without DIRECTORY, TERMINAL and TOKEN before it");
    }
    const { umask, ...terminal } = this.#terminal;
    return {
      protocol: hello.protocol,
      version: hello.version,
      name: hello.name ?? "falcon",
      pid: hello.pid,
      arguments: this.#arguments,
      environment: Object.fromEntries(this.#environment),
      directory: this.#directory,
      terminal,
      umask,
      limits: this.#limits,
      scheduling: this.#scheduling,
      sentBefore: this.#sentBefore,
      token: this.#token,
    };
  }
}

function decodeTerminal(payload: Buffer): RequestTerminal & { umask: number } {
  need(payload, 7, "TERMINAL");
  const bits = payload.readUInt8(0);
  return {
    stdin: (bits & TerminalBit.stdin) !== 0,
    stdout: (bits & TerminalBit.stdout) !== 0,
    stderr: (bits & TerminalBit.stderr) !== 0,
    cols: payload.readUInt16LE(1),
    rows: payload.readUInt16LE(3),
    umask: payload.readUInt16LE(5) & 0o777,
    filter: payload.length >= 9 ? payload.readUInt16LE(7) : 0,
  };
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}

/** Bytes of a frame that has these strings. */
export function lengthInFrame(list: readonly string[]): number {
  return inFrame(list).length;
}

/** Strings with a NUL behind each. */
function inFrame(list: readonly string[]): Buffer {
  return bytesOf(list.map((string) => `${string}\0`).join(""));
}

function strings(list: readonly string[]): Buffer {
  const bytes = inFrame(list);
  if (list.some((string) => string.includes("\0"))) throw new ProtocolError(`a NUL in ${JSON.stringify(list)}`);
  if (bytes.length > mostFromServer)
    throw new ProtocolError(`arguments of ${bytes.length} bytes, at most ${mostFromServer} fit a frame`);
  return bytes;
}
