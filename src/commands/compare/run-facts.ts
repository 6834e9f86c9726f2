// All that is known of a run for a comparison or an export: of a session, or of a run directory that never
// was in one.
import path from "node:path";
import { wall } from "../../base/clock.ts";
import { sumOf } from "../../base/numbers.ts";
import type { ComparedRun } from "../../compare/compared-run.ts";
import { flatConfig } from "../../compare/config-difference.ts";
import { outcomeOf } from "../../session/life/conclusion.ts";
import type { Session } from "../../session/life/session.ts";
import { partsOf } from "../../session/run/parts.ts";
import { lookAside } from "../../trainers/reading/foreign-files.ts";
import { launcher } from "../../trainers/registry.ts";
import type { RunProgress } from "../../trainers/run/run.ts";
import type { ConfigTree } from "../../trainers/trainer.ts";
import type { Context } from "../dispatch/call.ts";
import { usageOf } from "../list/session-json.ts";

const hour = 3600;

/** @throws NoAnswer where its files are on a file system that is away. */
export async function sessionFacts(context: Context, session: Session): Promise<ComparedRun> {
  const { row } = session;
  // first of all: it alone tells that the files do not answer
  const metrics = await context.progress.series(session);
  const progress = await context.progress.of(session);
  // its curves are those of all parts, and so is what they cost
  const parts = partsOf(context.table.all(), session).filter((part) => part.row.created <= row.created);
  const usages = parts.map((part) => usageOf(part, context.usage)).filter((usage) => usage !== undefined);
  return {
    ...progressFacts(progress),
    name: row.name,
    session: session.id,
    directory: row.runDirectory,
    host: row.host,
    outcome: session.live ? row.state : (outcomeOf(session)?.kind ?? row.state),
    seconds: sumOf(parts.map((part) => secondsOf(part, context.clock()))),
    gpuHours: sumOf(usages.map(({ gpuSeconds }) => gpuSeconds / hour)) || null,
    cpuHours: usages.some(({ elsewhere }) => elsewhere) ? null : sumOf(usages.map(({ cpuSeconds }) => cpuSeconds / hour)),
    memoryPeak: mostOf(usages.map(({ memoryPeak }) => memoryPeak)),
    config: flat(await context.progress.configuration(session)),
    started: progress?.started ?? row.started,
    metrics,
  };
}

function secondsOf({ live, row }: Session, now: number): number | null {
  const end = live ? now : row.ended;
  return row.started === null || end === null ? null : (end - row.started) / 1000;
}

/** @param directory absolute; undefined where it is none of a run. */
export async function directoryFacts(context: Context, directory: string): Promise<ComparedRun | undefined> {
  const watch = launcher.watch(
    {
      kind: "launch",
      command: ["falcon", "launch"],
      directory: path.dirname(directory),
      environment: {},
      runDirectory: directory,
      ended: null,
      created: 0,
      facts: {},
    },
    { look: lookAside, clock: () => ({ wall: wall(), steady: context.steady() }), others: () => [] },
  );
  const progress = await watch?.read().catch(() => null);
  if (watch === undefined || progress === undefined || progress === null) return undefined;
  const { started, ended, lastSign } = progress;
  const last = ended ?? lastSign;
  return {
    ...progressFacts(progress),
    name: path.basename(directory),
    session: null,
    directory,
    host: null,
    outcome: progress.phase === "unknown" ? null : progress.phase,
    seconds: started === null || last === null ? null : Math.max(0, last - started) / 1000,
    gpuHours: null,
    cpuHours: null,
    memoryPeak: null,
    config: flat(await watch.configuration?.()),
    started,
    metrics: (await watch.series?.()) ?? [],
  };
}

function progressFacts(progress: RunProgress | null): Pick<ComparedRun, "epochs" | "samples"> {
  const nodes = progress?.nodes ?? [];
  return {
    epochs: mostOf(nodes.map(({ epoch }) => epoch)),
    samples: progress?.samples?.total ?? mostOf(nodes.map(({ samples }) => samples)),
  };
}

function mostOf(values: readonly (number | null)[]): number | null {
  return values.reduce<number | null>((a, b) => (b === null ? a : Math.max(a ?? 0, b)), null);
}

function flat(config: ConfigTree | undefined): ReadonlyMap<string, string> | null {
  return config === undefined || config === null ? null : flatConfig(config);
}
