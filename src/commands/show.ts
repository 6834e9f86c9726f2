// falcon show: one session in full.
import { Status } from "../base/failure.ts";
import { selectSession } from "../session/select.ts";
import type { CommandSpec } from "./dispatch.ts";
import { listing } from "./listing.ts";
import { bytes, duration, endSentence } from "./wording.ts";

export const show: CommandSpec = {
  name: "show",
  summary: "one session in full",
  define(command) {
    command.argument("[session]", "id, unique prefix, name or run directory").option("--json", "machine-readable (docs/json.md)");
  },
  async run(call, context, [wanted], options) {
    const session = selectSession(context.table.all(), wanted, call.request.directory);
    const facts = listing(session);
    if (options.json) {
      call.stdout(`${JSON.stringify(facts, null, 2)}\n`);
      return Status.ok;
    }
    const { row } = session;
    const now = context.clock();
    const lines: [string, string][] = [
      ["session", `${session.id}  ${row.name}`],
      ["state", session.live ? `${row.state} for ${duration(now - (row.started ?? row.created))}` : endSentence(session)],
      ["command", row.command.map(quoted).join(" ")],
      ["directory", row.directory],
      ...(row.runDirectory === null ? [] : ([["run", row.runDirectory]] as [string, string][])),
      ["process", row.programPid === null ? "none" : `${row.programPid} on ${row.host}`],
      ["started", facts.started ?? "never"],
      ...(facts.ended === null ? [] : ([["ended", facts.ended]] as [string, string][])),
      ["terminal", `${row.cols}x${row.rows}${row.pinned ? ", pinned" : ""}`],
      [
        "viewers",
        facts.viewers.length === 0
          ? "none"
          : facts.viewers.map((v) => `pid ${v.pid}${v.readOnly ? " (read-only)" : ""}`).join(", "),
      ],
      [
        "output",
        `${bytes(session.offset)}${session.gaps.length > 0 ? `, ${bytes(session.gaps.reduce((n, g) => n + g.length, 0))} missing (the disk was full)` : ""}`,
      ],
      ...(row.interrupts > 0 ? ([["Ctrl+C", `${row.interrupts} sent`]] as [string, string][]) : []),
      ...(typeof row.facts.holderLost === "string" ? ([["note", row.facts.holderLost]] as [string, string][]) : []),
    ];
    call.stdout(`${lines.map(([label, text]) => `${label.padEnd(10)}${text}`).join("\n")}\n`);
    const text = await session.lastScreen();
    if (text.length > 0)
      call.stdout(`\n${session.live ? "its screen now" : "its last screen"}:\n${text.map((line) => `  ${line}`).join("\n")}\n`);
    return Status.ok;
  },
};

/** A word as a shell would need it written. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
