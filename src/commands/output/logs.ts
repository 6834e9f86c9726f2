// falcon logs: what a session said, as lines; of one, of a node of its run, or found in all of them.
import { Failure, Status } from "../../base/failure.ts";
import { durationOf } from "../../base/quantity.ts";
import { showable, type TerminalBytes } from "../../base/terminal-bytes.ts";
import { localTime, timeSaid } from "../../base/zone.ts";
import { jobNumber } from "../../batch/job-end.ts";
import { fileLines, fileStart } from "../../logs/file-lines.ts";
import type { Selected, Selection } from "../../logs/line-job.ts";
import { LastLines, PatternTooSlow, type Place, SessionLines } from "../../logs/session-lines.ts";
import { trigramQuery } from "../../logs/trigram-index.ts";
import { selectRun } from "../../session/life/select-session.ts";
import type { Session } from "../../session/life/session.ts";
import { lineSource } from "../../session/output/archive.ts";
import { partFact } from "../../session/run/parts.ts";
import type { FoundBlock } from "../../store/search.ts";
import { readPiece, sizeOf } from "../../trainers/foreign-files.ts";
import type { Call, Context } from "../dispatch/call.ts";
import { chooseOne } from "../dispatch/choose-sessions.ts";
import type { CommandSpec } from "../dispatch/command.ts";
import { coloursFor } from "../text/table.ts";
import { bytes } from "../text/wording.ts";
import { type HoleReason, holeReason } from "./hole-reason.ts";
import { passedTo } from "./passed-output.ts";

/**
 * The hidden command by which a client goes on after its server was lost or replaced: the same options, and
 * the line or byte to go on from.
 */
export const resumeLogs = "@logs";

/** Lines that -n gives at most: they are gathered before the first one is written. */
const mostLast = 100_000;
/** Bytes that may wait for the caller before the next are made. */
const backlogLimit = 256 << 10;
/** Bytes of raw output read at once. */
const rawBytes = 256 << 10;
/** How often a followed file is looked at (ms): files on a network home tell nobody that they grew. */
const fileLook = 500;

interface LogOptions {
  follow?: boolean;
  lines?: string;
  since?: string;
  grep?: string;
  ignoreCase?: boolean;
  node?: string;
  raw?: boolean;
  all?: boolean;
  color: string;
  after?: string;
  byte?: string;
}

export const logs: CommandSpec = {
  name: "logs",
  summary: "what a session said; --all --grep searches all of them",
  examples: [
    ["falcon logs -f night", "follow it until it ends"],
    ["falcon logs night -n 50", "its last 50 lines"],
    ["falcon logs --all -i --grep 'error'", "search every session"],
    ["falcon logs night --node theta", "a node's own log"],
  ],
  completes: "all",
  define(command) {
    command
      .argument("[session]", "id, unique prefix, name or run directory")
      .option("-f, --follow", "go on until the session ends")
      .option("-n, --lines <n>", "the last n lines only")
      .option("--since <time>", "what was said since: 90s, 12h, 2d, 14:30, 2026-11-24T14:30")
      .option("--grep <regex>", "lines that match only (a JavaScript regular expression)")
      .option("-i, --ignore-case", "letters match whatever their case")
      .option("--node <name>", "a node's own log instead; driver is the driver's")
      .option("--raw", "the bytes of the terminal, as the program wrote them")
      .option("--all", "search all sessions (with --grep)")
      .option("--color <when>", "auto, always, never", "auto");
  },
  async run(call, context, [wanted], options) {
    return logsWith(call, context, wanted, options as LogOptions);
  },
};

export const logsAgain: CommandSpec = {
  name: resumeLogs,
  summary: "go on after the server was lost",
  define(command) {
    logs.define(command);
    command.option("--after <line>").option("--byte <offset>");
  },
  run: logs.run,
};

async function logsWith(call: Call, context: Context, wanted: string | undefined, options: LogOptions): Promise<number> {
  const select = selection(call, options);
  try {
    if (options.all) return await searchAll(call, context, wanted, options, select);
    const session = chooseOne(call, context, wanted, true);
    if (options.node !== undefined) return await nodeLog(call, context, session, options.node, options, select);
    if (options.raw) return await rawLog(call, context, session, options);
    if (options.lines === undefined && options.after === undefined)
      await earlierParts(call, context, session, wanted, options, select);
    return await sessionLog(call, context, session, options, select);
  } catch (error) {
    if (!(error instanceof PatternTooSlow)) throw error;
    throw new Failure(
      `--grep ${options.grep}: this pattern takes too long on some line; write it without repetitions inside repetitions, such as (a+)+`,
      Status.usage,
    );
  }
}

/**
 * The earlier parts of a run that is meant by its name or directory, each with a mark at its seam: one
 * history. An id means its part alone.
 */
async function earlierParts(
  call: Call,
  context: Context,
  session: Session,
  wanted: string | undefined,
  options: LogOptions,
  select: Selection,
): Promise<void> {
  const parts = selectRun(context.table.all(), wanted, call.request.directory, session);
  if (parts.length < 2) return;
  // what came after the part that is meant (a live one comes before an ended one) is another history
  const earlier = parts.slice(0, Math.max(0, parts.indexOf(session)));
  for (const [i, part] of earlier.entries()) {
    await sessionLog(call, context, part, { ...options, follow: false }, select);
    // a search shows lines that match, and no others
    if (options.grep === undefined) call.stdout(`${seam(parts[i + 1] as Session, i + 2, call)}\n`);
  }
}

/** What stands between two parts. */
function seam(part: Session, place: number, { request }: Call): string {
  const { row } = part;
  const job = row.facts.job;
  const begun = localTime(row.started ?? row.created, request.environment);
  const facts = [row.host, job === undefined ? "" : `job ${jobNumber(job)}`, begun];
  return `── part ${partFact(part)?.n ?? place} · ${facts.filter(Boolean).join(" · ")} ──`;
}

/** Checks the options and makes of them what is looked for. @throws Failure 2 */
function selection(call: Call, options: LogOptions): Selection {
  const when = options.color;
  if (when !== "auto" && when !== "always" && when !== "never")
    throw new Failure(`--color ${when}: give auto, always or never`, Status.usage);
  let pattern: Selection["pattern"] = null;
  if (options.grep !== undefined) {
    const flags = options.ignoreCase ? "i" : "";
    try {
      new RegExp(options.grep, flags);
    } catch (error) {
      const reason = (error as Error).message.replace(/^Invalid regular expression: \/.*\/\w*: /s, "");
      throw new Failure(`--grep ${options.grep}: not a regular expression (${reason})`, Status.usage);
    }
    pattern = { source: options.grep, flags };
  }
  const { raw, lines, grep, all, node, follow } = options;
  const wrong =
    raw && (lines !== undefined || grep !== undefined)
      ? "--raw gives bytes: it goes with neither -n nor --grep"
      : all && grep === undefined
        ? "--all searches: give it a --grep"
        : all && (raw || node !== undefined || follow)
          ? "--all goes with neither --raw, --node nor -f"
          : undefined;
  if (wrong !== undefined) throw new Failure(wrong, Status.usage);
  const colours = when === "always" || (when === "auto" && coloursFor(call.request).isColorSupported);
  return {
    from: options.after === undefined ? 0 : Number(options.after),
    to: Number.MAX_SAFE_INTEGER,
    since: 0,
    stamp: 0,
    pattern,
    colours,
    prefix: "",
  };
}

function lastOf(options: LogOptions): number | undefined {
  if (options.lines === undefined || options.after !== undefined) return undefined;
  const count = Number(options.lines);
  if (!Number.isInteger(count) || count < 0 || count > mostLast)
    throw new Failure(`-n ${options.lines}: give a number of lines from 0 to ${mostLast}`, Status.usage);
  return count;
}

/**
 * A point in time: a duration before now, a time of today, or a date with or without time, in the caller's
 * time zone unless it says one.
 */
export function parseTime(option: string, text: string, now: number, environment: Readonly<Record<string, string>>): number {
  const ago = durationOf(text);
  if (ago !== undefined) return now - ago;
  const time = timeSaid(text, now, environment);
  if (time === undefined)
    throw new Failure(
      `${option} ${text}: give a duration (90s, 12h, 2d), a time (14:30) or a date (2026-11-24T14:30)`,
      Status.usage,
    );
  return time;
}

/** Writes what was chosen and waits while the caller is slower. */
class Output {
  readonly #call: Call;
  #gone = false;

  constructor(call: Call) {
    this.#call = call;
    void call.gone.then(() => {
      this.#gone = true;
    });
  }

  get gone(): boolean {
    return this.#gone;
  }

  async bytes(bytes: TerminalBytes): Promise<void> {
    if (bytes.length > 0) this.#call.write(bytes);
    if (this.#call.backlog() > backlogLimit) await new Promise<void>((resolve) => this.#call.onDrained(resolve));
  }

  async lines({ text }: Selected): Promise<void> {
    // lines as we draw them: no control characters but our attributes
    await this.bytes(showable(text));
  }
}

/** Waits for what `wake` tells, remembering it when it came early. */
class WakeUp {
  #rung = false;
  #resolve: (() => void) | undefined;

  signal = (): void => {
    this.#rung = true;
    this.#resolve?.();
  };

  async wait(): Promise<void> {
    if (!this.#rung)
      await new Promise<void>((resolve) => {
        this.#resolve = resolve;
      });
    this.#rung = false;
  }
}

async function sessionLog(
  call: Call,
  context: Context,
  session: Session,
  options: LogOptions,
  chosen: Selection,
): Promise<number> {
  const select = { ...chosen };
  const lost = session.lostLog;
  if (lost?.what === "folder") throw new Failure(lost.sentence);
  if (options.since !== undefined && options.after === undefined) {
    const time = parseTime("--since", options.since, context.clock(), call.request.environment);
    const log = session.openLog();
    select.since = log.offsetAt(time);
    log.close();
  }
  const out = new Output(call);
  const count = lastOf(options);
  let live = session.live;
  let place: Place | undefined;
  let from = select.from;
  const after: NonNullable<Parameters<SessionLines["forward"]>[2]> = (reached, answer) => {
    place = reached;
    // a cursor that moved up has not taken lines back; rows that were erased have
    from = Math.min(Math.max(from, answer.shown), answer.total);
    if (options.follow && live) call.resume(resumption(session, options, from));
  };
  const source = lineSource(session);
  const standing = () => (live ? (options.follow ? "complete" : "show") : "end");
  const lines = new SessionLines(source, context.archive);
  if (count === undefined) {
    for await (const selected of lines.forward(select, standing(), after)) {
      await out.lines(selected);
      if (out.gone) return Status.ok;
      const last = selected.numbers.at(-1);
      if (last !== undefined) call.resume(resumption(session, options, Math.max(from, last + 1)));
    }
  } else for (const selected of await lines.last(count, select, standing(), after)) await out.lines(selected);
  if (options.after === undefined) tellMissing(call, session, count === undefined && select.since === 0);
  // what was compressed before is there, and was shown
  if (lost !== undefined) throw new Failure(lost.sentence);
  if (!options.follow || !live) return Status.ok;

  const wakeUp = new WakeUp();
  const stop = session.onMore(wakeUp.signal);
  void call.gone.then(wakeUp.signal);
  const forget = session.onOver(wakeUp.signal);
  try {
    while (live && !out.gone) {
      if (session.live && session.offset <= (place as Place).offset) await wakeUp.wait();
      live = session.live;
      const onward = new SessionLines(source, context.archive).onward(place as Place, { ...select, from }, standing(), after);
      for await (const selected of onward) await out.lines(selected);
    }
  } finally {
    stop();
    forget();
  }
  call.resume(undefined);
  return Status.ok;
}

/**
 * What cannot be read any more is said beside the lines. @param whole the reader asked for all of it, so the
 * beginning counts as well.
 */
function tellMissing(call: Call, session: Session, whole: boolean): void {
  const log = session.openLog();
  const missing = new Map<HoleReason, number>();
  for (const { length, reason } of log.holes()) missing.set(reason, (missing.get(reason) ?? 0) + length);
  log.close();
  if (!whole) missing.delete("retention");
  for (const [reason, length] of missing)
    call.stderr(`falcon: ${bytes(length)} of this log are missing: ${holeReason(session.row, reason)}\n`);
}

/** What the next server is asked for: the same, from the next line on. */
function resumption(session: Session, options: LogOptions, after: number): string[] {
  return [
    resumeLogs,
    session.id,
    ...(options.follow ? ["--follow"] : []),
    "--color",
    options.color,
    ...(options.grep === undefined ? [] : [`--grep=${options.grep}`]),
    ...(options.ignoreCase ? ["--ignore-case"] : []),
    "--after",
    String(after),
  ];
}

async function rawLog(call: Call, context: Context, session: Session, options: LogOptions): Promise<number> {
  const { lostLog } = session;
  if (lostLog?.what === "folder") throw new Failure(lostLog.sentence);
  const out = new Output(call);
  const wakeUp = new WakeUp();
  const stop = session.onMore(wakeUp.signal);
  const forget = session.onOver(wakeUp.signal);
  void call.gone.then(wakeUp.signal);
  const log = session.openLog();
  const passed = passedTo(call, context);
  try {
    let at = log.base;
    if (options.byte !== undefined) at = Number(options.byte);
    else if (options.since !== undefined)
      at = log.offsetAt(parseTime("--since", options.since, context.clock(), call.request.environment));
    for (;;) {
      const { live } = session;
      for await (const piece of log.pieces(at)) {
        if ("hole" in piece) {
          const { length, reason } = piece.hole;
          call.stderr(`falcon: ${length} bytes are missing here (${holeReason(session.row, reason)})\n`);
          at = piece.offset + length;
          continue;
        }
        for (let i = 0; i < piece.bytes.length && !out.gone; i += rawBytes) {
          const part = piece.bytes.subarray(i, i + rawBytes);
          await out.bytes(passed(part));
          at = piece.offset + i + part.length;
          call.resume([resumeLogs, session.id, "--raw", ...(options.follow ? ["--follow"] : []), "--byte", String(at)]);
        }
        if (out.gone) return Status.ok;
      }
      if (lostLog !== undefined) throw new Failure(lostLog.sentence);
      if (!options.follow || !live) return Status.ok;
      await wakeUp.wait();
      if (out.gone) return Status.ok;
    }
  } finally {
    stop();
    forget();
    log.close();
  }
}

async function nodeLog(
  call: Call,
  context: Context,
  session: Session,
  node: string,
  options: LogOptions,
  chosen: Selection,
): Promise<number> {
  const file = await context.progress.logFile(session, node);
  if (file === undefined) {
    const progress = await context.progress.of(session);
    const names = ["driver", ...(progress?.nodes.map(({ name }) => name) ?? [])];
    throw new Failure(
      progress === null
        ? `session ${session.id} (${session.row.name}) has no run directory${session.live ? " yet" : ""}, so no node's log is known`
        : `no node '${node}' in ${progress.name}; there are: ${names.join(", ")}`,
      Status.noSession,
    );
  }
  const out = new Output(call);
  const select = {
    ...chosen,
    stamp: options.since === undefined ? 0 : parseTime("--since", options.since, context.clock(), call.request.environment),
  };
  const { workers } = context.archive;
  let place = fileStart;
  let from = 0;
  const after: NonNullable<Parameters<SessionLines["forward"]>[2]> = (reached, answer) => {
    place = reached;
    from = Math.min(answer.shown, answer.total);
  };
  const count = lastOf(options);
  const last = count === undefined ? undefined : new LastLines(count);
  const follow = options.follow === true && session.live;
  try {
    if (options.raw) {
      const passed = passedTo(call, context);
      const size = await sizeOf(file);
      for (let at = 0; at < size && !out.gone; ) {
        const bytes = Buffer.from(await readPiece(file, at, Math.min(rawBytes, size - at)));
        if (bytes.length === 0) break;
        await out.bytes(passed(bytes));
        at += bytes.length;
      }
    } else
      for await (const selected of fileLines(workers, file, fileStart, select, follow ? "complete" : "end", after)) {
        if (last !== undefined) last.push(selected);
        else await out.lines(selected);
        if (out.gone) return Status.ok;
      }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== "ENOENT" || !follow) {
      if (code === undefined) throw error;
      throw new Failure(
        `the log of ${node} cannot be read: ${file}: ${code === "ENOENT" ? "there is no such file" : code === "EINVAL" ? "it is no regular file" : code}`,
      );
    }
  }
  for (const selected of last?.chunks ?? []) await out.lines(selected);
  if (!follow || options.raw) return Status.ok;
  const wakeUp = new WakeUp();
  const forget = session.onOver(wakeUp.signal);
  const look = setInterval(wakeUp.signal, fileLook);
  void call.gone.then(wakeUp.signal);
  try {
    for (let live = true; live && !out.gone; ) {
      await wakeUp.wait();
      live = session.live;
      try {
        const onward = fileLines(workers, file, place, { ...select, from }, live ? "complete" : "end", after);
        for await (const selected of onward) await out.lines(selected);
      } catch (error) {
        // not written yet, or gone: it may come (again)
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      }
    }
  } finally {
    clearInterval(look);
    forget();
  }
  return Status.ok;
}

async function searchAll(
  call: Call,
  context: Context,
  wanted: string | undefined,
  options: LogOptions,
  chosen: Selection,
): Promise<number> {
  if (wanted !== undefined) throw new Failure(`--all searches all sessions: leave '${wanted}' out`, Status.usage);
  const out = new Output(call);
  const time =
    options.since === undefined ? undefined : parseTime("--since", options.since, context.clock(), call.request.environment);
  const count = lastOf(options);
  const { archive } = context;
  const pattern = chosen.pattern as NonNullable<Selection["pattern"]>;
  const query = trigramQuery(new RegExp(pattern.source, pattern.flags));
  // both at one moment, so that a block that is stored meanwhile is neither missed nor read twice
  const found = query === undefined ? undefined : bySession(archive.store.find(query));
  const sessions = context.table.all().map((session) => ({ session, lines: new SessionLines(lineSource(session), archive) }));
  const colours = chosen.colours ? coloursFor(call.request) : undefined;
  const last = count === undefined ? undefined : new LastLines(count);
  for (const { session, lines } of sessions) {
    if (out.gone) return Status.ok;
    const name = `${session.id} ${session.row.name}:`;
    const select = { ...chosen, prefix: `${colours === undefined ? name : colours.magenta(name)} ` };
    if (time !== undefined) {
      if ((session.row.ended ?? context.clock()) < time) continue;
      const log = session.openLog();
      select.since = log.offsetAt(time);
      log.close();
    }
    const standing = session.live ? "show" : "end";
    const chunks = async function* () {
      if (found === undefined) yield* lines.forward(select, standing);
      else {
        yield* lines.found(found.get(session.id) ?? [], select);
        yield* lines.tail(select, standing);
      }
    };
    try {
      for await (const selected of chunks()) {
        if (last !== undefined) last.push(selected);
        else await out.lines(selected);
        if (out.gone) return Status.ok;
      }
    } catch (error) {
      // one session's folder that cannot be read must not hide what the others say
      if (error instanceof PatternTooSlow || error instanceof Failure) throw error;
      context.log("search.failed", { session: session.id, reason: String(error) });
      call.stderr(`falcon: the log of ${session.id} (${session.row.name}) cannot be read: ${(error as Error).message}\n`);
    }
  }
  for (const selected of last?.chunks ?? []) await out.lines(selected);
  return Status.ok;
}

function bySession(found: readonly FoundBlock[]): Map<string, FoundBlock[]> {
  const sessions = new Map<string, FoundBlock[]>();
  for (const block of found) {
    const blocks = sessions.get(block.session);
    if (blocks === undefined) sessions.set(block.session, [block]);
    else blocks.push(block);
  }
  return sessions;
}
