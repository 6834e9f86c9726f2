// What a test's messages are sent to: Debian's nginx over TLS, which takes them, refuses, drops or is slow as
// it is told, and writes down what it was sent.
import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { readIfThere, until } from "../events.ts";
import { tool } from "../installs/foreign.ts";

const program = tool("nginx");

/** Why there can be none here; false: there can. */
export const noNginx: string | false = program === undefined && "there is no nginx here (Debian: apt-get install nginx-light)";

/** One request that was answered, or given up by who sent it (499). */
export interface Answered {
  url: string;
  status: number;
  key: string;
  authorization: string;
  body: string;
}

/** `slow`: it has read the message, and answers with `answerSlow`. */
export type Behaviour = "takes" | "refuses" | "drops" | "slow";

export class NginxReceiver {
  readonly #folder: string;
  readonly #slow: net.Server;
  readonly #waiting: net.Socket[] = [];
  #child: ChildProcess | undefined;

  /** @param folder of its own, which exists. */
  constructor(folder: string) {
    this.#folder = folder;
    this.#slow = net.createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => this.#waiting.push(socket));
    });
  }

  /** @param through what it is started by: the words before its own command, which enter another network. */
  async start(certificate: { key: string; file: string }, port: number, through: readonly string[] = []): Promise<this> {
    const at = (name: string) => path.join(this.#folder, name);
    await new Promise<void>((resolve) => this.#slow.listen(at("slow.sock"), resolve));
    const told = '{"url":"$request_uri","status":$status,"key":"$http_idempotency_key","authorization":"$http_authorization"';
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((kind) => `${kind}_temp_path ${at(kind)};`);
    fs.writeFileSync(
      at("nginx.conf"),
      `pid ${at("pid")}; error_log ${at("error.log")}; daemon off; worker_processes 1; ${process.geteuid?.() === 0 ? "user root;" : ""}
events {}
http {
  ${temporary.join(" ")}
  log_format told escape=json '${told},"body":"$request_body"}';
  access_log off;
  server {
    listen unix:${at("inner.sock")};
    location /takes { return 204; }
    location /refuses { return 500; }
  }
  server {
    listen 127.0.0.1:${port} ssl; ssl_certificate ${certificate.file}; ssl_certificate_key ${certificate.key};
    access_log ${at("access.log")} told;
    client_max_body_size 10m; client_body_buffer_size 10m; client_body_in_single_buffer on;
    location / {
      set $to inner.sock:/takes;
      if (-f ${at("refuses")}) { set $to inner.sock:/refuses; }
      if (-f ${at("slow")}) { set $to slow.sock:/; }
      if (-f ${at("drops")}) { return 444; }
      proxy_pass http://unix:${this.#folder}/$to;
    }
  }
}
`,
    );
    const [file, ...words] = [...through, program as string, "-c", at("nginx.conf"), "-p", this.#folder];
    this.#child = spawn(file as string, words, { stdio: "ignore" });
    await until(
      () => readIfThere(at("pid")) !== undefined,
      () => `nginx to listen: ${readIfThere(at("error.log"))}`,
    );
    return this;
  }

  behave(behaviour: Behaviour): void {
    for (const name of ["refuses", "drops", "slow"]) fs.rmSync(path.join(this.#folder, name), { force: true });
    if (behaviour !== "takes") fs.writeFileSync(path.join(this.#folder, behaviour), "");
  }

  /** How many were told to wait, whatever became of them. */
  get slowOnes(): number {
    return this.#waiting.length;
  }

  answerSlow(): void {
    for (const socket of this.#waiting) socket.end("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
  }

  /** In the order in which they were answered. */
  answered(): Answered[] {
    const lines = (readIfThere(path.join(this.#folder, "access.log")) ?? "").split("\n").slice(0, -1);
    return lines.map((line) => JSON.parse(line) as Answered);
  }

  async stop(): Promise<void> {
    for (const socket of this.#waiting) socket.destroy();
    await new Promise<void>((resolve) => this.#slow.close(() => resolve()));
    const child = this.#child;
    if (child === undefined || child.exitCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill("SIGTERM");
    await ended;
  }
}
