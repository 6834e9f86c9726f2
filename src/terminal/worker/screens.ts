// The screens of one worker, as the main thread has them: starts it, hands on what is said and answered, and
// has another one take over where it dies, or where its thread stands in one screen's turn.

import type { Worker } from "node:worker_threads";
import { steady } from "../../base/clock.ts";
import { shortageOf } from "../../base/failure.ts";
import type { Log } from "../../base/log.ts";
import { asBuffer, type FromWorker, type Key, type ToWorker } from "./channel.ts";
import { type Answer, type Line, RemoteScreen } from "./remote-screen.ts";
import type { OpenOptions, ScreenEvents, ScreenHandle } from "./screen-handle.ts";
import { type ScreenThread, startScreenThread } from "./screen-thread.ts";
import { TurnWatch } from "./turn-watch.ts";

export type { InputModes, ScreenText, Snapshot } from "../model/screen.ts";
export type { Marks, Place, Size, Source } from "./channel.ts";
export type * from "./screen-handle.ts";

/** A worker that dies again within this time (ms) died of what it was fed: the screens begin blank then. */
const briefLife = 10_000;

/**
 * A worker that ended so often in a row, each time soon after its start, cannot be had for now: the
 * installation is damaged, or being replaced.
 */
const mostFalseStarts = 3;
/** Then it is tried again after this time (ms), or as soon as somebody asks for a screen. */
const restPause = 5_000;

interface Pending {
  screen: RemoteScreen;
  resolve(value: Answer): void;
  reject(error: Error): void;
  /** What was asked. */
  message(request: number): ToWorker;
  early: ((first: Buffer) => void) | undefined;
}

/** Numbers of screens, which no two workers share: a screen may come to another one. */
let keys = 0;

export class Screens {
  readonly #file: string | URL;
  readonly #addon: string | undefined;
  readonly #log: Log;
  readonly #elsewhere: () => Screens | undefined;
  #worker: Worker | undefined;
  #born = 0;
  #resting: NodeJS.Timeout | undefined;
  /** Why it rests. */
  #shortage = new NoScreens();
  #falseStarts = 0;
  readonly #screens = new Map<Key, RemoteScreen>();
  readonly #pending = new Map<number, Pending>();
  #requests = 0;
  readonly #turns: TurnWatch;
  /** For its screens. */
  readonly #line: Line = {
    post: (message, transfer) => this.#post(message, transfer),
    ask: (screen, message, early) => this.#ask(screen, message, early),
    closed: (screen) => this.#closed(screen),
  };
  #disposed = false;

  /**
   * @param workerFile the bundled worker, which is started when the first screen is opened.
   * @param addon file of the native addon, which gives memory back to the system and passes over plain
   * output; without it the worker keeps memory
   * for the next screens, and takes a flood more slowly.
   * @param elsewhere another worker's screens, for those whose thread stands in the turn of one of them;
   * undefined where there is none.
   */
  constructor(workerFile: string | URL, log: Log, addon?: string, elsewhere: () => Screens | undefined = () => undefined) {
    this.#file = workerFile;
    this.#addon = addon;
    this.#log = log;
    this.#elsewhere = elsewhere;
    this.#turns = new TurnWatch({
      awaited: () => this.#isAwaited(),
      stands: (whose) => this.#leave(whose),
    });
  }

  /**
   * Whether its worker runs, stands in the turn of one screen, is still to be started, or cannot be had for
   * now.
   */
  get state(): "running" | "stalled" | "idle" | "resting" {
    if (this.#resting !== undefined) return "resting";
    if (this.#worker === undefined) return "idle";
    return this.#turns.stands ? "stalled" : "running";
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
    const screen = new RemoteScreen(id, ++keys, options, events, this.#line);
    if (this.#disposed) screen.abandon();
    else {
      this.#screens.set(screen.key, screen);
      if (this.#resting !== undefined) screen.wait();
      else screen.begin(options);
    }
    return screen;
  }

  /** Starts the worker, which takes some 50 ms to come up, for a screen that is about to be opened. */
  prepare(): void {
    if (!this.#disposed && this.#resting === undefined && this.#worker === undefined) this.#start();
  }

  /** Without a worker, where the limit of threads leaves none, its screens rest. */
  #start(): Worker | undefined {
    let thread: ScreenThread;
    try {
      thread = startScreenThread(this.#file, this.#addon);
    } catch (error) {
      this.#log("screens.failed", { reason: String(error) });
      this.#rest(shortageOf(error));
      return undefined;
    }
    return this.begin(thread);
  }

  /** Has a thread that was started just now, for a screen that is about to be opened. */
  begin({ worker, mark }: ScreenThread): Worker {
    this.#turns.begin(mark);
    this.#worker = worker;
    this.#born = steady();
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
    if (message.do === "watch") this.#turns.look();
  }

  #ask(screen: RemoteScreen, message: (request: number) => ToWorker, early?: (first: Buffer) => void): Promise<Answer> {
    if (this.#resting !== undefined) this.#tryAgain();
    return new Promise((resolve, reject) => {
      const request = ++this.#requests;
      this.#pending.set(request, { screen, resolve, reject, message, early });
      this.#post(message(request));
      if (this.#resting === undefined) this.#turns.look();
      else this.#refuse(this.#shortage);
    });
  }

  /** Whether anybody waits for the thread. There may be thousands of screens, and it is asked often. */
  #isAwaited(): boolean {
    if (this.#pending.size > 0) return true;
    for (const { isWatched } of this.#screens.values()) if (isWatched) return true;
    return false;
  }

  /** Whoever waits for another screen than this one, in whose turn the thread stands, has it elsewhere. */
  #leave(whose: Key): void {
    const awaited = new Set([...this.#pending.values()].map(({ screen }) => screen));
    for (const screen of this.#screens.values()) if (screen.isWatched) awaited.add(screen);
    for (const screen of awaited) {
      if (screen.key === whose || !screen.mayMove) continue;
      const there = this.#elsewhere();
      if (there === undefined) return;
      this.#log("screen.moved", { id: screen.id, reason: `its thread draws ${this.#screens.get(whose)?.id ?? "another"} alone` });
      this.#give(screen, there);
    }
  }

  /** What was asked of the screen is asked again there. */
  #give(screen: RemoteScreen, there: Screens): void {
    const asked = [...this.#pending].filter(([, pending]) => pending.screen === screen);
    for (const [request] of asked) this.#pending.delete(request);
    this.#screens.delete(screen.key);
    there.#take(screen);
    for (const [, pending] of asked) askAgain(pending);
  }

  #take(screen: RemoteScreen): void {
    const key = ++keys;
    this.#screens.set(key, screen);
    screen.move(key, this.#line);
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
    this.#turns.stop();
    const lived = steady() - this.#born;
    this.#log("screens.died", { status, lived: Math.round(lived), screens: this.#screens.size });
    if (this.#disposed) return;
    if (lived > briefLife) this.#falseStarts = 0;
    if (++this.#falseStarts > mostFalseStarts) return this.#rest();
    if (this.#screens.size > 0 && this.#start() === undefined) return;
    for (const screen of this.#screens.values()) screen.revive(lived > briefLife);
    const asked = [...this.#pending.values()];
    this.#pending.clear();
    for (const pending of asked) askAgain(pending);
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
    this.#shortage = new NoScreens(why);
    this.#refuse(this.#shortage);
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

  /** Ends the worker; what was asked and is not answered fails. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    clearTimeout(this.#resting);
    this.#turns.stop();
    this.#refuse(new Error("screens are closed"));
    for (const screen of this.#screens.values()) screen.abandon();
    this.#screens.clear();
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }
}

/** Asks the thread that a screen is with now what the one before has not answered. */
function askAgain({ screen, message, early, resolve, reject }: Pending): void {
  screen.askAgain(message, early).then(resolve, reject);
}

/** No worker can be started now. */
export class NoScreens extends Error {
  /** @param why a sentence, where it is known. */
  constructor(why = "the screens' worker does not start (is falcon being installed again? server.log says more)") {
    super(`its screen cannot be drawn, since ${why}; it is tried again`);
  }
}
