// The server's program: serves a home from its start to its end, and tells the client that started it.
import fs from "node:fs";
import { sentence } from "../base/failure.ts";
import { calm, codeFolder } from "../base/kept-code.ts";
import { optimizeLateOnceLoaded } from "../base/late-optimizing.ts";
import type { Log } from "../base/log.ts";
import { keepCompiled } from "./code-cache.ts";
import { AlreadyServed } from "./home/home-guard.ts";
import { numberOption, option } from "./option.ts";
import { Server, type ServerOptions } from "./server.ts";
import { installedVersion } from "./version.ts";

/** What the entry has started, and knows. */
export type Begun = Pick<ServerOptions, "home" | "root" | "helper" | "screen"> & {
  /** Keeps what V8 has compiled of this program. */
  keepCode(): Promise<void>;
};

/** Tells the client that started us that a server listens; where none does, it sees the end of the pipe. */
function tell(readyFd: number | undefined): void {
  if (readyFd === undefined) return;
  try {
    fs.writeSync(readyFd, "1");
    fs.closeSync(readyFd);
  } catch {
    // the client is gone; others will come
  }
}

export async function serve({ home, root, helper, screen, keepCode }: Begun): Promise<void> {
  const readyFd = numberOption("ready");
  let log: Log = () => {};
  let server: Server | undefined;
  // before the start: what fails there of one session's affairs must not keep the others without a server
  process.on("uncaughtException", (error) => {
    // holders and programs live on, and the next client starts a new server that adopts them
    log("server.crashed", { reason: String(error), stack: error.stack });
    if (server === undefined) process.stderr.write(`${sentence(error)}\n`);
    // one that is only waiting until its clients have taken their last words goes on with that
    if (!server?.released) process.exit(70);
  });
  process.on("unhandledRejection", (error) => {
    log("server.error-unhandled", { reason: String(error), stack: error instanceof Error ? error.stack : undefined });
  });
  try {
    server = await Server.start({
      home,
      root,
      helper,
      screen,
      version: installedVersion(root),
      job: option("job"),
      hostHome: option("host"),
      keeper: numberOption("keeper"),
      logs: (opened) => {
        log = opened;
      },
      ended: () => process.exit(0),
    });
  } catch (error) {
    if (!(error instanceof AlreadyServed)) {
      // the client shows this line
      process.stderr.write(`${sentence(error)}\n`);
      process.exit(1);
    }
    tell(readyFd);
    process.exit(0);
  }
  // SIGHUP: the terminal of the client that started us is gone, which is none of our business
  process.on("SIGHUP", () => {});
  for (const signal of ["SIGTERM", "SIGINT", "SIGUSR1", "SIGUSR2"] as const) process.on(signal, () => server?.signalled(signal));
  tell(readyFd);
  setTimeout(async () => {
    const folder = codeFolder(process.env);
    if (folder !== undefined) keepCompiled(folder);
    await keepCode();
    // not sooner: what is kept with the flag set is not found by the next start, which has not set it
    optimizeLateOnceLoaded();
  }, calm).unref();
}
