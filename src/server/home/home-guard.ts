// One server a home, always: the locks that say so, and the look whether the home, its lock and its database
// are still the ones that were opened. A cleaner of old files may have removed them, or somebody put others
// in their place; another server may have those by now.
import fs from "node:fs";
import path from "node:path";
import { Failure } from "../../base/failure.ts";
import type { Log } from "../../base/log.ts";
import { close, type Entry, entryAt, entryOf, lockFolder, openFolder, tryLock, unlinkAt } from "../../platform/native.ts";

/** Names in the home. */
export const databaseName = "state.db";
const lockName = "server.lock";

/** How often the home is looked at (ms) where nothing says that it changed. */
const lookEvery = 60_000;
/** Before a home is used its last look is at most so old (ms). */
export const freshEnough = 1_000;
/**
 * Changes that come together are looked at together, so long (ms) after the first: a folder with much in it
 * is not removed at once.
 */
const settles = 50;

/** Another server has the lock of this home. */
export class AlreadyServed extends Error {}

/**
 * `well`: all as it was, or the lock's file was made again. `renew`: the home or the database is gone, nobody
 * else has it: who has the locks is to write them anew. `gone`: another server has the home, or it cannot be
 * used any more.
 */
export type Verdict = "well" | "renew" | "gone";

export interface GuardEffects {
  readonly uid: number;
  readonly log: Log;
  /** Milliseconds of a clock that never jumps. */
  steady(): number;
  /** Called after each look that found something. */
  found(verdict: Exclude<Verdict, "well">): void;
  /** Called after each look that found all well: what the guard does not keep itself is looked at then. */
  well(): void;
}

export class HomeGuard {
  readonly home: string;
  #effects: GuardEffects;
  #folder: number;
  #lock: number;
  #database: Entry | undefined;
  #looked: number;
  #timer: NodeJS.Timeout;
  #soon: NodeJS.Timeout | undefined;
  #watcher: fs.FSWatcher | undefined;

  private constructor(home: string, folder: number, lock: number, effects: GuardEffects) {
    this.home = home;
    this.#folder = folder;
    this.#lock = lock;
    this.#effects = effects;
    this.#looked = effects.steady();
    this.#timer = setInterval(() => this.look(), lookEvery).unref();
    this.#watch();
  }

  /** @throws AlreadyServed; Failure where the home is none that can be used. */
  static open(home: string, effects: GuardEffects): HomeGuard {
    const locked = lockHome(home, effects.uid);
    if (locked === undefined) throw new AlreadyServed(`another server has ${home}`);
    return new HomeGuard(home, locked.folder, locked.lock, effects);
  }

  /** The database is open: from here on it is the one. */
  databaseOpened(): void {
    this.#database = this.entry(databaseName);
  }

  /** Looks unless that was done a moment ago: before each use of the home. */
  lookBeforeUse(): void {
    if (this.#effects.steady() - this.#looked > freshEnough) this.look();
  }

  look(): Verdict {
    this.#looked = this.#effects.steady();
    const verdict = this.#look();
    if (verdict === "well") this.#effects.well();
    else {
      this.#effects.log("home.lost", { home: this.home, verdict });
      this.#effects.found(verdict);
    }
    return verdict;
  }

  #look(): Verdict {
    try {
      const home = lstat(this.home);
      if (home === undefined || !same(home, entryOf(this.#folder))) return this.#takeAgain(home === undefined);
      const lock = this.entry(lockName);
      if (lock === undefined || !same(lock, entryOf(this.#lock))) {
        const again = tryLock(path.join(this.home, lockName));
        if (again < 0) return "gone";
        close(this.#lock);
        this.#lock = again;
        this.#effects.log("home.lock-restored", { home: this.home });
      }
      const database = this.entry(databaseName);
      return this.#database === undefined || (database !== undefined && same(database, this.#database)) ? "well" : "renew";
    } catch (error) {
      this.#effects.log("home.check-failed", { reason: String(error) });
      return error instanceof Failure ? "gone" : "well";
    }
  }

  /** Another folder is there, or none: it becomes ours unless somebody has it. */
  #takeAgain(make: boolean): Verdict {
    if (make) fs.mkdirSync(this.home, { mode: 0o700, recursive: true });
    const locked = lockHome(this.home, this.#effects.uid);
    if (locked === undefined) return "gone";
    close(this.#folder);
    close(this.#lock);
    this.#folder = locked.folder;
    this.#lock = locked.lock;
    this.#watch();
    return "renew";
  }

  /** At once, where the system tells of changes; else the next minute does. */
  #watch(): void {
    this.#watcher?.close();
    try {
      this.#watcher = fs.watch(this.home, { persistent: false }, (event) => {
        if (event === "rename") this.#soon ??= setTimeout(() => this.#changed(), settles);
      });
      this.#watcher.on("error", () => {});
    } catch {
      this.#watcher = undefined; // too many watches
    }
  }

  #changed(): void {
    this.#soon = undefined;
    this.look();
  }

  /** The entry of the home with this name, never followed where it is a link. */
  entry(name: string): Entry | undefined {
    return entryAt(this.#folder, name);
  }

  /**
   * Removes an entry that is the user's own, and this one where an inode is named: from the folder that was
   * opened, whatever lies at its path by now.
   */
  remove(name: string, inode?: number): void {
    const found = this.entry(name);
    if (found === undefined || found.kind === "folder" || found.uid !== this.#effects.uid) return;
    if (inode === undefined || found.inode === inode) unlinkAt(this.#folder, name, false);
  }

  /** Another server may have the home from here on. */
  release(): void {
    clearInterval(this.#timer);
    clearTimeout(this.#soon);
    this.#watcher?.close();
    close(this.#lock);
    close(this.#folder);
  }
}

/**
 * The folder itself is locked as well as a file in it: a file can be removed and made again beside its lock,
 * the folder only with all that is in it. Undefined when another server has one of them.
 */
function lockHome(home: string, uid: number): { folder: number; lock: number } | undefined {
  const folder = openFolder(home);
  try {
    const found = entryOf(folder);
    if (found.uid !== uid) throw new Failure(`${home} belongs to another user (${found.uid})`);
    if ((found.mode & 0o077) !== 0)
      throw new Failure(`${home} is open to other users (mode ${found.mode.toString(8)}): chmod 700 ${home}`);
    const lock = lockFolder(folder) ? tryLock(path.join(home, lockName)) : -1;
    if (lock >= 0) return { folder, lock };
  } catch (error) {
    close(folder);
    throw error;
  }
  close(folder);
  return undefined;
}

function lstat(file: string): Pick<Entry, "inode" | "device"> | undefined {
  const found = fs.lstatSync(file, { throwIfNoEntry: false });
  return found && { inode: found.ino, device: found.dev };
}

function same(a: Pick<Entry, "inode" | "device">, b: Pick<Entry, "inode" | "device">): boolean {
  return a.inode === b.inode && a.device === b.device;
}
