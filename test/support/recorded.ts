// Recorded runs of the real falcon (test/fixtures/runs), laid out in a folder of the test's own as they were.
import fs from "node:fs";
import path from "node:path";
import { root } from "./paths.ts";

/** What was recorded beside the run's files; see test/fixtures/runs/README.md. */
export interface Recorded {
  falcon: string;
  what: string;
  command: string[];
  cols: number;
  rows: number;
  /** Exit status or signal number of the driver; both null where it still ran when the files were copied. */
  status: number | null;
  signal: number | null;
  /** When the files were copied, ms since 1970. */
  copied: number;
  /** Minutes that the log's clock is ahead of UTC. */
  zone: number;
  /** When each file was last written to, ms since 1970: Git does not keep it. */
  modified: Record<string, number>;
}

export const recordedRuns = [
  "plain",
  "interactive",
  "forced",
  "failed-simulator",
  "killed",
  "resumed",
  "stalled",
  "two-nodes",
] as const;

/** By a RoundTrainer of falcon's next version with a model that is none. */
export const recordedRounds = ["rounds", "rounds-resumed"] as const;

/** `plain` by earlier versions. */
export const recordedVersions = ["plain-0.3.0", "plain-0.4.2", "plain-0.5.0"] as const;

/** `resumed` by an earlier version, with what its first launch had written of metrics. */
export const recordedParts = "resumed-0.5.0";

export type RecordedName = (typeof recordedRuns)[number];
type AnyName = RecordedName | (typeof recordedRounds)[number] | (typeof recordedVersions)[number] | typeof recordedParts;

/** The folder of a recorded run. */
export function fixture(name: AnyName): string {
  return path.join(root, "test/fixtures/runs", name);
}

/** What is recorded of a run. */
export function recorded(name: AnyName): Recorded {
  return JSON.parse(fs.readFileSync(path.join(fixture(name), "recorded.json"), "utf8")) as Recorded;
}

/** The end of its terminal's output. */
export function recordedOutput(name: RecordedName): Buffer {
  return fs.readFileSync(path.join(fixture(name), "output"));
}

/** Copies the run directory to `to`, with the times of its files. */
export function layOut(name: AnyName, to: string): Recorded {
  const facts = recorded(name);
  fs.cpSync(path.join(fixture(name), "run"), to, { recursive: true });
  for (const [file, time] of Object.entries(facts.modified)) fs.utimesSync(path.join(to, file), time / 1000, time / 1000);
  return facts;
}

/** The lines of a node's log in a recorded run; empty where it has none. */
export function recordedLog(name: AnyName, node: string): string[] {
  const file = path.join(fixture(name), "run/graph", node, "output.log");
  return fs.existsSync(file) ? fs.readFileSync(file, "utf8").split("\n").slice(0, -1) : [];
}
