// What a run is allowed of the machine: the caller's limits and scheduling, as far as the server, from which
// it is started, can still give them.
import type { Limit, Scheduling } from "../base/limits.ts";
import * as native from "./native.ts";

/** What a caller has; a client of an earlier version does not tell its scheduling. */
export interface Allowance {
  readonly limits: readonly Limit[];
  readonly scheduling?: Scheduling | undefined;
}

/** This process, as the kernel has it. */
export interface AllowanceEffects {
  own(): Allowance & { readonly scheduling: Scheduling };
  /** Raises a hard limit of this process; false where the kernel refuses. */
  raise(resource: number, hard: bigint): boolean;
  /** Whether what is started from here could take these on. */
  couldTake(niceness: number, oomScoreAdj: number): { niceness: boolean; oomScoreAdj: boolean };
}

export interface Shortfall {
  /** What a run of this caller would lack, each in words: "500 open files (ulimit -n) instead of 20000". */
  readonly lacks: readonly string[];
  /** A server that this caller starts would be poorer in nothing, so that it may take over. */
  readonly callerIsBetter: boolean;
}

/** What ulimit calls its limits, on Linux; elsewhere the numbers differ, and a limit goes by its number. */
const linuxNames: readonly (readonly [name: string, flag: string])[] = [
  ["s of processor time", "t"],
  ["bytes in a file", "f"],
  ["bytes of data", "d"],
  ["bytes of stack", "s"],
  ["bytes in a core file", "c"],
  ["bytes of resident memory", "m"],
  ["processes", "u"],
  ["open files", "n"],
  ["bytes of locked memory", "l"],
  ["bytes of address space", "v"],
  ["file locks", "x"],
  ["pending signals", "i"],
  ["bytes of message queues", "q"],
  ["as nice limit", "e"],
  ["as real-time priority", "r"],
  ["µs of real-time processing", "R"],
];

/** A file's longest length; the number is the same on Linux and macOS. */
const fileSizeResource = 1;
const unlimited = 2n ** 64n - 1n;

/** The system this process runs on. */
export const systemAllowance: AllowanceEffects = {
  own() {
    const numbers = native.resourceLimits();
    const limits: Limit[] = [];
    for (let at = 0; at < numbers.length; at += 3) {
      const [resource, soft, hard] = numbers.slice(at, at + 3) as [number, bigint, bigint];
      limits.push({ resource, soft, hard });
    }
    const { processors, ...rest } = native.scheduling();
    return { limits, scheduling: { ...rest, processors: processors.toString("hex") } };
  },
  raise: native.raiseLimit,
  couldTake: native.couldTake,
};

/**
 * Compares a caller with this process; raises the hard limits of this process that the kernel lets it raise
 * for the caller.
 */
export function shortfall(caller: Allowance, effects: AllowanceEffects, system: NodeJS.Platform = process.platform): Shortfall {
  const own = effects.own();
  const lacks: string[] = [];
  let poorer = false;
  for (const { resource, hard } of caller.limits) {
    const limit = own.limits.find((l) => l.resource === resource);
    if (limit === undefined) continue;
    if (hard < limit.hard) poorer = true;
    else if (hard > limit.hard && !effects.raise(resource, hard)) lacks.push(limitInWords(resource, limit.hard, hard, system));
  }
  const wanted = caller.scheduling;
  if (wanted !== undefined) {
    const mine = own.scheduling;
    if (wanted.niceness > mine.niceness || wanted.oomScoreAdj > mine.oomScoreAdj) poorer = true;
    const could = effects.couldTake(wanted.niceness, wanted.oomScoreAdj);
    if (!could.niceness) lacks.push(`niceness ${mine.niceness} instead of ${wanted.niceness}`);
    if (!could.oomScoreAdj) lacks.push(`an out-of-memory adjustment of ${mine.oomScoreAdj} instead of ${wanted.oomScoreAdj}`);
  }
  // processors alone are no reason to take over: those of a control group stay what they are for a server
  // that is started in it
  const callerIsBetter = lacks.length > 0 && !poorer;
  const missing = wanted === undefined ? [] : processorsOnlyIn(wanted.processors, own.scheduling.processors);
  if (missing.length > 0) lacks.push(`not processor ${missing.join(", ")}`);
  return { lacks, callerIsBetter };
}

/** One sentence of what a run lacks. @param lacks not empty */
export function shortfallSentence(lacks: readonly string[]): string {
  return (
    `this run gets less than your shell has: ${lacks.join(", ")}; the session server was started with less and can get no more: ` +
    "'falcon server stop', then start the next one from here (runs go on)"
  );
}

/**
 * The longest file that this process, and what it starts, can write; undefined where there is no such limit.
 */
export function longestFile(effects: AllowanceEffects): bigint | undefined {
  const limit = effects.own().limits.find(({ resource }) => resource === fileSizeResource)?.hard;
  return limit === undefined || limit >= unlimited >> 1n ? undefined : limit;
}

/** How many descriptors this process may have. */
export function mostDescriptors(effects: AllowanceEffects, system: NodeJS.Platform = process.platform): number {
  const soft = effects.own().limits.find(({ resource }) => resource === (system === "linux" ? 7 : 8))?.soft ?? unlimited;
  return Number(soft < 1n << 20n ? soft : 1n << 20n);
}

function limitInWords(resource: number, have: bigint, want: bigint, system: NodeJS.Platform): string {
  const [name, flag] = (system === "linux" ? linuxNames[resource] : undefined) ?? [`as limit ${resource}`, undefined];
  const number = (value: bigint) => (value === unlimited ? "unlimited" : String(value));
  return `${number(have)} ${name}${flag === undefined ? "" : ` (ulimit -${flag})`} instead of ${number(want)}`;
}

/** Numbers of the processors that are in one mask and not in the other. */
function processorsOnlyIn(mask: string, other: string): number[] {
  const [wanted, have] = [Buffer.from(mask, "hex"), Buffer.from(other, "hex")];
  const missing: number[] = [];
  wanted.forEach((byte, at) => {
    for (let bit = 0; bit < 8; bit++) if ((byte >> bit) & 1 && !(((have[at] ?? 0) >> bit) & 1)) missing.push(at * 8 + bit);
  });
  return missing;
}
