// The server as a whole: what it opens at the start, in which order, and what it lets go of at the end.
// Long: the parts of a server know nothing of each other, and are wired up here.
import type { ChildProcess } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { useAside, useSeries } from "../base/aside/aside.ts";
import { AsidePool } from "../base/aside/aside-pool.ts";
import { AsideSeries } from "../base/aside/aside-series.ts";
import { helperProgram } from "../base/aside/helper-process.ts";
import { steady, wall, within } from "../base/clock.ts";
import type { Config } from "../base/config/config.ts";
import { configPath, type LoadedConfig, readSettings } from "../base/config/config-file.ts";
import { Status } from "../base/failure.ts";
import { fileLog, type Log } from "../base/log.ts";
import { jobOfHome, type LimitedJob } from "../batch/time-limit.ts";
import type { Call, Context } from "../commands/dispatch/call.ts";
import { runCommand } from "../commands/dispatch/dispatch.ts";
import { toldSessions } from "../commands/list/roster-entries.ts";
import { askHost } from "../commands/machines/ask-host.ts";
import { farContract } from "../commands/machines/reach.ts";
import { SshMasters } from "../commands/machines/ssh-masters.ts";
import { logOutFacts } from "../platform/log-out.ts";
import { bootId } from "../platform/processes.ts";
import type { Nvidia } from "../resources/nvidia.ts";
import type { UsageSampler } from "../resources/sampler.ts";
import { RunTick } from "../session/events/run-tick.ts";
import type { Session } from "../session/life/session.ts";
import { SessionTable } from "../session/life/session-table.ts";
import { AskedHosts } from "../session/machines/asked-hosts.ts";
import { Neighbours } from "../session/machines/neighbours.ts";
import { RosterKeeper, rosterRoot } from "../session/machines/roster.ts";
import { Submissions } from "../session/machines/submissions.ts";
import { Archive } from "../session/output/archive.ts";
import { Retention } from "../session/output/retention.ts";
import { DeadlineWatch } from "../session/run/deadline-watch.ts";
import { stopGracefully } from "../session/run/graceful-stop.ts";
import { movement } from "../session/run/movement.ts";
import { PartKeeper } from "../session/run/part-keeper.ts";
import { RunProgresses } from "../session/run/run-progress.ts";
import { archiveRoot } from "../store/archive/part-archive.ts";
import { SharedArchive } from "../store/archive/shared-archive.ts";
import { KnownTime } from "../store/known-time.ts";
import { RefusedLogins } from "../store/refused-logins.ts";
import { SessionStore } from "../store/session-store.ts";
import type { ScreenPool } from "../terminal/worker/screen-pool.ts";
import type { ScreenThread } from "../terminal/worker/screen-thread.ts";
import { Clients } from "./clients/clients.ts";
import { Listener } from "./clients/listener.ts";
import { Peer } from "./clients/peer.ts";
import { EventHub } from "./events/event-hub.ts";
import { databaseName, HomeGuard, type Verdict } from "./home/home-guard.ts";
import { homeIdentity, takeHome } from "./home/home-owner.ts";
import { startSuccessor } from "./home/successor.ts";
import { JobEnds } from "./jobs/job-ends.ts";
import { JobSessions } from "./jobs/job-sessions.ts";
import { JobSignals } from "./jobs/job-signals.ts";
import { logOutNotice, Scopes, systemEffects } from "./scope.ts";
import { screenThreads } from "./screen-threads.ts";
import { SessionEnds } from "./session-ends.ts";
import { systemUsage } from "./usage.ts";

export interface ServerOptions {
  home: string;
  /** Folder of the program: package.json and dist are in it. */
  root: string;
  version: string;
  /** In a batch job: its name. */
  job?: string | undefined;
  /** In a batch job: the machine's own home, a path. */
  hostHome?: string | undefined;
  /** Where no control group holds the job: the process whose end is the job's. */
  keeper?: number | undefined;
  /** A process for work on files of users that was started before. */
  helper: ChildProcess | undefined;
  /** A thread that draws screens, started before too. */
  screen: ScreenThread | undefined;
  /** Its log is there: what nobody catches is written to it. */
  logs(log: Log): void;
  /** Called when everything is let go of. */
  ended(): void;
}

/**
 * How often it is written down what time it is (ms): a server that is killed has told its successor the hour.
 */
const timeKept = 3_600_000;

/**
 * So long (ms) a server that goes waits for the word that an event was taken, which a web server says within
 * tenths of a second.
 */
const longestDelivery = 1_000;

/** A figure of losses is drawn within so long (ms), or the message goes without it. */
const longestDrawing = 20_000;

export class Server implements Context {
  readonly home: string;
  readonly root: string;
  readonly version: string;
  readonly log: Log;
  config: Config;
  readonly store: SessionStore;
  readonly table: SessionTable;
  readonly archive: Archive;
  readonly neighbours: Neighbours;
  readonly submissions: Submissions;
  readonly #retention: Retention;
  readonly events: EventHub["events"];
  /** The one look at live runs. */
  readonly tick: RunTick;
  readonly progress = new RunProgresses(
    () => ({ wall: wall(), steady: steady() }),
    {
      curves: (session) => this.parts.earlierCurves(session),
      graphs: (session) => this.parts.earlierGraphs(session),
    },
    () => this.table.all(),
  );
  readonly parts: PartKeeper;
  readonly roster: RosterKeeper;
  readonly hosts: AskedHosts;
  readonly masters: SshMasters;
  readonly usage: UsageSampler;
  readonly gpus: Nvidia;
  readonly job: LimitedJob | undefined;
  readonly host = os.hostname();
  #deadlines: DeadlineWatch;
  readonly #jobSessions: JobSessions;
  readonly #jobSignals: JobSignals;
  readonly #ends: SessionEnds;
  #screens: ScreenPool;
  readonly #hub: EventHub;
  readonly announcer: EventHub["announcer"];
  #listener: Listener;
  #scopes: Scopes;
  readonly #clients: Clients;
  /** Helper processes that read files of users: a file system that hangs must not stop this one. */
  readonly #aside: AsidePool;
  #guard: HomeGuard;
  readonly #started = wall();
  readonly #startedAt = steady();
  readonly #knownTime: KnownTime;
  #timeKeeper: NodeJS.Timeout;
  #idle: NodeJS.Timeout | undefined;
  #ending = false;
  /** Another server is to follow, also where no client would start one. */
  #followed = false;
  readonly #ended: () => void;
  readonly #stopping = new AbortController();

  private constructor(
    options: ServerOptions,
    guard: HomeGuard,
    log: Log,
    aside: AsidePool,
    screens: ScreenPool,
    store: SessionStore,
    { config, problems }: LoadedConfig,
  ) {
    this.home = options.home;
    this.neighbours = new Neighbours({ home: options.home, host: options.hostHome ?? options.home, job: options.job ?? null });
    this.submissions = new Submissions(options.home, wall, log);
    this.root = options.root;
    this.version = options.version;
    this.#ended = options.ended;
    this.#guard = guard;
    this.#aside = aside;
    this.log = log;
    this.config = config;
    for (const problem of problems) log("config.refused", { problem });
    this.store = store;
    this.archive = new Archive(
      this.store,
      {
        lineWorker: path.join(options.root, "dist", "log-worker.cjs"),
        screenWorker: path.join(options.root, "dist", "screen-worker.cjs"),
      },
      log,
    );
    this.#knownTime = new KnownTime({
      wall,
      up: () => os.uptime() * 1000,
      boot: bootId(),
      latest: this.store.latest(),
      file: path.join(options.home, "clock"),
    });
    this.#timeKeeper = setInterval(() => this.#knownTime.keep(), timeKept).unref();
    this.#scopes = new Scopes(systemEffects(log));
    this.#screens = screens;
    this.table = new SessionTable(path.join(options.home, "s"), this.host, this.store, {
      // a session that could not be started is forgotten before its end is looked into
      save: (row) => this.table.get(row.id) !== undefined && this.#stored(() => this.store.save(row)),
      saveSnapshot: (id, snapshot) => {
        this.store.saveSnapshot(id, snapshot);
        this.#stored(() => this.archive.keyframes.add(id, snapshot));
      },
      snapshot: (id) => this.store.snapshot(id),
      screens: this.#screens,
      log,
      clock: wall,
      steady,
      changed: (session) => this.#changed(session),
      conclude: (session, lost) => this.#ends.conclude(session, lost),
      over: (session) => void this.#ends.tell(session),
      keep: config.retention,
      scrollback: config.scrollback,
      boot: bootId(),
      came: (session) => this.#retention.watch(session),
      removed: (id) => this.#retention.removed(id),
    });
    this.#retention = new Retention(
      this.archive,
      { bytes: config.retention, age: config.retentionAge },
      {
        log,
        steady,
        knownTime: () => this.knownTime(),
        all: () => this.table.all(),
        remove: (session) => this.table.remove(session),
        done: () => this.#considerIdle(),
      },
    );
    this.job = jobOfHome(options.home);
    const jobs = new JobEnds(options.home, this.job, { all: () => this.table.all(), log });
    this.#jobSignals = new JobSignals({
      live: () => this.table.live(),
      progress: this.progress,
      ending: () => this.#ending,
      log,
    });
    this.#jobSessions = new JobSessions({
      home: options.home,
      job: options.job,
      keeper: options.keeper,
      inJob: this.neighbours.place.job !== null,
      table: this.table,
      store: this.store,
      log,
      ending: () => this.#ending,
      stored: (write) => this.#stored(write),
      takeOver: (homes) => this.roster.takeOver(homes),
      tell: (session) => void this.#ends.tell(session),
      conclude: (session, lost) => void this.#ends.conclude(session, lost),
      keepUntold: (untold) => this.#hub.takeOver(untold),
      tellUntold: () => this.#hub.resume(),
      over: () => void this.#end("its job is over", (peer) => peer.reconnect()),
    });
    const identity = homeIdentity(options.home);
    this.parts = new PartKeeper({
      archive: new SharedArchive(config.archive ?? archiveRoot(process.env)),
      progress: this.progress,
      log,
      job: this.job === undefined ? undefined : path.basename(options.home),
      has: (id) => this.table.get(id) !== undefined,
      folderOf: (id) => this.table.folderOf(id),
      takeIn: (row) => {
        this.#stored(() => this.store.save(row));
        return this.table.takeIn(row);
      },
      clock: wall,
    });
    this.roster = new RosterKeeper(config.roster ?? rosterRoot(archiveRoot(process.env)), {
      log,
      host: this.host,
      job: this.neighbours.place.job,
      version: options.version,
      contract: farContract,
      home: identity,
      sessions: () => toldSessions(this),
      live: () => this.table.live().length,
      clock: wall,
      steady,
    });
    this.masters = new SshMasters(identity);
    this.hosts = new AskedHosts(config.hosts, {
      ask: (name, environment) => askHost(this.config, name, environment, this.masters.folder),
      clock: wall,
      steady,
      refused: new RefusedLogins(path.join(options.home, "refused-logins")),
    });
    this.#hub = new EventHub({
      config,
      database: this.store.database,
      session: (id) => this.table.get(id),
      curves: (session) => this.progress.curves(session),
      draw: (turn) => this.archive.workers.run<Uint8Array>(turn, longestDrawing),
      home: identity,
      inJob: this.neighbours.place.job !== null,
      ending: () => this.#ending,
      log,
    });
    this.announcer = this.#hub.announcer;
    this.events = this.#hub.events;
    this.#deadlines = new DeadlineWatch({
      movement: (session) => movement(session, this.progress),
      jobEnd: () => jobs.when(),
      stop: (session) => stopGracefully(session, { by: "deadline", why: "its deadline is near" }, wall()),
      tell: (session, sentence) => {
        session.audience.tell(sentence);
        if (config.notify) session.audience.notify(`${session.row.name}: ${sentence}`);
      },
      clock: wall,
      steady,
      saveBefore: config.saveBefore,
      log,
    });
    this.tick = new RunTick(
      { live: () => this.table.live(), progress: (session) => this.progress.of(session), steady, log },
      (session, run) => this.#hub.lookAt(session, run),
      this.#deadlines,
      this.parts,
    );
    const { sampler, gpus } = systemUsage(
      () => this.table.live(),
      (id, finding) => this.#hub.found(id, finding),
      log,
    );
    this.usage = sampler;
    this.gpus = gpus;
    this.#ends = new SessionEnds({
      progress: this.progress,
      parts: this.parts,
      usage: this.usage,
      events: this.events,
      jobs,
      log,
      tellMachines: async () => this.job !== undefined && this.roster.lastWord(),
      ending: () => this.#ending,
      lookAt: (session, run) => this.#hub.lookAt(session, run),
      told: () => {
        this.roster.changed();
        this.#considerIdle();
      },
    });
    this.#clients = new Clients({
      home: options.home,
      root: options.root,
      version: options.version,
      log,
      lookBeforeUse: () => this.#guard.lookBeforeUse(),
      ending: () => this.#ending,
      handingOver: () => this.handingOver,
      claim: () => this.announcer.claim(),
      run: (call) => runCommand(call, this),
      upgrade: (first) => this.upgradeServer(first),
      changed: () => this.#considerIdle(),
    });
    this.#listener = new Listener(path.join(options.home, "server.sock"), {
      accepted: (socket) => this.#clients.accept(socket),
      log,
      uid: process.getuid?.() ?? -1,
      home: guard,
    });
  }

  /**
   * Takes the lock, adopts what runs, listens. Before that nobody is answered, so that what may take long and
   * is not needed to know what runs, as the sessions of ended jobs, comes behind it.
   * @throws AlreadyServed when another server has this home; Failure when the home cannot be used.
   */
  static async start(options: ServerOptions): Promise<Server> {
    let log: Log = () => {};
    let server: Server | undefined;
    const guard = HomeGuard.open(options.home, {
      uid: process.getuid?.() ?? -1,
      log: (event, facts) => log(event, facts),
      steady,
      found: (verdict) => void server?.homeLost(verdict),
      well: () => void server?.checkSocket(),
    });
    try {
      takeHome(options.home);
      log = fileLog(path.join(options.home, "server.log"));
      options.logs(log);
      log("server.started", { pid: process.pid, version: options.version, node: process.version });
      fs.mkdirSync(path.join(options.home, "s"), { mode: 0o700, recursive: true });
      const screens = screenThreads(options.root, log, options.screen);
      const helper = helperProgram(options.root);
      const aside = new AsidePool(helper, { log, steady }, options.helper);
      useAside((name, file, args) => aside.ask(name, file, args));
      useSeries((file) => AsideSeries.begin(helper, file));
      const settings = readSettings(configPath(process.env));
      // the database is opened while a helper still reads the settings
      const store = SessionStore.open(path.join(options.home, databaseName), log);
      guard.databaseOpened();
      server = new Server(options, guard, log, aside, screens, store, await settings);
      await server.table.adopt();
      server.#tellEarlierEnds();
      await server.#listener.listen();
      log("server.listened", { sessions: server.table.live().length });
      // a scope of the user's manager would take it out of its job's control group
      if (options.job === undefined) server.#scopes.enterServer(process.pid);
      server.#aside.warm();
      server.#hub.resume();
      server.#jobSessions.watch();
      server.#retention.begin();
      server.tick.begin();
      server.usage.changed();
      server.roster.changed();
      server.parts.sweepLater(server.config.retentionAge);
      server.#considerIdle();
      return server;
    } catch (error) {
      log("server.failed", { reason: String(error), stack: error instanceof Error ? error.stack : undefined });
      // its end lets go of everything, and ends the process
      if (server?.handingOver) return server;
      guard.release();
      throw error;
    }
  }

  /**
   * A database that cannot be written (a full disk) must not end a run: the row is written again with its
   * next change. Once the database is closed nothing is stored; the next server learns it from the holder.
   */
  #stored(write: () => void): void {
    if (!this.store.open) return;
    try {
      write();
    } catch (error) {
      this.log("store.failed", { reason: String(error) });
    }
  }

  makeWay(call: Call): Promise<{ gone: boolean; lacks: readonly string[] }> {
    return this.#clients.makeWay(call);
  }

  takeInJobs(): Promise<void> {
    return this.#jobSessions.takeIn();
  }

  jobFacts(caller: number): Record<string, unknown> {
    return this.#jobSessions.jobFacts(caller);
  }

  /** Ends that an earlier server stored, and was killed before it told of them. */
  #tellEarlierEnds(): void {
    for (const session of this.table.all()) if (!session.live && session.row.facts.untold === true) void this.#ends.tell(session);
  }

  /** A session's state changed: one that runs gets a scope of its own. */
  #changed(session: Session): void {
    this.tick.soon(this.#deadlines, [session]);
    this.roster.changed();
    this.usage.changed();
    if (session.row.state === "running" && session.row.holderPid !== null && this.neighbours.place.job === null) {
      void this.#scopes.enterSession(session.id, session.row.holderPid).then((moved) => {
        if (moved && !this.#ending) session.moved();
      });
    }
    this.#considerIdle();
  }

  logOutNotice(): string | undefined {
    return logOutNotice(this.home, logOutFacts());
  }

  knownTime(): number {
    return this.#knownTime.now();
  }

  readonly clock = wall;
  readonly steady = steady;

  get handingOver(): boolean {
    return this.#ending && !this.#stopping.signal.aborted;
  }

  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  serverFacts(): { pid: number; started: number; up: number; peers: number } {
    return {
      pid: process.pid,
      started: this.#started,
      up: steady() - this.#startedAt,
      peers: this.#clients.count,
    };
  }

  /** Sessions and database are let go of: clients alone are still to hear their last words. */
  get released(): boolean {
    return !this.store.open;
  }

  /** Looks for a deleted socket now instead of within the minute. */
  checkSocket(): void {
    if (!this.#ending) void this.#listener.check();
  }

  /**
   * The home is not the one that was opened. Who has it goes on: another server, or one that takes over from
   * what we know. Everything that was opened is opened anew that way, by the same path as at an upgrade.
   */
  async homeLost(verdict: Exclude<Verdict, "well">): Promise<void> {
    const renewing = verdict === "renew";
    this.#followed ||= renewing && (this.table.live().length > 0 || this.#hub.pending);
    await this.#end(`the home ${this.home} is not the one that was opened`, (peer) => peer.reconnect(), undefined, renewing);
  }

  /** A server that has nothing to do goes, after a pause in which the next command finds it still there. */
  #considerIdle(): void {
    clearTimeout(this.#idle);
    if (this.#ending || this.#clients.count > 0 || this.#retention.busy) return;
    if (this.#hub.pending) return;
    if (this.table.live().length > 0) return;
    this.#idle = setTimeout(() => {
      if (this.#jobSessions.busy) this.#considerIdle();
      else this.stopServer("nothing runs and nobody is attached");
    }, this.config.serverIdle);
  }

  stopServer(reason: string): void {
    this.#stopping.abort();
    void this.#end(reason, (peer) => {
      peer.stderr("falcon: the session server was stopped; every session goes on\n");
      peer.exit(Status.ours);
    });
  }

  /**
   * A signal to the server. Outside of a batch job, and the second time, it ends the server alone; SIGUSR1
   * makes it look after its home.
   */
  signalled(signal: "SIGTERM" | "SIGINT" | "SIGUSR1" | "SIGUSR2"): void {
    if (this.job !== undefined && this.#jobSignals.take(signal)) return;
    if (signal === "SIGUSR1") this.#guard.look();
    else this.stopServer(signal);
  }

  /**
   * @param first the client that brings the new version: it starts its server before the others, with older
   * ones of their own, can.
   */
  async upgradeServer(first?: Call): Promise<void> {
    const peer = first instanceof Peer ? first : undefined;
    await this.#end("a new version takes over", (each) => each.reconnect(), peer);
  }

  async #end(reason: string, farewell: (peer: Peer) => void, first?: Peer, renewing = false): Promise<void> {
    if (this.#ending) return;
    this.#ending = true;
    this.log("server.end-requested", { reason });
    clearTimeout(this.#idle);
    this.#listener.close();
    this.#clients.close();
    // what was taken is noted, or it would be told twice
    const told = this.#letGo(() => within(longestDelivery, this.#hub.leave()));
    this.tick.dispose();
    this.usage.dispose();
    clearInterval(this.#timeKeeper);
    this.parts.dispose();
    this.#knownTime.keep();
    this.#scopes.dispose();
    await this.#letGo(
      () => this.roster.farewell(),
      () => this.masters.end(),
      () => this.#jobSessions.leave(),
    );
    await this.#letGo(
      () => this.table.leave(),
      () => this.#retention.dispose(),
      () => told,
    );
    this.#hub.dispose();
    // the database and the lock are free before a client that was sent away can start the next server
    if (renewing) this.#stored(() => this.store.copyTo(path.join(this.home, databaseName)));
    await this.#letGo(() => this.store.close());
    this.#guard.release();
    // commands that were told (`falcon server stop` itself, viewers) have answered by now
    await new Promise((resolve) => setImmediate(resolve));
    await this.#letGo(() => this.#clients.sendAway(farewell, first));
    await this.#letGo(
      () => this.#screens.dispose(),
      () => this.archive.dispose(),
    );
    this.#aside.dispose();
    this.log("server.ended", { reason });
    if (this.#followed && this.#clients.sentAway === 0) startSuccessor(this.log);
    this.#ended();
  }

  /** What fails as the server goes is noted, and keeps nothing else: the next server waits for the lock. */
  async #letGo(...parts: (() => unknown)[]): Promise<void> {
    const failed = (error: unknown) => this.log("server.end-failed", { reason: String(error) });
    await Promise.all(parts.map(async (part) => part()).map((gone) => gone.catch(failed)));
  }
}
