// One WebSocket of a page: who it is, what it asks, and the limits of that. A link knows one session, and
// no input.
import type { RawData, WebSocket } from "ws";
import type { Grant } from "../access.ts";
import type { PageMessage, Role, RunRow, ServerMessage } from "../wire.ts";
import { withoutPlaces } from "./rows.ts";
import type { RunsFeed } from "./runs-feed.ts";
import type { SessionServer } from "./session-server.ts";
import { TerminalBridge } from "./terminal-bridge.ts";

/** Until a WebSocket has said who it is (ms). */
export const longestHello = 5_000;
/** Longest message of a page, bytes: a large paste comes as several. */
export const mostFromPage = 64 << 10;
/** Messages a second that a page may send for long, and at once: keys that repeat come 30 times a second. */
const messageRate = 200;
const messageBurst = 1_000;
/**
 * Bytes in the socket of a page that takes nothing, beyond which it is let go of: lists and one terminal's
 * credit are far less.
 */
const mostBuffered = 8 << 20;
/** A page that does not answer within this time (ms) is gone: its phone sleeps, or has no network. */
const pingEach = 20_000;
/** The largest terminal. */
const mostCols = 1_000;
const mostRows = 500;
/** Speeds of the history. */
const speeds = { least: 1 / 16, most: 1024 };

/** Codes of a WebSocket's end (RFC 6455, 7.4). */
const Close = { policy: 1008, tooMuch: 1013 } as const;

export interface PageSocketEffects {
  /** Who has this token; undefined: nobody, which is noted. */
  find(token: string): Grant | undefined;
  /** Whether tokens are only looked at here: nobody types behind a proxy whose origin others share. */
  readOnly: boolean;
  version: string;
  steady(): number;
  audit(event: string, facts: Record<string, unknown>): void;
}

export class PageSocket {
  readonly #socket: WebSocket;
  readonly #server: SessionServer;
  readonly #feed: RunsFeed;
  readonly #effects: PageSocketEffects;
  readonly #hello: NodeJS.Timeout;
  readonly #pings: NodeJS.Timeout;
  #alive = true;
  #grant: Grant | undefined;
  #role: Role = "link";
  #stopFeed = () => {};
  #bridge: TerminalBridge | undefined;
  #terminals = 0;
  #budget = messageBurst;
  #budgetAt: number;

  constructor(socket: WebSocket, server: SessionServer, feed: RunsFeed, effects: PageSocketEffects) {
    this.#socket = socket;
    this.#server = server;
    this.#feed = feed;
    this.#effects = effects;
    this.#budgetAt = effects.steady();
    this.#hello = setTimeout(() => this.end("no token came"), longestHello);
    this.#pings = setInterval(() => this.#ping(), pingEach);
    socket.on("message", (data, binary) => this.#message(data, binary));
    socket.on("pong", () => {
      this.#alive = true;
    });
    socket.on("error", () => {});
    socket.on("close", () => this.#closed());
  }

  get grant(): Grant | undefined {
    return this.#grant;
  }

  /** Lets go of the page. @param why for a person */
  end(why: string): void {
    this.#socket.close(Close.policy, why);
    // one that does not take the goodbye is not waited for
    setTimeout(() => this.#socket.terminate(), 1_000).unref();
  }

  #closed(): void {
    clearTimeout(this.#hello);
    clearInterval(this.#pings);
    this.#stopFeed();
    this.#leave();
    if (this.#grant !== undefined) this.#effects.audit("left", { grant: this.#grant.id });
  }

  #ping(): void {
    if (!this.#alive || this.#socket.bufferedAmount > mostBuffered) return this.#socket.terminate();
    this.#alive = false;
    this.#socket.ping();
  }

  #message(data: RawData, binary: boolean): void {
    // told to go: what still comes is nobody's
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    const now = this.#effects.steady();
    this.#budget = Math.min(messageBurst, this.#budget + ((now - this.#budgetAt) / 1000) * messageRate) - 1;
    this.#budgetAt = now;
    if (this.#budget < 0) return this.end("too many messages");
    if (binary) return this.#typed(data as Buffer);
    let message: PageMessage;
    try {
      message = JSON.parse(String(data)) as PageMessage;
    } catch {
      return this.end("not understood");
    }
    if (typeof message !== "object" || message === null) return this.end("not understood");
    if (this.#grant === undefined && message.do !== "hello") return this.end("who is there?");
    this.#obey(message);
  }

  /** What is typed. A read-only connection has no such message. */
  #typed(bytes: Buffer): void {
    // only an owner's terminal is made to be typed into (#attached)
    if (this.#bridge?.typing !== true) return this.end("this connection only looks");
    this.#bridge.input(bytes);
  }

  #obey(message: PageMessage): void {
    switch (message.do) {
      case "hello":
        return this.#enter(message.token);
      case "runs":
        if (this.#role === "link") return this.end("this link shows one run");
        return this.#watch((rows) => this.#say({ is: "runs", rows }));
      case "run": {
        const { id } = message;
        if (!this.#mayShow(id)) return this.end("this link shows another run");
        return this.#watch((rows) => this.#say({ is: "run", row: this.#seen(rows.find((row) => row.id === id)) }));
      }
      case "attach":
      case "replay":
        return this.#show(message);
      case "size":
        if (sizeFits(message)) this.#bridge?.size(message.cols, message.rows);
        return;
      case "leave":
        return this.#leave();
      case "ping":
        return this.#say({ is: "pong" });
      case "taken":
        if (Number.isFinite(message.bytes)) this.#bridge?.taken(message.n, message.bytes);
        return;
      default:
        return this.end("not understood");
    }
  }

  #enter(token: unknown): void {
    const grant = this.#effects.find(typeof token === "string" ? token : "");
    if (grant === undefined || this.#grant !== undefined) return this.end("this link is not valid, or not any more");
    clearTimeout(this.#hello);
    this.#grant = grant;
    this.#role = roleOf(grant, this.#effects.readOnly);
    this.#effects.audit("connected", { grant: grant.id, name: grant.name, role: this.#role });
    this.#say({ is: "welcome", role: this.#role, version: this.#effects.version });
  }

  #watch(watcher: (rows: RunRow[]) => void): void {
    this.#stopFeed();
    this.#stopFeed = this.#feed.watch(watcher);
  }

  #seen(row: RunRow | undefined): RunRow | null {
    if (row === undefined) return null;
    return this.#role === "link" ? withoutPlaces(row) : row;
  }

  #mayShow(id: unknown): id is string {
    return typeof id === "string" && isId(id) && (this.#grant?.session == null || this.#grant.session === id);
  }

  #leave(): void {
    this.#bridge?.close();
    this.#bridge = undefined;
  }

  #show(message: Extract<PageMessage, { do: "attach" | "replay" }>): void {
    const { id } = message;
    if (!this.#mayShow(id)) return this.end("this link shows another run");
    if (!sizeFits(message)) return this.end("no terminal has this size");
    this.#leave();
    const shown = message.do === "attach" ? this.#attached(message) : replayed(message);
    if (shown === undefined) return this.end("this connection only looks");
    this.#bridge = new TerminalBridge(this.#server, ++this.#terminals, shown, message, {
      say: (said) => this.#say(this.#role === "link" ? withoutWhy(said) : said),
      output: (bytes) => this.#socket.send(bytes),
    });
  }

  #attached({ id, type, takeOver }: Extract<PageMessage, { do: "attach" }>) {
    if (type !== true) return { args: ["attach", id, "--read-only"], typing: false };
    if (this.#role !== "owner") return undefined;
    this.#effects.audit("typed", { grant: this.#grant?.id, session: id, takeOver: takeOver === true });
    const again = ["attach", id];
    return { args: takeOver === true ? [...again, "--take-over"] : again, again, typing: true };
  }

  #say(message: ServerMessage): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    if (this.#socket.bufferedAmount > mostBuffered) return this.#socket.close(Close.tooMuch, "too slow");
    this.#socket.send(JSON.stringify(message));
  }
}

/** What a grant allows here. */
export function roleOf(grant: Grant, readOnly: boolean): Role {
  return grant.kind === "link" ? "link" : readOnly ? "reader" : "owner";
}

/** A terminal's message for who came with a link: what was said at its end may name paths. */
function withoutWhy(said: ServerMessage): ServerMessage {
  if (said.is !== "terminal" || said.state !== "closed" || said.why === "") return said;
  return { ...said, why: "there is nothing more to see" };
}

/** An id as sessions have it: no option, no path, nothing else that a command could take it for. */
export function isId(text: string): boolean {
  return /^[a-z0-9]{6}$/.test(text);
}

function sizeFits({ cols, rows }: { cols: unknown; rows: unknown }): boolean {
  const within = (value: unknown, most: number) => Number.isInteger(value) && (value as number) >= 2 && (value as number) <= most;
  return within(cols, mostCols) && within(rows, mostRows);
}

/** @param message its speed 0: the screen of that moment, and nothing behind it. */
function replayed({ id, at, speed }: Extract<PageMessage, { do: "replay" }>) {
  const moment = typeof at === "number" && Number.isFinite(at) ? `${Math.max(0, at).toFixed(3)}s` : "-0s";
  const rate = Number.isFinite(speed) ? Math.min(speeds.most, Math.max(speeds.least, speed)) : 1;
  const args = ["replay", id, "--idle", "0", "--bare", ...(speed === 0 ? ["--paused"] : [])];
  return { args: [...args, "--speed", String(rate), `--at=${moment}`], typing: false };
}
