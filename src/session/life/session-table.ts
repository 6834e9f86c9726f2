// All sessions of this server: making, finding, adopting and forgetting them.
import { createHash, randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { Failure, Status, userMessage } from "../../base/failure.ts";
import { namesIn } from "../../base/names-in.ts";
import { removeFolder } from "../../platform/removal.ts";
import { knownRecord } from "../../store/record.ts";
import { isSessionEntry } from "../../store/session-entries.ts";
import { readSessionFile, writeSessionFile } from "../../store/session-file.ts";
import type { SessionRow, SessionStore } from "../../store/session-store.ts";
import { Times } from "../../store/times.ts";
import { trainerFor } from "../../trainers/registry.ts";
import { trackRunDirectory } from "../run/run-tracker.ts";
import { agentLinkPath, aimAgentLinkAside } from "./agent-link.ts";
import { learnProvenance } from "./provenance.ts";
import { Session, type SessionEffects } from "./session.ts";
import { endReason, unheardEnd } from "./state.ts";

/** What a caller asks to be started. */
export interface StartOrder
  extends Pick<SessionRow, "kind" | "name" | "command" | "directory" | "environment" | "umask" | "limits" | "runDirectory">,
    Pick<SessionRow, "cols" | "rows" | "pinned" | "token" | "facts"> {
  /** Fixed before (falcon submit); another one is taken where a session has it. */
  id?: string | undefined;
  /** Socket of the caller's SSH agent. */
  agent?: string | undefined;
  /** The caller's process, whose control groups the run is to be in. */
  caller?: number | undefined;
}

/**
 * More live sessions than this are refused: each costs a process and about ten file descriptors of the
 * server's.
 */
export const mostSessions = 4000;

/** A session's name has at most this many characters: it stands in tables and titles. */
export const longestName = 64;

const idAlphabet = "abcdefghijkmnpqrstuvwxyz23456789";
const idLength = 6;

/** What the table needs of the server. */
export interface TableEffects extends SessionEffects {
  /** A session is there, new or from an earlier server. */
  came(session: Session): void;
  /** A session was forgotten, its folder as well. */
  removed(id: string): void;
}

export class SessionTable {
  #sessions = new Map<string, Session>();
  #changes = 0;
  #store: SessionStore;
  #effects: TableEffects;
  #folder: string;
  #host: string;
  /** The server goes: rows and folders are the next one's. */
  #left = false;

  /** @param folder where the session folders are: `<home>/s`. */
  constructor(folder: string, host: string, store: SessionStore, effects: TableEffects) {
    this.#folder = folder;
    this.#host = host;
    this.#store = store;
    this.#effects = effects;
  }

  /** All sessions, oldest first. */
  all(): Session[] {
    return [...this.#sessions.values()];
  }

  /** How often a session has come or gone. */
  get changes(): number {
    return this.#changes;
  }

  live(): Session[] {
    return this.all().filter((s) => s.live);
  }

  get(id: string): Session | undefined {
    return this.#sessions.get(id);
  }

  /**
   * What an earlier request with this token has started. A server that died between the row and the program
   * left a session in which nothing ever ran: that goes.
   */
  startedBy(token: string): Session | undefined {
    const earlier = this.all().find((s) => s.row.token === token);
    if (earlier === undefined || earlier.live || earlier.row.started !== null) return earlier;
    this.remove(earlier);
    return undefined;
  }

  folderOf(id: string): string {
    return path.join(this.#folder, id);
  }

  /** Makes ready what a session needs that is about to be started. */
  prepare(): void {
    this.#effects.screens.prepare();
  }

  /**
   * Starts a session. A request with the token of an earlier one gets the session that the earlier one
   * started.
   * @throws Failure when there are too many, the folder cannot be made, or the holder cannot be started;
   * nothing is left behind then. Error where the server goes meanwhile: what is there by then is left to the
   * next one, which is asked for the same.
   */
  async start(order: StartOrder): Promise<Session> {
    this.#checkLeft();
    const earlier = this.startedBy(order.token);
    if (earlier !== undefined) return earlier;
    if (this.live().length >= mostSessions) {
      throw new Failure(
        `${mostSessions} sessions are running, which is the limit; end some with 'falcon stop' or 'falcon kill' first`,
      );
    }
    // a part of a run that is to come again finds its first one's folder
    const id =
      order.id !== undefined && this.get(order.id) === undefined && !fs.existsSync(this.folderOf(order.id))
        ? order.id
        : this.freeId();
    const folder = this.folderOf(id);
    const { agent, caller, id: _fixed, ...asked } = order;
    const row: SessionRow = {
      ...asked,
      trainer: "none",
      environment: {
        ...order.environment,
        FALCON_SESSION: id,
        // a relaunched program had the link of its earlier session
        ...(agent === undefined && order.environment.SSH_AUTH_SOCK === undefined ? {} : { SSH_AUTH_SOCK: agentLinkPath(folder) }),
      },
      id,
      host: this.#host,
      boot: this.#effects.boot,
      holderPid: null,
      programPid: null,
      state: "starting",
      reason: "asked for",
      created: this.#effects.clock(),
      started: null,
      ended: null,
      waitStatus: null,
      interrupts: 0,
      attached: null,
    };
    row.trainer = trainerFor(row).name;
    const session = new Session(row, folder, this.#effects);
    try {
      // each by itself: Node's recursive form calls a read-only file system ENOENT
      if (!fs.existsSync(this.#folder)) fs.mkdirSync(this.#folder, { mode: 0o700 });
      fs.mkdirSync(folder, { mode: 0o700 });
      writeSessionFile(folder, row);
      this.#store.save(row);
    } catch (error) {
      this.#removeFolder(id);
      throw new Failure(`cannot keep a session in ${folder}: ${userMessage(error)}`);
    }
    this.#put(session);
    this.#effects.log("session.changed", { id, to: "starting", reason: "asked for", name: row.name });
    const [before] = await Promise.all([
      seenBefore(session),
      // without an agent the program goes on
      aimAgentLinkAside(folder, agent).catch(() => false),
    ]);
    this.#checkLeft();
    try {
      await session.start(caller);
    } catch (error) {
      this.#checkLeft();
      session.failed(`its holder could not be started: ${userMessage(error)}`);
      this.remove(session);
      throw new Failure(`cannot start a session: ${userMessage(error)}`);
    }
    this.#track(session, before);
    void learnProvenance(session, () => this.get(id) === session);
    this.#effects.came(session);
    this.#effects.changed(session);
    return session;
  }

  /**
   * Takes over what an earlier server left: every row, and every session folder that has no row (the database
   * was lost).
   */
  async adopt(): Promise<void> {
    const rows = new Map(this.#store.all().map((row) => [row.id, row]));
    for (const id of namesIn(this.#folder)) {
      const row = rows.has(id) ? undefined : this.rowOf(this.folderOf(id));
      if (row !== undefined) rows.set(id, row);
    }
    const adopting: Promise<void>[] = [];
    for (const row of [...rows.values()].sort((a, b) => a.created - b.created)) {
      const session = new Session(row, this.folderOf(row.id), this.#effects);
      this.#put(session);
      // what `latest` points at now may be another run's: of an adopted one only its own open log tells
      if (session.live) adopting.push(session.adopt().then(() => this.#trackLater(session)));
      else session.removeSocket();
    }
    await Promise.all(adopting);
    for (const session of this.#sessions.values()) this.#effects.came(session);
  }

  /**
   * Takes over a session of an ended batch job, whose folder lies where ours do, and whose row is stored and
   * says when that was.
   */
  async takeIn(row: SessionRow): Promise<Session> {
    const session = new Session(row, this.folderOf(row.id), this.#effects);
    this.#put(session);
    if (session.live) await session.adopt();
    else session.removeSocket();
    this.#effects.came(session);
    return session;
  }

  /** The row of a session folder without one; undefined where it is none. */
  rowOf(folder: string): SessionRow | undefined {
    const file = readSessionFile(folder);
    return file && rowFromFile(file, folder);
  }

  /** Of an adopted one: the server does not wait with its other sessions for a folder that may not answer. */
  #trackLater(session: Session): void {
    void seenBefore(session).then((seen) => this.#track(session, seen));
  }

  #track(session: Session, before: unknown): void {
    if (session.row.runDirectory !== null || !session.live) return;
    const isKept = () => this.get(session.id) === session;
    const taken = (name: string) => this.live().some((other) => other !== session && other.row.name === name);
    trackRunDirectory(session, before, this.#effects.steady, isKept, taken, () => this.all());
  }

  /**
   * Forgets an ended session, its log included.
   * @throws Failure when it still runs.
   */
  remove(session: Session): void {
    if (session.live)
      throw new Failure(
        `session ${session.id} (${session.row.name}) is running: stop it first ('falcon stop ${session.id}')`,
        Status.noSession,
      );
    session.closeScreen();
    // first what takes the space: on a full disk the database can then be written again
    this.#removeFolder(session.id);
    this.#store.remove(session.id);
    this.#sessions.delete(session.id);
    this.#changes++;
    this.#effects.log("session.removed", { id: session.id });
    this.#effects.removed(session.id);
  }

  #removeFolder(id: string): void {
    const left = removeFolder(this.#folder, id, process.geteuid?.() ?? -1, isSessionEntry);
    if (left.length > 0) this.#effects.log("session.entries-kept", { id, left, reason: "they are not ours" });
  }

  /** Lets go of every holder; they and their programs live on. */
  async leave(): Promise<void> {
    this.#left = true;
    const failed = (id: string, error: unknown) => this.#effects.log("session.leave-failed", { id, reason: String(error) });
    await Promise.all(this.all().map((s) => s.leave().catch((error) => failed(s.id, error))));
  }

  #checkLeft(): void {
    if (this.#left) throw new Error("the server has let go of its sessions");
  }

  #put(session: Session): void {
    this.#sessions.set(session.id, session);
    this.#changes++;
  }

  /**
   * An id that no session of ours has.
   * @param token of a request, which has the same id when it is made again.
   */
  freeId(token = randomBytes(16).toString("hex")): string {
    for (let n = 0; ; n++) {
      const digest = createHash("sha256").update(`${token} ${n}`).digest().subarray(0, idLength);
      const id = Array.from(digest, (byte) => idAlphabet[byte % idAlphabet.length]).join("");
      if (!this.#sessions.has(id)) return id;
    }
  }
}

/** What its trainer looks at before the start, by which it knows the run's directory later. */
async function seenBefore({ row, trainer }: Session): Promise<unknown> {
  return trainer.beforeStart?.(row.directory).catch(() => undefined);
}

function rowFromFile(file: NonNullable<ReturnType<typeof readSessionFile>>, folder: string): SessionRow {
  const record = knownRecord(folder);
  const row: SessionRow = {
    ...file,
    holderPid: null,
    programPid: record.pid ?? null,
    state: "running",
    reason: "found again after the database was lost",
    started: record.start ?? null,
    ended: null,
    waitStatus: null,
    interrupts: 0,
    attached: null,
    facts: file.facts ?? {},
  };
  if (row.facts.broughtIn !== true) return row;
  // a copy of what ended elsewhere: nothing of it runs here, and its end was told there
  const { exit } = record;
  if (exit === undefined)
    return { ...row, state: "lost", reason: unheardEnd(row.host), ended: new Times(folder).last?.time ?? row.created };
  const reason = endReason(exit.status);
  const facts = { ...row.facts, outputBytes: exit.end };
  return { ...row, state: "exited", reason, ended: exit.time, waitStatus: exit.status, facts };
}
