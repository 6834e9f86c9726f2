// Which requests are let in at all: Host (against DNS rebinding), Origin (against other sites' pages), and
// what every answer says.
import type { IncomingHttpHeaders } from "node:http";
import type { Refused } from "./refusals.ts";

export interface GuardOptions {
  /** Names that the page may be called by besides localhost and 127.0.0.1 (without a port). */
  names: readonly string[];
  /** The only origin that is let in, behind a proxy; null: that of the request's own Host. */
  origin: string | null;
  /** Whether this end speaks TLS. */
  secure: boolean;
}

const always = ["localhost", "127.0.0.1", "[::1]"];

/**
 * Why a request is not let in; undefined: it is. @param demanded Origin has to be there, as browsers send
 * it with WebSockets and POST.
 */
export function refusal(headers: IncomingHttpHeaders, demanded: boolean, options: GuardOptions): Refused | undefined {
  const { host, origin } = headers;
  const names = [...always, ...options.names].map((name) => name.toLowerCase());
  const name = /^(\[[\da-f:]+\]|[^:@/\s]+)(?::\d{1,5})?$/i.exec(host ?? "")?.[1]?.toLowerCase();
  if (name === undefined || !names.includes(name)) return "host";
  if (origin === undefined) return demanded ? "origin" : undefined;
  const expected = options.origin ?? `${options.secure ? "https" : "http"}://${host}`;
  if (origin.toLowerCase() !== expected.toLowerCase()) return "origin";
  // a page of another site that was opened in the same browser says so itself
  const site = headers["sec-fetch-site"];
  return demanded && site !== undefined && site !== "same-origin" && site !== "none" ? "origin" : undefined;
}

/** What stands in every answer. @param nonce of the style sheets that xterm.js makes. */
export function headersFor(nonce: string): Record<string, string> {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  return {
    "content-security-policy": policy.join("; "),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
  };
}
