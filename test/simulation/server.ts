// The simulated session server: the real sessions, viewers, holder links, peers and attach, with a table of
// one session in place of SQLite, on the simulation's sockets, timers and files.
import { defaultConfig } from "../../src/base/config/config.ts";
import { attachHere, resumeAttach } from "../../src/commands/attach/attach-terminal.ts";
import type { Call, Context } from "../../src/commands/dispatch/call.ts";
import { Peer } from "../../src/server/clients/peer.ts";
import { Session } from "../../src/session/life/session.ts";
import type { SessionRow, StoredSnapshot } from "../../src/store/session-store.ts";
import { Broken, SimScreens } from "./screens.ts";
import { loop, SimSocket, system } from "./shims.ts";

/** What outlives a server: its database. */
export interface Database {
  row: SessionRow | undefined;
  snapshot: StoredSnapshot | undefined;
}

export const cols = 80;
export const rows = 24;

function newRow(token: string): SessionRow {
  return {
    id: "s",
    name: "s",
    kind: "run",
    trainer: "none",
    command: ["/bin/program"],
    directory: "/sim",
    environment: {},
    umask: 0o77,
    limits: [],
    runDirectory: null,
    host: "here",
    boot: "boot",
    token,
    holderPid: null,
    programPid: null,
    state: "starting",
    reason: "",
    created: 0,
    started: null,
    ended: null,
    waitStatus: null,
    cols,
    rows,
    pinned: false,
    interrupts: 0,
    attached: null,
    facts: {},
  };
}

/** Nothing of an earlier server's is waited for any more. */
function forgetLoop(): void {
  loop.incarnation++;
  loop.timers = [];
  loop.sockets = new Set();
  loop.children = [];
  loop.listener = undefined;
}

export class SimServer {
  session: Session | undefined;
  /** Clients that are there. */
  readonly peers = new Set<Peer>();
  readonly log: string[] = [];
  readonly #database: Database;
  readonly #of: number;
  readonly #stopping = new AbortController();
  #starting: Promise<void> | undefined;
  #direct: boolean;
  #listener: number;
  goes = false;

  constructor(database: Database, direct: boolean, broke: (error: unknown) => void) {
    forgetLoop();
    this.#of = loop.incarnation;
    this.#database = database;
    this.#direct = direct;
    this.#listener = system.simListen("server.sock");
    loop.listener = { fd: this.#listener, accepted: (fd) => this.#accept(fd) };
    const { row } = database;
    if (row === undefined) return;
    this.session = this.#made(structuredClone(row));
    if (this.session.live) this.#starting = this.session.adopt().catch(broke);
  }

  #made(row: SessionRow): Session {
    const session = new Session(row, "/sim/s", {
      save: (saved) => {
        if (this.#of === loop.incarnation && system.simFuseLeft() !== 0) this.#database.row = structuredClone(saved);
      },
      saveSnapshot: (_id, snapshot) => {
        if (this.#of === loop.incarnation && system.simFuseLeft() !== 0) this.#database.snapshot = snapshot;
      },
      snapshot: () => this.#database.snapshot,
      screens: new SimScreens() as unknown as ConstructorParameters<typeof Session>[2]["screens"],
      log: (event, facts) => this.#log(event, facts),
      clock: () => Date.now(),
      steady: () => performance.now(),
      changed: () => {},
      conclude: async () => {},
      over: () => {},
      keep: 0,
      scrollback: 100,
      boot: "boot",
    });
    return session;
  }

  #log(event: string, facts?: Record<string, unknown>): void {
    this.log.push(`${system.simNow()} ${event} ${JSON.stringify(facts ?? {})}`);
    if (this.log.length > 200) this.log.shift();
  }

  #accept(fd: number): void {
    const socket = new SimSocket({ fd, allowHalfOpen: true });
    const peer = new Peer(socket as unknown as ConstructorParameters<typeof Peer>[0], {
      pid: 1,
      version: "0.0.0",
      run: (call) => this.#run(call),
      foreign: () => false,
      log: (event, facts) => this.#log(event, facts),
    });
    this.peers.add(peer);
    void peer.gone.then(() => this.peers.delete(peer));
  }

  async #run(call: Call): Promise<number | undefined> {
    try {
      if (this.goes) return void (call as Peer).reconnect();
      if (this.session === undefined) {
        this.session = this.#made(newRow(call.request.token));
        this.#database.row = structuredClone(this.session.row);
        this.#starting = this.session.start();
      }
      await this.#starting;
      const resumes = call.request.arguments[0] === resumeAttach;
      return await attachHere(call, this.#context(), this.session, { readOnly: false, history: 10, enter: !resumes });
    } catch (error) {
      if (error instanceof Broken) throw error;
      this.#log("command-failed", { error: String((error as Error).stack) });
      call.stderr(String(error));
      return 125;
    }
  }

  #context(): Context {
    const session = this.session as Session;
    return {
      table: { get: () => session },
      config: { ...defaultConfig, directOutput: this.#direct },
      neighbours: { place: { job: null } },
      log: (event: string, facts?: Record<string, unknown>) => this.#log(event, facts),
      clock: () => Date.now(),
      steady: () => performance.now(),
      stopping: this.#stopping.signal,
    } as unknown as Context;
  }

  /** Makes way for the next one: clients are told, what they still say is taken, then it is gone. */
  async handOver(): Promise<void> {
    this.goes = true;
    loop.listener = undefined;
    system.close(this.#listener);
    for (const peer of this.peers) peer.announceNext();
    await new Promise((resolve) => setTimeout(resolve, 50));
    await this.session?.leave();
    for (const peer of this.peers) peer.reconnect();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }

  /** kill -9. */
  static die(): void {
    forgetLoop();
    system.simEndServer();
  }
}

/** What the server has to do now; each is one turn of its event loop. */
export function serverWork(): (() => void)[] {
  const work: (() => void)[] = [];
  const now = system.simNow();
  const due = loop.timers.filter(({ at }) => at <= now).sort((a, b) => a.at - b.at || a.order - b.order)[0];
  if (due !== undefined)
    work.push(() => {
      const at = loop.timers.indexOf(due);
      if (due.every === undefined) loop.timers.splice(at, 1);
      else due.at = now + due.every;
      due.callback();
    });
  for (const socket of loop.sockets) if (socket.ready) work.push(() => socket.step());
  const { listener } = loop;
  if (listener !== undefined && (system.simEvents(listener.fd) & 1) !== 0)
    work.push(() => {
      const fd = system.simAccept(listener.fd);
      if (fd >= 0) listener.accepted(fd);
    });
  for (const child of loop.children) {
    const status = system.simStatus(child.index);
    if (status < 0) continue;
    work.push(() => {
      loop.children.splice(loop.children.indexOf(child), 1);
      child.exited(status);
    });
  }
  return work;
}

/** When its next timer is due; -1: none is. */
export function serverDeadline(): number {
  return loop.timers.reduce((least, { at }) => (least < 0 || at < least ? at : least), -1);
}
