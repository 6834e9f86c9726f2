// falcon sessions: what runs and how far it is; one line a session.
import { Status } from "../base/failure.ts";
import { deadlineText } from "../session/deadline.ts";
import { selectSession, sessionsOfRun } from "../session/select.ts";
import type { Session } from "../session/session.ts";
import type { Call, Context } from "./call.ts";
import type { CommandSpec } from "./command.ts";
import { listing } from "./listing.ts";
import { coloursFor, table } from "./table.ts";
import { watch } from "./watch.ts";
import { duration, endSentence } from "./wording.ts";

export const sessions: CommandSpec = {
  name: "sessions",
  aliases: ["ls"],
  summary: "list what runs and how far it is",
  completes: "all",
  define(command) {
    command
      .argument("[session...]", "ids, unique prefixes, names or run directories")
      .option("--all", "ended sessions too")
      .option("--run-dir <dir>", "only sessions of this run directory")
      .option("--json", "machine-readable (docs/json.md)")
      .option("--watch", "keep watching");
  },
  async run(call, context, wanted, options) {
    const chosen = choose(call, context, wanted, options.all === true, options.runDir);
    if (options.watch) return watch(call, context, () => choose(call, context, wanted, options.all === true, options.runDir));
    if (options.json)
      call.stdout(
        `${JSON.stringify(await Promise.all(chosen.map((s) => listing(s, context.progress, { saveBefore: context.config.saveBefore, now: context.clock() }))), null, 2)}\n`,
      );
    else await print(call, context, chosen);
    return Status.ok;
  },
};

/** The old name of `sessions --watch`. */
export const monitor: CommandSpec = {
  name: "monitor",
  summary: "old name of: falcon sessions --watch",
  deprecated: true,
  define(command) {
    command.argument("[session...]").allowUnknownOption();
  },
  async run(call, context, wanted) {
    call.stderr("falcon: 'falcon monitor' is now 'falcon sessions --watch'\n");
    return sessions.run(call, context, wanted, { watch: true });
  },
};

function choose(call: Call, context: Context, wanted: string[], all: boolean, runDirectory: string | undefined): Session[] {
  const { directory } = call.request;
  let found = context.table.all();
  if (runDirectory !== undefined) found = sessionsOfRun(found, runDirectory, directory).reverse();
  if (wanted.length > 0) return wanted.map((w) => selectSession(found, w, directory));
  // ended ones of the last day stay visible: a run that ended overnight is what the morning asks about
  const recent = context.clock() - 86_400_000;
  return all ? found : found.filter((s) => s.live || (s.row.ended ?? 0) > recent);
}

/** How it ended and what came of it, each said once: "stopped after 4m 10s · 187/300, best -2.91". */
function endAndResults(end: string, summary: string): string {
  const [outcome = "", ...results] = summary.split(" · ");
  const said = /^(completed|stopped|broken off)/.test(outcome) ? results.join(" · ") : summary;
  return [end, said].filter(Boolean).join(" · ");
}

/** How far it is, and how long it still has. */
function liveText(summary: string, deadline: string): string {
  return [summary, deadline].filter(Boolean).join(" · ");
}

async function print(call: Call, context: Context, chosen: Session[]): Promise<void> {
  if (chosen.length === 0) {
    call.stderr(
      context.table.all().length > 0
        ? "no session runs ('falcon sessions --all' lists ended ones)\n"
        : "no sessions: 'falcon launch' starts one\n",
    );
    return;
  }
  const colours = coloursFor(call.request);
  const now = context.clock();
  const progress = await Promise.all(chosen.map((session) => context.progress.of(session)));
  const rows = chosen.map((session, i) => {
    const { row } = session;
    const paint =
      row.state === "running" ? colours.green : row.state === "exited" && session.end?.status === 0 ? colours.dim : colours.red;
    return [
      session.id,
      row.name,
      paint(row.state),
      duration((row.ended ?? now) - (row.started ?? row.created)),
      String(session.viewers.size),
      session.live
        ? liveText(progress[i]?.summary ?? session.title, deadlineText(row, progress[i] ?? null, context.config.saveBefore, now))
        : endAndResults(endSentence(session), progress[i]?.summary ?? ""),
      row.runDirectory ?? row.directory,
    ];
  });
  call.stdout(
    `${table(
      [
        { title: "ID" },
        { title: "NAME" },
        { title: "STATE" },
        { title: "AGE", right: true },
        { title: "VIEWERS", right: true },
        { title: "PROGRESS" },
        { title: "RUN", fills: true },
      ],
      rows,
      call.request.terminal.stdout ? call.request.terminal.cols : 0,
    )}\n`,
  );
}
