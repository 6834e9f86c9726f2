// What a test's messages are sent to: a web server that answers as it is told, a proxy, a mail server; each
// on loopback, each keeps what it was sent.
import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import https from "node:https";
import net, { type AddressInfo } from "node:net";
import path from "node:path";

export interface Received {
  method: string;
  url: string;
  headers: http.IncomingHttpHeaders;
  body: Buffer;
}

/**
 * What a web server does with a request: a status, or nothing at all, or the end of the connection; or a
 * status by what the request is.
 */
export type Behaviour =
  | number
  | "silent"
  | "drop"
  | { status: number; headers: Record<string, string> }
  | ((request: Received) => number);

export class WebReceiver {
  readonly received: Received[] = [];
  behaviour: Behaviour = 200;
  #server: http.Server;

  /** @param certificate https with this key and certificate. */
  constructor(certificate?: { key: Buffer; cert: Buffer }) {
    const handle: http.RequestListener = (request, response) => {
      const pieces: Buffer[] = [];
      request.on("data", (piece) => pieces.push(piece));
      request.on("end", () => {
        const { method = "", url = "", headers } = request;
        const received = { method, url, headers, body: Buffer.concat(pieces) };
        this.received.push(received);
        const behaviour = typeof this.behaviour === "function" ? this.behaviour(received) : this.behaviour;
        if (behaviour === "silent") return;
        if (behaviour === "drop") return void request.socket.destroy();
        const { status, headers: more } = typeof behaviour === "number" ? { status: behaviour, headers: {} } : behaviour;
        response.writeHead(status, more).end("x".repeat(10_000));
      });
    };
    this.#server = certificate === undefined ? http.createServer(handle) : https.createServer(certificate, handle);
  }

  /** @param port 0: any. */
  listen(port = 0): Promise<this> {
    return new Promise((resolve) => this.#server.listen(port, "127.0.0.1", () => resolve(this)));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Bodies as JSON, those that are. */
  bodies(): Record<string, unknown>[] {
    return this.received.map(({ body }) => JSON.parse(body.toString("utf8")) as Record<string, unknown>);
  }

  close(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}

/** Why no certificate can be made here; false: it can. */
export const noCertificates: string | false =
  spawnSync("openssl", ["version"]).status === 0 ? false : "there is no openssl here (Debian: apt-get install openssl)";

/** A key and a certificate for localhost and 127.0.0.1, which is its own authority. */
export function certificateIn(folder: string): { key: Buffer; cert: Buffer; file: string } {
  const [key, file] = [path.join(folder, "key.pem"), path.join(folder, "cert.pem")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  execFileSync(
    "openssl",
    ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", file, ...subject],
    {
      stdio: "ignore",
    },
  );
  return { key: fs.readFileSync(key), cert: fs.readFileSync(file), file };
}

/** A proxy that leads every CONNECT to one port of this machine, or refuses. */
export class ProxyServer {
  readonly asked: { target: string; login: string | undefined }[] = [];
  refuses = false;
  readonly #server: http.Server;

  constructor(port: () => number) {
    this.#server = http.createServer((_, response) => void response.writeHead(405).end());
    this.#server.on("connect", (request, socket) => {
      this.asked.push({ target: request.url ?? "", login: request.headers["proxy-authorization"] });
      if (this.refuses) return void socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
      const onward = net.connect(port(), "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
        onward.pipe(socket).pipe(onward);
      });
      onward.on("error", () => socket.destroy());
      socket.on("error", () => onward.destroy());
    });
  }

  listen(): Promise<this> {
    return new Promise((resolve) => this.#server.listen(0, "127.0.0.1", () => resolve(this)));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  close(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}

/** A mail server (SMTP) that takes everything, or refuses everybody. */
export class MailReceiver {
  readonly mails: { to: string[]; data: string }[] = [];
  refuses = false;
  readonly #server: net.Server;

  constructor() {
    this.#server = net.createServer((socket) => this.#speak(socket));
  }

  #speak(socket: net.Socket): void {
    let waiting = "";
    let inData = false;
    let to: string[] = [];
    const say = (line: string) => socket.write(`${line}\r\n`);
    socket.on("error", () => {});
    say("220 test");
    socket.on("data", (piece) => {
      waiting += piece.toString("latin1");
      for (;;) {
        const end = waiting.indexOf(inData ? "\r\n.\r\n" : "\r\n");
        if (end < 0) return;
        const text = waiting.slice(0, end);
        waiting = waiting.slice(end + (inData ? 5 : 2));
        if (inData) {
          inData = false;
          this.mails.push({ to, data: text });
          to = [];
          say("250 kept");
        } else if (/^DATA/i.test(text)) {
          inData = true;
          say("354 go on");
        } else if (/^RCPT TO:/i.test(text)) {
          to.push(/<(.*)>/.exec(text)?.[1] ?? "");
          say(this.refuses ? "550 nobody here" : "250 ok");
        } else if (/^QUIT/i.test(text)) {
          say("221 bye");
          socket.end();
        } else say("250 ok");
      }
    });
  }

  listen(): Promise<this> {
    return new Promise((resolve) => this.#server.listen(0, "127.0.0.1", () => resolve(this)));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}
