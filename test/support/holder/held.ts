// A program under a real holder, without a server: what it wrote, how it ended, and a check that nothing of
// it is left.
import fs from "node:fs";
import path from "node:path";
import { connectUnix } from "../../../src/platform/native.ts";
import { processAlive } from "../../../src/platform/processes.ts";
import { FrameReader } from "../../../src/protocol/frame.ts";
import { frameSocket } from "../../../src/protocol/frame-socket.ts";
import {
  decodeData,
  decodeExit,
  decodeGap,
  decodeHole,
  decodeSized,
  type ExitRecord,
  encodeSpeak,
  encodeSubscribe,
  FromHolder,
  fromHolderLimit,
  type Gap,
  type Hello,
  HolderRole,
  HoleReason,
} from "../../../src/protocol/holder.ts";
import { type LaunchOptions, launchHolder } from "../../../src/session/holder/holder-launch.ts";
import type { HolderEvents, HolderLink } from "../../../src/session/holder/holder-link.ts";
import { patience, untilGone } from "../events.ts";
import { killNow, processesNaming } from "../home.ts";
import { emulated } from "../installs/emulated.ts";

export interface HeldOptions extends Partial<Omit<LaunchOptions, "file" | "args">> {
  /** Read the output from here at once; null: not at all. Default 0. */
  subscribe?: number | null;
}

/**
 * Everything that came over one link, and of the output over a connection beside it, in order, with promises
 * for what a test waits for.
 */
export class Heard implements HolderEvents {
  /** Sizes that the holder told, in order. */
  readonly sizes: { offset: number; cols: number; rows: number }[] = [];

  hellos: Hello[] = [];
  gaps: Gap[] = [];
  /** The offset of the first byte that was delivered; -1 before. */
  from = -1;
  /** The offset behind the last byte. */
  to = 0;
  /** Deliveries that did not begin where the one before ended (and no gap explains it). */
  jumps = 0;
  /** The end behind all output, where that is read; and as the link tells it. */
  readonly exited: Promise<ExitRecord>;
  readonly toldEnd: Promise<ExitRecord>;
  /** Whether the output is read. */
  reads = false;
  readonly gone: Promise<string>;
  /** Called with all output, besides it being kept. */
  onData: (offset: number, bytes: Buffer) => void = () => {};
  /** Off for floods: then only counts are kept. */
  keepsBytes = true;
  #chunks: Buffer[] = [];
  #waiting = new Set<(more: string) => void>();
  #resolveExited!: (exit: ExitRecord) => void;
  #resolveToldEnd!: (exit: ExitRecord) => void;
  #resolveGone!: (reason: string) => void;
  exit: (exit: ExitRecord) => void;
  closed: (reason: string) => void;

  constructor() {
    this.exited = new Promise((resolve) => {
      this.#resolveExited = resolve;
    });
    this.toldEnd = new Promise((resolve) => {
      this.#resolveToldEnd = resolve;
    });
    this.gone = new Promise((resolve) => {
      this.#resolveGone = resolve;
    });
    this.exit = (exit) => this.#resolveToldEnd(exit);
    this.closed = (reason) => {
      this.#resolveGone(reason);
      this.#wake();
    };
  }

  hello(hello: Hello): void {
    this.hellos.push(hello);
  }

  /** Reads the output of a folder's holder from an offset on, in its protocol's version. */
  read(folder: string, offset: number, version = 2): void {
    this.reads = true;
    const reader = new FrameReader(fromHolderLimit, (type, payload) => this.#frame(type, Buffer.from(payload)));
    const socket = frameSocket(connectUnix(path.join(folder, "sock")), 256 << 10, reader, () => {});
    if (version > 1) socket.write(encodeSpeak(version, HolderRole.server));
    socket.write(encodeSubscribe(offset));
  }

  #frame(type: number, payload: Buffer): void {
    if (type === FromHolder.data) {
      const { offset, bytes } = decodeData(payload);
      this.data(offset, bytes);
    } else if (type === FromHolder.sized) this.sizes.push(decodeSized(payload));
    else if (type === FromHolder.exit) this.#resolveExited(decodeExit(payload));
    else if (type === FromHolder.gap) this.gap(decodeGap(payload));
    else if (type === FromHolder.hole && decodeHole(payload).reason === HoleReason.notStored) this.gap(decodeHole(payload));
  }

  data(offset: number, bytes: Buffer): void {
    if (this.from < 0) this.from = offset;
    else if (offset !== this.to) this.jumps++;
    this.to = offset + bytes.length;
    if (this.keepsBytes) this.#chunks.push(bytes);
    this.onData(offset, bytes);
    this.#wake(bytes.toString("latin1"));
  }

  gap({ offset, length }: Gap): void {
    this.gaps.push({ offset, length });
    if (offset >= this.to) this.to = offset + length;
    this.#wake();
  }

  #wake(more = ""): void {
    for (const wake of this.#waiting) wake(more);
  }

  get bytes(): Buffer {
    this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] as Buffer;
  }

  get text(): string {
    return this.bytes.toString("latin1");
  }

  /** Waits until what came matches. */
  until(pattern: RegExp | string, limit = patience): Promise<RegExpExecArray> {
    const expression = typeof pattern === "string" ? new RegExp(pattern.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")) : pattern;
    let heard = this.text;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        reject(new Error(`waited ${limit} ms in vain for ${expression} in ${JSON.stringify(this.text.slice(-500))}`));
      }, limit);
      const look = (more: string) => {
        heard += more;
        const found = expression.exec(heard);
        // what a word is not in is looked through once: a flood is long
        if (found === null && typeof pattern === "string") heard = heard.slice(-pattern.length);
        if (found === null) return;
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve(found);
      };
      this.#waiting.add(look);
      look("");
    });
  }
}

/** A folder for one session, under /tmp since a socket's path has 107 bytes. */
export function sessionFolder(): string {
  return fs.mkdtempSync("/tmp/fs-");
}

/** One program under a holder of its own. */
export class Held {
  readonly folder: string;
  readonly heard: Heard;
  readonly link: HolderLink;

  private constructor(folder: string, link: HolderLink, heard: Heard) {
    this.folder = folder;
    this.link = link;
    this.heard = heard;
  }

  static async launch(command: string[], options: HeldOptions = {}): Promise<Held> {
    const { subscribe = 0, folder = sessionFolder(), ...rest } = options;
    const heard = new Heard();
    const link = await launchHolder({ ...orders(command), folder, ...rest }, heard);
    if (subscribe !== null) heard.read(folder, subscribe);
    return new Held(folder, link, heard);
  }

  static shell(script: string, options: HeldOptions = {}): Promise<Held> {
    return Held.launch(["/bin/sh", "-c", script], options);
  }

  /** Waits for the end, releases the holder and answers how it ended. */
  async end(): Promise<ExitRecord> {
    const exit = await this.heard.toldEnd;
    if (this.heard.reads) await this.heard.exited;
    this.link.release();
    await this.heard.gone;
    return exit;
  }

  /** Ends what still runs, and asserts that then neither a process nor the socket is left. */
  async dispose(): Promise<void> {
    this.link.close();
    await endSession(this.folder);
  }
}

/** Orders for launchHolder, of which a test changes what it is about. */
export function orders(command: string[]): Omit<LaunchOptions, "folder"> {
  const [file = "/bin/true", ...args] = command;
  return {
    file,
    args,
    directory: "/tmp",
    environment: { PATH: process.env.PATH ?? "/usr/bin:/bin", TERM: "xterm-256color", LANG: "C.UTF-8" },
    cols: 80,
    rows: 24,
    umask: 0o22,
    limits: [],
    keep: 0,
    oomScoreAdj: 0,
  };
}

/**
 * Kills the holder and the program of a session folder, waits until they are gone, and removes the folder.
 */
export async function endSession(folder: string): Promise<void> {
  const pids = holdersOf(folder);
  const record = fs.existsSync(`${folder}/record`) ? fs.readFileSync(`${folder}/record`, "latin1") : "";
  const program = Number(/^start \d+ (\d+)$/m.exec(record)?.[1] ?? 0);
  // a program that ended is not to be looked for: its number may be another's by now
  if (program > 0 && !/^exit /m.test(record) && processAlive(program)) pids.push(program);
  for (const pid of pids) killNow(pid);
  for (const pid of pids) await untilGone(pid);
  fs.rmSync(folder, { recursive: true, force: true });
}

/** The holders of a session folder that are alive. */
export function holdersOf(folder: string): number[] {
  return processesNaming(folder)
    .filter(({ argv }) => argv[1] === folder || (emulated && argv.includes(folder)))
    .map(({ pid }) => pid);
}
