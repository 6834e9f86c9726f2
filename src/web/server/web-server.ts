// The HTTP server of the page: what is let in, what is answered, and how many at once. It knows no session:
// it asks the session server.
import fs from "node:fs";
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import https from "node:https";
import type { Duplex } from "node:stream";
import { steady } from "../../base/clock.ts";
import type { Access, Grant } from "../access.ts";
import { type Entered, tokenHeader } from "../wire.ts";
import { Api, type Asker, give, refuse, send } from "./api.ts";
import { type Asset, pageWith } from "./assets.ts";
import { type GuardOptions, headersFor, refusal } from "./guard.ts";
import { mostFromPage, PageSocket, roleOf } from "./page-socket.ts";
import { Refusals, type Refused } from "./refusals.ts";
import { RunsFeed } from "./runs-feed.ts";
import type { SessionServer } from "./session-server.ts";
import { Sockets } from "./sockets.ts";

/** Connections at once: a browser holds six, and more than fifty people look at no run. */
export const mostConnections = 512;
/** WebSockets at once, a page each. */
export const mostPages = 128;
/** Tokens that were wrong within a minute, beyond which nobody is let in until it is over. */
export const mostWrong = 60;
/** A request's head has to be there within this time (ms), and is at most so long (bytes). */
const headTime = 10_000;
const longestHead = 16 << 10;
/**
 * How often links that were revoked or are over are looked for (ms), besides at each change of their
 * folder.
 */
const lookEach = 1_000;

export interface WebOptions extends GuardOptions {
  /** Path before everything, with a slash at both ends; "/": none. */
  base: string;
  readOnly: boolean;
  version: string;
  assets: ReadonlyMap<string, Asset>;
  tls: { cert: string; key: string } | null;
}

export class WebServer {
  readonly #options: WebOptions;
  readonly #access: Access;
  readonly #sessions: SessionServer;
  readonly #api: Api;
  readonly #feed: RunsFeed;
  readonly #refusals: Refusals;
  readonly #sockets = new Sockets(mostFromPage);
  readonly #pages = new Set<PageSocket>();
  readonly #http: http.Server;
  readonly #look: NodeJS.Timeout;
  #watch: fs.FSWatcher | undefined;
  #wrong: number[] = [];

  constructor(options: WebOptions, access: Access, sessions: SessionServer) {
    this.#options = options;
    this.#access = access;
    this.#sessions = sessions;
    this.#api = new Api(sessions);
    this.#feed = new RunsFeed(sessions);
    this.#refusals = new Refusals((facts) => sessions.auditWhereRuns("refused", facts), steady);
    const settings = { headersTimeout: headTime, maxHeaderSize: longestHead, requestTimeout: headTime };
    this.#http =
      options.tls === null
        ? http.createServer(settings, (request, response) => void this.#request(request, response))
        : https.createServer({ ...settings, ...options.tls }, (request, response) => void this.#request(request, response));
    this.#http.maxConnections = mostConnections;
    this.#http.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
    this.#http.on("clientError", (_error, socket) => void socket.destroy());
    this.#look = setInterval(() => this.#sendOut(), lookEach);
  }

  /** @param where a port of 127.0.0.1 or an address, or a socket's path. @throws what listen(2) has. */
  listen(where: { path: string } | { host: string; port: number }): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#http.once("error", reject);
      this.#http.listen(where, () => {
        this.#http.removeListener("error", reject);
        const address = this.#http.address();
        resolve(typeof address === "object" && address !== null ? address.port : 0);
      });
      fs.mkdirSync(this.#access.folder, { recursive: true, mode: 0o700 });
      this.#watchFolder();
    });
  }

  /** Who is revoked is sent out at once; where nothing can be watched (no inotify left), at the next look. */
  #watchFolder(): void {
    try {
      this.#watch = fs.watch(this.#access.folder, () => this.#sendOut());
      this.#watch.on("error", () => this.#watch?.close());
    } catch {
      // each look finds it
    }
  }

  close(): void {
    clearInterval(this.#look);
    this.#watch?.close();
    this.#feed.close();
    for (const page of this.#pages) page.end("the page's server was stopped");
    this.#http.close();
    this.#http.closeAllConnections();
  }

  /** Whoever came with a link that holds no more. */
  #sendOut(): void {
    for (const page of this.#pages) {
      const { grant } = page;
      if (grant === undefined || this.#access.holds(grant)) continue;
      this.#sessions.audit("revoked", { grant: grant.id, name: grant.name });
      page.end("this link is not valid any more");
    }
  }

  async #request(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = this.#address(request);
    const why = refusal(request.headers, request.method !== "GET", this.#options);
    const index = this.#options.assets.get("index.html") as Asset;
    const { html, nonce } = pageWith(index);
    for (const [name, value] of Object.entries(headersFor(nonce))) response.setHeader(name, value);
    if (why !== undefined) {
      this.#noteRefused(why, request);
      return refuse(response, 403);
    }
    if (url === undefined) return refuse(response, 404);
    try {
      if (url.pathname === "/" && request.method === "GET") return send(response, 200, index.type, html);
      if (url.pathname.startsWith("/api/")) return await this.#asked(url, request, response);
      const asset = this.#options.assets.get(url.pathname.slice(1));
      if (asset === undefined || request.method !== "GET" || asset === index) return refuse(response, 404);
      const packed = /\bgzip\b/.test(String(request.headers["accept-encoding"] ?? ""));
      send(response, 200, asset.type, packed ? asset.packed : asset.plain, packed);
    } catch {
      // the session server is gone for a moment; the page asks again
      refuse(response, 503);
    }
  }

  async #asked(url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#tooManyWrong()) return refuse(response, 429);
    const given = request.headers[tokenHeader];
    const token = typeof given === "string" && /^[\w-]{16,128}$/.test(given) ? given : undefined;
    const entering = url.pathname === "/api/enter";
    const entered = token === undefined ? undefined : entering ? this.#access.enter(token) : this.#known(token);
    if (entered === undefined) {
      if (token !== undefined) this.#noteWrong();
      return refuse(response, 401);
    }
    const { grant } = entered;
    const asker: Asker = { role: roleOf(grant, this.#options.readOnly), session: grant.session };
    if (!entering) return request.method === "GET" ? this.#api.answer(url, asker, response) : refuse(response, 405);
    if (request.method !== "POST") return refuse(response, 405);
    if (entered.token !== token) this.#sessions.audit("link-used", { grant: grant.id, name: grant.name });
    give(response, { token: entered.token, ...asker, version: this.#options.version } satisfies Entered);
  }

  #known(token: string): { token: string; grant: Grant } | undefined {
    const grant = this.#access.find(token);
    return grant === undefined ? undefined : { token, grant };
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // Node has taken its own listener off by now; a reset of a socket that is refused would end the process
    socket.on("error", () => {});
    const why = refusal(request.headers, true, this.#options);
    if (why !== undefined) this.#noteRefused(why, request);
    const full = this.#pages.size >= mostPages || this.#tooManyWrong();
    const status = why !== undefined ? 403 : this.#address(request)?.pathname !== "/ws" ? 404 : full ? 503 : undefined;
    // whoever keeps the connection open all the same is not waited for
    const gone = () => socket.destroy();
    if (status !== undefined) return void socket.end(`HTTP/1.1 ${status} Refused\r\nconnection: close\r\n\r\n`, gone);
    this.#sockets.accept(request, socket, head, (made) => {
      const page = new PageSocket(made, this.#sessions, this.#feed, {
        find: (token) => {
          const grant = this.#access.find(token);
          if (grant === undefined) this.#noteWrong();
          return grant;
        },
        readOnly: this.#options.readOnly,
        version: this.#options.version,
        steady,
        audit: (event, facts) => this.#sessions.audit(event, facts),
      });
      this.#pages.add(page);
      made.on("close", () => this.#pages.delete(page));
    });
  }

  /**
   * What is asked for, without the path before everything, which a proxy may have taken off. undefined:
   * nothing of ours.
   */
  #address(request: IncomingMessage): URL | undefined {
    const { base } = this.#options;
    const asked = request.url ?? "/";
    if (!asked.startsWith("/")) return undefined;
    try {
      const url = new URL(`http://page${asked}`);
      if (base !== "/" && url.pathname.startsWith(base)) url.pathname = url.pathname.slice(base.length - 1);
      return url;
    } catch {
      return undefined;
    }
  }

  #noteRefused(why: Refused, { headers }: IncomingMessage): void {
    this.#refusals.note(why, { host: clipped(headers.host), origin: clipped(headers.origin) });
  }

  #noteWrong(): void {
    this.#refusals.note("token");
    this.#wrong.push(steady());
  }

  #tooManyWrong(): boolean {
    const since = steady() - 60_000;
    this.#wrong = this.#wrong.filter((time) => time > since);
    return this.#wrong.length >= mostWrong;
  }
}

/** Others' words in our log are short. */
function clipped(text: string | undefined): string {
  return (text ?? "").slice(0, 100);
}
