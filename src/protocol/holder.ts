// The holder's protocol: numbers, sizes and codecs of every frame (docs/design/protocol.md). Version 1 is
// frozen: a holder that speaks no other is served by every later server. Version 2 is spoken on a connection
// from where SPEAK asks for it.
import type { Limit } from "../base/limits.ts";
import { encodeFrame, need } from "./frame.ts";

export const holderProtocolVersion = 1;
/** The latest that a holder may be asked for. */
export const highestHolderVersion = 2;

/** Frames to the holder. A number is never used again for something else. */
export const ToHolder = {
  go: 1,
  subscribe: 2,
  input: 3,
  windowSize: 4,
  signal: 5,
  fd: 6,
  release: 7,
  keep: 8,
  speak: 9,
  keys: 10,
  renew: 11,
} as const;

/** Frames from the holder. */
export const FromHolder = {
  hello: 65,
  data: 66,
  exit: 67,
  fd: 68,
  gap: 69,
  typed: 70,
  sized: 71,
  hole: 72,
  taken: 73,
  interrupted: 74,
} as const;

/** The longest payload to the holder, bytes. */
export const toHolderLimit = 65536;
/** The longest payload from the holder: an offset and 65,536 bytes of output. */
export const fromHolderLimit = 65544;

/** Sizes of the payloads that have one. A later version may add to their end; what is here stays. */
export const payloadSize = {
  go: 20,
  goLimit: 20,
  hello: 41,
  exit: 44,
  gap: 16,
  dataOffset: 8,
  typed: 8,
  sized: 12,
  hole: 17,
  taken: 16,
  interrupted: 4,
} as const;

/**
 * Who asks on a connection: of the holder's places some are kept for servers. `session`: a server that is
 * told of the end without reading the output (to an older holder one as any other).
 */
export const HolderRole = { server: 0, viewer: 1, session: 2 } as const;

/** Why bytes of the stream cannot be had: they were never stored, or let go of since. */
export const HoleReason = { notStored: 1, freed: 2 } as const;

/**
 * Whose keys these are: bytes behind the first `number` of this writer's, over all connections. `more`: what
 * comes next belongs to them. `interrupt`: an interrupt character, which the holder counts and has pass by
 * what others have typed.
 */
export interface Typed {
  writer: bigint;
  number: number;
  more: boolean;
  interrupt?: boolean | undefined;
}

const KeysFlag = { more: 1, interrupt: 2 } as const;

export const HelloFlag = { adopted: 1, holes: 2, execFailed: 4, countsInterrupts: 8 } as const;

/**
 * Whom a signal reaches: the program, its terminal's foreground process group, or every process below the
 * holder.
 */
export const SignalTarget = { program: 0, foreground: 1, descendants: 2 } as const;
export type SignalTarget = (typeof SignalTarget)[keyof typeof SignalTarget];

export interface Go {
  umask: number;
  /** Bytes of log to retain at most, 0 all. */
  keep: number;
  /** What the program's oom_score_adj is raised to. */
  oomScoreAdj: number;
  cols: number;
  rows: number;
  limits: readonly Limit[];
}

export interface Hello {
  version: number;
  /** A successor of a killed holder serves this session: the exit status will be unknown. */
  adopted: boolean;
  /** The log lacks bytes. */
  holes: boolean;
  /** It counts the interrupt characters that viewers' clients type themselves, and tells of them. */
  countsInterrupts: boolean;
  /** The errno of the exec that failed; null when the program was started. */
  execError: number | null;
  holderPid: number;
  programPid: number;
  /** The first retained offset. */
  base: number;
  end: number;
  ended: boolean;
  /** The wait status where `ended`; -1 unknown. */
  status: number;
  /** When the program was started, ms since 1970. */
  start: number;
  /** The latest version that it speaks. */
  highest: number;
}

export interface ExitRecord {
  /** As of waitpid(2); -1 when nobody can know it. */
  status: number;
  /** Bytes of output in all. */
  end: number;
  /** ms since 1970. */
  time: number;
}

export interface Gap {
  offset: number;
  length: number;
}

// ---- to the holder

export function encodeGo(go: Go): Buffer {
  const payload = Buffer.alloc(payloadSize.go + go.limits.length * payloadSize.goLimit);
  payload.writeUInt16LE(holderProtocolVersion, 0);
  payload.writeUInt16LE(go.umask, 2);
  payload.writeBigUInt64LE(BigInt(go.keep), 4);
  payload.writeInt16LE(go.oomScoreAdj, 12);
  payload.writeUInt16LE(go.cols, 14);
  payload.writeUInt16LE(go.rows, 16);
  payload.writeUInt16LE(go.limits.length, 18);
  go.limits.forEach((limit, i) => {
    const at = payloadSize.go + i * payloadSize.goLimit;
    payload.writeUInt32LE(limit.resource, at);
    payload.writeBigUInt64LE(limit.soft, at + 4);
    payload.writeBigUInt64LE(limit.hard, at + 12);
  });
  return encodeFrame(ToHolder.go, payload);
}

export function encodeSubscribe(offset: number): Buffer {
  return encodeFrame(ToHolder.subscribe, uint64(offset));
}

/** Bytes for the program, at most {@link toHolderLimit} of them. */
export function encodeInput(bytes: Uint8Array): Buffer {
  if (bytes.length > toHolderLimit) throw new RangeError(`${bytes.length} bytes of input in one frame`);
  return encodeFrame(ToHolder.input, bytes);
}

export function encodeWindowSize(cols: number, rows: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt16LE(cols, 0);
  payload.writeUInt16LE(rows, 2);
  return encodeFrame(ToHolder.windowSize, payload);
}

export function encodeSignal(number: number, target: SignalTarget): Buffer {
  return encodeFrame(ToHolder.signal, Buffer.from([number, target]));
}

export function encodeFd(): Buffer {
  return encodeFrame(ToHolder.fd);
}

export function encodeRelease(): Buffer {
  return encodeFrame(ToHolder.release);
}

/** What was removed of the session's folder is to be made anew. */
export function encodeRenew(): Buffer {
  return encodeFrame(ToHolder.renew);
}

/**
 * The connection speaks this version from here on. A holder that does not know it goes on with 1; where there
 * are viewers enough, it closes it.
 */
export function encodeSpeak(version: number, role: (typeof HolderRole)[keyof typeof HolderRole]): Buffer {
  return encodeFrame(ToHolder.speak, Buffer.from([version & 0xff, version >> 8, role]));
}

/** Bytes for the program, of which those that it has are dropped; at most {@link toHolderLimit} less 17. */
export function encodeKeys(typed: Typed, bytes: Uint8Array): Buffer {
  const head = Buffer.alloc(17);
  head.writeBigUInt64LE(typed.writer, 0);
  head.writeBigUInt64LE(BigInt(typed.number), 8);
  head.writeUInt8((typed.more ? KeysFlag.more : 0) | (typed.interrupt === true ? KeysFlag.interrupt : 0), 16);
  return encodeFrame(ToHolder.keys, head, bytes);
}

// ---- from the holder

export function decodeHello(payload: Buffer): Hello {
  need(payload, payloadSize.hello, "HELLO");
  const flags = payload.readUInt16LE(2);
  const status = payload.readInt32LE(29);
  const execFailed = (flags & HelloFlag.execFailed) !== 0;
  return {
    version: payload.readUInt16LE(0),
    adopted: (flags & HelloFlag.adopted) !== 0,
    holes: (flags & HelloFlag.holes) !== 0,
    countsInterrupts: (flags & HelloFlag.countsInterrupts) !== 0,
    execError: execFailed ? status : null,
    holderPid: payload.readUInt32LE(4),
    programPid: payload.readUInt32LE(8),
    base: readUint64(payload, 12),
    end: readUint64(payload, 20),
    ended: payload.readUInt8(28) === 1,
    status: execFailed ? (status === 2 ? 127 : 126) << 8 : status,
    start: readUint64(payload, 33),
    highest: payload.length >= payloadSize.hello + 2 ? payload.readUInt16LE(payloadSize.hello) : 1,
  };
}

/** DATA's offset; the output is the rest of the payload. */
export function decodeData(payload: Buffer): { offset: number; bytes: Buffer } {
  need(payload, payloadSize.dataOffset, "DATA");
  return { offset: readUint64(payload, 0), bytes: payload.subarray(payloadSize.dataOffset) };
}

export function decodeExit(payload: Buffer): ExitRecord {
  need(payload, payloadSize.exit, "EXIT");
  return {
    status: payload.readInt32LE(0),
    end: readUint64(payload, 4),
    time: readUint64(payload, 12),
  };
}

export function decodeGap(payload: Buffer): Gap {
  need(payload, payloadSize.gap, "GAP");
  return { offset: readUint64(payload, 0), length: readUint64(payload, 8) };
}

/** So many bytes of this writer the holder has. */
export function decodeTaken(payload: Buffer): { writer: bigint; number: number } {
  need(payload, payloadSize.taken, "TAKEN");
  return { writer: payload.readBigUInt64LE(0), number: readUint64(payload, 8) };
}

/** How many interrupt characters viewers' clients have typed themselves since this holder began. */
export function decodeInterrupted(payload: Buffer): number {
  need(payload, payloadSize.interrupted, "INTERRUPTED");
  return payload.readUInt32LE(0);
}

/** How many INPUT bytes of this connection the terminal has taken (or nobody can take any more). */
export function decodeTyped(payload: Buffer): number {
  need(payload, payloadSize.typed, "TYPED");
  return readUint64(payload, 0);
}

/**
 * Where in the output the terminal was given a size that this connection asked for: what comes before is
 * drawn for the old one.
 */
export function decodeSized(payload: Buffer): { offset: number; cols: number; rows: number } {
  need(payload, payloadSize.sized, "SIZED");
  return { offset: readUint64(payload, 0), cols: payload.readUInt16LE(8), rows: payload.readUInt16LE(10) };
}

/** Bytes of the stream that are passed over, where they would stand. */
export function decodeHole(payload: Buffer): Gap & { reason: number } {
  need(payload, payloadSize.hole, "HOLE");
  return { offset: readUint64(payload, 0), length: readUint64(payload, 8), reason: payload.readUInt8(16) };
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

/** Offsets stay below 2^53: at 60 MB/s that is five years of output. */
function readUint64(payload: Buffer, at: number): number {
  return payload.readUInt32LE(at) + payload.readUInt32LE(at + 4) * 0x1_0000_0000;
}
