// The web page in tests: a home with its web process, plain requests to it, and Debian's Chromium where it
// is installed.
import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import path from "node:path";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { WebSocket } from "ws";
import type { PageMessage, ServerMessage } from "../../src/web/wire.ts";
import { until } from "../support/events.ts";
import type { TestHome } from "../support/home.ts";
import { falcon, root } from "../support/paths.ts";

const chromiumFile = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((file) =>
  fs.existsSync(file),
);

/** Why nothing can be looked at in a browser; false: it can. */
export const noBrowser: string | false =
  chromiumFile === undefined ? "there is no Chromium here (Debian: apt-get install chromium)" : false;

/** What `falcon web` said. */
export interface Web {
  /** With a slash at its end. */
  url: string;
  token: string;
  /** Where it is reached without a browser: options of http.request. */
  place: { socketPath: string } | { host: string; port: number };
  process: ChildProcess;
  said: string;
  /** kill(2), and waits for its end. */
  end(signal?: NodeJS.Signals): Promise<void>;
}

/** Starts `falcon web` and waits for its link. */
export async function startWeb(home: TestHome, args = ["--listen", "0"], env: Record<string, string> = {}): Promise<Web> {
  const child = spawn(...home.as(falcon, ["web", ...args]), {
    cwd: home.work,
    env: { ...home.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  child.stdout.on("data", (bytes) => {
    said += bytes;
  });
  child.stderr.on("data", (bytes) => {
    said += bytes;
  });
  const gone = new Promise<void>((resolve) => child.on("close", () => resolve()));
  const [, url = "", token = ""] = await until(() => {
    if (child.exitCode !== null) throw new Error(`falcon web ended: ${said}`);
    return /(https?:\/\/\S+\/)#t=(\S+)\n/.exec(said);
  }, "the link of falcon web");
  const socket = path.join(home.folder, "web.sock");
  const { hostname, port } = new URL(url);
  return {
    url,
    token,
    place: fs.existsSync(socket) ? { socketPath: socket } : { host: hostname, port: Number(port) },
    process: child,
    said,
    end: (signal = "SIGTERM") => {
      child.kill(signal);
      return gone;
    },
  };
}

/** An answer to a plain request. */
export interface Reply {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: string;
}

/** One request as it is given, whatever a browser would say. */
export function request(web: Web, target: string, options: http.RequestOptions & { body?: string } = {}): Promise<Reply> {
  const { port } = new URL(web.url);
  return new Promise((resolve, reject) => {
    const asked = http.request(
      { ...web.place, path: target, ...options, headers: { host: `127.0.0.1:${port || 80}`, ...options.headers } },
      (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (text) => {
          body += text;
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
        response.on("error", reject);
      },
    );
    asked.on("error", reject);
    asked.end(options.body);
  });
}

/** A page without a browser. */
export class PlainPage {
  readonly socket: WebSocket;
  readonly messages: ServerMessage[] = [];
  readonly output: Buffer[] = [];
  bytes = 0;
  closed: { code: number; reason: string } | undefined;
  failed: string | undefined;
  /** Whether it says that it drew what came. */
  draws = true;
  #n = 0;
  #undrawn = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(web: Web, options: { origin?: string; host?: string; token?: string | null } = {}) {
    const { host } = new URL(web.url);
    const address =
      "socketPath" in web.place ? `ws+unix://${web.place.socketPath}:/ws` : `ws://${web.place.host}:${web.place.port}/ws`;
    const named = options.host ?? host;
    this.socket = new WebSocket(address, { headers: { host: named, origin: options.origin ?? `http://${named}` } });
    const { token = web.token } = options;
    this.socket.on("open", () => {
      if (token !== null) this.say({ do: "hello", token });
    });
    this.socket.on("message", (data, binary) => {
      if (binary) {
        const bytes = data as Buffer;
        this.bytes += bytes.length;
        this.output.push(bytes);
        this.#undrawn += bytes.length;
        // as the page does, which does not say it of each few bytes
        this.#timer ??= setTimeout(() => this.#tell(), 50);
        return;
      }
      const message = JSON.parse(String(data)) as ServerMessage;
      if (message.is === "terminal" && message.state === "open") this.#n = message.n;
      this.messages.push(message);
    });
    this.socket.on("close", (code, reason) => {
      this.closed = { code, reason: reason.toString() };
    });
    this.socket.on("error", (error) => {
      this.failed = error.message;
    });
  }

  #tell(): void {
    this.#timer = undefined;
    if (!this.draws || this.closed !== undefined) return;
    this.say({ do: "taken", n: this.#n, bytes: this.#undrawn });
    this.#undrawn = 0;
  }

  say(message: PageMessage): void {
    this.socket.send(JSON.stringify(message));
  }

  /** The newest message of a kind, once there is one. */
  async heard<K extends ServerMessage["is"]>(kind: K): Promise<Extract<ServerMessage, { is: K }>> {
    return until(
      () => this.messages.findLast((message): message is Extract<ServerMessage, { is: K }> => message.is === kind),
      `a message ${kind}`,
    );
  }

  /** What the terminal was sent. */
  get text(): string {
    return Buffer.concat(this.output).toString();
  }

  end(): Promise<{ code: number; reason: string }> {
    return until(() => this.closed, "the WebSocket to be closed");
  }
}

/** A browser with one profile, and every request that it makes. */
export class TestBrowser {
  readonly #browser: Browser;
  readonly requests: string[] = [];
  readonly errors: string[] = [];

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async start(): Promise<TestBrowser> {
    const browser = await chromium.launch({
      ...(chromiumFile === undefined ? {} : { executablePath: chromiumFile }),
      // as root, in a container
      args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
    });
    return new TestBrowser(browser);
  }

  async context(options: Parameters<Browser["newContext"]>[0] = {}): Promise<BrowserContext> {
    const context = await this.#browser.newContext(options);
    context.on("request", (request) => this.requests.push(request.url()));
    return context;
  }

  /** A page of its own, with everything that went wrong in it. */
  async open(url: string, options: Parameters<Browser["newContext"]>[0] = {}): Promise<Page> {
    const page = await (await this.context(options)).newPage();
    page.on("pageerror", (error) => this.errors.push(error.stack ?? String(error)));
    page.on("console", (message) => {
      if (message.type() === "error" && /Content Security|Refused|Uncaught/.test(message.text()))
        this.errors.push(message.text());
    });
    await page.goto(url);
    return page;
  }

  close(): Promise<void> {
    return this.#browser.close();
  }
}

/** A browser's terminal, cell by cell: text, width and the attributes that are drawn. */
export interface BrowserScreen {
  cols: number;
  rows: number;
  cursor: [number, number];
  lines: string[];
}

/** The screen of the terminal that is shown on the page. */
export function screenOf(page: Page): Promise<BrowserScreen | undefined> {
  return page.evaluate(readScreen);
}

/** Runs in the browser, and on a headless terminal in the test: both have the same interface. */
export function readScreen(given?: unknown): BrowserScreen | undefined {
  // biome-ignore lint/suspicious/noExplicitAny: it runs in the browser, whose types are not the tests'
  const host = given ?? (globalThis as any).document.querySelector(".screen")?.terminal;
  if (host === undefined) return undefined;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  const terminal = host as any;
  const buffer = terminal.buffer.active;
  const lines: string[] = [];
  for (let y = 0; y < terminal.rows; y++) {
    const line = buffer.getLine(buffer.baseY + y);
    const cells: string[] = [];
    for (let x = 0; x < terminal.cols; x++) {
      const cell = line?.getCell(x);
      if (cell === undefined) continue;
      const look = [
        cell.getFgColorMode(),
        cell.getFgColor(),
        cell.getBgColorMode(),
        cell.getBgColor(),
        cell.isBold(),
        cell.isItalic(),
        cell.isDim(),
        cell.isUnderline(),
        cell.isInverse(),
        cell.isInvisible(),
        cell.isStrikethrough(),
      ];
      cells.push(`${cell.getChars() || " "}${cell.getWidth()}${look.join(",")}`);
    }
    lines.push(cells.join("|"));
  }
  return { cols: terminal.cols, rows: terminal.rows, cursor: [buffer.cursorX, buffer.cursorY], lines };
}

/** The text of the terminal that is shown on the page, line by line. */
export async function textOf(page: Page): Promise<string> {
  const lines = (await screenOf(page))?.lines ?? [];
  return lines
    .map((line) =>
      line
        .split("|")
        .map((cell) => cell[0])
        .join("")
        .trimEnd(),
    )
    .join("\n");
}

/** Where the screenshots go that a person looks at: WEB_PICTURES, or nowhere. */
export async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env.WEB_PICTURES;
  if (folder !== undefined) await page.screenshot({ path: path.join(folder, `${name}.png`), fullPage: true });
}

/** axe-core's own script. */
export const axeScript = path.join(root, "node_modules/axe-core/axe.min.js");
