// falcon sessions --watch: a live table of sessions and their nodes, with the selected node's log below; what falcon monitor was.
import { Failure, Status } from "../base/failure.ts";
import { printable } from "../base/printable.ts";
import type { RunProgress } from "../falcon/run-progress.ts";
import type { Session } from "../session/session.ts";
import { attachHere } from "./attaching.ts";
import { type Call, type Context, InputMode } from "./call.ts";
import { coloursFor } from "./table.ts";
import { LogTail } from "./watch-log.ts";
import { picture, type Sort, sorted, sorts, type WatchLine } from "./watch-picture.ts";
import { endSentence } from "./wording.ts";

/** How often the files are looked at and the display is drawn (ms). */
const drawPause = 1000;

interface Line extends WatchLine {
  of: Session;
}

const enter = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[H\x1b[2J";
/** An arrow, an escape sequence that means nothing here, or one byte. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: ESC begins them
const keyPattern = /\x1b(?:\[[\x30-\x3f]*[\x20-\x2f]*[\x40-\x7e]|O.)|[\s\S]/g;

const leave = "\x1b[?7h\x1b[?25h\x1b[?1049l";

/**
 * Shows the table until q, Ctrl+C or Enter (which attaches to the selected session).
 * @param choose the sessions to show, asked anew at each drawing.
 * @throws Failure 2 without a terminal.
 */
export async function watch(call: Call, context: Context, choose: () => Session[]): Promise<number> {
  const { terminal } = call.request;
  if (!terminal.stdin || !terminal.stdout)
    throw new Failure("--watch needs a terminal; without one use 'falcon sessions' or 'falcon sessions --json'", Status.usage);
  let [cols, rows] = [terminal.cols, terminal.rows];
  let sort: Sort = "age";
  let selected: string | undefined;
  let lines: Line[] = [];
  let notice = "";
  const tail = new LogTail();
  let done: (attachTo: Session | undefined) => void = () => {};
  const chosen = new Promise<Session | undefined>((resolve) => {
    done = resolve;
  });
  const keyOf = (line: Line) => `${line.of.id}/${line.node?.name ?? ""}`;
  const move = (by: number) => {
    const at = Math.max(
      0,
      lines.findIndex((line) => keyOf(line) === selected),
    );
    const next = lines[Math.min(lines.length - 1, Math.max(0, at + by))];
    if (next !== undefined) selected = keyOf(next);
  };
  call.restore(Buffer.from(leave));
  call.resume(call.request.arguments);
  call.inputMode(InputMode.raw);
  call.stdout(enter);
  call.onSize = (c, r) => {
    [cols, rows] = [c, r];
    draw();
  };
  call.onContinued = () => {
    call.stdout(enter);
    draw();
  };
  call.onInputEnd = () => done(undefined);
  const press = (key: string): void => {
    notice = "";
    if (key === "q" || key === "\x03" || key === "\x1b") return done(undefined);
    if (key === "\r") {
      const session = lines.find((line) => keyOf(line) === selected)?.of;
      if (session === undefined) return;
      if (session.live) return done(session);
      notice = `${session.id} is over: falcon show ${session.id} tells more`;
    } else if (key === "j" || key === "\x1b[B" || key === "\x1bOB") move(1);
    else if (key === "k" || key === "\x1b[A" || key === "\x1bOA") move(-1);
    else if (key === "s") sort = sorts[(sorts.indexOf(sort) + 1) % sorts.length] ?? "age";
  };
  call.onInput = (bytes) => {
    // several keys may come at once: from a held key, or over a slow connection
    for (const [key] of bytes.toString("latin1").matchAll(keyPattern)) press(key);
    lines = sorted(lines, sort);
    draw();
  };

  const read = async () => {
    const sessions = choose();
    const found = await Promise.all(sessions.map(async (session) => ({ session, progress: await context.progress.of(session) })));
    lines = sorted(found.flatMap(linesOf), sort);
    if (!lines.some((line) => keyOf(line) === selected)) selected = lines[0] === undefined ? undefined : keyOf(lines[0]);
    draw();
  };

  function draw(): void {
    // a terminal that does not read gets the next picture instead of a queue of old ones
    if (call.backlog() > 1 << 16) return;
    const chosenLine = lines.find((line) => keyOf(line) === selected);
    const text = picture(lines, chosenLine, {
      cols,
      rows,
      now: context.clock(),
      colours: coloursFor(call.request),
      sort,
      notice,
      log: (count) => logLines(chosenLine, count),
    });
    // erased before it is written: after a line that fills the width the cursor still stands on its last column
    call.stdout(`\x1b[?2026h\x1b[H${text.map((line) => `\x1b[K${line}\x1b[0m`).join("\r\n")}\x1b[?2026l`);
  }

  /** The last lines of the selected node's own log; of a session without one, how it ended. */
  function logLines(line: Line | undefined, count: number): string[] {
    if (line === undefined || count === 0) return [];
    if (line.node === undefined || line.progress === null)
      return [printable(line.of.live ? line.of.title : endSentence(line.of))];
    return tail.lines(`${line.progress.graph}/${line.node.name}/output.log`, count);
  }

  let timer: NodeJS.Timeout | undefined;
  let over = false;
  const tick = async () => {
    await read();
    if (!over) timer = setTimeout(() => void tick(), drawPause);
  };
  await tick();
  const target = await Promise.race([chosen, call.gone.then(() => undefined)]);
  over = true;
  clearTimeout(timer);
  call.onInput = () => {};
  call.stdout(leave);
  if (target === undefined) {
    call.inputMode(InputMode.off);
    call.restore(Buffer.alloc(0));
    return Status.ok;
  }
  if (!target.live) {
    // it ended in this moment
    call.inputMode(InputMode.off);
    throw new Failure(
      `session ${target.id} (${target.row.name}) is over: ${endSentence(target)}; 'falcon show ${target.id}' tells more`,
      Status.noSession,
    );
  }
  call.request.terminal.cols = cols;
  call.request.terminal.rows = rows;
  return attachHere(call, context, target, { readOnly: false, history: context.config.history, enter: true });
}

function linesOf({ session, progress }: { session: Session; progress: RunProgress | null }): Line[] {
  const { name, state, created, started, ended } = session.row;
  const watched = { name, live: session.live, state, created, started, ended };
  const nodes = progress?.nodes.filter((node) => node.status !== "idle") ?? [];
  const of = session;
  if (nodes.length === 0) return [{ of, session: watched, progress, node: undefined }];
  return nodes.map((node) => ({ of, session: watched, progress, node }));
}
