// The main thread's face of all screens: sends bytes to the worker, hands back what the screens say, and
// outlives a worker that dies.
import { Worker } from "node:worker_threads";
import { shortageOf } from "../../base/failure.ts";
import type { Log } from "../../base/log.ts";
import type { ExitRecord, Gap } from "../../protocol/holder.ts";
import type { InputModes, ScreenText, Snapshot, StoredScreen } from "../model/screen.ts";
import {
  asBuffer,
  type FromWorker,
  type Key,
  type Marks,
  owned,
  type Place,
  type Source,
  smallLag,
  type Told,
  type ToWorker,
} from "./channel.ts";

export type { InputModes, ScreenText, Snapshot, StoredScreen } from "../model/screen.ts";
export type { Marks, Place, Size, Source } from "./channel.ts";

/** What a new screen begins with after the worker died. */
export interface Revival {
  /** A stored screen, and the position in the output that it stands for; undefined: a blank one. */
  restore?: Buffer;
  cols: number;
  rows: number;
  offset: number;
  /** What it follows from there on. */
  source: Source | undefined;
}

/** What a screen tells that reads the output itself. */
export interface FollowEvents {
  /** How far it is; `grew`: output came that it has not read. */
  at(place: Place, grew: boolean): void;
  /** The stream had a size of the terminal. */
  sized(cols: number, rows: number): void;
  /** Bytes that nobody can have; `notStored`: they never were in the log. */
  hole(gap: Gap, notStored: boolean): void;
  /** The program has ended. What was received may still be on its way to the screen. */
  exit(exit: ExitRecord): void;
  /** It follows nothing any more: the connection was cut. */
  cut(reason: string): void;
  /** Output that the screen has taken, in order. Only after `stream`. */
  output(offset: number, bytes: Buffer): void;
  /** Some output is not sent. */
  missed(): void;
  /** No worker is to be had for now, so that nobody reads; and one is again. */
  waits(on: boolean): void;
}

/** What a screen tells. */
export interface ScreenEvents {
  /** The reply to a query of the program, for the program. */
  answer(bytes: Buffer): void;
  title(text: string): void;
  modes(modes: InputModes): void;
  marks?(marks: Marks): void;
  /** The program left the alternate screen: the text of what stood on it. */
  left?(frame: { lines: string[] }): void;
  /**
   * The worker died, with the screen: from what is it made anew? Without an answer it begins blank, and what
   * the program draws from then on
   * is right.
   * @param deadly what was stored may be what it died of: the screen is to begin blank.
   */
  lost?(deadly: boolean): Revival | undefined;
  follow?: FollowEvents;
}

/** Frames for a viewer of another size than the session's. */
export interface FrameWatch {
  resize(cols: number, rows: number): void;
  /** Asks for a complete frame: earlier ones were dropped. */
  again(): void;
  close(): void;
}

export interface ScreenHandle {
  /**
   * Takes output.
   * @param offset where it stands in the output; default: behind what was fed before.
   */
  feed(bytes: Uint8Array, offset?: number): void;
  /** Reads the output itself, from a connection to the holder of its own; again, from another one. */
  follow(source: Source): void;
  /** Takes nothing any more. */
  unfollow(): void;
  /** The terminal is being given a size, which the stream tells; `ask`: and is to be asked for there. */
  sizing(cols: number, rows: number, ask: boolean): void;
  /** Resolves when it was given all output up to now. Rejects as `snapshot`. */
  current(): Promise<void>;
  /** Whether what it takes is sent on. */
  stream(on: boolean): void;
  /** So much of that was taken. */
  streamed(bytes: number): void;
  resize(cols: number, rows: number): void;
  /**
   * The state after everything that was fed so far. Bracketed paste is on in it, for a viewer.
   * @param history lines of scrollback in the second part.
   * @param early gets the first part as soon as it is made, which may be long before the second one is;
   * nothing is fed in between. Called
   * again, with another screen, when the worker dies in the midst of it.
   * @throws Error when the screen is closed meanwhile.
   */
  snapshot(history: number, early?: (first: Buffer) => void): Promise<Snapshot>;
  /** The screen, to store; opens again with `restore`, fed from the `offset` in the answer. */
  encode(): Promise<StoredScreen>;
  /** Draws for a terminal of another size, at most 30 frames a second, at once the first time. */
  watchFrames(cols: number, rows: number, sink: (frame: Buffer) => void): FrameWatch;
  text(): Promise<ScreenText>;
  /**
   * Whether anybody looks at the session: its screen is then kept ready for longer before it is packed up.
   */
  attend(on: boolean): void;
  /** Bytes fed that the screen has not taken yet. */
  readonly lag: number;
  /** Calls once, when the lag is small. */
  onDrained(callback: () => void): void;
  close(): void;
}

export interface OpenOptions {
  cols: number;
  rows: number;
  /** Lines of scrollback that are kept. */
  scrollback: number;
  /** What `encode` answered. */
  restore?: Buffer;
  /** Position in the output of the first byte that will be fed. */
  offset: number;
}

/** A worker that dies again within this time (ms) died of what it was fed: the screens begin blank then. */
const briefLife = 10_000;

/**
 * A worker that ended so often in a row, each time soon after its start, cannot be had for now: the
 * installation is damaged, or being replaced.
 */
const mostFalseStarts = 3;
/** Then it is tried again after this time (ms), or as soon as somebody asks for a screen. */
const restPause = 5_000;

/** What is answered when it was asked for. */
type Answer = Snapshot | StoredScreen | ScreenText | undefined;

interface Pending {
  screen: RemoteScreen;
  resolve(value: Answer): void;
  reject(error: Error): void;
  message: ToWorker;
  early: ((first: Buffer) => void) | undefined;
}

export class Screens {
  readonly #file: string | URL;
  readonly #addon: string | undefined;
  readonly #log: Log;
  #worker: Worker | undefined;
  #born = 0;
  #resting: NodeJS.Timeout | undefined;
  #falseStarts = 0;
  readonly #screens = new Map<Key, RemoteScreen>();
  readonly #pending = new Map<number, Pending>();
  #keys = 0;
  #requests = 0;
  #disposed = false;

  /**
   * @param workerFile the bundled worker, which is started when the first screen is opened.
   * @param addon file of the native addon, which gives memory back to the system and passes over plain
   * output; without it the worker keeps memory
   * for the next screens, and takes a flood more slowly.
   */
  constructor(workerFile: string | URL, log: Log, addon?: string) {
    this.#file = workerFile;
    this.#addon = addon;
    this.#log = log;
  }

  /** Whether its worker runs, is still to be started, or cannot be had for now. */
  get state(): "running" | "idle" | "resting" {
    if (this.#resting !== undefined) return "resting";
    return this.#worker === undefined ? "idle" : "running";
  }

  /** How many screens there are. */
  get count(): number {
    return this.#screens.size;
  }

  /** Bytes fed that they have not taken yet. */
  get lag(): number {
    let sum = 0;
    for (const { lag } of this.#screens.values()) sum += lag;
    return sum;
  }

  /** @param id what the log calls it. */
  open(id: string, options: OpenOptions, events: ScreenEvents): ScreenHandle {
    const screen = new RemoteScreen(id, ++this.#keys, options, events, {
      post: (message, transfer) => this.#post(message, transfer),
      ask: (message, early) => this.#ask(screen, message, early),
      closed: () => this.#closed(screen),
    });
    if (this.#disposed) screen.abandon();
    else {
      this.#screens.set(screen.key, screen);
      if (this.#resting !== undefined) screen.wait();
      else screen.begin(options);
    }
    return screen;
  }

  /** Starts the worker, which takes some 60 ms to come up, for a screen that is about to be opened. */
  prepare(): void {
    if (!this.#disposed && this.#resting === undefined && this.#worker === undefined) this.#start();
  }

  /** Without a worker, where the limit of threads leaves none, its screens rest. */
  #start(): Worker | undefined {
    let worker: Worker;
    try {
      worker = new Worker(this.#file, { workerData: { addon: this.#addon } });
    } catch (error) {
      this.#log("screens.failed", { reason: String(error) });
      this.#rest(shortageOf(error));
      return undefined;
    }
    this.#worker = worker;
    this.#born = performance.now();
    worker.on("message", (message: FromWorker) => {
      if (this.#worker === worker) this.#received(message);
    });
    worker.on("error", (error) => {
      this.#log("screens.failed", { reason: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    });
    worker.on("exit", (status) => {
      if (this.#worker === worker) this.#died(status);
    });
    return worker;
  }

  #post(message: ToWorker, transfer: ArrayBuffer[] = []): void {
    if (this.#disposed || this.#resting !== undefined) return;
    const worker = this.#worker ?? this.#start();
    if (worker === undefined) return;
    worker.postMessage(message, transfer);
  }

  #ask(screen: RemoteScreen, message: (request: number) => ToWorker, early?: (first: Buffer) => void): Promise<Answer> {
    if (this.#resting !== undefined) this.#tryAgain();
    return new Promise((resolve, reject) => {
      const request = ++this.#requests;
      const sent = message(request);
      this.#pending.set(request, { screen, resolve, reject, message: sent, early });
      this.#post(sent);
    });
  }

  #received(message: FromWorker): void {
    switch (message.is) {
      case "taken":
        return this.#screens.get(message.key)?.taken(message.bytes, message.told);
      case "at":
      case "sized":
      case "hole":
      case "exit":
      case "cut":
      case "output":
      case "missed":
        return this.#screens.get(message.key)?.followed(message);
      case "frame":
        return this.#screens.get(message.key)?.frame(message.watch, asBuffer(message.bytes));
      case "rebuilt":
        this.#log("screen.rebuilt", { id: this.#screens.get(message.key)?.id, kept: message.kept, reason: message.reason });
        return;
      case "unreadable":
        this.#log("screen.read-failed", { id: this.#screens.get(message.key)?.id, reason: message.reason });
        return;
    }
    const pending = this.#pending.get(message.request);
    if (message.is === "first") return pending?.early?.(asBuffer(message.first));
    this.#pending.delete(message.request);
    if (pending === undefined) return;
    if (message.is === "failed") pending.reject(new Error(message.reason));
    else if (message.is === "text") pending.resolve(message.text);
    else if (message.is === "current") pending.resolve(undefined);
    else if (message.is === "encode") pending.resolve({ ...message.stored, replay: asBuffer(message.stored.replay) });
    else {
      const { first, history, tail } = message.snapshot;
      pending.resolve({ ...message.snapshot, first: asBuffer(first), history: asBuffer(history), tail: asBuffer(tail) });
    }
  }

  #closed(screen: RemoteScreen): void {
    this.#screens.delete(screen.key);
    for (const [request, pending] of this.#pending) {
      if (pending.screen !== screen) continue;
      this.#pending.delete(request);
      pending.reject(new Error("the screen was closed"));
    }
  }

  /** Another worker takes over: every screen is made anew, and what was asked is asked again. */
  #died(status: number): void {
    this.#worker = undefined;
    const lived = performance.now() - this.#born;
    this.#log("screens.died", { status, lived: Math.round(lived), screens: this.#screens.size });
    if (this.#disposed) return;
    if (lived > briefLife) this.#falseStarts = 0;
    if (++this.#falseStarts > mostFalseStarts) return this.#rest();
    if (this.#screens.size > 0 && this.#start() === undefined) return;
    for (const screen of this.#screens.values()) screen.revive(lived > briefLife);
    for (const { message } of this.#pending.values()) this.#post(message);
  }

  /**
   * No worker is to be had (an installation that is being replaced): nobody waits for it meanwhile, and it is
   * tried again, also by whoever asks next.
   */
  #rest(why?: string): void {
    this.#log("screens.rested", { screens: this.#screens.size });
    for (const screen of this.#screens.values()) screen.wait();
    this.#resting = setTimeout(() => this.#tryAgain(), restPause);
    this.#resting.unref();
    this.#refuse(new NoScreens(why));
  }

  #tryAgain(): void {
    clearTimeout(this.#resting);
    this.#resting = undefined;
    // one try
    this.#falseStarts = mostFalseStarts;
    if (this.#screens.size > 0 && this.#start() === undefined) return;
    for (const screen of this.#screens.values()) screen.revive(true);
  }

  #refuse(reason: Error): void {
    const waiting = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of waiting) reject(reason);
  }

  #giveUp(reason: string): void {
    this.#disposed = true;
    clearTimeout(this.#resting);
    this.#refuse(new Error(reason));
    for (const screen of this.#screens.values()) screen.abandon();
    this.#screens.clear();
  }

  /** Ends the worker; what was asked and is not answered fails. */
  async dispose(): Promise<void> {
    this.#giveUp("screens are closed");
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }
}

/** No worker can be started now. */
export class NoScreens extends Error {
  /** @param why a sentence, where it is known. */
  constructor(why = "the screens' worker does not start (is falcon being installed again? server.log says more)") {
    super(`its screen cannot be drawn, since ${why}; it is tried again`);
  }
}

/** How a screen reaches the worker. */
interface Line {
  post(message: ToWorker, transfer?: ArrayBuffer[]): void;
  ask(message: (request: number) => ToWorker, early?: (first: Buffer) => void): Promise<Answer>;
  closed(): void;
}

class RemoteScreen implements ScreenHandle {
  readonly id: string;
  readonly key: Key;
  readonly #events: ScreenEvents;
  readonly #line: Line;
  readonly #scrollback: number;
  #cols: number;
  #rows: number;
  /** Position in the output of the next byte that is fed. */
  #offset: number;
  #lag = 0;
  #drained: (() => void)[] = [];
  readonly #watches = new Map<number, { sink: (frame: Buffer) => void; cols: number; rows: number }>();
  #watchCount = 0;
  #isClosed = false;
  #waits = false;
  #attended = false;
  #streams = false;

  constructor(id: string, key: Key, options: OpenOptions, events: ScreenEvents, line: Line) {
    this.id = id;
    this.key = key;
    this.#events = events;
    this.#line = line;
    this.#scrollback = options.scrollback;
    this.#cols = options.cols;
    this.#rows = options.rows;
    this.#offset = options.offset;
  }

  begin({ cols, rows, offset, restore }: Omit<OpenOptions, "scrollback">): void {
    // a copy, and not transferred: the bytes belong to whoever opens
    const stored = restore === undefined ? undefined : Uint8Array.from(restore);
    this.#line.post({ do: "open", key: this.key, cols, rows, scrollback: this.#scrollback, offset, restore: stored });
  }

  /** Begins again in a new worker. */
  revive(fromStored: boolean): void {
    const waited = this.#waits;
    this.#waits = false;
    this.#lag = 0;
    const revival = this.#events.lost?.(!fromStored);
    const { cols, rows, offset, restore } = revival ?? { cols: this.#cols, rows: this.#rows, offset: this.#offset };
    this.begin({ cols, rows, offset, ...(restore === undefined ? {} : { restore }) });
    if (revival?.source === undefined) this.#line.post({ do: "resize", key: this.key, cols: this.#cols, rows: this.#rows });
    else this.follow(revival.source);
    if (this.#attended) this.attend(true);
    if (this.#streams) this.stream(true);
    // what it was sent goes on elsewhere
    this.#events.follow?.missed();
    for (const [watch, size] of this.#watches)
      this.#line.post({ do: "watch", key: this.key, watch, cols: size.cols, rows: size.rows });
    if (waited) this.#events.follow?.waits(false);
    this.#drain();
  }

  /**
   * No worker is to be had for now: output is passed over, so that nobody waits; `revive` brings what was
   * missed.
   */
  wait(): void {
    this.#waits = true;
    this.#lag = 0;
    this.#events.follow?.waits(true);
    this.#drain();
  }

  /** No worker is to be had: output is taken and dropped, so that nobody waits. */
  abandon(): void {
    this.#isClosed = true;
    this.#lag = 0;
    this.#drain();
  }

  get lag(): number {
    return this.#lag;
  }

  feed(bytes: Uint8Array, offset?: number): void {
    if (this.#isClosed || bytes.length === 0) return;
    this.#offset = (offset ?? this.#offset) + bytes.length;
    if (this.#waits) return;
    this.#lag += bytes.length;
    const own = owned(bytes);
    this.#line.post({ do: "feed", key: this.key, bytes: own, offset }, [own.buffer]);
  }

  #say(message: ToWorker): void {
    if (!this.#isClosed) this.#line.post(message);
  }

  follow(source: Source): void {
    this.#say({ do: "follow", key: this.key, source });
  }

  unfollow(): void {
    this.#say({ do: "unfollow", key: this.key });
  }

  sizing(cols: number, rows: number, ask: boolean): void {
    this.#say({ do: "sizing", key: this.key, cols, rows, ask });
  }

  async current(): Promise<void> {
    await this.#ask((request) => ({ do: "current", key: this.key, request }));
  }

  stream(on: boolean): void {
    this.#streams = on;
    this.#say({ do: "stream", key: this.key, on });
  }

  streamed(bytes: number): void {
    this.#say({ do: "streamed", key: this.key, bytes });
  }

  resize(cols: number, rows: number): void {
    this.#cols = cols;
    this.#rows = rows;
    this.#say({ do: "resize", key: this.key, cols, rows });
  }

  async #ask(message: (request: number) => ToWorker, early?: (first: Buffer) => void): Promise<Answer> {
    if (this.#isClosed) throw new Error("the screen was closed");
    return this.#line.ask(message, early);
  }

  async snapshot(history: number, early?: (first: Buffer) => void): Promise<Snapshot> {
    return (await this.#ask((request) => ({ do: "snapshot", key: this.key, request, history }), early)) as Snapshot;
  }

  async encode(): Promise<StoredScreen> {
    return (await this.#ask((request) => ({ do: "encode", key: this.key, request }))) as StoredScreen;
  }

  async text(): Promise<ScreenText> {
    return (await this.#ask((request) => ({ do: "text", key: this.key, request }))) as ScreenText;
  }

  attend(on: boolean): void {
    this.#attended = on;
    this.#say({ do: "attend", key: this.key, on });
  }

  watchFrames(cols: number, rows: number, sink: (frame: Buffer) => void): FrameWatch {
    const watch = ++this.#watchCount;
    const { key } = this;
    const post = (message: ToWorker) => {
      if (this.#watches.has(watch)) this.#say(message);
    };
    const size = { sink, cols, rows };
    this.#watches.set(watch, size);
    post({ do: "watch", key, watch, cols, rows });
    return {
      resize: (newCols, newRows) => {
        size.cols = newCols;
        size.rows = newRows;
        post({ do: "watch", key, watch, cols: newCols, rows: newRows });
      },
      again: () => post({ do: "again", key, watch }),
      close: () => {
        post({ do: "unwatch", key, watch });
        this.#watches.delete(watch);
      },
    };
  }

  onDrained(callback: () => void): void {
    if (this.#lag <= smallLag) queueMicrotask(callback);
    else this.#drained.push(callback);
  }

  #drain(): void {
    if (this.#lag > smallLag || this.#drained.length === 0) return;
    const callbacks = this.#drained;
    this.#drained = [];
    for (const callback of callbacks) callback();
  }

  taken(bytes: number, told: Told | undefined): void {
    // after a revival the output since the stored screen counts for nothing
    this.#lag = Math.max(0, this.#lag - bytes);
    if (told !== undefined) this.#tell(told);
    this.#drain();
  }

  followed(message: FromWorker & { is: "at" | "sized" | "hole" | "exit" | "cut" | "output" | "missed" }): void {
    const events = this.#events.follow;
    if (this.#isClosed || events === undefined) return;
    switch (message.is) {
      case "at":
        if (message.told !== undefined) this.#tell(message.told);
        return events.at(message.place, message.grew);
      case "sized":
        [this.#cols, this.#rows] = [message.cols, message.rows];
        return events.sized(message.cols, message.rows);
      case "hole":
        return events.hole(message.gap, message.notStored);
      case "exit":
        return events.exit(message.exit);
      case "cut":
        return events.cut(message.reason);
      case "output":
        return events.output(message.offset, asBuffer(message.bytes));
      case "missed":
        return events.missed();
    }
  }

  #tell(told: Told): void {
    if (this.#isClosed) return;
    if (told.modes !== undefined) this.#events.modes(told.modes);
    if (told.marks !== undefined) this.#events.marks?.(told.marks);
    for (const lines of told.left) this.#events.left?.({ lines });
    for (const bytes of told.answers) this.#events.answer(asBuffer(bytes));
    if (told.title !== undefined) this.#events.title(told.title);
  }

  frame(watch: number, bytes: Buffer): void {
    this.#watches.get(watch)?.sink(bytes);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#line.post({ do: "close", key: this.key });
    this.#isClosed = true;
    this.#watches.clear();
    this.#line.closed();
    this.#drained = [];
  }
}
