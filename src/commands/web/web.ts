// falcon web: a page to look at, on a Unix socket of the home or a port of this machine, in a process of
// its own.
import path from "node:path";
import { Failure, Status } from "../../base/failure.ts";
import { ignores } from "../../platform/processes.ts";
import { callersPath } from "../../session/life/working-directory.ts";
import { Access } from "../../web/access.ts";
import type { WebCommand, WebSettings } from "../../web/web-command.ts";
import type { Call, Context } from "../dispatch/call.ts";
import type { CommandSpec } from "../dispatch/command.ts";

interface WebOptions {
  open?: true;
  listen?: string;
  tlsCert?: string;
  tlsKey?: string;
  behindProxy?: true;
  origin?: string;
  basePath?: string;
  forget?: true;
}

export const web: CommandSpec = {
  name: "web",
  group: "look",
  summary: "a page to look at: runs, curves, terminals, from a browser or a phone",
  examples: [
    ["falcon web", "on a Unix socket; prints the ssh line that leads a laptop there"],
    ["falcon web --listen 8765 --open", "on a port of this machine, in its browser"],
    ["falcon web --forget", "no link that was given out lets anybody in any more"],
  ],
  define(command) {
    command
      .option("--open", "open it in this machine's browser (with --listen)")
      .option("--listen <where>", "unix, PORT of 127.0.0.1 (0: any that is free), or ADDRESS:PORT with a certificate", "unix")
      .option("--tls-cert <file>", "certificate (PEM), for an address that others reach")
      .option("--tls-key <file>", "its key (PEM)")
      .option("--origin <url>", "what the page is called from outside, as https://host.example.org")
      .option("--behind-proxy", "read-only, behind a proxy that serves --origin (Open OnDemand, Jupyter)")
      .option("--base-path <path>", "path that the proxy serves it at", "/")
      .option("--forget", "make all links of 'falcon web' invalid, and start nothing");
  },
  async run(call, context, _args, options) {
    if (options.forget) {
      const access = new Access(context.home, () => context.clock());
      const owners = access.list().filter(({ kind }) => kind === "owner");
      for (const grant of owners) access.revoke(grant);
      call.stdout(`${owners.length} links are not valid any more\n`);
      return Status.ok;
    }
    becomeWeb(call, context, "web.cjs", settingsOf(options as WebOptions, call.request.directory));
    return undefined;
  },
};

/** The client becomes one of the web's programs, which is then its own process. */
export function becomeWeb(call: Call, context: Context, program: string, options: unknown): void {
  const { home, version } = context;
  const command: WebCommand<unknown> = { home, version, outlivesTerminal: ignores(call.request.pid, "SIGHUP"), options };
  call.exec(process.execPath, ["node", path.join(import.meta.dirname, program), JSON.stringify(command)]);
}

/** @throws Failure 2 for what is no address, or one that has no certificate. */
export function settingsOf(options: WebOptions, directory: string): WebSettings {
  const tls = tlsOf(options, directory);
  const listen = listenOf(options.listen ?? "unix");
  const loopback = listen === null || listen.host === "127.0.0.1" || listen.host === "::1";
  if (!loopback && tls === null)
    throw new Failure(
      `--listen ${options.listen}: others reach this address, so it needs a certificate: --tls-cert FILE --tls-key FILE`,
      Status.usage,
    );
  if (options.open && listen === null) throw new Failure("--open: a browser opens no Unix socket; add --listen 0", Status.usage);
  const origin = options.origin === undefined ? null : originOf(options.origin);
  if (options.behindProxy && origin === null)
    throw new Failure("--behind-proxy: say the address that the proxy serves with --origin https://HOST", Status.usage);
  const base = options.basePath ?? "/";
  if (!/^\/(?:[\w.~%-]+\/)*$/.test(base))
    throw new Failure(`--base-path ${base}: give a path with a slash at both ends, as /node/HOST/PORT/`, Status.usage);
  return {
    listen,
    tls,
    open: options.open === true,
    behindProxy: options.behindProxy === true,
    origin: origin?.origin ?? null,
    base,
    names: [...(origin === null ? [] : [origin.hostname]), ...(loopback ? [] : [listen.name])],
  };
}

function tlsOf({ tlsCert, tlsKey }: WebOptions, directory: string): WebSettings["tls"] {
  if (tlsCert === undefined && tlsKey === undefined) return null;
  if (tlsCert === undefined || tlsKey === undefined) throw new Failure("--tls-cert and --tls-key belong together", Status.usage);
  return { cert: callersPath(directory, tlsCert), key: callersPath(directory, tlsKey) };
}

/** `unix`, `8765`, `10.0.0.1:8765`, `[::1]:8765`. */
function listenOf(text: string): WebSettings["listen"] {
  if (text === "unix") return null;
  const [, name, digits] = /^(?:(\[[\da-f:.]+\]|[\w.-]+):)?(\d{1,5})$/i.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65_535)
    throw new Failure(`--listen ${text}: give unix, a port, or ADDRESS:PORT`, Status.usage);
  if (name === undefined) return { host: "127.0.0.1", port, name: "127.0.0.1" };
  return { host: name === "localhost" ? "127.0.0.1" : name.replace(/^\[(.*)\]$/, "$1"), port, name };
}

function originOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.pathname !== "/" || url.search !== "" || url.hash !== "")
    throw new Failure(`--origin ${text}: give scheme, host and port alone, as https://ondemand.example.org`, Status.usage);
  return url;
}
