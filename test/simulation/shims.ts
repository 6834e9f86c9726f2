// What Node gives the server, played: its clock and timers, files below the simulated home, processes and
// sockets. To be imported before anything of the server's is; the driver keeps what it needs of the real.
import { EventEmitter } from "node:events";
import { createRequire, syncBuiltinESMExports } from "node:module";
import os from "node:os";
import path from "node:path";
import { place } from "./build.ts";

const require = createRequire(import.meta.url);
process.env.FALCON_SESSIONS_NATIVE = place.folder;

/** The C side (native/face.c). */
export interface System {
  simLoad(folder: string): void;
  simReset(seed: number): void;
  simTune(short: number, capacity: number, disk: number, wall: number): void;
  simNow(): number;
  simAdvance(ms: number): void;
  simSpawnPty(words: string[], cols: number, rows: number): { index: number; pid: number; fd: number };
  simSpawnHolder(words: string[]): { index: number; pid: number };
  simSpawnClient(words: string[], cols: number, rows: number): { index: number; pid: number; keyboard: number; screen: number };
  simType(keyboard: number, bytes: Uint8Array): number;
  simDrain(screen: number, most: number, capacity: number): Buffer | undefined;
  simResize(index: number, cols: number, rows: number): void;
  simRunnable(): number;
  simStep(index: number, budget: number): void;
  simNextDeadline(): number;
  simKill(pid: number, signal: number): number;
  simEndServer(): void;
  simStatus(index: number): number;
  simEvents(fd: number): number;
  simListen(name: string): number;
  simAccept(fd: number): number;
  simResetStream(fd: number): void;
  simProgramWrites(most: number): number;
  simProgramLoses(kept: number): void;
  simProgramReads(most: number): number;
  simProgramEnds(status: number): void;
  simProgram(): { lives: number; status: number; written: number };
  simProgramHeard(): Buffer;
  simProgramBytes(from: number, length: number): Buffer;
  simFile(name: string): Buffer | null;
  simFileLength(name: string): number;
  simServerWanted(): number;
  simLightFuse(calls: number): void;
  simFuseLeft(): number;
  simIndex(pid: number): number;
  connectUnix(path: string): number;
  sendFds(fd: number, bytes: Uint8Array, descriptors: number[]): number;
  writeSome(fd: number, bytes: Uint8Array, offset: number): number;
  recvFds(fd: number, most: number): { data: Buffer; fds: number[] } | null;
  close(fd: number): void;
  shutdownWriting(fd: number): void;
}

const module_ = { exports: {} as System };
process.dlopen(module_, path.join(place.folder, "sys.node"), os.constants.dlopen.RTLD_NOW | os.constants.dlopen.RTLD_GLOBAL);
export const system = module_.exports;
system.simLoad(place.folder);

const POLLIN = 1;
const POLLOUT = 4;
const POLLHUP = 16;

/** A draw in [0, below). */
export type Chance = (below: number) => number;

/** xorshift32, seeded. */
export function chanceOf(seed: number): Chance {
  let state = (seed * 2654435761 + 97) >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % below;
  };
}

interface SimTimer {
  at: number;
  order: number;
  every: number | undefined;
  callback: () => void;
}

/** The event loop of the simulated server: what it waits for, in its present incarnation. */
export const loop = {
  incarnation: 0,
  order: 0,
  wall: 1_700_000_000_000,
  chance: chanceOf(1) as Chance,
  timers: [] as SimTimer[],
  sockets: new Set<SimSocket>(),
  listener: undefined as { fd: number; accepted: (fd: number) => void } | undefined,
  /** Exit listeners of the server's children, by process index. */
  children: [] as { index: number; exited: (status: number) => void }[],
};

class Timer {
  readonly timer: SimTimer;
  constructor(timer: SimTimer) {
    this.timer = timer;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
  hasRef(): boolean {
    return true;
  }
}

function later(ms: number, callback: () => void, every?: number): Timer {
  const timer = { at: system.simNow() + Math.max(0, Math.ceil(ms)), order: loop.order++, every, callback };
  loop.timers.push(timer);
  return new Timer(timer);
}

function forget(timer: unknown): void {
  if (!(timer instanceof Timer)) return;
  const at = loop.timers.indexOf(timer.timer);
  if (at >= 0) loop.timers.splice(at, 1);
}

/** What the driver and the test runner still need. */
export const real = { setImmediate: globalThis.setImmediate, now: performance.now.bind(performance) };

/** Lets promises that are settled be heard. */
export const settle = () => new Promise<void>((resolve) => real.setImmediate(resolve));

Object.assign(globalThis, {
  setTimeout: (callback: (...args: unknown[]) => void, ms = 1, ...args: unknown[]) =>
    later(Math.max(1, ms), () => callback(...args)),
  setInterval: (callback: () => void, ms = 1) => later(Math.max(1, ms), callback, Math.max(1, ms)),
  setImmediate: (callback: (...args: unknown[]) => void, ...args: unknown[]) => later(0, () => callback(...args)),
  clearTimeout: forget,
  clearInterval: forget,
  clearImmediate: forget,
});
performance.now = () => system.simNow();
Date.now = () => system.simNow() + loop.wall;
Math.random = () => loop.chance(1 << 30) / (1 << 30);

const timersPromises = require("node:timers/promises");
timersPromises.setTimeout = (ms: number, value: unknown) =>
  new Promise((resolve) => later(Math.max(1, ms), () => resolve(value)));
const crypto = require("node:crypto");
crypto.randomBytes = (length: number) => Buffer.from(Array.from({ length }, () => loop.chance(256)));
const kill = process.kill.bind(process);
process.kill = (pid: number, signal: string | number = "SIGTERM") => {
  if (pid < 5_000_000) return kill(pid, signal);
  const number = typeof signal === "number" ? signal : (os.constants.signals[signal as NodeJS.Signals] ?? 15);
  if (system.simKill(pid, number) < 0) throw Object.assign(new Error("ESRCH"), { code: "ESRCH" });
  return true;
};

// ---- processes that the server starts

require("node:child_process").spawn = (_file: string, words: string[]) => {
  const child = Object.assign(new EventEmitter(), { pid: 0, unref() {}, kill: () => process.kill(child.pid, "SIGKILL") });
  const { index, pid } = system.simSpawnHolder(["holder", ...words]);
  child.pid = pid;
  loop.children.push({
    index,
    exited: (status) => ((status & 0x7f) === 0 ? child.emit("exit", status >> 8, null) : child.emit("exit", null, "SIGKILL")),
  });
  return child;
};

require("node-pty").spawn = (_file: string, words: string[], options: { cols: number; rows: number }) => {
  const { index, pid, fd } = system.simSpawnPty(["holder", ...words], options.cols, options.rows);
  let heard: (end: { exitCode: number; signal: number }) => void = () => {};
  loop.children.push({ index, exited: (status) => heard({ exitCode: status >> 8, signal: status & 0x7f }) });
  return {
    pid,
    fd,
    _socket: { destroy: () => system.close(fd), bytesRead: 0 },
    onExit: (callback: typeof heard) => {
      heard = callback;
    },
  };
};

// ---- files below /sim, and /proc of simulated processes

const fs = require("node:fs") as typeof import("node:fs");
const kept = { ...fs };
const opened: (string | undefined)[] = [];
const firstFd = 1_000_000;
const isOurs = (file: unknown): file is string => typeof file === "string" && file.startsWith("/sim");
const baseOf = (file: string) => file.slice(file.lastIndexOf("/") + 1);
const missing = (file: string) => Object.assign(new Error(`ENOENT: ${file}`), { code: "ENOENT" });
const nameOf = (fd: number) => opened[fd - firstFd] ?? "";

function statOf(name: string) {
  const size = system.simFileLength(name);
  return { size, blocks: Math.ceil(size / 512), isDirectory: () => false, isFile: () => true };
}

function procText(file: string): string | undefined {
  const match = /^\/proc\/(\d+)\/(\w+)$/.exec(file);
  const pid = Number(match?.[1] ?? 0);
  if (pid < 5_000_000) return undefined;
  if (system.simKill(pid, 0) < 0) throw missing(file);
  if (match?.[2] === "stat") return `${pid} (x) S 1 ${"0 ".repeat(40)}`;
  if (match?.[2] === "cmdline") return "holder\0/sim/s\0";
  throw missing(file);
}

Object.assign(fs, {
  statSync: (file: string, ...rest: unknown[]) => {
    if (!isOurs(file)) return (kept.statSync as (...args: unknown[]) => unknown)(file, ...rest);
    if (file === "/sim" || file === "/sim/s") return { size: 0, blocks: 0, isDirectory: () => true, isFile: () => false };
    if (system.simFileLength(baseOf(file)) < 0) throw missing(file);
    return statOf(baseOf(file));
  },
  openSync: (file: string, ...rest: unknown[]) => {
    if (!isOurs(file)) return (kept.openSync as (...args: unknown[]) => unknown)(file, ...rest);
    if (system.simFileLength(baseOf(file)) < 0) throw missing(file);
    opened.push(baseOf(file));
    return firstFd + opened.length - 1;
  },
  readSync: (fd: number, into: Uint8Array, offset: number, length: number, position: number) => {
    if (fd < firstFd) return kept.readSync(fd, into, offset, length, position);
    const bytes = system.simFile(nameOf(fd)) ?? Buffer.alloc(0);
    return bytes.copy(into, offset, position, Math.min(bytes.length, position + length));
  },
  fstatSync: (fd: number) => (fd < firstFd ? kept.fstatSync(fd) : statOf(nameOf(fd))),
  closeSync: (fd: number) => {
    if (fd < firstFd) kept.closeSync(fd);
  },
  existsSync: (file: string) =>
    isOurs(file) ? file === "/sim/s" || system.simFileLength(baseOf(file)) >= 0 : kept.existsSync(file),
  readdirSync: (file: string, ...rest: unknown[]) =>
    isOurs(file) ? [] : (kept.readdirSync as (...args: unknown[]) => unknown)(file, ...rest),
  rmSync: (file: string, ...rest: unknown[]) => {
    if (!isOurs(file)) (kept.rmSync as (...args: unknown[]) => unknown)(file, ...rest);
  },
  accessSync: (file: string, ...rest: unknown[]) => {
    if (!isOurs(file)) (kept.accessSync as (...args: unknown[]) => unknown)(file, ...rest);
  },
  readFileSync: (file: string, ...rest: unknown[]) => {
    const told = typeof file === "string" ? procText(file) : undefined;
    if (told !== undefined) return told;
    if (!isOurs(file)) return (kept.readFileSync as (...args: unknown[]) => unknown)(file, ...rest);
    const bytes = system.simFile(baseOf(file));
    if (bytes === null) throw missing(file);
    return rest.length > 0 ? bytes.toString() : bytes;
  },
  watch: (file: string, ...rest: unknown[]) => {
    if (isOurs(file)) throw missing(file);
    return (kept.watch as (...args: unknown[]) => unknown)(file, ...rest);
  },
});

// ---- sockets

interface SocketOptions {
  fd: number;
  onread?: { buffer: Buffer; callback: (length: number) => boolean };
  allowHalfOpen?: boolean;
}

/** A socket as the server uses Node's. */
export class SimSocket extends EventEmitter {
  destroyed = false;
  writableLength = 0;
  readonly _handle: { fd: number };
  #options: SocketOptions;
  #queue: { bytes: Uint8Array; done: (() => void) | undefined }[] = [];
  #paused = false;
  #readEnded = false;
  #ending: (() => void) | undefined;
  #isEnding = false;
  #wroteEnd = false;
  readonly #of = loop.incarnation;

  constructor(options: SocketOptions) {
    super();
    this.#options = options;
    this._handle = { fd: options.fd };
    loop.sockets.add(this);
  }

  setNoDelay(): this {
    return this;
  }
  cork(): void {}
  uncork(): void {}
  pause(): this {
    this.#paused = true;
    return this;
  }
  resume(): this {
    this.#paused = false;
    return this;
  }

  write(bytes: Uint8Array, done?: () => void): boolean {
    if (this.destroyed || this.#isEnding) return false;
    this.#queue.push({ bytes: Uint8Array.from(bytes), done });
    this.writableLength += bytes.length;
    if (this.#queue.length === 1) this.#flush();
    return true;
  }

  end(done?: () => void): this {
    if (this.destroyed || this.#isEnding) return this;
    this.#isEnding = true;
    this.#ending = done;
    this.#flush();
    return this;
  }

  destroy(): this {
    if (this.destroyed) return this;
    this.destroyed = true;
    loop.sockets.delete(this);
    if (this.#of === loop.incarnation) system.close(this._handle.fd);
    this._handle.fd = -1;
    this.writableLength = 0;
    process.nextTick(() => {
      if (this.#of === loop.incarnation) this.emit("close");
    });
    return this;
  }

  #fail(error: unknown): void {
    process.nextTick(() => this.emit("error", error as Error));
    this.destroy();
  }

  #flush(): void {
    for (let first = this.#queue[0]; first !== undefined; first = this.#queue[0]) {
      let count: number;
      try {
        count = system.writeSome(this._handle.fd, first.bytes, 0);
      } catch (error) {
        return this.#fail(error);
      }
      this.writableLength -= count;
      first.bytes = first.bytes.subarray(count);
      if (first.bytes.length > 0) return;
      this.#queue.shift();
      if (first.done !== undefined) process.nextTick(first.done);
    }
    if (!this.#isEnding || this.#wroteEnd) return;
    this.#wroteEnd = true;
    system.shutdownWriting(this._handle.fd);
    if (this.#ending !== undefined) process.nextTick(this.#ending);
    if (this.#readEnded) this.destroy();
  }

  /** Whether a client is at the other end. */
  get isPeer(): boolean {
    return this.#options.allowHalfOpen === true;
  }

  /** Whether there is something to be done. */
  get ready(): boolean {
    const events = system.simEvents(this._handle.fd);
    if (!this.#paused && !this.#readEnded && (events & (POLLIN | POLLHUP)) !== 0) return true;
    return this.#queue.length > 0 && (events & POLLOUT) !== 0;
  }

  /** Does a piece of it. */
  step(): void {
    const events = system.simEvents(this._handle.fd);
    if (this.#queue.length > 0 && (events & POLLOUT) !== 0) this.#flush();
    if (this.destroyed || this.#paused || this.#readEnded || (events & (POLLIN | POLLHUP)) === 0) return;
    try {
      const read = system.recvFds(this._handle.fd, this.#options.onread?.buffer.length ?? 65536);
      if (read === null) return;
      for (const fd of read.fds) system.close(fd);
      if (read.data.length > 0) return this.#got(read.data);
    } catch (error) {
      return this.#fail(error);
    }
    this.#readEnded = true;
    this.emit("end");
    if (this.#wroteEnd) this.destroy();
    else if (this.#options.allowHalfOpen !== true) this.end();
  }

  #got(data: Buffer): void {
    const { onread } = this.#options;
    if (onread === undefined) this.emit("data", data);
    else {
      data.copy(onread.buffer);
      onread.callback(data.length);
    }
  }
}

require("node:net").Socket = SimSocket;
syncBuiltinESMExports();
