// What is known of a session besides how it goes: its command, places, times, and what it was started with, a
// labelled line each.

import { quotedIfNeeded } from "../../base/text/shell-words.ts";
import { jobNumber } from "../../batch/job-end.ts";
import { span } from "../../presentation/summary.ts";
import type { Session } from "../../session/life/session.ts";
import { tagsText } from "../../session/life/tags.ts";
import { deadlineFact } from "../../session/run/deadline.ts";
import type { Cluster } from "../../trainers/trainer.ts";
import type { DeadlineListing, Listing } from "../list/session-json.ts";
import { holeReason } from "../output/hole-reason.ts";
import { usageLines } from "../text/usage-text.ts";
import { bytes, duration, endSentence } from "../text/wording.ts";
import { wrapped } from "./show-progress.ts";

export interface FactsNow {
  /** ms since 1970. */
  now: number;
  /** All parts of its run. */
  parts: readonly Session[];
  /** What is said of its deadline. */
  deadline: string;
  /** A time as the caller's clock shows it. */
  when(ms: number): string;
  /** Columns of the terminal; 0 for none: each fact is one line then. */
  width: number;
}

/** What a person copies from the screen stands in one piece, and the terminal breaks it. */
const inOnePiece = new Set(["command", "directory", "run"]);

/** The lines, each with its label before it. */
export function factLines(session: Session, facts: Listing, { now, parts, deadline: text, when, width }: FactsNow): string[] {
  const { row } = session;
  const { leftovers, requeued, unpublished, holderLost } = row.facts;
  const missing = session.gaps.reduce((sum, { length }) => sum + length, 0);
  // what there is nothing to say of is ""
  const lines: [string, string][] = [
    ["command", row.command.map(quotedIfNeeded).join(" ")],
    ["directory", row.directory],
    ["run", row.runDirectory ?? ""],
    ["labels", tagsText(facts.tags)],
    ["process", session.live && row.programPid !== null ? `${row.programPid} on ${row.host}` : ""],
    ["started", row.started === null ? "never" : when(row.started)],
    ["ended", row.ended === null ? "" : when(row.ended)],
    ...deadlineLines(session, facts.deadline, text, when),
    ...partLines(parts, now, when),
    ...provenanceLines(facts),
    ...usageLines(facts.usage),
    ["terminal", `${row.cols}x${row.rows}${row.pinned ? ", pinned" : ""}`],
    ["viewers", facts.viewers.map((v) => `pid ${v.pid}${v.readOnly ? " (read-only)" : ""}`).join(", ") || "none"],
    ["output", `${bytes(session.offset)}${missing > 0 ? `, ${bytes(missing)} missing (${holeReason(row, "disk")})` : ""}`],
    ["log", session.lostLog?.sentence ?? ""],
    ["Ctrl+C", row.interrupts > 0 ? `${row.interrupts} sent` : ""],
    ["note", leftovers === undefined ? "" : `Ray left ${leftovers.length} processes behind, which were ended`],
    ["note", requeued ?? ""],
    ["note", unpublished ?? ""],
    ["note", holderLost ?? ""],
  ];
  return lines
    .filter(([, fact]) => fact !== "")
    .flatMap(([label, fact]) =>
      wrapped(label.padEnd(labelWidth), inOnePiece.has(label) ? [fact] : fact.split(" · "), inOnePiece.has(label) ? 0 : width),
    );
}

const labelWidth = 10;

/** Digits of a commit that tell it from all others of a repository. */
const shortCommit = 12;

/** Versions, commit, settings and GPUs, as far as they are known. */
function provenanceLines({ provenance, changes, host, job }: Listing): [string, string][] {
  if (provenance === null) return [["changed", changesText(changes)]];
  const { falcon, python, commit, dirty, gpus, visibleGpus, overrides } = provenance;
  const versions = [falcon === null ? "" : `falcon ${falcon}`, python === null ? "" : `Python ${python}`];
  const state = dirty === null ? "" : dirty ? ", with changes that are not committed" : ", nothing changed since";
  const machine = [host, job === null ? "" : `job ${jobNumber(job)}`, ...counted(gpus)];
  if (visibleGpus !== null) machine.push(`CUDA_VISIBLE_DEVICES=${visibleGpus}`);
  const settings = overrides.map(
    ({ key, value, config }) => `${key}=${value} (config.yml: ${config === null ? "none" : shortly(config)})`,
  );
  return [
    ["versions", versions.filter(Boolean).join(" · ")],
    ["commit", commit === null ? "" : commit.slice(0, shortCommit) + state],
    ["settings", settings.join(" · ")],
    ["changed", changesText(changes)],
    ["cluster", clusterText(provenance.cluster ?? null)],
    ["machine", machine.filter(Boolean).join(" · ")],
  ];
}

/** A whole map or list that a setting replaces is named: the file itself has it. @param config as JSON. */
function shortly(config: string): string {
  const value: unknown = JSON.parse(config);
  if (Array.isArray(value) && config.length > longestSetting) return `a list of ${value.length}`;
  if (value === null || typeof value !== "object" || Array.isArray(value)) return cut(config);
  const names = Object.keys(value);
  return names.length === 0 ? config : cut(`a map of ${names.join(", ")}`);
}

/** A line of a terminal has room for a setting and so much of what stood there before. */
const longestSetting = 60;

function cut(text: string): string {
  return text.length <= longestSetting ? text : `${text.slice(0, longestSetting - 1)}…`;
}

/** "127.0.0.1:6379, by RAY_ADDRESS · 2 nodes · alpha 4 CPUs, 2 GPUs · beta 8 CPUs" */
function clusterText(cluster: Cluster | null): string {
  if (cluster === null) return "";
  const where = `Ray's at ${cluster.address}, by ${cluster.how}`;
  if (cluster.nodes === null) return `${where} · its nodes are not known: it did not answer`;
  const amount = (count: number, what: string) => `${count} ${what}${count === 1 ? "" : "s"}`;
  const nodes = cluster.nodes.map(({ name, address, cpus, gpus }) =>
    [`${name ?? address} ${amount(cpus, "CPU")}`, ...(gpus > 0 ? [amount(gpus, "GPU")] : [])].join(", "),
  );
  return [where, amount(nodes.length, "node"), ...nodes].join(" · ");
}

function changesText(changes: readonly string[]): string {
  return changes.length === 0 ? "" : `${changes.map(quotedIfNeeded).join(" ")} by relaunch, kept for each further one`;
}

/** "2 x NVIDIA A100": of several of one model how many. */
function counted(names: readonly string[]): string[] {
  return [...new Set(names)].map((name) => {
    const count = names.filter((other) => other === name).length;
    return count === 1 ? name : `${count} x ${name}`;
  });
}

/** The parts of its run, where it has several: host, job, times, and why each ended. */
function partLines(parts: readonly Session[], now: number, when: (ms: number) => string): [string, string][] {
  if (parts.length < 2) return [];
  return parts.map((part, i) => {
    const { row } = part;
    const job = row.facts.job;
    const begun = row.started ?? row.created;
    const times = `${when(begun)} · ${duration((row.ended ?? now) - begun)}`;
    const facts = [
      part.id,
      row.host,
      job === undefined ? "" : `job ${jobNumber(job)}`,
      times,
      part.live ? row.state : endSentence(part),
    ];
    return [`part ${part.row.facts.part?.n ?? i + 1}`, facts.filter(Boolean).join(" · ")];
  });
}

/** When it will be ended, when it is asked to stop before, and what is known of that. */
function deadlineLines(
  { live, row }: Session,
  deadline: DeadlineListing | null,
  text: string,
  when: (ms: number) => string,
): [string, string][] {
  const problem = deadline?.problem ?? deadlineFact(row).problem;
  const unknown: [string, string] = ["note", problem ?? ""];
  if (deadline === null) return live ? [unknown] : [];
  const why = { asked: "--deadline", job: "the job's time limit", falcon: "falcon's --timeout" }[deadline.from];
  const before =
    deadline.stopped !== null
      ? `asked to stop at ${when(Date.parse(deadline.stopped))}`
      : deadline.saveBefore > 0
        ? `asked to stop ${span(deadline.saveBefore)} before`
        : "";
  const facts = [live ? text : "", when(Date.parse(deadline.at)), why, live || deadline.stopped !== null ? before : ""];
  return [["deadline", facts.filter(Boolean).join(" · ")], unknown];
}
