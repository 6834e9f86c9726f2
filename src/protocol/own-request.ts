// What a program of ours asks a session server, as a client without an environment would ask it.
import { randomBytes } from "node:crypto";
import { bytesOf } from "../base/text/bytes.ts";
import { ClientFrame, clientProtocol, encodeHello, TerminalBit, tokenLength } from "./client.ts";
import { encodeFrame } from "./frame.ts";

/**
 * The version of whoever cannot start a server (native/client/client_request.c says it as well): none makes
 * way for it, since nobody would start the next one.
 */
export const noVersion = "0.0.0";

/** @param size of the terminal, where there is one. */
export function encodeOwnRequest(args: readonly string[], size?: { cols: number; rows: number }): Buffer {
  const terminal = Buffer.alloc(9);
  if (size !== undefined) {
    // what is said on stderr is no part of its screen
    terminal.writeUInt8(TerminalBit.stdin | TerminalBit.stdout, 0);
    twoNumbers(size.cols, size.rows).copy(terminal, 1);
  }
  terminal.writeUInt16LE(0o77, 5);
  return Buffer.concat([
    encodeHello({ protocol: clientProtocol, pid: process.pid, version: noVersion, name: "falcon" }),
    ...args.map((word) => encodeFrame(ClientFrame.argument, bytesOf(word))),
    ...(size === undefined ? [] : [encodeFrame(ClientFrame.environment, Buffer.from("TERM=xterm-256color"))]),
    encodeFrame(ClientFrame.directory, Buffer.from("/")),
    encodeFrame(ClientFrame.terminal, terminal),
    encodeFrame(ClientFrame.token, randomBytes(tokenLength)),
    encodeFrame(ClientFrame.run),
  ]);
}

/** Its terminal has another size. */
export function encodeSize(cols: number, rows: number): Buffer {
  return encodeFrame(ClientFrame.size, twoNumbers(cols, rows));
}

function twoNumbers(cols: number, rows: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt16LE(cols, 0);
  payload.writeUInt16LE(rows, 2);
  return payload;
}
