// Sends one request to a web server, by the first way that leads there, bounded in time and in what is read
// of the answer.
import http from "node:http";
import type { Duplex } from "node:stream";
import tls from "node:tls";
import { bare, connectionWords, isUnreached, type Route } from "./routes.ts";
import type { WebRequest } from "./webhook-request.ts";

/**
 * So long (ms) one way may take as a whole: a picture of 100 KB over a slow line, and a service that thinks.
 */
export const longestSending = 30_000;
/** The longest pause (ms) that a service may ask for. */
const longestRetryAfter = 3_600_000;

/** What became of a message. */
export interface Attempt {
  taken: boolean;
  /** Why not, in words without an address or a secret; "": it was taken. */
  problem: string;
  /** It may have been taken all the same: it was sent, and no answer came. */
  unsure?: boolean;
  /** Nothing leads there: another host may have a way. */
  unreachable?: boolean;
  /** ms that the far side wants to be left alone for. */
  pause?: number;
  /** It was not this kind of message, or not so much of it, that the far side takes: words alone it may. */
  less?: boolean;
}

/** @param authority certificates (PEM) beside the usual ones. @param limit ms for each way. */
export async function webSend(
  request: WebRequest,
  routes: readonly Route[],
  authority: string | undefined,
  limit = longestSending,
): Promise<Attempt> {
  const tried: string[] = [];
  for (const route of routes) {
    const attempt = await by(route, request, authority, limit);
    if (attempt.unreachable !== true) return attempt;
    tried.push(`${route.name}: ${attempt.problem}`);
  }
  return { taken: false, problem: tried.join("; "), unreachable: true };
}

async function by(route: Route, request: WebRequest, authority: string | undefined, limit: number): Promise<Attempt> {
  let stream: Duplex | undefined;
  let sent = false;
  let timer: NodeJS.Timeout | undefined;
  try {
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(Object.assign(new Error(), { code: "ETIMEDOUT" })), limit);
    });
    late.catch(() => {});
    const { hostname, port, protocol } = request.url;
    const secure = protocol === "https:";
    const plain = await Promise.race([route.connect(hostname, port === "" ? (secure ? 443 : 80) : Number(port)), late]);
    stream = plain;
    if (secure) stream = await Promise.race([encrypted(plain, hostname, authority), late]);
    const answer = exchange(request, stream, () => {
      sent = true;
    });
    return answerOf(await Promise.race([answer, late]));
  } catch (error) {
    if (error instanceof Untrusted) return { taken: false, problem: error.message };
    const problem = connectionWords(error);
    // an ssh that was lost behind the request says the same: rather told twice than by nobody
    return sent && !isUnreached(error)
      ? { taken: false, problem: `sent, but ${problem}`, unsure: true }
      : { taken: false, problem, unreachable: true };
  } finally {
    clearTimeout(timer);
    // what it still says is nobody's, and an error of a stream that is given up neither
    stream?.on("error", () => {});
    stream?.destroy();
  }
}

/** Somebody is there, but not who was meant. */
class Untrusted extends Error {}

function encrypted(stream: Duplex, hostname: string, authority: string | undefined): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const isAddress = hostname.startsWith("[") || /^[\d.]+$/.test(hostname);
    const socket = tls.connect({
      socket: stream,
      host: bare(hostname),
      ...(isAddress ? {} : { servername: hostname }),
      ...(authority === undefined ? {} : { ca: [...tls.rootCertificates, authority] }),
      ALPNProtocols: ["http/1.1"],
    });
    socket.once("secureConnect", () => resolve(socket));
    // on, and not once: what fails may say so again while it is being closed
    socket.on("error", (error) => {
      const { code = "" } = error as NodeJS.ErrnoException;
      // the codes of X.509 and of the handshake; all else is the connection's
      const trust = /CERT|SIGNED|ISSUER|ALTNAME|^ERR_(TLS|SSL)/.test(code);
      reject(
        trust ? new Untrusted(`its certificate cannot be trusted (${code}); ca_file names an authority of your own`) : error,
      );
    });
    stream.once("close", () => reject(Object.assign(new Error(), { code: "ECONNRESET" })));
  });
}

function exchange(request: WebRequest, stream: Duplex, sent: () => void): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { url, method, headers, body } = request;
    const outgoing = http.request({
      createConnection: () => stream as never,
      method,
      path: `${url.pathname}${url.search}`,
      headers: {
        host: url.host,
        "user-agent": "falcon-sessions",
        ...headers,
        "content-length": body.length,
        connection: "close",
      },
    });
    // the status is the answer; what follows it is not read
    outgoing.once("response", resolve);
    outgoing.on("error", reject);
    outgoing.once("close", () => reject(Object.assign(new Error(), { code: "ECONNRESET" })));
    sent();
    outgoing.end(body);
  });
}

function answerOf({ statusCode = 0, headers }: http.IncomingMessage): Attempt {
  if (statusCode >= 200 && statusCode < 300) return { taken: true, problem: "" };
  const seconds = Number(headers["retry-after"]);
  const pause = Number.isFinite(seconds) && seconds > 0 ? { pause: Math.min(longestRetryAfter, Math.ceil(seconds * 1000)) } : {};
  const less = tooMuch.includes(statusCode) && pause.pause === undefined ? { less: true } : {};
  return { taken: false, problem: `it answered ${statusCode}${meaning(statusCode)}`, ...pause, ...less };
}

/**
 * Answers to a picture by a service that takes words: ntfy's are 400 where its server keeps no attachments,
 * 413 and 429 where a visitor's share of them is used up (https://docs.ntfy.sh/config/#attachments).
 */
const tooMuch = [400, 413, 415, 429];

function meaning(status: number): string {
  if (status >= 300 && status < 400) return ": it is somewhere else now; give the address that it leads to";
  if (status === 401 || status === 403) return ": it does not let us in; look at the token or the address";
  if (status === 404 || status === 410) return ": nothing is there; look at the address";
  if (status === 413) return ": the message is too long for it";
  if (status === 429) return ": too many messages";
  return "";
}
