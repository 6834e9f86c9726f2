// One screen's face in the main thread: what it is told goes to the worker, and after the worker's death to
// the next one.
import type { ScreenText, Snapshot, StoredScreen } from "../model/screen.ts";
import { asBuffer, type FromWorker, type Key, owned, type Source, smallLag, type Told, type ToWorker } from "./channel.ts";
import type { FrameWatch, OpenOptions, ScreenEvents, ScreenHandle } from "./screen-handle.ts";

/** What is answered when it was asked for. */
export type Answer = Snapshot | StoredScreen | ScreenText | undefined;

/** How a screen reaches the worker. */
export interface Line {
  post(message: ToWorker, transfer?: ArrayBuffer[]): void;
  ask(screen: RemoteScreen, message: (request: number) => ToWorker, early?: (first: Buffer) => void): Promise<Answer>;
  closed(screen: RemoteScreen): void;
}

export class RemoteScreen implements ScreenHandle {
  readonly id: string;
  /** Its number, in the worker that it is with. */
  key: Key;
  readonly #events: ScreenEvents;
  #line: Line;
  readonly #scrollback: number;
  #cols: number;
  #rows: number;
  /** Position in the output of the next byte that is fed. */
  #offset: number;
  /** Bytes fed that the screen has not taken, and of output that it reads itself. */
  #lag = 0;
  #behind = 0;
  #drained: (() => void)[] = [];
  readonly #watches = new Map<number, { sink: (frame: Buffer) => void; cols: number; rows: number }>();
  #watchCount = 0;
  #isClosed = false;
  #wasFed = false;
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
    this.#forgetLag();
    const revival = this.#events.lost?.(!fromStored);
    this.begin(revival ?? { cols: this.#cols, rows: this.#rows, offset: this.#offset });
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

  /** Leaves its worker, and begins again in another one. */
  move(key: Key, line: Line): void {
    this.#line.post({ do: "close", key: this.key });
    [this.key, this.#line] = [key, line];
    this.revive(true);
  }

  /** Whether it can begin again elsewhere: what it was fed, and not told to read, nobody feeds again. */
  get mayMove(): boolean {
    return !this.#wasFed && !this.#isClosed;
  }

  /** Whether somebody is shown frames of it. */
  get isWatched(): boolean {
    return this.#watches.size > 0;
  }

  /**
   * No worker is to be had for now: output is passed over, so that nobody waits; `revive` brings what was
   * missed.
   */
  wait(): void {
    this.#waits = true;
    this.#forgetLag();
    this.#events.follow?.waits(true);
    this.#drain();
  }

  /** No worker is to be had: output is taken and dropped, so that nobody waits. */
  abandon(): void {
    this.#isClosed = true;
    this.#forgetLag();
    this.#drain();
  }

  /** Nobody draws what its worker had not drawn. */
  #forgetLag(): void {
    this.#lag = 0;
    this.#behind = 0;
  }

  get lag(): number {
    return this.#lag + this.#behind;
  }

  feed(bytes: Uint8Array, offset?: number): void {
    if (this.#isClosed || bytes.length === 0) return;
    this.#wasFed = true;
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

  async current(end = 0): Promise<void> {
    await this.#ask((request) => ({ do: "current", key: this.key, request, end }));
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
    return this.#line.ask(this, message, early);
  }

  /**
   * Asks what another worker has not answered, once the screen has what came since it was stored: whoever
   * asked had made sure of that there.
   */
  async askAgain(message: (request: number) => ToWorker, early?: (first: Buffer) => void): Promise<Answer> {
    await this.current();
    return this.#ask(message, early);
  }

  async snapshot(history: number, early?: (first: Buffer) => void, current = false): Promise<Snapshot> {
    return (await this.#ask((request) => ({ do: "snapshot", key: this.key, request, history, current }), early)) as Snapshot;
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
    const post = (message: ToWorker) => {
      if (this.#watches.has(watch)) this.#say(message);
    };
    const size = { sink, cols, rows };
    this.#watches.set(watch, size);
    post({ do: "watch", key: this.key, watch, cols, rows });
    return {
      resize: (newCols, newRows) => {
        size.cols = newCols;
        size.rows = newRows;
        post({ do: "watch", key: this.key, watch, cols: newCols, rows: newRows });
      },
      again: () => post({ do: "again", key: this.key, watch }),
      close: () => {
        post({ do: "unwatch", key: this.key, watch });
        this.#watches.delete(watch);
      },
    };
  }

  onDrained(callback: () => void): void {
    if (this.#lag <= smallLag) queueMicrotask(callback);
    else this.#drained.push(callback);
  }

  #drain(): void {
    if (this.#lag > smallLag) return;
    for (const callback of this.#drained.splice(0)) callback();
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
        this.#behind = Math.max(0, message.place.received - message.place.taken);
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
    this.#line.closed(this);
    // nobody waits for what is not drawn any more
    this.#forgetLag();
    this.#drain();
  }
}
