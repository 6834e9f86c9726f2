// The ways to a web server: directly, through the proxy of the environment, through ssh to the host that a
// batch job was submitted from. Each makes a stream of bytes to it; what is said there is encrypted at its
// ends, so that proxy and host see neither address nor secret.
import type { ChildProcessByStdio } from "node:child_process";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import { Duplex, type Readable, type Writable } from "node:stream";
import { spawnOutside } from "../base/aside/outside-program.ts";
import { hostPattern } from "../base/config/config.ts";

/** One way. `connect` rejects with what went wrong, in words. */
export interface Route {
  readonly name: string;
  connect(host: string, port: number): Promise<Duplex>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** So long (ms) a connection is waited for: a firewall that drops packets says nothing. */
export const longestConnect = 10_000;

const codes: Readonly<Record<string, string>> = {
  ECONNREFUSED: "it refuses connections",
  ECONNRESET: "the connection was reset",
  ENOTFOUND: "its name is not known",
  EAI_AGAIN: "no name server answers",
  ENETUNREACH: "there is no network",
  EHOSTUNREACH: "no way leads to it",
  ETIMEDOUT: "it does not answer",
  EPIPE: "the connection was closed",
};

/** The words for an error of a connection; never its message, which may hold an address. */
export function connectionWords(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== undefined) return codes[code] ?? code;
  return error instanceof Told ? error.message : "the connection failed";
}

class Told extends Error {
  readonly unreached: boolean;

  /** @param unreached whatever was written went nowhere. */
  constructor(message: string, unreached = false) {
    super(message);
    this.unreached = unreached;
  }
}

/** Whether the way itself led nowhere, which a program that is the way tells only when it has ended. */
export function isUnreached(error: unknown): boolean {
  return error instanceof Told && error.unreached;
}

/** The statuses of ssh that did not come there (255), and of env(1) for an ssh that cannot be run. */
export const unreachedStatuses: readonly (number | null)[] = [126, 127, 255];

/** With these ssh asks nobody, and gives up: a firewall that drops packets says nothing. */
export const unattended = ["-o", "BatchMode=yes", "-o", `ConnectTimeout=${longestConnect / 1000}`];

export const direct: Route = {
  name: "directly",
  connect: (host, port) => limited(net.connect({ host: bare(host), port })),
};

/** The ways there are, in the order in which they are tried. @param ssh the program and its arguments. */
export function routesOf(environment: Environment, secure: boolean, host: string, ssh: readonly string[]): Route[] {
  const routes = [direct];
  const proxy = proxyOf(environment, secure, host);
  if (proxy !== undefined) routes.push(throughProxy(proxy));
  const submitted = environment.SLURM_SUBMIT_HOST;
  if (submitted !== undefined && hostPattern.test(submitted)) routes.push(throughSsh(submitted, ssh));
  return routes;
}

/** The proxy for this host, as curl has it: the lower-case names first, NO_PROXY a list of domains. */
export function proxyOf(environment: Environment, secure: boolean, host: string): URL | undefined {
  const of = (name: string) => environment[name.toLowerCase()] || environment[name];
  const none = (of("NO_PROXY") ?? "").split(",").map((part) => part.trim().replace(/^\*?\./, ""));
  if (none.some((domain) => domain === "*" || (domain !== "" && (host === domain || host.endsWith(`.${domain}`)))))
    return undefined;
  const text = of(secure ? "HTTPS_PROXY" : "HTTP_PROXY") ?? of("ALL_PROXY");
  if (text === undefined) return undefined;
  try {
    const url = new URL(text.includes("://") ? text : `http://${text}`);
    return url.protocol === "http:" || url.protocol === "https:" ? url : undefined;
  } catch {
    return undefined;
  }
}

function throughProxy(proxy: URL): Route {
  return {
    name: `through the proxy ${proxy.host}`,
    connect: (host, port) =>
      new Promise((resolve, reject) => {
        const login = basicLogin(proxy);
        const request = (proxy.protocol === "https:" ? https : http).request({
          host: bare(proxy.hostname),
          port: proxy.port === "" ? (proxy.protocol === "https:" ? 443 : 80) : Number(proxy.port),
          method: "CONNECT",
          path: `${host}:${port}`,
          headers: { host: `${host}:${port}`, ...(login === undefined ? {} : { "proxy-authorization": login }) },
          agent: false,
          timeout: longestConnect,
        });
        request.once("connect", (response, socket) => {
          if (response.statusCode === 200) return resolve(socket);
          socket.destroy();
          reject(new Told(`the proxy answered ${response.statusCode}`));
        });
        request.once("timeout", () => request.destroy(Object.assign(new Error(), { code: "ETIMEDOUT" })));
        request.on("error", reject);
        request.end();
      }),
  };
}

/** `ssh -W`: the host passes bytes on, and runs no program for it. */
function throughSsh(host: string, ssh: readonly string[]): Route {
  return {
    name: `through ${host}`,
    connect: (target, port) =>
      new Promise((resolve, reject) => {
        const [program, ...words] = ssh as [string, ...string[]];
        const options = [...unattended, "-o", "ClearAllForwardings=yes"];
        const child = spawnOutside(program, [...words, ...options, "-W", `${target}:${port}`, host], {
          stdio: ["pipe", "pipe", "ignore"],
          cwd: "/",
        });
        child.once("error", () => reject(new Told(`${program} cannot be run`)));
        child.once("spawn", () => resolve(new PassedOn(child, program)));
      }),
  };
}

/** What ssh passes on. How it ended is said once, behind all that came: its pipes end without a reason. */
class PassedOn extends Duplex {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;

  constructor(child: ChildProcessByStdio<Writable, Readable, null>, program: string) {
    super();
    this.#child = child;
    child.stdin.on("error", () => {});
    child.stdout.on("data", (data) => this.push(data) || child.stdout.pause());
    child.once("close", (status) => {
      if (status === 0) return this.push(null);
      const ended = `ssh ended with status ${status ?? "of a signal"}`;
      const missing = status === 126 || status === 127;
      this.destroy(new Told(missing ? `${program} cannot be run` : ended, unreachedStatuses.includes(status)));
    });
  }

  override _read(): void {
    this.#child.stdout.resume();
  }

  override _write(data: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#child.stdin.write(data, () => done());
  }

  override _final(done: () => void): void {
    this.#child.stdin.end(() => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#child.kill();
    this.#child.stdout.destroy();
    done(error);
  }
}

/** Until it is connected, or for as long as that may take. */
function limited(socket: net.Socket): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => socket.destroy(Object.assign(new Error(), { code: "ETIMEDOUT" })), longestConnect);
    socket.once("connect", () => {
      clearTimeout(timer);
      socket.off("error", reject);
      resolve(socket);
    });
    socket.once("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
  });
}

/** What shows the login that stands in an address; undefined without one. */
export function basicLogin({ username, password }: URL): string | undefined {
  if (username === "") return undefined;
  return `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString("base64")}`;
}

/** Without the brackets of an IPv6 address. */
export function bare(host: string): string {
  return host.replace(/^\[(.*)\]$/, "$1");
}
