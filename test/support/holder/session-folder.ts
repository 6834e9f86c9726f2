// A session folder as the holder writes it (docs/design/protocol.md), made by a test without a holder.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";

/** Writes output.log, times and record step by step; its clock is the test's. */
export class FakeHolder {
  readonly folder: string;
  end = 0;
  #log: number;
  #times: number;
  #record = "";
  #time: number;
  #marked = 0;

  constructor(folder: string, { time = 1_700_000_000_000, cols = 80, rows = 24, pid = 4711 } = {}) {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.folder = folder;
    this.#log = fs.openSync(path.join(folder, "output.log"), "w+", 0o600);
    this.#times = fs.openSync(path.join(folder, "times"), "w+", 0o600);
    this.#time = time;
    const header = Buffer.alloc(16);
    header.write("FTIM", 0, "latin1");
    header.writeUInt32LE(1, 4);
    header.writeBigUInt64LE(BigInt(time), 8);
    fs.writeSync(this.#times, header);
    fs.writeFileSync(path.join(folder, "record"), Buffer.alloc(4096), { mode: 0o600 });
    this.note(`start ${time} ${pid}`);
    this.size(cols, rows, time);
  }

  /** Output that arrives at `time`. */
  write(bytes: Buffer | string, time = this.#time): void {
    const data = typeof bytes === "string" ? Buffer.from(bytes) : bytes;
    if (time - this.#time >= 100) this.#mark(time, 0, 0);
    fs.writeSync(this.#log, data, 0, data.length, this.end);
    this.end += data.length;
  }

  size(cols: number, rows: number, time = this.#time): void {
    this.#mark(time, cols, rows);
  }

  /** Output that could not be written. */
  lose(length: number): void {
    this.note(`gap ${this.end} ${length}`);
    this.end += length;
  }

  exit(status: number, time = this.#time): void {
    this.note(`exit ${status} ${this.end} ${time} 1000 2000 3000`);
  }

  note(line: string): void {
    this.#record += `${line}\n`;
    const fd = fs.openSync(path.join(this.folder, "record"), "r+");
    fs.writeSync(fd, this.#record, 0);
    fs.closeSync(fd);
  }

  /** The holder's own retention. */
  punchHead(to: number): void {
    punchHole(this.#log, 0, to);
  }

  close(): void {
    fs.closeSync(this.#log);
    fs.closeSync(this.#times);
  }

  #mark(time: number, cols: number, rows: number): void {
    const entry = Buffer.alloc(12);
    entry.writeUInt32LE(time - this.#time, 0);
    entry.writeUInt32LE(this.end - this.#marked, 4);
    entry.writeUInt16LE(cols, 8);
    entry.writeUInt16LE(rows, 10);
    fs.writeSync(this.#times, entry);
    this.#time = time;
    this.#marked = this.end;
  }
}

/**
 * Frees whole pages of a file as src/platform/native.ts does, by the tool of util-linux, so that store tests
 * need no native build.
 */
export function punchHole(fd: number, offset: number, length: number): boolean {
  if (length <= 0) return true;
  const done = spawnSync("fallocate", ["-p", "-o", String(offset), "-l", String(length), "/dev/fd/3"], {
    stdio: ["ignore", "ignore", "ignore", fd],
  });
  return done.status === 0;
}

/** The bytes of disk that a file takes. */
export function allocated(file: string): number {
  return fs.statSync(file).blocks * 512;
}
