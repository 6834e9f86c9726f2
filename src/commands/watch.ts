// falcon sessions --watch: a live table of sessions and their nodes, with the selected node's log below; what falcon monitor was.
import fs from "node:fs";
import { stripVTControlCharacters } from "node:util";
import stringWidth from "string-width";
import { Failure, Status } from "../base/failure.ts";
import { sparkline } from "../falcon/curve.ts";
import type { NodeProgress } from "../falcon/node-progress.ts";
import type { RunProgress } from "../falcon/progress.ts";
import { epochText, number, span } from "../falcon/summary.ts";
import type { Session } from "../session/session.ts";
import { attachHere } from "./attaching.ts";
import { type Call, type Context, InputMode } from "./call.ts";
import { coloursFor, table } from "./table.ts";
import { duration, endSentence } from "./wording.ts";

/** How often the files are looked at and the display is drawn (ms). */
const drawPause = 1000;

/** Bytes of a log's end that are read for the lines below the table. */
const logTail = 16 << 10;

const sorts = ["age", "name", "status", "loss"] as const;
type Sort = (typeof sorts)[number];

/** One line of the table: a node of a run, or a session without nodes. */
interface Line {
  session: Session;
  progress: RunProgress | null;
  node: NodeProgress | undefined;
}

const enter = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[H\x1b[2J";
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
  let done: (attachTo: Session | undefined) => void = () => {};
  const chosen = new Promise<Session | undefined>((resolve) => {
    done = resolve;
  });
  const keyOf = (line: Line) => `${line.session.id}/${line.node?.name ?? ""}`;
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
  call.onInput = (bytes) => {
    const key = bytes.toString("latin1");
    if (key === "q" || key === "\x03" || key === "\x1b") return done(undefined);
    if (key === "\r") return done(lines.find((line) => keyOf(line) === selected)?.session);
    if (key === "j" || key === "\x1b[B" || key === "\x1bOB") move(1);
    else if (key === "k" || key === "\x1b[A" || key === "\x1bOA") move(-1);
    else if (key === "s") sort = sorts[(sorts.indexOf(sort) + 1) % sorts.length] ?? "age";
    else return;
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
    const text = picture(lines, chosenLine, sort, { cols, rows, now: context.clock(), colours: coloursFor(call.request) });
    call.stdout(`\x1b[?2026h\x1b[H${text.map((line) => `${line}\x1b[0m\x1b[K`).join("\r\n")}\x1b[J\x1b[?2026l`);
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
  const nodes = progress?.nodes.filter((node) => node.status !== "idle") ?? [];
  return nodes.length === 0 ? [{ session, progress, node: undefined }] : nodes.map((node) => ({ session, progress, node }));
}

function sorted(lines: Line[], sort: Sort): Line[] {
  const loss = (line: Line) => line.node?.validationLoss ?? line.node?.loss ?? Number.POSITIVE_INFINITY;
  const by: Record<Sort, (a: Line, b: Line) => number> = {
    age: (a, b) => a.session.row.created - b.session.row.created,
    name: (a, b) => a.session.row.name.localeCompare(b.session.row.name),
    status: (a, b) => statusOf(a).localeCompare(statusOf(b)),
    loss: (a, b) => loss(a) - loss(b),
  };
  return [...lines].sort(by[sort]);
}

function statusOf(line: Line): string {
  if (!line.session.live) return line.session.row.state;
  if (line.node?.stalled === true || line.progress?.stalled === true) return "stalled";
  return line.node?.status ?? line.session.row.state;
}

interface Frame {
  cols: number;
  rows: number;
  now: number;
  colours: ReturnType<typeof coloursFor>;
}

function picture(lines: Line[], chosen: Line | undefined, sort: Sort, { cols, rows, now, colours }: Frame): string[] {
  if (lines.length === 0)
    return [colours.bold("no session runs"), "", "falcon launch starts one · q leaves"].map((l) => cut(l, cols));
  const [head = "", ...body] = table(
    [
      { title: "SESSION" },
      { title: "NODE" },
      { title: "STATUS" },
      { title: "EPOCH", right: true },
      { title: "LOSS", right: true },
      { title: "TREND" },
      { title: "SAMPLES", right: true },
      { title: "LR", right: true },
      { title: "EP/MIN", right: true },
      { title: "LEFT", right: true },
      { title: "SILENT", right: true },
      { title: "AGE", right: true },
    ],
    lines.map((line) => cells(line, now)),
    cols,
  ).split("\n");
  const at = chosen === undefined ? 0 : lines.indexOf(chosen);
  // the table takes at most half of the screen; the selected line stays in sight
  const room = Math.max(1, Math.min(body.length, Math.floor((rows - 4) / 2)));
  const first = Math.max(0, Math.min(at - Math.floor(room / 2), body.length - room));
  const shown = body
    .slice(first, first + room)
    .map((line, i) => (first + i === at ? `\x1b[7m${pad(line, cols)}\x1b[27m` : cut(line, cols)));
  const log = logLines(chosen, Math.max(0, rows - room - 4));
  const title =
    chosen === undefined ? "" : `── ${chosen.session.row.name}${chosen.node === undefined ? "" : ` / ${chosen.node.name}`} `;
  return [
    colours.bold(cut(head, cols)),
    ...shown,
    colours.dim(cut(`${title}${"─".repeat(Math.max(0, cols - stringWidth(title)))}`, cols)),
    ...log.map((line) => cut(line, cols)),
    ...new Array(Math.max(0, rows - room - 3 - log.length)).fill(""),
    colours.dim(cut(`j/k select · Enter attaches · s sorts (by ${sort}) · q leaves`, cols)),
  ].slice(0, rows);
}

function cells(line: Line, now: number): string[] {
  const { session, node } = line;
  const loss = node?.validationLoss ?? node?.loss ?? null;
  const left = node?.timeLeft ?? null;
  const silence = session.live && node?.lastSign ? (now - node.lastSign) / 1000 : null;
  return [
    session.row.name,
    node?.name ?? "",
    statusOf(line),
    node === undefined ? "" : epochText(node),
    loss === null ? "" : number(loss),
    node === undefined ? "" : sparkline(node.trend, 12),
    node?.samples == null ? "" : String(node.samples),
    node?.learningRate == null ? "" : number(node.learningRate),
    node?.epochsPerMinute == null ? "" : number(node.epochsPerMinute),
    left === null || !session.live ? "" : span(left),
    silence === null ? "" : span(silence),
    duration((session.row.ended ?? now) - (session.row.started ?? session.row.created)),
  ];
}

/** The last lines of the selected node's own log; of a session without one, how it ended. */
function logLines(line: Line | undefined, count: number): string[] {
  if (line === undefined || count === 0) return [];
  if (line.node === undefined || line.progress === null)
    return line.session.live ? [line.session.title] : [endSentence(line.session)];
  const text = tail(`${line.progress.graph}/${line.node.name}/output.log`);
  // a log line must not move our cursor
  const plain = stripVTControlCharacters(text).replace(/[^\P{Cc}\n]/gu, "");
  return plain.trimEnd().split("\n").slice(-count);
}

function tail(file: string): string {
  let fd: number;
  try {
    fd = fs.openSync(file, "r");
  } catch {
    return "no log yet";
  }
  try {
    const { size } = fs.fstatSync(fd);
    const buffer = Buffer.alloc(Math.min(size, logTail));
    fs.readSync(fd, buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString("utf8");
  } finally {
    fs.closeSync(fd);
  }
}

/** The text in at most `width` columns; colours count nothing. */
function cut(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  let used = 0;
  let result = "";
  for (const character of text) {
    used += stringWidth(character);
    if (used > width) break;
    result += character;
  }
  return result;
}

function pad(text: string, width: number): string {
  const short = cut(text, width);
  return short + " ".repeat(Math.max(0, width - stringWidth(short)));
}
