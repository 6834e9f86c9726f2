// falcon server: what the server is, and how to stop or replace it; programs go on running whatever is done
// to it.
import { Failure, Status } from "../../base/failure.ts";
import type { CommandSpec } from "../dispatch/command.ts";
import { bytes, duration } from "../text/wording.ts";

export const server: CommandSpec = {
  name: "server",
  group: "set up",
  summary: "server status, server stop, server upgrade (runs go on in every case)",
  examples: [
    ["falcon server status", "what the session server does, and where its files are"],
    ["falcon server upgrade", "start it anew; runs and viewers go on"],
  ],
  words: { action: ["status", "stop", "upgrade"] },
  define(command) {
    command.argument("<action>", "status, stop or upgrade").option("--json", "machine-readable status");
  },
  async run(call, context, [action], options) {
    const live = context.table.live().length;
    // what a newer client asked for has been done when it asks the next server
    const replaced = action === "upgrade" && (call.request.sentBefore ?? 0) > 0;
    if (action === "status" || replaced) {
      const { pid, started, peers, up } = context.serverFacts();
      const facts = {
        pid,
        version: context.version,
        home: context.home,
        started,
        sessions: live,
        clients: peers,
        residentBytes: process.memoryUsage.rss(),
        // never anything else since the build fails where xterm.js' internals have moved; names in JSON stay
        movedInternals: null,
      };
      if (options.json) call.stdout(`${JSON.stringify(facts, null, 2)}\n`);
      else {
        call.stdout(
          `server ${pid}, version ${facts.version}, up ${duration(up)}, ${bytes(facts.residentBytes)}\n` +
            `${live} live ${live === 1 ? "session" : "sessions"}, ${peers} ${peers === 1 ? "client" : "clients"} (this one included)\nhome ${facts.home}\n`,
        );
      }
      return Status.ok;
    }
    if (action === "stop") {
      call.stderr(
        live > 0
          ? `server stopped; ${live} ${live === 1 ? "session goes" : "sessions go"} on, the next command finds ${live === 1 ? "it" : "them"}\n`
          : "server stopped\n",
      );
      context.stopServer("falcon server stop");
      return Status.ok;
    }
    if (action === "upgrade") {
      call.resume(["server", "status"]);
      await context.upgradeServer(call);
      return undefined;
    }
    throw new Failure(`server ${action}: say status, stop or upgrade`, Status.usage);
  },
};
