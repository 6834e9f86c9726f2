// What the page asks for over HTTP: facts, curves, lines and downloads of one session, each a command of
// the session server.
import type { ServerResponse } from "node:http";
import { Status } from "../../base/failure.ts";
import { downloads } from "../downloads.ts";
import type { Role } from "../wire.ts";
import type { Line } from "./line.ts";
import { isId } from "./page-socket.ts";
import { runRow, withoutPlaces } from "./rows.ts";
import { AnswerTooLong, longestAnswer, longestComplaint, type SessionServer } from "./session-server.ts";
import { Tail } from "./tail.ts";

/** Longest answer that is held in memory, bytes. */
const mostAnswer = 64 << 20;
/** Longest pattern that is searched for, characters. */
const longestPattern = 1_000;
/** Lines of one answer. */
const mostLines = 2_000;

/** What a link is told where there is nothing: a command's own words may name paths. */
const nothing = {
  curves: "no losses are known",
  beside: "nothing else is known",
  span: "its history cannot be shown",
  lines: "the log cannot be shown",
  pattern: "this cannot be searched for",
  export: "this cannot be had",
} as const;

/** Who asks. */
export interface Asker {
  role: Role;
  session: string | null;
}

export class Api {
  readonly #server: SessionServer;

  constructor(server: SessionServer) {
    this.#server = server;
  }

  /** Answers GET api/…; a session that a link does not show is as one that is not there. */
  async answer(url: URL, asker: Asker, response: ServerResponse): Promise<void> {
    const [, what = "", id = "", format = "", ...more] = url.pathname.split("/").slice(1);
    if (more.length > 0 || !isId(id) || (asker.session !== null && asker.session !== id)) return refuse(response, 404);
    switch (what) {
      case "facts":
        return this.#facts(id, asker, response);
      case "curves":
        return this.#json(["export", id, "--format", "curve-json"], told(asker, "curves"), response);
      case "beside": {
        const metric = (url.searchParams.get("metric") ?? "").slice(0, longestPattern);
        const chosen = metric === "" ? [] : [`--metric=${metric}`];
        return this.#json(["@page", "beside", id, ...chosen], told(asker, "beside"), response);
      }
      case "span":
        return this.#json(["@page", "span", id], told(asker, "span"), response);
      case "config":
        if (asker.role === "link") return refuse(response, 404);
        return this.#json(["@page", "config", id], reason, response);
      case "lines":
        return this.#lines(id, url.searchParams, asker, response);
      case "export":
        return this.#export(id, format, asker, response);
      default:
        return refuse(response, 404);
    }
  }

  async #facts(id: string, asker: Asker, response: ServerResponse): Promise<void> {
    const { status, stdout } = await this.#server.ask(["show", id, "--json"], mostAnswer);
    if (status !== 0) return refuse(response, 404);
    const facts: unknown = JSON.parse(stdout.toString());
    const row = runRow(facts);
    if (row === undefined) return refuse(response, 404);
    give(response, asker.role === "link" ? { row: withoutPlaces(row), facts: null } : { row, facts });
  }

  /** What a command prints as JSON. @param why makes of its complaint what is told where it has nothing. */
  async #json(args: readonly string[], why: (complaint: string) => string, response: ServerResponse): Promise<void> {
    try {
      const { status, stdout, stderr } = await this.#server.ask(args, mostAnswer);
      if (status === 0) return send(response, 200, "application/json", stdout);
      // what is not there stays so, and a pattern that is none; what went wrong may go well the next time
      const stays = status === Status.noSession || status === Status.usage;
      give(response, { none: why(stderr), ...(stays ? {} : { again: true }) });
    } catch (error) {
      if (!(error instanceof AnswerTooLong)) throw error;
      give(response, { none: `there is more than the page can show (${error.message})` });
    }
  }

  #lines(id: string, query: URLSearchParams, asker: Asker, response: ServerResponse): Promise<void> {
    const count = (name: string, most: number) => {
      const wanted = Number(query.get(name) ?? 0);
      return String(Number.isInteger(wanted) ? Math.min(Math.max(wanted, 0), most) : 0);
    };
    const from = query.has("from") ? ["--from", count("from", Number.MAX_SAFE_INTEGER)] : [];
    const pattern = (query.get("find") ?? "").slice(0, longestPattern);
    const find = pattern === "" ? [] : [`--grep=${pattern}`];
    const why = told(asker, pattern === "" ? "lines" : "pattern");
    return this.#json(["@page", "lines", id, "--count", count("count", mostLines), ...from, ...find], why, response);
  }

  /** A download, passed on as it is made, at the pace of who takes it. */
  async #export(id: string, format: string, asker: Asker, response: ServerResponse): Promise<void> {
    const known = Object.hasOwn(downloads, format) ? downloads[format] : undefined;
    if (known === undefined || (asker.role === "link" && !known.link)) return refuse(response, 404);
    let begun: Line | undefined;
    const words = new Tail(longestComplaint);
    const head = () => {
      if (response.headersSent) return;
      // as an attachment, always: a page or a picture of the program's making never runs at our origin
      response.setHeader("content-type", known.type);
      response.setHeader("content-disposition", `attachment; filename="${id}${known.end}"`);
      response.writeHead(200);
      // its command waits for who takes nothing, and has no limit meanwhile
      response.setTimeout(longestAnswer, () => response.destroy());
    };
    response.on("close", () => begun?.close());
    response.on("drain", () => begun?.resume());
    try {
      const status = await this.#server.stream(
        ["export", id, "--format", format],
        (bytes, line) => {
          head();
          if (!response.write(bytes)) line.pause();
        },
        (bytes) => words.add(bytes),
        (line) => {
          begun = line;
          // given up meanwhile
          if (response.destroyed) line.close();
        },
      );
      // half a file must not look like a whole one
      if (status !== 0 && response.headersSent) return void response.destroy();
      if (status !== 0) return give(response, { none: told(asker, "export")(words.toString()) }, 404);
      head();
      response.end();
    } catch {
      if (response.headersSent) response.destroy();
      else refuse(response, 503);
    }
  }
}

/** How a complaint is told to whoever asks. */
function told({ role }: Asker, what: keyof typeof nothing): (complaint: string) => string {
  return role === "link" ? () => nothing[what] : reason;
}

/** A complaint without the name of who makes it. */
function reason(complaint: string): string {
  return complaint.trim().replace(/^falcon: /, "");
}

export function give(response: ServerResponse, value: unknown, status = 200): void {
  send(response, status, "application/json", Buffer.from(JSON.stringify(value)));
}

export function refuse(response: ServerResponse, status: number): void {
  send(response, status, "text/plain; charset=utf-8", Buffer.from(`${status}\n`));
}

export function send(response: ServerResponse, status: number, type: string, body: Uint8Array, packed = false): void {
  if (response.headersSent) return void response.destroy();
  response.writeHead(status, {
    "content-type": type,
    "content-length": body.length,
    ...(packed ? { "content-encoding": "gzip" } : {}),
  });
  response.end(body);
}
