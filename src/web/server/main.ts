// The web process's entry: `node dist/web.cjs --home DIR --options JSON`, which `falcon web` becomes.

import "../../base/no-debugger.ts";

import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { createSecureContext } from "node:tls";
import { spawnOutside } from "../../base/aside/outside-program.ts";
import { wall } from "../../base/clock.ts";
import { userName } from "../../base/user.ts";
import { startTime } from "../../platform/processes.ts";
import { Access, ownerLife, TooManyGrants } from "../access.ts";
import { forgetRunning, type Running, runningWeb, tellRunning } from "../running.ts";
import type { WebCommand, WebSettings } from "../web-command.ts";
import { readAssets } from "./assets.ts";
import { onEnd } from "./on-end.ts";
import { complain, say } from "./say.ts";
import { SessionServer } from "./session-server.ts";
import { WebServer } from "./web-server.ts";

/** The port that the printed ssh line forwards: any that is free on the laptop does. */
const laptopPort = 8765;
/** A browser that is started for it has read the link's file within this time (s). */
const fileLife = 30;
/** Until it is known whether there is something that opens it (ms); some stay as long as their browser. */
const longestOpening = 2_000;

async function main(): Promise<void> {
  process.umask(0o077);
  const { home, version, outlivesTerminal, options } = JSON.parse(process.argv[2] ?? "{}") as WebCommand<WebSettings>;
  const access = new Access(home, wall);
  const token = () => access.grant({ kind: "owner", name: "owner", session: null, life: ownerLife, once: false }).token;
  const socket = path.join(home, "web.sock");
  const other = runningWeb(home);
  if (other !== undefined && (other.socket === null || (await answers(other.socket)))) {
    tell(other, token(), options.open);
    say(`(It runs already: process ${other.pid}.)`);
    return;
  }
  const sessions = new SessionServer(home);
  const tls = options.tls === null ? null : certificate(options.tls);
  const server = new WebServer(
    {
      names: options.names,
      origin: options.origin,
      secure: tls !== null,
      base: options.base,
      readOnly: options.behindProxy,
      version,
      assets: readAssets(path.join(import.meta.dirname, "web")),
      tls,
    },
    access,
    sessions,
  );
  const { listen } = options;
  const port = await (listen === null ? listenOn(server, socket) : server.listen(listen));
  const own = listen === null ? undefined : `${tls === null ? "http" : "https"}://${listen.name}:${port}/`;
  const running: Running = {
    pid: process.pid,
    start: startTime(process.pid),
    socket: listen === null ? socket : null,
    url: options.origin === null ? (own ?? `http://localhost:${laptopPort}/`) : `${options.origin}${options.base}`,
  };
  tellRunning(home, running);
  sessions.audit("started", { pid: process.pid, listen: running.socket ?? own ?? "", behindProxy: options.behindProxy });
  const end = () => {
    server.close();
    if (running.socket !== null) fs.rmSync(running.socket, { force: true });
    forgetRunning(home, process.pid);
    process.exit(0);
  };
  onEnd(outlivesTerminal, end);
  tell(running, token(), options.open);
}

/** A socket that a killed web process left is replaced; one that somebody answers on is not. */
async function listenOn(server: WebServer, socket: string): Promise<number> {
  if (!(await answers(socket))) fs.rmSync(socket, { force: true });
  return server.listen({ path: socket });
}

function answers(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = net.connect(socket, () => {
      probe.destroy();
      resolve(true);
    });
    probe.on("error", () => resolve(false));
  });
}

/** How a browser gets there. */
function tell(running: Running, token: string, open: boolean): void {
  const link = `${running.url}#t=${token}`;
  const lines =
    running.socket === null
      ? [`Open ${link}`]
      : [
          "On your own machine:",
          `  ssh -N -L 127.0.0.1:${laptopPort}:${running.socket} ${userName()}@${os.hostname()}`,
          `and open ${link}`,
        ];
  say(`${lines.join("\n")}\nWhoever has this link sees your sessions and may type into them. Ctrl+C ends it.`);
  if (open) openBrowser(link, running);
}

/**
 * The link goes through a file that only its owner reads: arguments of a program are everybody's. A process
 * of its own removes it: this one may end before, and of a page that runs already it does at once.
 */
function openBrowser(link: string, { url }: Running): void {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "falcon-web-"));
  const options = { stdio: "ignore", detached: true } as const;
  const remover = spawnOutside("/bin/sh", ["-c", `sleep ${fileLife}; exec rm -rf -- "$0"`, folder], options);
  remover.on("error", () => fs.rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, "open.html");
  fs.writeFileSync(file, `<!DOCTYPE html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=${link}">`, {
    mode: 0o600,
  });
  const opener = process.platform === "darwin" ? "open" : "xdg-open";
  const child = spawnOutside(opener, [file], options);
  const none = () => say(`(There is no ${opener} here: open ${url} yourself.)`);
  child.on("error", none);
  child.on("exit", (status) => status === 127 && none());
  for (const other of [remover, child]) other.unref();
  const waiting = setTimeout(() => {}, longestOpening);
  for (const event of ["error", "exit"]) child.on(event, () => clearTimeout(waiting));
}

/** What two files have that belong together. @throws one sentence. */
function certificate(files: { cert: string; key: string }): { cert: string; key: string } {
  const found = { cert: read(files.cert), key: read(files.key) };
  try {
    createSecureContext(found);
  } catch (error) {
    const { message } = error as Error;
    throw new Error(`${files.cert} and ${files.key} are no certificate and its key in PEM (${message})`);
  }
  return found;
}

/** @throws one sentence. */
function read(file: string): string {
  try {
    return fs.readFileSync(file, "utf8");
  } catch (error) {
    throw new Error(`${file} cannot be read: ${(error as Error).message}`);
  }
}

function adviceOn(error: NodeJS.ErrnoException): string {
  if (error.code === "EADDRINUSE") return "this port is taken: give another one, or 0 for any that is free";
  if (error instanceof TooManyGrants)
    return `${error.message}: revoke links (falcon share --list), or let go of all with 'falcon web --forget'`;
  return error.message;
}

main().catch((error: NodeJS.ErrnoException) => {
  complain(adviceOn(error));
  process.exit(125);
});
