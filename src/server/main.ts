// The session server's entry: `node dist/server.cjs --home DIR [--ready FD] [--for COMMAND]`, started by the
// client and by nobody else.
import fs from "node:fs";
import path from "node:path";
import { forkHelper, helperProgram } from "../base/aside/aside-pool.ts";
import { sentence } from "../base/failure.ts";
import type { Log } from "../base/log.ts";
import { startingCommands } from "../commands/dispatch/starting-commands.ts";
import { keepCompiled } from "./code-cache.ts";
import type { Server } from "./server.ts";

/** So long (ms) after its start a server has answered the command that it was started for. */
const calm = 1_000;

/** Value of `--name`, or undefined. */
function option(name: string): string | undefined {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? undefined : process.argv[at + 1];
}

/** Tells the client that started us: "1" when we listen; nothing, and the end of the pipe, when we do not. */
function tell(readyFd: number | undefined, word: string): void {
  if (readyFd === undefined) return;
  try {
    if (word !== "") fs.writeSync(readyFd, word);
    fs.closeSync(readyFd);
  } catch {
    // the client is gone; others will come
  }
}

async function main(): Promise<void> {
  const home = option("home");
  const ready = option("ready");
  const readyFd = ready === undefined ? undefined : Number(ready);
  if (home === undefined) {
    process.stderr.write("usage: node server.cjs --home DIR (the falcon command starts it)\n");
    process.exit(2);
  }
  process.umask(0o077);
  // libuv makes its threads at their first use, and aborts where the limit of processes leaves none: they are
  // had now, before there is a helper or anybody's session
  fs.access("/", () => {});
  const root = path.resolve(import.meta.dirname, "..");
  // the settings are read by a process of its own, which starts while the server's program is loaded
  const helper = forkHelper(helperProgram(root));
  helper.on("error", () => {}); // where there is none the server says so, to whoever needs one
  let server: Server | undefined;
  const early: Parameters<Log>[] = [];
  const log: Log = (...told) => {
    if (server === undefined) early.push(told);
    else server.log(...told);
  };
  // who starts a session waits for its screen, whose thread takes as long as all else to come up
  const starts = startingCommands.has(option("for") ?? "");
  const screens = starts ? (await import("./screen-threads.ts")).screenThreads(root, log) : undefined;
  screens?.prepare();
  const [{ AlreadyServed }, { installedVersion, Server: Program }] = await Promise.all([
    import("./home/home-guard.ts"),
    import("./server.ts"),
  ]);
  try {
    server = await Program.start({
      home,
      root,
      helper,
      screens,
      version: installedVersion(root),
      job: option("job"),
      host: option("host"),
      keeper: option("keeper") === undefined ? undefined : Number(option("keeper")),
      ended: () => process.exit(0),
    });
  } catch (error) {
    // the client shows this line
    if (!(error instanceof AlreadyServed)) process.stderr.write(`${sentence(error)}\n`);
    tell(readyFd, error instanceof AlreadyServed ? "1" : "");
    process.exit(error instanceof AlreadyServed ? 0 : 1);
  }
  for (const told of early) server.log(...told);
  // SIGHUP: the terminal of the client that started us is gone, which is none of our business
  process.on("SIGHUP", () => {});
  for (const signal of ["SIGTERM", "SIGINT", "SIGUSR1", "SIGUSR2"] as const) process.on(signal, () => server.signalled(signal));
  process.on("uncaughtException", (error) => {
    // holders and programs live on, and the next client starts a new server that adopts them
    server.log("server.crashed", { reason: String(error), stack: error.stack });
    process.exit(70);
  });
  process.on("unhandledRejection", (error) => {
    server.log("server.error-unhandled", { reason: String(error), stack: error instanceof Error ? error.stack : undefined });
  });
  tell(readyFd, "1");
  setTimeout(() => keepCompiled(path.join(option("host") ?? home, "code-cache")), calm).unref();
}

void main();
