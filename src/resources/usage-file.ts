// Usage on disk: a line a stretch in the session's folder, added at each sample, and written anew when older
// ones were merged.
import fs from "node:fs";
import path from "node:path";
import { replaceFile } from "../base/replace-file.ts";
import { sampleFields, type UsageSample } from "./sample.ts";
import { mostSamples, UsageSeries } from "./series.ts";

/** Its name in a session folder. */
const usageName = "usage";

/** What a file of ours has at most: twice the lines that are kept, each of some 150 bytes. */
const largestFile = 2 * mostSamples * 150;

/** Digits that are kept: a ten-thousandth of a processor, whole bytes and milliseconds. */
function short(value: number | null): number | null {
  return value === null || !Number.isFinite(value)
    ? null
    : Math.abs(value) >= 1000
      ? Math.round(value)
      : Number(value.toFixed(4));
}

function lineOf(sample: UsageSample): string {
  return `${JSON.stringify(sampleFields.map((field) => short(sample[field])))}\n`;
}

/**
 * A line as a sample; undefined where it is none (the last one of a server that was killed, or another
 * version's).
 */
function sampleOf(line: string): UsageSample | undefined {
  let values: unknown;
  try {
    values = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!Array.isArray(values) || typeof values[0] !== "number" || typeof values[1] !== "number") return undefined;
  const known = sampleFields.map((field, i) => [field, typeof values[i] === "number" ? values[i] : null]);
  return Object.fromEntries(known) as unknown as UsageSample;
}

/** What is kept of a session's usage; empty where there is nothing. */
export function readUsage(folder: string): UsageSeries {
  let text: string;
  try {
    const file = path.join(folder, usageName);
    if (fs.statSync(file).size > largestFile) return new UsageSeries();
    text = fs.readFileSync(file, "utf8");
  } catch {
    return new UsageSeries();
  }
  const samples = text.split("\n").flatMap((line) => sampleOf(line) ?? []);
  return new UsageSeries(samples.sort((a, b) => a.time - b.time));
}

/** Adds a stretch. @throws the system's error where the folder takes nothing. */
export function appendUsage(folder: string, sample: UsageSample): void {
  // in one write: another server's line, in a hand-over, is not mixed with ours
  fs.appendFileSync(path.join(folder, usageName), lineOf(sample), { mode: 0o600 });
}

/** Writes all anew, at once or not at all. @throws the system's error. */
export function writeUsage(folder: string, series: UsageSeries): void {
  replaceFile(path.join(folder, usageName), series.samples.map(lineOf).join(""));
}
