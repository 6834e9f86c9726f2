// All that a page in a folder shows of a run, asked of the session server.
import { gzipSync } from "node:zlib";
import { wall } from "../../base/clock.ts";
import { Status } from "../../base/failure.ts";
import type { Beside, Lines, NodeCurve, SharedRun } from "../wire.ts";
import { runRow, withoutPlaces } from "./rows.ts";
import { AnswerTooLong, type SessionServer } from "./session-server.ts";

/** Lines of the log that the page has: the last ones; and where these are too long for it. */
const mostLines = 2_000;
const fewLines = 100;
/** The longest recording that the page has (bytes, not compressed): what a phone still unpacks. */
const mostRecording = 24 << 20;
const mostAnswer = 32 << 20;
/** Metrics that the page has beside the losses; falcon logs some of each node, with some thousand points. */
export const mostMetrics = 16;

/** The run was removed: no later page is any better. */
export class RunGone extends Error {}

/** @throws Error in one sentence. */
export async function sharedRun(server: SessionServer, id: string): Promise<SharedRun> {
  const json = async <T>(args: readonly string[]): Promise<T | undefined> => {
    const said = await printed(server, args);
    return said === undefined ? undefined : (JSON.parse(said.toString()) as T);
  };
  const { status, stdout } = await server.ask(["show", id, "--json"], mostAnswer);
  if (status === Status.noSession) throw new RunGone(`session ${id} is not there any more: its page stays as it is`);
  const row = status === 0 ? runRow(JSON.parse(stdout.toString())) : undefined;
  if (row === undefined) throw new Error(`session ${id} cannot be shown`);
  const last = (count: number) => json<Lines>(["@page", "lines", id, "--count", String(count)]);
  const lines = (await last(mostLines)) ?? (await last(fewLines));
  const curves = await json<{ nodes: NodeCurve[] }>(["export", id, "--format", "curve-json"]);
  const told = await json<Beside>(["@page", "beside", id, "--all", String(mostMetrics)]);
  const metrics = told?.curves ?? {};
  const screen = await printed(server, ["export", id, "--format", "text", "--at=-0s"]);
  const cast = await printed(server, ["export", id, "--format", "cast", "--idle", "2"], mostRecording);
  return {
    row: withoutPlaces(row),
    written: wall(),
    nodes: curves?.nodes ?? [],
    beside: told === undefined ? null : { ...told, curves: {}, metrics: Object.keys(metrics) },
    metrics,
    lines: lines ?? { total: 0, more: false, lines: [] },
    screen: screen?.toString() ?? "",
    recording: cast === undefined ? null : recording(cast),
  };
}

/** What a command prints; undefined where it has nothing, or more than a page can take. */
async function printed(server: SessionServer, args: readonly string[], most = mostAnswer): Promise<Buffer | undefined> {
  try {
    const { status, stdout } = await server.ask(args, most);
    return status === 0 ? stdout : undefined;
  } catch (error) {
    if (error instanceof AnswerTooLong) return undefined;
    throw error;
  }
}

/** Compressed. Its first line has no more than the size. */
function recording(cast: Buffer): string {
  const end = cast.indexOf(0x0a);
  const { width, height } = JSON.parse(cast.toString("utf8", 0, end)) as { width: number; height: number };
  const head = JSON.stringify({ version: 2, width, height });
  return gzipSync(Buffer.concat([Buffer.from(head), cast.subarray(end)])).toString("base64");
}
