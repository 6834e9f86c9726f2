// Who looks at a session or follows its output, and what they are told beside that.
import type { Log } from "../../base/log.ts";
import { LogWatch, type LostLog } from "../output/log-watch.ts";
import type { Viewer } from "../viewers/viewer.ts";

/** A viewer as others see it. */
export interface ViewerFacts {
  /** Process of its client. */
  pid: number;
  /** Id of the session inside which that client was started. */
  inside?: string | undefined;
  readOnly: boolean;
  /** ms since 1970. */
  since: number;
  /** The terminal has taken all that was typed through us. */
  typed(): void;
  /** Ends it. */
  finish(why: "detached" | "taken-over"): void;
  /** Its window's title is written anew. */
  retitle(): void;
}

/** What they are told of. */
export interface AudienceEffects {
  readonly row: { readonly id: string; readonly name: string };
  readonly folder: string;
  readonly log: Log;
  /** What was removed of its log under it, while it lives. */
  lostLog(): LostLog | undefined;
  /** The holder is to make that anew. */
  renewLog(): void;
  /** Somebody came, or went. */
  changed(came: boolean): void;
}

export class Audience {
  readonly #effects: AudienceEffects;
  /** Who looks at it, and how each is sent away. */
  readonly viewers = new Map<Viewer, ViewerFacts>();
  /** Those who are told what happens to it. */
  readonly #listeners = new Set<(sentence: string) => void>();
  #logWatch: LogWatch | undefined;
  #limit = "";
  #note = "";

  constructor(effects: AudienceEffects) {
    this.#effects = effects;
  }

  /** A viewer came; the caller lets it join. */
  add(viewer: Viewer, facts: ViewerFacts): void {
    this.viewers.set(viewer, facts);
    this.#logWatch ??= this.#watchLog();
    this.#effects.changed(true);
  }

  remove(viewer: Viewer): void {
    viewer.dispose();
    this.viewers.delete(viewer);
    if (this.viewers.size === 0) {
      this.#logWatch?.close();
      this.#logWatch = undefined;
    }
    this.#effects.changed(false);
  }

  /** Sends every viewer away. */
  detachAll(why: "detached" | "taken-over"): void {
    for (const { finish } of [...this.viewers.values()]) finish(why);
  }

  /** The terminal has taken all that was typed through us. */
  typed(): void {
    for (const { typed } of this.viewers.values()) typed();
  }

  /** Every viewer's terminal is told something in its own way (OSC 9 and 777). */
  notify(text: string): void {
    for (const viewer of this.viewers.keys()) viewer.notify(text);
  }

  /** What titles tell has changed: how much of the screen a viewer sees, the deadline, a note. */
  retitle(): void {
    for (const { retitle } of this.viewers.values()) retitle();
  }

  /** What titles tell beside the deadline, "" for nothing. */
  get note(): string {
    return this.#note;
  }

  /** The deadline as titles tell it ("time limit in 2h 10m"), "" for none. */
  get limit(): string {
    return this.#limit;
  }
  set limit(text: string) {
    if (text === this.#limit) return;
    this.#limit = text;
    this.retitle();
  }

  #watchLog(): LogWatch {
    return new LogWatch(this.#effects.folder, () => this.#lookAtLog());
  }

  /** The log, or the folder that it was removed with, may have been made anew: another one is looked at. */
  lookAnew(): void {
    this.#logWatch?.close();
    this.#logWatch = this.viewers.size > 0 ? this.#watchLog() : undefined;
  }

  /** Viewers are told once that the log is gone, by their title and by a notification. */
  #lookAtLog(): void {
    const { row, log } = this.#effects;
    const lost = this.#effects.lostLog();
    if (lost === undefined || lost.what === "beginning") return;
    this.#effects.renewLog();
    if (this.#note !== "") return;
    this.#note = `its ${lost.what} was removed`;
    log("session.log-lost", { id: row.id, reason: lost.sentence });
    this.notify(`${row.name}: ${lost.sentence}`);
    this.retitle();
  }

  /** Calls with each sentence that those who follow its output are to read; the answer stops it. */
  onTold(listener: (sentence: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Tells those who follow its output. */
  tell(sentence: string): void {
    for (const listener of this.#listeners) listener(sentence);
  }
}
