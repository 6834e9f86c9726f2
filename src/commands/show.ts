// falcon show: one session in full.
import stringWidth from "string-width";
import { Status } from "../base/failure.ts";
import { printable } from "../base/printable.ts";
import { jobNumber } from "../batch/job-end.ts";
import { type Curve, drawChart } from "../falcon/curve.ts";
import type { RunProgress } from "../falcon/run-progress.ts";
import { epochText, number, span } from "../falcon/summary.ts";
import { deadlineFact, deadlineText } from "../session/deadline.ts";
import { partFact, partsOf } from "../session/parts.ts";
import { realPath } from "../session/real-paths.ts";
import type { Session } from "../session/session.ts";
import { chooseOne } from "./choosing.ts";
import type { CommandSpec } from "./command.ts";
import { endReport } from "./end-report.ts";
import { environmentText, maskedEnvironment } from "./environment-text.ts";
import { holeReason } from "./hole-reason.ts";
import { type DeadlineListing, listing } from "./listing.ts";
import { localTime } from "./local-time.ts";
import { coloursFor } from "./table.ts";
import { bytes, duration, endSentence } from "./wording.ts";

export const show: CommandSpec = {
  name: "show",
  summary: "one session in full",
  examples: [
    ["falcon show", "the newest session of this directory"],
    ["falcon show night --json", "for scripts"],
    ["falcon show night --env", "its environment"],
  ],
  completes: "all",
  define(command) {
    command
      .argument("[session]", "id, unique prefix, name or run directory")
      .option("--json", "machine-readable (docs/guide/json.md)")
      .option("--env", "only its environment; values that look like keys are hidden");
  },
  async run(call, context, [wanted], options) {
    const session = chooseOne(call, context, wanted, true);
    if (options.env) {
      const { environment } = session.row;
      call.stdout(options.json ? `${JSON.stringify(maskedEnvironment(environment), null, 2)}\n` : environmentText(environment));
      return Status.ok;
    }
    const facts = await listing(session, context.progress, {
      saveBefore: context.config.saveBefore,
      now: context.clock(),
      job: context.neighbours.place.job,
    });
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
      ["started", row.started === null ? "never" : localTime(row.started, call.request.environment)],
      ...(row.ended === null ? [] : ([["ended", localTime(row.ended, call.request.environment)]] as [string, string][])),
      ...deadlineLines(session, facts.deadline, deadlineText(row, facts.progress, context.config.saveBefore, now)),
      ...partLines(partsOf(context.table.all(), session, realPath), now),
      ["terminal", `${row.cols}x${row.rows}${row.pinned ? ", pinned" : ""}`],
      [
        "viewers",
        facts.viewers.length === 0
          ? "none"
          : facts.viewers.map((v) => `pid ${v.pid}${v.readOnly ? " (read-only)" : ""}`).join(", "),
      ],
      [
        "output",
        `${bytes(session.offset)}${session.gaps.length > 0 ? `, ${bytes(session.gaps.reduce((n, g) => n + g.length, 0))} missing (${holeReason(row, "disk")})` : ""}`,
      ],
      ...(session.lostLog === undefined ? [] : ([["log", session.lostLog.sentence]] as [string, string][])),
      ...(row.interrupts > 0 ? ([["Ctrl+C", `${row.interrupts} sent`]] as [string, string][]) : []),
      ...(Array.isArray(row.facts.leftovers)
        ? ([["note", `Ray left ${row.facts.leftovers.length} processes behind, which were ended`]] as [string, string][])
        : []),
      ...(typeof row.facts.requeued === "string" ? ([["note", row.facts.requeued]] as [string, string][]) : []),
      ...(typeof row.facts.unpublished === "string" ? ([["note", row.facts.unpublished]] as [string, string][]) : []),
      ...(typeof row.facts.holderLost === "string" ? ([["note", row.facts.holderLost]] as [string, string][]) : []),
    ];
    call.stdout(`${lines.map(([label, text]) => `${label.padEnd(10)}${printable(text)}`).join("\n")}\n`);
    const { stdout, cols } = call.request.terminal;
    const width = Math.min(100, cols > 0 ? cols : 80);
    if (facts.progress !== null) call.stdout(progressText(facts.progress, stdout ? cols : 0));
    for (const { node, training, validation } of await context.progress.curves(session)) {
      if (training.y.length + validation.y.length < 2) continue;
      call.stdout(
        `\nloss of ${node} by epoch (training, validation)\n${chart([training, validation], width, coloursFor(call.request))}\n`,
      );
    }
    call.stdout(await endReport(session, stdout ? cols : 0));
    return Status.ok;
  },
};

/** The parts of its run, where it has several: host, job, times, and why each ended. */
function partLines(parts: readonly Session[], now: number): [string, string][] {
  if (parts.length < 2) return [];
  return parts.map((part, i) => {
    const { row } = part;
    const job = row.facts.job as string | undefined;
    const begun = row.started ?? row.created;
    const times = `${new Date(begun).toISOString()} · ${duration((row.ended ?? now) - begun)}`;
    const facts = [
      part.id,
      row.host,
      job === undefined ? "" : `job ${jobNumber(job)}`,
      times,
      part.live ? row.state : endSentence(part),
    ];
    return [`part ${partFact(part)?.n ?? i + 1}`, facts.filter(Boolean).join(" · ")];
  });
}

/** When it will be ended, when it is asked to stop before, and what is known of that. */
function deadlineLines({ live, row }: Session, deadline: DeadlineListing | null, text: string): [string, string][] {
  const problem = deadline?.problem ?? deadlineFact(row).problem;
  const unknown: [string, string][] = problem === undefined || problem === null ? [] : [["note", problem]];
  if (deadline === null) return live ? unknown : [];
  const why = { asked: "--deadline", job: "the job's time limit", falcon: "falcon's --timeout" }[deadline.from];
  const before =
    deadline.stopped !== null
      ? `asked to stop at ${deadline.stopped}`
      : deadline.saveBefore > 0
        ? `asked to stop ${span(deadline.saveBefore)} before`
        : "";
  const facts = [live ? text : "", deadline.at, why, live || deadline.stopped !== null ? before : ""];
  return [["deadline", facts.filter(Boolean).join(" · ")], ...unknown];
}

/** Rows of a loss chart: enough to see a plateau, few enough that two nodes fit a screen. */
const chartHeight = 10;

/** The two curves in two colours; without colours the shape alone. */
function chart(curves: Curve[], width: number, colours: ReturnType<typeof coloursFor>): string {
  const { rows, owners } = drawChart(curves, width, chartHeight);
  return rows
    .map((row, y) =>
      [...row]
        .map((cell, x) =>
          owners[y]?.[x] === undefined ? cell : owners[y]?.[x] === 0 ? colours.blue(cell) : colours.yellow(cell),
        )
        .join(""),
    )
    .join("\n");
}

/** @param width columns of the terminal; 0 for none: then a node is one line, for programs that read it. */
function progressText(progress: RunProgress, width: number): string {
  const lines = ["", ...wrapped("progress  ", progress.summary.split(" · "), width)];
  for (const node of progress.nodes) {
    if (node.status === "idle") continue;
    const facts = [
      `${node.status}${node.stalled ? ", stalled" : ""}`,
      `epoch ${epochText(node)}`,
      node.loss === null ? "" : `loss ${number(node.loss)}`,
      node.validationLoss === null ? "" : `validation ${number(node.validationLoss)}`,
      node.bestValidationLoss === null ? "" : `best ${number(node.bestValidationLoss)} (${node.epochsSinceBest ?? 0} epochs ago)`,
      node.samples === null ? "" : `${node.samples} samples`,
      node.learningRate === null ? "" : `learning rate ${number(node.learningRate)}`,
      node.epochsPerMinute === null ? "" : `${number(node.epochsPerMinute)} epochs/min`,
      node.timeLeft === null ? "" : `${span(node.timeLeft)} left`,
      node.error === null ? "" : `error: ${node.error}`,
    ];
    lines.push(...wrapped(`  ${node.name}  `, facts.filter(Boolean), width));
  }
  if (progress.failure !== null) lines.push(...wrapped("  failure: ", [progress.failure], width));
  if (progress.problem !== null) lines.push(...wrapped("  ", [progress.problem], width));
  return `${lines.join("\n")}\n`;
}

/** The deepest that lines after the first are set in: on a narrow terminal a long node name would leave no room. */
const deepest = 10;

/** Facts in lines of at most `width` columns; the first line begins with `head`. Broken between facts, and between words where one is longer. */
function wrapped(head: string, facts: readonly string[], width: number): string[] {
  const clean = facts.map(printable);
  const first = printable(head);
  if (width === 0) return [first + clean.join(" · ")];
  const indent = " ".repeat(Math.min(deepest, stringWidth(first)));
  const lines: string[] = [];
  let line = first;
  let empty = true;
  const put = (text: string, joint: string): void => {
    if (!empty && stringWidth(line) + joint.length + stringWidth(text) > width) {
      lines.push(line);
      line = indent;
      empty = true;
    }
    line += empty ? text : joint + text;
    empty = false;
  };
  for (const fact of clean) {
    if (stringWidth(fact) <= width - indent.length) put(fact, " · ");
    else for (const [i, word] of fact.split(" ").entries()) put(word, i === 0 ? " · " : " ");
  }
  return [...lines, line];
}

/** A word as a shell would need it written. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
