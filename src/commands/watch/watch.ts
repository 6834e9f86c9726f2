// falcon sessions --watch: a live table of sessions and their nodes, with the selected node's log below; what
// falcon monitor was.
import { Failure, Status, sentence } from "../../base/failure.ts";
import { type Action, actionOf, type Bindings, helpOf, type KeyName } from "../../base/keymap.ts";
import { printable } from "../../base/text/printable.ts";
import { showable } from "../../base/text/terminal-bytes.ts";
import { leaveBytes, ViewKeys } from "../../session/keys/view-keys.ts";
import type { Session } from "../../session/life/session.ts";
import { attachHere } from "../attach/attach-terminal.ts";
import { endReport } from "../attach/end-report.ts";
import { type Call, type Context, InputMode } from "../dispatch/call.ts";
import { attachThere } from "../dispatch/other-machine.ts";
import { attachElsewhere } from "../dispatch/other-server.ts";
import { isOwn, type ListRow, progressOf } from "../list/list-row.ts";
import { coloursFor } from "../text/table.ts";
import { endSentence } from "../text/wording.ts";
import { MetricColumn } from "./metric-column.ts";
import { LogTail } from "./watch-log.ts";
import { type Page, turnPage } from "./watch-page.ts";
import { emptyPicture, type Frame, metricColumn, pageOf, picture, tableHeight, type WatchColumn } from "./watch-picture.ts";
import { WatchPrompt } from "./watch-prompt.ts";
import { rowKey, type Sort, sorts, type WatchRow, watchRows } from "./watch-rows.ts";
import { WatchChoice, type WatchSource, watched, watchedRow } from "./watch-source.ts";
import { WatchedSessions } from "./watched-sessions.ts";

/** How often the display is drawn, and the files of the runs in sight are looked at (ms). */
const drawPause = 1000;

/**
 * Every so many drawings the files of the runs out of sight are looked at as well: their order and counts may
 * have changed.
 */
const outOfSight = 15;

/**
 * Every so many drawings the other servers of this host are asked, and Slurm of what was submitted: each
 * answer costs them a list.
 */
const askOthers = 5;

/** Every so many drawings a metric in a column is looked at: a run writes its chunks some seconds apart. */
const askMetric = 5;

// 1007: the wheel types the arrow keys on the alternate screen, and the mouse still selects text. Its former
// state is saved and comes back.
const enter = "\x1b[?1007s\x1b[?1007h\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[H\x1b[2J";
const leave = "\x1b[?7h\x1b[?25h\x1b[?1049l\x1b[?1007r";

/**
 * Shows the table until it is left. Enter attaches to the selected session, and leaving that comes back here.
 * @returns the status; undefined: the client attaches to another server's session, and then asks again.
 * @throws Failure 2 without a terminal.
 */
export async function watch(call: Call, context: Context, source: WatchSource): Promise<number | undefined> {
  const { terminal } = call.request;
  if (!terminal.stdin || !terminal.stdout)
    throw new Failure("--watch needs a terminal; without one use 'falcon sessions' or 'falcon sessions --json'", Status.usage);
  const view = new WatchView(call, context, source);
  for (;;) {
    const target = await view.show();
    if (target === undefined) return Status.ok;
    if (!isOwn(target)) {
      const { id, server, far } = target;
      if (far !== undefined) attachThere(call, context, { ...far, id });
      else attachElsewhere(call, server as string, id);
      return undefined;
    }
    const options = { readOnly: false, history: context.config.history, enter: true };
    const status = await attachHere(call, context, target, options).catch((error: unknown) => {
      if (!(error instanceof Failure)) throw error;
      view.say(error.message);
    });
    if (call.isGone || context.stopping.aborted) return status ?? Status.ok;
    if (status !== undefined && !target.live) view.say(`${target.row.name}: ${endSentence(target)}`);
  }
}

/** What the display shows and what its keys do. */
class WatchView {
  readonly #call: Call;
  readonly #context: Context;
  readonly #bindings: Bindings<"watch">;
  readonly #tail = new LogTail();
  #keys = new ViewKeys();
  readonly #own: WatchedSessions;
  readonly #choice: WatchChoice;
  #looks = 0;
  #rows: WatchRow[] = [];
  #selected: string | undefined;
  #top = 0;
  #sort: Sort = "age";
  #reverse = false;
  /** What is used stands before what else may be left out. */
  #usage = false;
  /** Chosen by a key; until then the ended ones are folded while something runs. */
  #folded: boolean | undefined;
  readonly #prompt = new WatchPrompt();
  readonly #metric: MetricColumn;
  /** Another one was chosen since the last look. */
  #metricChosen = true;
  #metricColumn: WatchColumn | undefined;
  #notice = "";
  #page: Page | undefined;
  /** Keys so far: a report that was waited for is not drawn over what another key has opened. */
  #presses = 0;
  #done: (attachTo: Session | ListRow | undefined) => void = () => {};
  /** The lines that the terminal shows: only others are written. Empty: what it shows is not known. */
  #drawn: readonly string[] = [];

  constructor(call: Call, context: Context, source: WatchSource) {
    this.#call = call;
    this.#context = context;
    this.#choice = new WatchChoice(source, context.table);
    // what fits none is said before the terminal shows another screen, with which the sentence would go
    this.say(this.#choice.look() ?? "");
    this.#bindings = context.config.keymap.watch;
    this.#own = new WatchedSessions({
      progress: (session) => context.progress.of(session),
      shown: (session) => watched(session, context),
    });
    this.#metric = new MetricColumn((session, name) => context.progress.series(session, name));
    this.#choose(source.metric ?? "");
  }

  /** Shows this metric as a column; "": none. */
  #choose(name: string): void {
    this.#metric.choose(name);
    this.#metricChosen = true;
    this.#metricColumn =
      this.#metric.name === ""
        ? undefined
        : metricColumn(this.#metric.title, ({ session, node }) =>
            node === undefined ? undefined : this.#metric.value(session.id, node.name),
          );
  }

  /** Stands in place of the keys until the next one is pressed. */
  say(notice: string): void {
    this.#notice = printable(notice);
  }

  /** Has the terminal until it is left; answers the session to attach to, or undefined. */
  async show(): Promise<Session | ListRow | undefined> {
    const call = this.#call;
    const chosen = new Promise<Session | ListRow | undefined>((resolve) => {
      this.#done = resolve;
    });
    this.#keys = new ViewKeys();
    call.restore(Buffer.from(leave));
    call.resume(call.request.arguments);
    call.leaveKeys(leaveBytes(this.#bindings));
    call.inputMode(InputMode.raw);
    call.write(showable(enter));
    this.#drawn = [];
    call.onSize = () => {
      this.#drawn = [];
      this.#draw();
    };
    call.onContinued = () => {
      call.write(showable(enter));
      this.#drawn = [];
      this.#draw();
    };
    call.onInputEnd = () => this.#done(undefined);
    call.onInput = (bytes) => {
      // several keys may come at once, and each is meant for what the one before it has made
      for (const key of this.#keys.feed(bytes)) {
        this.#press(key);
        this.#arrange();
      }
      this.#draw();
    };
    let timer: NodeJS.Timeout | undefined;
    let over = false;
    const lookAgain = async () => {
      await this.#look().catch((error) => this.say(sentence(error)));
      if (over) return;
      this.#draw();
      timer = setTimeout(lookAgain, drawPause);
    };
    await this.#look();
    this.#draw();
    timer = setTimeout(lookAgain, drawPause);
    const target = await Promise.race([chosen, call.gone.then(() => undefined)]);
    over = true;
    clearTimeout(timer);
    call.onInput = () => {};
    call.onSize = () => {};
    call.onContinued = () => {};
    call.write(showable(leave));
    if (target !== undefined) return target;
    call.resume(undefined);
    call.inputMode(InputMode.off);
    call.restore(Buffer.alloc(0));
    return undefined;
  }

  /** Reads how far the runs are: those in sight, now and then all, and whatever is new. */
  async #look(): Promise<void> {
    const lacking = this.#choice.look();
    if (lacking !== undefined) this.say(lacking);
    const sessions = this.#choice.own;
    const all = this.#looks++ % outOfSight === 0;
    if (this.#looks % askOthers === 0) this.#choice.askOthers();
    const inSight = new Set(
      this.#rows.slice(this.#top, this.#top + this.#height()).flatMap((row) => (row.kind === "session" ? [row.session.id] : [])),
    );
    // asked for in the same moment it is one question with the runs' files
    const followed = this.#logFile(this.#rows[this.#at()]);
    await Promise.all([
      this.#own.look(sessions, ({ id }) => all || inSight.has(id)),
      followed === undefined ? undefined : this.#tail.follow(followed),
    ]);
    const metricDue = (this.#looks - 1) % askMetric === 0 || this.#metricChosen;
    this.#metricChosen = false;
    if (metricDue) await this.#metric.look(sessions.filter(({ id }) => all || inSight.has(id)));
    this.#arrange();
    const log = this.#logFile(this.#rows[this.#at()]);
    if (log !== undefined && log !== followed) await this.#tail.follow(log);
  }

  /** The lines anew from what is known; the selected one stays selected, and in sight. */
  #arrange(): void {
    const sessions = [
      ...this.#own.all(),
      ...this.#choice.others.map((row) => ({ session: watchedRow(row), progress: progressOf(row) })),
    ];
    const folded = this.#folded ?? sessions.some(({ session }) => session.live);
    this.#rows = watchRows(sessions, { sort: this.#sort, reverse: this.#reverse, folded, filter: this.#prompt.filter });
    if (this.#at() < 0) this.#selected = this.#rows[0] === undefined ? undefined : rowKey(this.#rows[0]);
    this.#scroll();
  }

  #at(): number {
    return this.#rows.findIndex((row) => rowKey(row) === this.#selected);
  }

  #height(): number {
    return tableHeight(this.#rows.length, this.#call.request.terminal.rows);
  }

  #scroll(): void {
    const at = Math.max(0, this.#at());
    const height = this.#height();
    this.#top = Math.min(Math.max(this.#top, at - height + 1), at, Math.max(0, this.#rows.length - height));
  }

  #select(index: number): void {
    const row = this.#rows[Math.min(this.#rows.length - 1, Math.max(0, index))];
    if (row !== undefined) this.#selected = rowKey(row);
  }

  #press(key: KeyName): void {
    this.#presses++;
    this.#notice = "";
    if (this.#prompt.typing) {
      const metric = this.#prompt.press(key);
      if (metric !== undefined) this.#choose(metric);
      return;
    }
    const action = actionOf(this.#bindings, key);
    if (action === undefined) return;
    if (this.#page !== undefined) {
      const room = Math.max(1, this.#call.request.terminal.rows - 2);
      if (!turnPage(this.#page, action, room)) this.#page = undefined;
      return;
    }
    const page = Math.max(1, this.#height() - 1);
    const actions: Record<Action<"watch">, () => void> = {
      down: () => this.#select(this.#at() + 1),
      up: () => this.#select(this.#at() - 1),
      "page-down": () => this.#select(this.#at() + page),
      "page-up": () => this.#select(this.#at() - page),
      first: () => this.#select(0),
      last: () => this.#select(this.#rows.length - 1),
      open: () => this.#open(),
      fold: () => this.#fold(),
      filter: () => this.#prompt.typeFilter(),
      metric: () => this.#prompt.typeMetric(this.#metric.name),
      sort: () => {
        this.#sort = sorts[(sorts.indexOf(this.#sort) + 1) % sorts.length] ?? "age";
      },
      reverse: () => {
        this.#reverse = !this.#reverse;
      },
      usage: () => {
        this.#usage = !this.#usage;
      },
      help: () => {
        this.#page = { title: "keys of falcon sessions --watch", text: ["", ...helpOf(this.#bindings)], top: 0 };
      },
      leave: () => {
        // Esc first takes the filter back
        if (key === "escape" && this.#prompt.filter !== "") this.#prompt.filter = "";
        else this.#done(undefined);
      },
    };
    actions[action]();
  }

  #open(): void {
    const row = this.#rows[this.#at()];
    if (row === undefined) return;
    if (row.kind === "ended") return this.#fold();
    const session = this.#own.get(row.session.id);
    const other = this.#choice.others.find(({ id }) => id === row.session.id);
    if (session === undefined && other?.live && (other.server ?? other.far) !== undefined) return this.#done(other);
    if (session === undefined) return this.say(other === undefined ? "" : `${other.name}: ${other.text}`);
    if (session.live) this.#done(session);
    else this.#report(session).catch((error) => this.say(sentence(error)));
  }

  #fold(): void {
    const row = this.#rows.find(({ kind }) => kind === "ended");
    if (row?.kind === "ended") this.#folded = !row.folded;
  }

  /** The end of a session over the whole screen. */
  async #report(session: Session): Promise<void> {
    const { id, row } = session;
    const asked = this.#presses;
    const { before, summary, after } = await endReport(session, this.#call.request.terminal.cols, { full: false, screen: true });
    if (this.#presses !== asked) return;
    const progress = this.#own.progress(session)?.summary;
    this.#page = {
      title: `${row.name} (${id}) · ${endSentence(session)}`,
      text: [
        ...(progress === undefined ? [] : ["", printable(progress)]),
        ...(before + summary + after).split("\n"),
        `falcon show ${id} tells more`,
      ],
      top: 0,
    };
    this.#draw();
  }

  #draw(): void {
    const call = this.#call;
    // a terminal that does not read gets the next picture instead of a queue of old ones
    if (call.backlog() > 1 << 16) return;
    const { cols, rows } = call.request.terminal;
    const chosen = this.#rows[this.#at()];
    const frame: Frame = {
      cols,
      rows,
      now: this.#context.clock(),
      colours: coloursFor(call.request),
      bindings: this.#bindings,
      sort: `${this.#sort}${this.#reverse ? " reversed" : ""}`,
      prompt: this.#prompt.typing ? this.#prompt.row : this.#notice || this.#prompt.row,
      top: this.#top,
      usage: this.#usage,
      metric: this.#metricColumn,
      log: (count) => this.#logLines(chosen, count),
    };
    const text =
      this.#page !== undefined
        ? pageOf(this.#page.title, this.#page.text, this.#page.top, frame)
        : this.#rows.length === 0
          ? emptyPicture(this.#prompt.filter, frame)
          : picture(this.#rows, chosen, frame);
    const changed = changedLines(this.#drawn, text);
    this.#drawn = text;
    if (changed !== "") call.write(showable(`\x1b[?2026h${changed}\x1b[?2026l`));
  }

  /** The log of a line's node. */
  #logFile(row: WatchRow | undefined): string | undefined {
    if (row?.kind !== "session" || row.node === undefined || row.progress === null) return undefined;
    if (row.progress.graph === "") return undefined;
    return `${row.progress.graph}/${row.node.name}/output.log`;
  }

  /** The last lines of the selected node's own log; of a session without one, how it ended. */
  #logLines(row: WatchRow | undefined, count: number): string[] {
    if (row?.kind !== "session" || count === 0) return [];
    const session = this.#own.get(row.session.id);
    if (session === undefined) {
      const file = row.session.live ? this.#logFile(row) : undefined;
      const text = this.#choice.others.find(({ id }) => id === row.session.id)?.text ?? "";
      return file === undefined ? [printable(text)] : this.#tail.lines(file, count);
    }
    if (!session.live) return [printable(endSentence(session)), ...printable(row.progress?.summary ?? "").split("\n")];
    const file = this.#logFile(row);
    return file === undefined ? [printable(session.title)] : this.#tail.lines(file, count);
  }
}

/** What makes the second picture of the first one. */
function changedLines(before: readonly string[], text: readonly string[]): string {
  // erased before it is written: after a line that fills the width the cursor still stands on its last column
  return text.map((line, row) => (line === before[row] ? "" : `\x1b[${row + 1};1H\x1b[K${line}\x1b[0m`)).join("");
}
