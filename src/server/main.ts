// The session server's entry: `node dist/server.cjs --home DIR [--ready FD] [--for COMMAND]`, started by the
// client and by nobody else. What takes a process or a thread of its own to come up is started here, before
// the server's program is loaded, which is a hundred times as large.
import "../base/no-debugger.ts";

import type { ChildProcess } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { forkHelper, helperProgram } from "../base/aside/helper-process.ts";
import { codeFolder, KeptCode } from "../base/kept-code.ts";
import { startingCommands } from "../commands/dispatch/starting-commands.ts";
import { addonFile } from "../platform/native-files.ts";
import { type ScreenThread, startScreenThread } from "../terminal/worker/screen-thread.ts";
import { option } from "./option.ts";
import { screenProgram } from "./screen-program.ts";
import type { serve as Serve } from "./serve.ts";

function main(): void {
  const home = option("home");
  if (home === undefined) {
    process.stderr.write("usage: node server.cjs --home DIR (the falcon command starts it)\n");
    process.exit(2);
  }
  process.umask(0o077);
  // libuv makes its threads at their first use, and aborts where the limit of processes leaves none: they are
  // had now, before there is a helper or anybody's session
  fs.access("/", () => {});
  const root = path.resolve(import.meta.dirname, "..");
  // the settings are read by a process of its own
  const helper = firstHelper(root);
  // who starts a session waits for its screen, whose thread takes as long as all else to come up
  const starts = startingCommands.has(option("for") ?? "");
  const screen = starts ? screenThread(root) : undefined;
  const code = new KeptCode(codeFolder(process.env), starts ? ["start", "server"] : ["server", "start"]);
  const { serve } = code.run(path.join(root, "dist", "server-program.cjs")) as { serve: typeof Serve };
  void serve({ home, root, helper, screen, keepCode: () => code.keep() });
}

/** Where there is none the server says so, to whoever needs one. */
function firstHelper(root: string): ChildProcess | undefined {
  try {
    return forkHelper(helperProgram(root)).on("error", () => {});
  } catch {
    return undefined;
  }
}

/** Where the limit of threads leaves none, the server tries it again, and says so. */
function screenThread(root: string): ScreenThread | undefined {
  try {
    return startScreenThread(screenProgram(root), addonFile);
  } catch {
    return undefined;
  }
}

main();
