// Holds the stores and worker threads of past output: the lines of all logs, screens along the way, and the
// threads that read, search and export them. The archive of a run's parts is store/archive/part-archive.ts.
import type { Log } from "../../base/log.ts";
import type { LineSource, LineTools } from "../../logs/session-lines.ts";
import { WorkerPool } from "../../logs/worker-pool.ts";
import { Keyframes } from "../../store/keyframes.ts";
import { LineStore } from "../../store/search.ts";
import type { SessionStore, StoredSnapshot } from "../../store/session-store.ts";
import { Screens } from "../../terminal/worker/screens.ts";
import type { Session } from "../life/session.ts";

export interface ArchiveFiles {
  /** The bundled worker of lines and exports. */
  lineWorker: string;
  /** The bundled worker of screens. */
  screenWorker: string;
}

export class Archive implements LineTools {
  readonly store: LineStore;
  readonly workers: WorkerPool;
  readonly keyframes: Keyframes;
  readonly #sessions: SessionStore;
  readonly #files: ArchiveFiles;
  readonly #log: Log;
  #screens: Screens | undefined;

  constructor(store: SessionStore, files: ArchiveFiles, log: Log) {
    this.store = new LineStore(store.database);
    this.keyframes = new Keyframes(store.database);
    this.#sessions = store;
    this.workers = new WorkerPool(files.lineWorker);
    this.#files = files;
    this.#log = log;
  }

  /**
   * Screens of the past have a thread of their own: making one out of a hundred megabytes must not keep a
   * live session's waiting.
   */
  get screens(): Screens {
    this.#screens ??= new Screens(this.#files.screenWorker, this.#log);
    return this.#screens;
  }

  /** The screen that was stored last. */
  lastScreen(id: string): StoredSnapshot | undefined {
    return this.#sessions.snapshot(id);
  }

  async dispose(): Promise<void> {
    await Promise.all([this.workers.dispose(), this.#screens?.dispose()]);
  }
}

/** A session as a source of lines. */
export function lineSource(session: Session): LineSource {
  return { id: session.id, display: session.trainer.display.drawn, openLog: () => session.openLog() };
}
