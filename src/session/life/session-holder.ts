// A session's holder, as long as the session lives: reached where its socket was deleted, connected to again
// where only the connection was lost, and succeeded where it was killed.
import fs from "node:fs";
import path from "node:path";
import { within } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import { processAlive } from "../../platform/processes.ts";
import { readRecord, type SessionRecord } from "../../store/record.ts";
import type { SessionRow } from "../../store/session-store.ts";
import {
  adoptAfterHolder,
  connectHolder,
  type LaunchOptions,
  launchHolder,
  openCursor,
  openKeyboard,
  recallHolder,
} from "../holder/holder-launch.ts";
import type { HolderEvents, HolderLink } from "../holder/holder-link.ts";

/**
 * So long (ms) a server that goes waits for a holder that stands still, to which a connection was lost: what
 * was typed by those who have left is nowhere else.
 */
const longestReturn = 3_000;

/**
 * After this time (ms) a successor that could not be had is tried for again, and after twice as long each
 * time: a killed holder's lock of the log may outlive its connection by a moment.
 */
const firstRetry = 100;
const longestRetry = 5_000;

/** What says nothing of the holder: it stands still, or this server has no descriptor or memory left. */
const unanswered = new Set<unknown>(["ETIMEDOUT", "EMFILE", "ENFILE", "ENOMEM", "ENOBUFS"]);

/** Whether a holder that could not be reached may be there all the same. */
export function mayBeThere(error: unknown): boolean {
  return unanswered.has((error as NodeJS.ErrnoException).code);
}

/** What it needs of its session. */
export interface SessionHolderEffects {
  readonly id: string;
  readonly folder: string;
  readonly log: Log;
  readonly row: Pick<SessionRow, "holderPid" | "programPid" | "state" | "cols" | "rows">;
  readonly events: Omit<HolderEvents, "taken" | "closed">;
  /** Bytes of log to retain. */
  readonly keep: number;
  /** The session runs on, and this server is to follow it. */
  wanted(): boolean;
  /** There is a connection. */
  linked(link: HolderLink): void;
  /**
   * The connection that there is now goes on where the last one ended.
   * @param otherHolder a successor took the place of a killed holder; false where a connection was lost.
   */
  again(link: HolderLink, otherHolder: boolean): void;
  /** Nobody holds the terminal any more. */
  lost(): void;
}

/** Who types here and is counted by the holder. */
export interface Typist {
  /** The holder has so many bytes. */
  taken(number: number): void;
  /** So many were passed on. */
  typed(): number;
}

export class SessionHolder {
  readonly #effects: SessionHolderEffects;
  readonly #typists = new Map<bigint, Typist>();
  #link: HolderLink | undefined;
  /** The connection was lost: settled once there is another one, or none can be had. */
  #return: Promise<void> = Promise.resolve();
  /** The end is stored: whatever holder there is may go. */
  #released = false;
  /** The server goes: what is not launched by now is the next one's to start. */
  #leaving = false;
  /** How the connection ended, in words. */
  lossReason = "";

  constructor(effects: SessionHolderEffects) {
    this.#effects = effects;
  }

  get link(): HolderLink | undefined {
    return this.#link;
  }

  /**
   * Makes it, with the session's program.
   * @throws Error as launchHolder does, and where the server goes meanwhile: a program that was started by
   * then runs, and the next server adopts it.
   */
  async launch(options: Omit<LaunchOptions, "folder" | "keep" | "givenUp" | "log">): Promise<HolderLink> {
    const { folder, keep, log } = this.#effects;
    const link = await launchHolder({ ...options, folder, keep, log, givenUp: () => this.#leaving }, this.#events());
    if (!this.#leaving) return this.#linked(link);
    link.close();
    throw new Error("the server went while the program was started");
  }

  /**
   * Connects to the one that an earlier server made.
   * @throws Error where none answers (mayBeThere).
   */
  async adopt(): Promise<HolderLink> {
    return this.#linked(await this.#reach());
  }

  #linked(link: HolderLink): HolderLink {
    this.#link = link;
    this.#effects.linked(link);
    return link;
  }

  #events(): HolderEvents {
    return {
      ...this.#effects.events,
      taken: (writer, number) => this.#typists.get(writer)?.taken(number),
      closed: (reason) => this.#gone(reason),
    };
  }

  /** Also where its socket was deleted: while the program lives it is not given up. */
  async #reach(): Promise<HolderLink> {
    const { folder, row } = this.#effects;
    try {
      return await connectHolder(folder, this.#events());
    } catch (error) {
      if (mayBeThere(error)) throw error;
      const record = this.record();
      if (record.exit !== undefined) throw error;
      return await recallHolder(folder, [row.holderPid, record.pid], this.#events());
    }
  }

  /** What it wrote down; nothing where that cannot be read. */
  record(): SessionRecord {
    try {
      return readRecord(this.#effects.folder);
    } catch (error) {
      this.#effects.log("session.record-failed", { id: this.#effects.id, reason: String(error) });
      return { gaps: [] };
    }
  }

  #gone(reason: string): void {
    if (!this.#effects.wanted()) return;
    this.#effects.log("session.holder-lost", { id: this.#effects.id, reason });
    this.lossReason = reason;
    const { programPid } = this.#effects.row;
    if (this.record().exit !== undefined || this.#link === undefined || programPid === null || !processAlive(programPid))
      return this.#effects.lost();
    this.#return = this.#succeed(this.#link, programPid);
  }

  /**
   * The holder was killed, the program lives: a successor takes the terminal, which we still hold. Until one
   * does it is tried again: without a master that somebody has open the program would be hung up.
   */
  async #succeed(dead: HolderLink, programPid: number, pause = firstRetry): Promise<void> {
    const { folder, id, log, keep } = this.#effects;
    if (this.#link !== dead) return;
    if (!processAlive(programPid)) return this.#effects.lost();
    try {
      // only the connection may be gone: a holder that answers needs no successor
      const same = await this.#reach().catch(() => undefined);
      const link = same ?? (await adoptAfterHolder(folder, dead.master, programPid, this.#events(), keep));
      if (this.#link !== dead) return this.#letGo(link);
      if (same === undefined) {
        this.#succeedWith(dead, link);
        log("session.succeeded", { id, holder: link.holderPid });
      } else this.#goOn(dead, link);
      this.#effects.again(link, same === undefined);
    } catch (error) {
      log("session.succession-failed", { id, reason: String(error) });
      if (processAlive(programPid)) await new Promise((resolve) => setTimeout(resolve, pause).unref());
      return this.#succeed(dead, programPid, Math.min(2 * pause, longestRetry));
    }
  }

  /** The session was let go of while this connection came about. */
  #letGo(link: HolderLink): void {
    if (this.#released) link.release();
    link.close();
  }

  #succeedWith(dead: HolderLink, link: HolderLink): void {
    const left = dead.left(false);
    dead.close();
    this.#linked(link);
    // what the dead one may have typed and had not said to have is lost, and never typed twice
    for (const [writer, { typed }] of this.#typists) {
      const first = left.find(({ by }) => by?.writer === writer)?.by?.number;
      link.countTyped({ writer, number: first ?? typed() });
    }
    link.takeOver(left);
  }

  /**
   * Another connection to the same holder: what was typed on the old one and may not have arrived goes on.
   */
  #goOn(old: HolderLink, link: HolderLink): void {
    const left = old.left(true);
    old.close();
    this.#linked(link);
    link.takeOver(left);
    for (const writer of this.#typists.keys()) link.askTaken(writer);
    link.resize(this.#effects.row.cols, this.#effects.row.rows);
  }

  /** Whether clients can have connections of their own: not from a holder of an earlier version. */
  get #servesViewers(): boolean {
    return this.#link !== undefined && this.#link.version >= 2;
  }

  /** The output from an offset on, for a client; undefined where it has no place. */
  openCursor(offset: number): number | undefined {
    return this.#openViewer(() => openCursor(this.#effects.folder, offset));
  }

  /** A connection on which a viewer's client types itself; undefined where there is none to be had. */
  openKeyboard(): number | undefined {
    return this.#openViewer(() => openKeyboard(this.#effects.folder));
  }

  #openViewer(open: () => number): number | undefined {
    if (!this.#servesViewers || this.#effects.row.state !== "running") return undefined;
    try {
      return open();
    } catch (error) {
      this.#effects.log("session.cursor-failed", { id: this.#effects.id, reason: String(error) });
      return undefined;
    }
  }

  /**
   * Somebody whose bytes the holder counts types here: `taken` is called soon and whenever that grows. The
   * answer ends it; undefined where the holder is of an earlier version.
   */
  addTypist(writer: bigint, typist: Typist): (() => void) | undefined {
    if (this.#link === undefined || !this.#servesViewers) return undefined;
    this.#typists.set(writer, typist);
    this.#link.askTaken(writer);
    return () => this.#typists.delete(writer);
  }

  /** One that was killed, or whose folder was read-only in the end, could not take its socket along. */
  removeSocket(): void {
    try {
      fs.rmSync(path.join(this.#effects.folder, "sock"), { force: true });
    } catch (error) {
      this.#effects.log("session.socket-kept", { id: this.#effects.id, reason: String(error) });
    }
  }

  /**
   * The server goes. Where input waits because the connection to the holder was lost, the next connection is
   * awaited, over which that input is sent before anything else.
   */
  async leave(): Promise<void> {
    this.#leaving = true;
    const link = this.#link;
    if (link === undefined || link.waitingInput === 0) return;
    await within(
      longestReturn,
      link.told.then(() => this.#return),
    );
  }

  /** Lets go of it; `release`: the end is stored, and it may go. */
  close(release = false): void {
    this.#released ||= release;
    if (release) this.#link?.release();
    this.#link?.close();
    this.#link = undefined;
  }
}
