// The client's side of the client protocol in TypeScript, for tests that speak to a server or play one.
// native/client/client_request.c does the same.
import type { Limit, Scheduling } from "../../../src/base/limits.ts";
import { bytesOf, textOf } from "../../../src/base/text/bytes.ts";
import {
  ClientFrame,
  clientProtocol,
  decodeHello,
  encodeHello,
  type Hello,
  type InputAt,
  mostFromClient,
  type Request,
  ServerFrame,
  TerminalBit,
} from "../../../src/protocol/client.ts";
import { encodeFrame, ProtocolError } from "../../../src/protocol/frame.ts";

const largest16 = 0xffff;

/** What a server said, decoded; null for a frame of a later version. */
export type ServerMessage =
  | { frame: "hello"; hello: Hello }
  | { frame: "stdout" | "stderr" | "restore"; bytes: Buffer }
  | { frame: "exit"; status: number }
  | { frame: "exec"; file: string; argv: string[] }
  | { frame: "inputMode"; mode: number }
  | { frame: "signals"; on: boolean }
  | { frame: "resume"; args: string[] }
  | { frame: "reconnect" }
  | { frame: "leaveKeys"; keys: number[] }
  | { frame: "taken" };

/** @throws ProtocolError */
export function decodeServerFrame(type: number, payload: Buffer): ServerMessage | null {
  switch (type) {
    case ServerFrame.hello:
      return { frame: "hello", hello: decodeHello(payload) };
    case ServerFrame.stdout:
      return { frame: "stdout", bytes: payload };
    case ServerFrame.stderr:
      return { frame: "stderr", bytes: payload };
    case ServerFrame.restore:
      return { frame: "restore", bytes: payload };
    case ServerFrame.exit:
      need(payload, 1, "EXIT");
      return { frame: "exit", status: payload.readUInt8(0) };
    case ServerFrame.exec: {
      const [file, ...argv] = fromStrings(payload);
      if (file === undefined || argv.length === 0) throw new ProtocolError("EXEC names no program");
      return { frame: "exec", file, argv };
    }
    case ServerFrame.inputMode:
      need(payload, 1, "INPUT_MODE");
      return { frame: "inputMode", mode: payload.readUInt8(0) };
    case ServerFrame.signals:
      need(payload, 1, "SIGNALS");
      return { frame: "signals", on: payload.readUInt8(0) !== 0 };
    case ServerFrame.resume:
      return { frame: "resume", args: fromStrings(payload) };
    case ServerFrame.reconnect:
      return { frame: "reconnect" };
    case ServerFrame.leaveKeys:
      return { frame: "leaveKeys", keys: [...payload] };
    case ServerFrame.taken:
      return { frame: "taken" };
    default:
      return null;
  }
}

/**
 * The whole identification as one piece, as the client writes it. @throws ProtocolError when one string is
 * too long or holds a NUL
 */
export function encodeRequest(request: Request): Buffer {
  const { terminal: t } = request;
  const terminal = Buffer.alloc(9);
  terminal.writeUInt8(
    (t.stdin ? TerminalBit.stdin : 0) | (t.stdout ? TerminalBit.stdout : 0) | (t.stderr ? TerminalBit.stderr : 0),
    0,
  );
  terminal.writeUInt16LE(t.cols, 1);
  terminal.writeUInt16LE(t.rows, 3);
  terminal.writeUInt16LE(request.umask, 5);
  terminal.writeUInt16LE(t.filter, 7);
  return Buffer.concat([
    encodeHello({ protocol: request.protocol, pid: request.pid, version: request.version, name: request.name }),
    ...request.arguments.map((argument) => encodeFrame(ClientFrame.argument, text(argument))),
    ...Object.entries(request.environment).map(([name, value]) => encodeFrame(ClientFrame.environment, text(`${name}=${value}`))),
    encodeFrame(ClientFrame.directory, text(request.directory)),
    encodeFrame(ClientFrame.terminal, terminal),
    ...request.limits.map(encodeLimit),
    ...(request.scheduling === undefined ? [] : [encodeScheduling(request.scheduling, request.sentBefore ?? 0)]),
    encodeFrame(ClientFrame.token, Buffer.from(request.token, "hex")),
    encodeFrame(ClientFrame.run),
  ]);
}

/** A request as a client without a terminal makes it, but for what is said. */
export function requestOf(args: string[], more: Partial<Request> = {}): Buffer {
  return encodeRequest({
    ...{ protocol: clientProtocol, pid: process.pid, version: "0.0.1", name: "falcon", arguments: args, environment: {} },
    terminal: { stdin: false, stdout: false, stderr: false, cols: 0, rows: 0, filter: 0 },
    ...{ directory: "/", umask: 0o22, limits: [], token: "00".repeat(16), ...more },
  });
}

function encodeLimit(limit: Limit): Buffer {
  const payload = Buffer.alloc(20);
  payload.writeUInt32LE(limit.resource, 0);
  payload.writeBigUInt64LE(limit.soft, 4);
  payload.writeBigUInt64LE(limit.hard, 12);
  return encodeFrame(ClientFrame.limit, payload);
}

function encodeScheduling({ niceness, oomScoreAdj, processors }: Scheduling, sentBefore: number): Buffer {
  const numbers = Buffer.alloc(5);
  numbers.writeInt16LE(niceness, 0);
  numbers.writeInt16LE(oomScoreAdj, 2);
  numbers.writeUInt8(Math.min(sentBefore, 0xff), 4);
  return encodeFrame(ClientFrame.scheduling, numbers, Buffer.from(processors, "hex"));
}

export function encodeSize(cols: number, rows: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt16LE(Math.min(cols, largest16), 0);
  payload.writeUInt16LE(Math.min(rows, largest16), 2);
  return encodeFrame(ClientFrame.size, payload);
}

export function encodeSignal(signal: number): Buffer {
  return encodeFrame(ClientFrame.signal, Buffer.from([signal]));
}

export function encodeInputAt({ bytes, at, answer }: InputAt): Buffer {
  const head = Buffer.alloc(9);
  head.writeBigUInt64LE(BigInt(at), 0);
  head.writeUInt8(answer ? 1 : 0, 8);
  return encodeFrame(ClientFrame.inputAt, Buffer.concat([head, bytes]));
}

function need(payload: Buffer, length: number, name: string): void {
  if (payload.length < length) throw new ProtocolError(`${name} has ${payload.length} bytes, at least ${length} are needed`);
}

function text(string: string): Buffer {
  const bytes = bytesOf(string);
  if (bytes.includes(0)) throw new ProtocolError(`a NUL in ${JSON.stringify(string)}`);
  if (bytes.length > mostFromClient)
    throw new ProtocolError(`a string of ${bytes.length} bytes, at most ${mostFromClient} fit a frame`);
  return bytes;
}

function fromStrings(payload: Buffer): string[] {
  if (payload.length > 0 && payload[payload.length - 1] !== 0)
    throw new ProtocolError("a list of strings that does not end in NUL");
  return textOf(payload).split("\0").slice(0, -1);
}
