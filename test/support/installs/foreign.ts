// Programs that nobody here wrote, with which tests open what we made: found where they are installed, else
// the test says what it missed.
import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import type { Readable, Writable } from "node:stream";
import zlib from "node:zlib";
import { until } from "../events.ts";
import { root } from "../paths.ts";

/** The path of a program, by the first of these names that is on PATH or root's; undefined where none is. */
export function tool(...names: string[]): string | undefined {
  for (const name of names)
    for (const folder of [...(process.env.PATH ?? "").split(":"), "/usr/sbin", "/sbin"]) {
      const file = path.join(folder, name);
      if (folder !== "" && fs.existsSync(file)) return file;
    }
  return undefined;
}

/** A file of a package for tests: in node_modules, or below $FALCON_TEST_PACKAGES. */
export function packageFile(...parts: string[]): string | undefined {
  const folders = [path.join(root, "node_modules"), process.env.FALCON_TEST_PACKAGES ?? ""];
  return folders.map((folder) => path.join(folder, ...parts)).find((file) => fs.existsSync(file));
}

/** Runs a tool to its end and answers what it said; throws with that when its status is not 0. */
export function used(file: string, args: string[], limit = 60_000): string {
  const run = spawnSync(file, args, { encoding: "utf8", timeout: limit, maxBuffer: 64 << 20 });
  if (run.status !== 0)
    throw new Error(`${file} ${args.join(" ")} ended with ${run.status ?? run.signal}:\n${run.stdout}${run.stderr}`);
  return run.stdout;
}

/** What headless Chromium needs besides its task; its profile goes where the test's files are. */
export function chromium(file: string, folder: string, args: string[]): string {
  return used(file, [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    `--user-data-dir=${path.join(folder, "chromium")}`,
    "--virtual-time-budget=20000",
    "--allow-file-access-from-files",
    ...args,
  ]);
}

/**
 * Opens a page in headless Chromium and asks for the value of an expression until it is true; answers the
 * text of the page then. Works with
 * real time: a page with workers does not keep to Chromium's virtual one.
 */
export async function shownInChromium(file: string, folder: string, url: string, expression: string): Promise<string> {
  const browser = spawn(
    file,
    [
      "--headless=new",
      "--no-sandbox",
      "--disable-gpu",
      `--user-data-dir=${path.join(folder, "chromium-pipe")}`,
      "--remote-debugging-pipe",
    ],
    { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] },
  );
  const ended = new Promise((resolve) => browser.on("close", resolve));
  try {
    const ask = protocol(browser.stdio[3] as Writable, browser.stdio[4] as Readable);
    const { targetId } = await ask("Target.createTarget", { url });
    const { sessionId } = await ask("Target.attachToTarget", { targetId, flatten: true });
    const value = async (code: string) =>
      (await ask("Runtime.evaluate", { expression: code, returnByValue: true }, sessionId as string)).result as {
        value?: unknown;
      };
    try {
      await until(async () => (await value(expression)).value === true, expression);
    } catch (error) {
      throw new Error(`${String(error)}; the page says: ${String((await value("document.body.innerText")).value)}`);
    }
    return String((await value("document.body.innerText")).value);
  } finally {
    browser.kill("SIGKILL");
    await ended;
  }
}

type Ask = (method: string, params: object, sessionId?: string) => Promise<Record<string, unknown>>;

/** Chromium's debugging protocol over its pipe: JSON, each message ended by a NUL. */
function protocol(to: Writable, from: Readable): Ask {
  const waiting = new Map<number, { resolve(result: Record<string, unknown>): void; reject(error: Error): void }>();
  let rest = "";
  let count = 0;
  from.setEncoding("utf8");
  from.on("data", (chunk: string) => {
    const messages = (rest + chunk).split("\0");
    rest = messages.pop() as string;
    for (const message of messages) {
      const { id, result, error } = JSON.parse(message);
      if (error !== undefined) waiting.get(id)?.reject(new Error(error.message));
      else waiting.get(id)?.resolve(result);
      waiting.delete(id);
    }
  });
  from.on("close", () => {
    for (const { reject } of waiting.values()) reject(new Error("Chromium is gone"));
  });
  to.on("error", () => {});
  return (method, params, sessionId) =>
    new Promise((resolve, reject) => {
      const id = ++count;
      waiting.set(id, { resolve, reject });
      to.write(`${JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) })}\0`);
    });
}

/** An RGBA picture. */
export interface Pixels {
  width: number;
  height: number;
  data: Buffer;
}

/** Reads a PNG of 8 bits a channel, with or without alpha, not interlaced: what resvg and Chromium write. */
export function readPng(file: Buffer): Pixels {
  if (!file.subarray(0, 8).equals(Buffer.from("\x89PNG\r\n\x1a\n", "latin1"))) throw new Error("no PNG");
  let at = 8;
  let head: Buffer | undefined;
  const data: Buffer[] = [];
  while (at < file.length) {
    const length = file.readUInt32BE(at);
    const kind = file.toString("latin1", at + 4, at + 8);
    const body = file.subarray(at + 8, at + 8 + length);
    if (kind === "IHDR") head = body;
    if (kind === "IDAT") data.push(body);
    at += length + 12;
  }
  if (head === undefined) throw new Error("a PNG without a head");
  const [width, height, bits, colour, interlaced] = [head.readUInt32BE(0), head.readUInt32BE(4), head[8], head[9], head[12]];
  if (bits !== 8 || (colour !== 6 && colour !== 2) || interlaced !== 0) throw new Error(`a PNG of ${bits} bits, type ${colour}`);
  const channels = colour === 6 ? 4 : 3;
  const raw = zlib.inflateSync(Buffer.concat(data));
  const stride = width * channels;
  const rows = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (stride + 1)];
    for (let x = 0; x < stride; x++) {
      const left = x >= channels ? (rows[y * stride + x - channels] as number) : 0;
      const up = y > 0 ? (rows[(y - 1) * stride + x] as number) : 0;
      const corner = x >= channels && y > 0 ? (rows[(y - 1) * stride + x - channels] as number) : 0;
      const base =
        filter === 0 ? 0 : filter === 1 ? left : filter === 2 ? up : filter === 3 ? (left + up) >> 1 : paeth(left, up, corner);
      rows[y * stride + x] = (raw[y * (stride + 1) + 1 + x] as number) + base;
    }
  }
  const pixels = Buffer.alloc(width * height * 4, 255);
  for (let i = 0; i < width * height; i++) rows.copy(pixels, i * 4, i * channels, i * channels + channels);
  return { width, height, data: pixels };
}

function paeth(a: number, b: number, c: number): number {
  const p = a + b - c;
  const [pa, pb, pc] = [Math.abs(p - a), Math.abs(p - b), Math.abs(p - c)];
  return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}

/**
 * Mean brightness (0 to 255) of the cells of a grid over a picture: two renderers of the same text differ in
 * pixels, not in this.
 */
export function brightness({ width, height, data }: Pixels, cols: number, rows: number): number[] {
  const sums = new Array<number>(cols * rows).fill(0);
  const counts = new Array<number>(cols * rows).fill(0);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const cell = Math.floor((y * rows) / height) * cols + Math.floor((x * cols) / width);
      const i = (y * width + x) * 4;
      const alpha = (data[i + 3] as number) / 255;
      const light = 0.3 * (data[i] as number) + 0.6 * (data[i + 1] as number) + 0.1 * (data[i + 2] as number);
      sums[cell] = (sums[cell] as number) + light * alpha + 255 * (1 - alpha);
      counts[cell] = (counts[cell] as number) + 1;
    }
  return sums.map((sum, i) => sum / (counts[i] as number));
}
