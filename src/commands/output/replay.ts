// falcon replay: a session is shown again in the caller's terminal, as it was or faster, from any moment,
// pausable.
import { Option } from "commander";
import { longestTimer } from "../../base/clock.ts";
import { Failure, Status } from "../../base/failure.ts";
import { actionOf, type Bindings, defaultKeymap, footerOf, helpOf, type KeyName } from "../../base/keymap.ts";
import { showable, type TerminalBytes } from "../../base/text/terminal-bytes.ts";
import { StreamFilter } from "../../platform/stream-filter.ts";
import { leaveBytes, ViewKeys } from "../../session/keys/view-keys.ts";
import type { Session } from "../../session/life/session.ts";
import { Playback } from "../../session/output/playback.ts";
import { screenAt, spanOf } from "../../session/output/screen-at.ts";
import { enterTerminal, leaveTerminal } from "../../session/viewers/viewer-terminal.ts";
import type { FrameWatch, ScreenHandle } from "../../terminal/worker/screens.ts";
import { type Call, type Context, InputMode, taken } from "../dispatch/call.ts";
import { chooseOne } from "../dispatch/choose-sessions.ts";
import type { CommandSpec } from "../dispatch/command.ts";
import { idleOf, usualIdle } from "../text/time-option.ts";
import { duration } from "../text/wording.ts";
import { timeMeant } from "./export.ts";

/** What an arrow key moves by (ms of the recording). */
const seekStep = 10_000;
const slowest = 1 / 16;
const fastest = 1024;
/** The bar stays for so long (ms) after a key. */
const barTime = 2_500;
/** Where it is while it plays the client is told this often (ms) at most, for the next server. */
const rememberPause = 1_000;
/** Bytes that may wait for the screen. */
const mostLag = 2 << 20;

interface ReplayOptions {
  speed: string;
  at?: string;
  idle: string;
  bare?: true;
  paused?: true;
}

export const replay: CommandSpec = {
  name: "replay",
  group: "look",
  summary: "show a session again, as it was or faster",
  examples: [
    ["falcon replay night", "from its start"],
    ["falcon replay night --speed 10 --at -5m", "its last five minutes, ten times as fast"],
  ],
  define(command) {
    command
      .argument("[session]", "id, unique prefix, name or run directory")
      .option("--speed <n>", `from ${slowest} to ${fastest} times as fast`, "1")
      .option("--at <time>", "begin there: 90s or 1h30m from the start, -10s from the end, 14:30, 2026-11-24T14:30")
      .option("--idle <seconds>", "pauses are shortened to so many seconds; 0: none is", usualIdle)
      // what the web page asks for, which has a bar of its own
      .addOption(new Option("--bare").hideHelp())
      .addOption(new Option("--paused").hideHelp())
      .addHelpText("after", `\nKeys:\n${helpOf(defaultKeymap.replay).join("\n")}`);
  },
  async run(call, context, [wanted], options) {
    const { speed, at, idle, bare, paused } = options as ReplayOptions;
    const rate = Number(speed);
    if (!(rate >= slowest && rate <= fastest))
      throw new Failure(`--speed ${speed}: give a number from ${slowest} to ${fastest}`, Status.usage);
    const pause = idleOf(idle);
    const session = chooseOne(call, context, wanted, true);
    const { terminal } = call.request;
    if (!terminal.stdin || !terminal.stdout)
      throw new Failure(
        `replay needs a terminal: 'falcon export ${session.id} --format cast' makes a recording without one`,
        Status.usage,
      );
    const span = spanOf(session);
    if (span.to === span.from)
      throw new Failure(`session ${session.id} (${session.row.name}) has said nothing yet`, Status.noSession);
    let time = span.begins;
    if (at !== undefined) time = timeMeant(session, at, context.clock(), call.request.environment);
    const show = new Show(call, context, session, {
      ...{ time, speed: rate, idle: pause * 1000, bare: bare === true, paused: paused === true },
    });
    await show.run();
    return Status.ok;
  },
};

class Show {
  readonly #call: Call;
  readonly #context: Context;
  readonly #session: Session;
  readonly #idle: number;
  /** Nothing of ours is drawn over the screen. */
  readonly #bare: boolean;
  readonly #span: ReturnType<typeof spanOf>;
  readonly #log: ReturnType<Session["openLog"]>;
  readonly #bindings: Bindings<"replay">;
  #time: number;
  #speed: number;
  #paused = false;
  #screen: ScreenHandle | undefined;
  #watch: FrameWatch | undefined;
  #playback: Playback | undefined;
  #cols: number;
  #rows: number;
  #done = false;
  /** Why it cannot go on. */
  #failure: unknown;
  /** Counts seeks: of several in a row only the last one is carried out. */
  #seeks = 0;
  /** Another place is made ready; what is shown stands still until then. */
  #seeking = false;
  /** Keys that came since the loop looked. */
  #wake: () => void = () => {};
  #barUntil = 0;
  /** The time of the recording that the client knows, and when (steady ms) it was told. */
  #remembered = { time: 0, told: 0 };
  #barShown = false;
  readonly #keys = new ViewKeys();

  constructor(
    call: Call,
    context: Context,
    session: Session,
    { time, speed, idle, bare, paused }: { time: number; speed: number; idle: number; bare: boolean; paused: boolean },
  ) {
    this.#call = call;
    this.#context = context;
    this.#session = session;
    this.#bindings = context.config.keymap.replay;
    this.#span = spanOf(session);
    this.#log = session.openLog();
    this.#time = time;
    this.#speed = speed;
    this.#idle = idle;
    this.#bare = bare;
    this.#paused = paused;
    this.#cols = Math.max(2, call.request.terminal.cols);
    this.#rows = Math.max(2, call.request.terminal.rows);
  }

  async run(): Promise<void> {
    const call = this.#call;
    call.restore(leaveTerminal());
    call.leaveKeys(leaveBytes(this.#bindings));
    call.inputMode(InputMode.raw);
    call.write(enterTerminal({ title: `${this.#session.row.name} · replay`, rows: this.#rows }));
    call.onInput = (bytes) => {
      for (const key of this.#keys.feed(bytes)) this.#key(key);
    };
    call.onInputEnd = () => this.#end();
    call.onSize = (cols, rows) => this.#resize(cols, rows);
    call.onContinued = () => {
      call.write(enterTerminal({ title: `${this.#session.row.name} · replay`, rows: this.#rows }));
      this.#watch?.again();
    };
    void call.gone.then(() => this.#end());
    this.#noteBar();
    try {
      await this.#seek(this.#time);
      while (!this.#done) await (this.#seeking ? this.#woken() : this.#turn());
      if (this.#failure !== undefined) throw this.#failure;
    } finally {
      this.#done = true;
      this.#watch?.close();
      this.#screen?.close();
      this.#log.close();
      call.write(leaveTerminal());
      call.resume(undefined);
      call.inputMode(InputMode.off);
      call.restore(Buffer.alloc(0));
    }
  }

  /** Shows what is due and waits for what comes first: more of it, a key, the bar's end. */
  async #turn(): Promise<void> {
    const playback = this.#playback as Playback;
    const screen = this.#screen as ScreenHandle;
    const now = this.#context.steady();
    const gone = () => playback !== this.#playback || this.#seeking || this.#done;
    const wait = await playback.advance(now, {
      feed: (bytes) => screen.feed(bytes),
      resize: (cols, rows) => screen.resize(cols, rows),
      ready: async () => {
        if (screen.lag > mostLag) await new Promise<void>((resolve) => screen.onDrained(resolve));
        await taken(this.#call);
      },
      gone,
    });
    if (gone()) return;
    this.#time = playback.time;
    const { time, told } = this.#remembered;
    if (this.#time !== time && now - told >= rememberPause) this.#remember();
    if (playback.ended && !this.#paused) {
      this.#pause(true);
      return;
    }
    this.#drawBar();
    const barLeft = this.#barShown && !this.#paused ? Math.max(1, this.#barUntil - now) : undefined;
    // a bar that is shown while it plays tells the time
    const soonest = Math.min(
      wait ?? Number.POSITIVE_INFINITY,
      barLeft === undefined ? Number.POSITIVE_INFINITY : Math.min(barLeft, 250),
    );
    await this.#woken(soonest);
  }

  /** Until something happens, at most so long (ms). */
  async #woken(soonest = Number.POSITIVE_INFINITY): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = Number.isFinite(soonest) ? setTimeout(resolve, Math.min(soonest, longestTimer)) : undefined;
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = () => {};
  }

  /** Begins anew at a time of the recording. A failure ends the show, unless another seek came after it. */
  async #seek(wanted: number): Promise<void> {
    const seek = ++this.#seeks;
    const stale = () => seek !== this.#seeks || this.#done;
    try {
      await this.#begin(wanted, stale);
    } catch (error) {
      if (stale()) return;
      this.#failure = error;
      this.#end();
    }
  }

  async #begin(wanted: number, stale: () => boolean): Promise<void> {
    this.#seeking = true;
    const { begins, ends, from, to } = this.#span;
    this.#time = Math.min(Math.max(wanted, begins), ends);
    const offset = this.#time >= ends ? to : Math.min(to, Math.max(from, this.#log.offsetAt(this.#time)));
    this.#drawBar();
    const screen = await screenAt(this.#context.archive, this.#session, offset, 0, stale);
    if (stale()) return screen.close();
    this.#watch?.close();
    this.#screen?.close();
    this.#screen = screen;
    this.#playback = new Playback(this.#log, { offset, time: this.#time, to, idle: this.#idle, speed: this.#speed });
    if (!this.#paused) this.#playback.play(this.#context.steady());
    const filter = new StreamFilter(this.#context.config.programSequences, { of: "screen" });
    this.#watch = screen.watchFrames(this.#cols, this.#rows, (frame) => this.#frame(screen, filter.feed(frame)));
    this.#remember();
    this.#seeking = false;
    this.#wake();
  }

  #frame(screen: ScreenHandle, frame: TerminalBytes): void {
    if (screen !== this.#screen || this.#done) return;
    this.#call.write(frame);
    if (this.#barShown) this.#call.write(showable(this.#bar()));
  }

  #resize(cols: number, rows: number): void {
    this.#cols = Math.max(2, cols);
    this.#rows = Math.max(2, rows);
    this.#watch?.resize(this.#cols, this.#rows);
    this.#wake();
  }

  #end(): void {
    this.#done = true;
    this.#wake();
  }

  #key(key: KeyName): void {
    this.#noteBar();
    switch (actionOf(this.#bindings, key)) {
      case "leave":
        return this.#end();
      case "pause":
        if (this.#playback?.ended) void this.#again(this.#span.begins);
        else this.#pause(!this.#paused);
        break;
      case "forward":
        void this.#again(this.#time + seekStep);
        break;
      case "back":
        void this.#again(this.#time - seekStep);
        break;
      case "begin":
        void this.#again(this.#span.begins);
        break;
      case "end":
        void this.#again(this.#span.ends);
        break;
      case "faster":
        this.#setSpeed(this.#speed * 2);
        break;
      case "slower":
        this.#setSpeed(this.#speed / 2);
        break;
    }
    this.#wake();
  }

  async #again(time: number): Promise<void> {
    // from the end, only back goes on
    if (this.#playback?.ended && time < this.#span.ends) this.#paused = false;
    await this.#seek(time);
  }

  #setSpeed(speed: number): void {
    this.#speed = Math.min(fastest, Math.max(slowest, speed));
    this.#playback?.setSpeed(this.#speed, this.#context.steady());
    this.#remember();
  }

  #pause(paused: boolean): void {
    this.#paused = paused;
    if (paused) this.#playback?.pause(this.#context.steady());
    else this.#playback?.play(this.#context.steady());
    this.#noteBar();
    this.#remember();
    this.#wake();
  }

  /** What the next server is asked for when this one is lost. */
  #remember(): void {
    this.#remembered = { time: this.#time, told: this.#context.steady() };
    // as --at counts, which is from the start of the run and not from its first output
    const start = this.#session.row.started ?? this.#span.begins;
    const at = `${Math.max(0, Math.round((this.#time - start) / 1000))}s`;
    this.#call.resume([
      "replay",
      this.#session.id,
      "--speed",
      String(this.#speed),
      "--idle",
      String(this.#idle / 1000),
      "--at",
      at,
      ...(this.#bare ? ["--bare"] : []),
      ...(this.#paused ? ["--paused"] : []),
    ]);
  }

  #noteBar(): void {
    this.#barUntil = this.#context.steady() + barTime;
  }

  #drawBar(): void {
    if (this.#bare) return;
    const shown = this.#paused || this.#context.steady() < this.#barUntil;
    if (shown) this.#call.write(showable(this.#bar()));
    // what it covered is drawn again
    else if (this.#barShown) this.#watch?.again();
    this.#barShown = shown;
  }

  /** The last row: how far it is, and the keys. */
  #bar(): string {
    const { begins, ends } = this.#span;
    const at = this.#playback?.ended ? ends : this.#time;
    const state = this.#playback?.ended ? "end" : this.#paused ? "paused" : `${this.#speed}x`;
    const left = ` ${state}  ${duration(at - begins)} of ${duration(ends - begins)} `;
    const keys = ` ${footerOf(this.#bindings, this.#cols)} `;
    const room = this.#cols - left.length - keys.length;
    const line = room >= 0 ? left + meter(room, ends === begins ? 1 : (at - begins) / (ends - begins)) + keys : left;
    return `\x1b7\x1b[?7l\x1b[${this.#rows};1H\x1b[0;7m${line.slice(0, this.#cols).padEnd(this.#cols)}\x1b[0m\x1b[?7h\x1b8`;
  }
}

function meter(width: number, part: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, part)) * width);
  return "━".repeat(filled) + "─".repeat(width - filled);
}
