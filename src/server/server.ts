// The server as a whole: what it opens at the start, in which order, and what it lets go of at the end.
import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { useAside, useSeries } from "../base/aside.ts";
import { AsidePool, helperProgram } from "../base/aside-pool.ts";
import { AsideSeries } from "../base/aside-series.ts";
import { steady, wall, within } from "../base/clock.ts";
import { type Config, configPath, type LoadedConfig, readSettings } from "../base/config.ts";
import { Failure, Status, sentence } from "../base/failure.ts";
import { fileLog, type Log } from "../base/log.ts";
import { finalJobEnd, type JobEnd, jobEnd, jobWords } from "../batch/job-end.ts";
import { isLimitSignal } from "../batch/limit-signal.ts";
import { Slurm } from "../batch/slurm.ts";
import { jobOfHome, type LimitedJob, timeLimit } from "../batch/time-limit.ts";
import type { Call, Context } from "../commands/dispatch/call.ts";
import { runCommand } from "../commands/dispatch/dispatch.ts";
import { toldSessions } from "../commands/list/roster-entries.ts";
import { askHost } from "../commands/machines/ask-host.ts";
import { farContract } from "../commands/machines/reach.ts";
import { SshMasters } from "../commands/machines/ssh-masters.ts";
import { mostDescriptors, shortfall, systemAllowance } from "../platform/allowance.ts";
import { logOutFacts } from "../platform/log-out.ts";
import { addonFile, nativeFolder } from "../platform/native.ts";
import { bootId, nameOf } from "../platform/processes.ts";
import { signalNumber } from "../platform/signals.ts";
import { clientProtocol, type Hello } from "../protocol/client.ts";
import type { Finding } from "../resources/findings.ts";
import type { Nvidia } from "../resources/nvidia.ts";
import type { UsageSampler } from "../resources/sampler.ts";
import { endEvent } from "../session/events/event-facts.ts";
import { commandWay, EventOutbox } from "../session/events/event-outbox.ts";
import { EventStream } from "../session/events/event-stream.ts";
import { RunTick } from "../session/events/run-tick.ts";
import { conclude, outcomeOf } from "../session/life/conclusion.ts";
import { realPath } from "../session/life/real-paths.ts";
import type { Session } from "../session/life/session.ts";
import { SessionTable } from "../session/life/session-table.ts";
import { isLive } from "../session/life/state.ts";
import { AskedHosts } from "../session/machines/asked-hosts.ts";
import { Neighbours } from "../session/machines/neighbours.ts";
import { RosterKeeper, rosterRoot } from "../session/machines/roster.ts";
import { noticesRoot } from "../session/machines/shared-notices.ts";
import { Submissions } from "../session/machines/submissions.ts";
import { type TakenIn, takeInEndedJobs } from "../session/machines/take-in.ts";
import { Archive } from "../session/output/archive.ts";
import { Retention } from "../session/output/retention.ts";
import { DeadlineWatch } from "../session/run/deadline-watch.ts";
import { noteHit, orderAfterHit, stopGracefully } from "../session/run/graceful-stop.ts";
import { movement } from "../session/run/movement.ts";
import { PartKeeper } from "../session/run/part-keeper.ts";
import { partFact, partsOf } from "../session/run/parts.ts";
import { whyNotAgain } from "../session/run/requeue.ts";
import { RunProgresses } from "../session/run/run-progress.ts";
import { Deliveries } from "../store/deliveries.ts";
import { KnownTime } from "../store/known-time.ts";
import { archiveRoot, type KeptCurve, PartArchive } from "../store/part-archive.ts";
import { SessionEvents } from "../store/session-events.ts";
import { type SessionRow, SessionStore } from "../store/session-store.ts";
import { Screens } from "../terminal/worker/screens.ts";
import type { RunProgress } from "../trainers/run.ts";
import { Announcer } from "./announcer.ts";
import { runEventCommand } from "./event-command.ts";
import { Handshakes } from "./handshakes.ts";
import { databaseName, HomeGuard, type Verdict } from "./home-guard.ts";
import { homeIdentity, takeHome } from "./home-owner.ts";
import { keeperAbove, keeperFrom, watchJob } from "./job-watch.ts";
import { Listener } from "./listener.ts";
import { Peer } from "./peer.ts";
import { logOutNotice, Scopes, systemEffects } from "./scope.ts";
import { type SystemUsage, sampled, systemUsage } from "./usage.ts";
import { isNewer } from "./version.ts";

export interface ServerOptions {
  home: string;
  /** Folder of the program: package.json and dist are in it. */
  root: string;
  version: string;
  /** In a batch job: its name, and the host's home. */
  job?: string | undefined;
  host?: string | undefined;
  /** Where no control group holds the job: the process whose end is the job's. */
  keeper?: number | undefined;
  /** A process for work on files of users that was started before. */
  helper?: ChildProcess | undefined;
  /** Called when everything is let go of. */
  ended(): void;
}

/** Of an event that is about no node in particular. */
const aboutAll = { node: null, metric: null, epoch: null };

/** How often it is written down what time it is (ms): a server that is killed has told its successor the hour. */
const timeKept = 3_600_000;

/** So long (ms) the clients of a server that goes wait for the one that a newer client starts, which is looked for this often. */
const longestHandOver = 3_000;
const handOverLook = 20;

/**
 * A request that comes again so often has not found a server that can give it more (another client was first with one, or the installation's own
 * Node is started with less): then its run starts with what there is, and says so.
 */
const mostMakings = 3;
/** So long (ms) after a signal to all of a job a falcon that got it has ended, or said that it stops: Python takes three seconds to end with Ray. */
const hitDoubt = 10_000;

/** Sessions that ask for the end of their common job within this time (ms) share one answer. */
const oneAnswer = 5_000;

/** How often (ms) it is looked for homes of batch jobs that are over: a folder is read, and one lock tried for each. */
const jobLook = 30_000;

/** So long (ms) a start or a list waits for what a batch system says of a job that is over: without it, less is said of its end. */
const longestJobQuestion = 4_000;

/** So long (ms) a server that goes waits for the word that an event was taken, which a web server says within tenths of a second. */
const longestTelling = 1_000;

/** A figure of losses is drawn within so long (ms), or the message goes without it. */
const longestDrawing = 20_000;

/** So long (ms) an end waits for the last look at what the run used: it takes milliseconds, unless the kernel's own files hang. */
const longestUsage = 1_000;

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
  readonly #options: ServerOptions;
  #takingIn: Promise<void> | undefined;
  readonly #retention: Retention;
  /** What happened to the sessions. */
  readonly events: EventStream;
  /** The one look at live runs. */
  readonly tick: RunTick;
  readonly progress = new RunProgresses(
    () => ({ wall: wall(), steady: steady() }),
    (session) => this.#earlierCurves(session),
    () => this.table.live(),
  );
  readonly parts: PartKeeper;
  readonly roster: RosterKeeper;
  readonly hosts: AskedHosts;
  readonly masters: SshMasters;
  readonly usage: UsageSampler;
  readonly gpus: Nvidia;
  readonly job: LimitedJob | undefined;
  readonly host = os.hostname();
  readonly #partArchive: PartArchive;
  #deadlines: DeadlineWatch;
  /** The last question about the end of this home's job, by the steady clock. */
  #jobAsked: { at: number; end: Promise<number | null> } | undefined;
  /** Signals that have come, in a batch job. */
  readonly #hits = new Set<string>();
  /** Sessions whose end this server has told, or is about to. */
  #overs = new WeakSet<Session>();
  /** Ends that are being looked into, or have been. */
  #conclusions = new WeakMap<Session, Promise<void>>();
  #screens: Screens;
  #eventOutbox: EventOutbox;
  /** Tells the channels of [notify]. */
  readonly announcer: Announcer;
  #listener: Listener;
  #scopes: Scopes;
  #peers = new Set<Peer>();
  readonly #handshakes: Handshakes;
  /** Touches what is not ours. */
  readonly #aside: AsidePool;
  /** Clients that were sent to the next server, each of which starts one where there is none. */
  #peersAtEnd = 0;
  #guard: HomeGuard;
  readonly #started = wall();
  readonly #startedAt = steady();
  readonly #knownTime: KnownTime;
  #timeKeeper: NodeJS.Timeout;
  #idle: NodeJS.Timeout | undefined;
  #ending = false;
  #ended: () => void;
  #jobLook: NodeJS.Timeout | undefined;
  #endWatch: () => void = () => {};
  /** What the batch system's processes are called whose end is the job's. */
  #keeperKind: string | undefined;
  readonly #stopping = new AbortController();

  private constructor(options: ServerOptions, guard: HomeGuard, log: Log, aside: AsidePool, { config, problems }: LoadedConfig) {
    this.#options = options;
    this.home = options.home;
    this.neighbours = new Neighbours({ home: options.home, host: options.host ?? options.home, job: options.job ?? null });
    this.submissions = new Submissions(options.home, wall, log);
    this.root = options.root;
    this.version = options.version;
    this.#ended = options.ended;
    this.#guard = guard;
    this.#aside = aside;
    this.#handshakes = new Handshakes(mostDescriptors(systemAllowance), log);
    this.log = log;
    this.config = config;
    for (const problem of problems) log("config.refused", { problem });
    this.store = SessionStore.open(path.join(options.home, databaseName), log).store;
    guard.databaseOpened();
    const { onEvent } = config;
    this.archive = new Archive(
      this.store,
      {
        lineWorker: path.join(options.root, "dist", "log-worker.cjs"),
        screenWorker: path.join(options.root, "dist", "screen-worker.cjs"),
      },
      log,
    );
    this.#eventOutbox = new EventOutbox(
      new Deliveries(this.store.database),
      onEvent === null
        ? undefined
        : commandWay((variables) => {
            const row = this.table.get(variables.FALCON_SESSION_ID ?? "")?.row;
            return runEventCommand(
              onEvent,
              { ...(row?.environment ?? (process.env as Record<string, string>)), ...variables },
              row?.directory ?? "/",
            );
          }),
      wall,
      log,
    );
    this.#knownTime = new KnownTime({
      wall,
      up: () => os.uptime() * 1000,
      boot: bootId(),
      latest: this.store.latest(),
      file: path.join(options.home, "clock"),
    });
    this.#timeKeeper = setInterval(() => this.#knownTime.keep(), timeKept);
    this.#timeKeeper.unref();
    this.#scopes = new Scopes(systemEffects(log, logOutFacts));
    this.#screens = new Screens(path.join(options.root, "dist", "screen-worker.cjs"), log, addonFile);
    this.table = new SessionTable(path.join(options.home, "s"), os.hostname(), this.store, {
      // a session that could not be started is forgotten before its end is looked into
      save: (row) => this.table.get(row.id) !== undefined && this.#stored(() => this.store.save(row)),
      saveSnapshot: (id, snapshot) =>
        this.#stored(() => {
          this.store.saveSnapshot(id, snapshot);
          this.archive.keyframes.add(id, snapshot);
        }),
      snapshot: (id) => this.store.snapshot(id),
      screens: this.#screens,
      log,
      clock: wall,
      steady,
      changed: (session) => this.#changed(session),
      conclude: (session, lost) => this.#conclude(session, lost),
      over: (session) => void this.#over(session),
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
    this.#partArchive = new PartArchive(config.archive ?? archiveRoot(process.env));
    this.parts = new PartKeeper({
      archive: this.#partArchive,
      progress: this.progress,
      log,
      job: this.job === undefined ? undefined : path.basename(options.home),
      live: () => this.table.live(),
      has: (id) => this.table.get(id) !== undefined,
      folderOf: (id) => this.table.folderOf(id),
      takeIn: (row) => this.table.takeIn(row),
      clock: wall,
    });
    this.roster = new RosterKeeper(config.roster ?? rosterRoot(archiveRoot(process.env)), {
      log,
      host: this.host,
      job: this.neighbours.place.job,
      version: options.version,
      contract: farContract,
      home: homeIdentity(options.home),
      sessions: () => toldSessions(this),
      live: () => this.table.live().length,
      clock: wall,
      steady,
    });
    this.masters = new SshMasters(homeIdentity(options.home));
    this.hosts = new AskedHosts(config.hosts, {
      ask: (name, environment) => askHost(this.config, name, environment, this.masters.folder),
      clock: wall,
      steady,
    });
    this.announcer = new Announcer(config.channels, {
      database: this.store.database,
      row: (id) => this.table.get(id)?.row,
      curves: async (id) => {
        const session = this.table.get(id);
        return session === undefined ? [] : this.progress.curves(session);
      },
      draw: (turn) => this.archive.workers.run<Uint8Array>(turn, longestDrawing),
      host: this.host,
      ssh: config.ssh,
      shared: noticesRoot(archiveRoot(process.env)),
      home: homeIdentity(options.home),
      inJob: this.neighbours.place.job !== null,
      clock: wall,
      steady,
      log,
    });
    this.events = new EventStream(new SessionEvents(this.store.database), {
      tell: (session, event, facts) => {
        this.#eventOutbox.tell(session, event, facts);
        this.announcer.tell(session, event, facts);
      },
      clock: wall,
      log,
    });
    this.tick = new RunTick({ live: () => this.table.live(), progress: (session) => this.progress.of(session) }, (session, run) =>
      this.#lookAt(session, run),
    );
    this.#deadlines = new DeadlineWatch({
      live: () => this.table.live(),
      progress: (session) => this.progress.of(session),
      movement: (session) => movement(session, this.progress),
      jobEnd: () => this.#jobEnd(),
      stop: (session) => stopGracefully(session, { by: "deadline", why: "its deadline is near" }, wall()),
      tell: (session, sentence) => {
        session.tell(sentence);
        if (config.notify) session.notify(`${session.row.name}: ${sentence}`);
      },
      clock: wall,
      steady,
      saveBefore: config.saveBefore,
      log,
    });
    const { sampler, gpus }: SystemUsage = systemUsage(
      () => this.table.live(),
      (id, finding) => this.#found(id, finding),
      log,
    );
    this.usage = sampler;
    this.gpus = gpus;
    this.#listener = new Listener(path.join(options.home, "server.sock"), {
      accepted: (socket) => this.#accepted(socket),
      log,
      uid: process.getuid?.() ?? -1,
      home: guard,
    });
  }

  /**
   * Takes the lock, adopts what runs, listens.
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
    } catch (error) {
      guard.release();
      throw error;
    }
    log = fileLog(path.join(options.home, "server.log"));
    log("server.started", { pid: process.pid, version: options.version, node: process.version });
    try {
      fs.mkdirSync(path.join(options.home, "s"), { mode: 0o700, recursive: true });
      const helper = helperProgram(options.root);
      const aside = new AsidePool(helper, { log, steady }, options.helper);
      useAside((name, file, args) => aside.ask(name, file, args));
      useSeries((file) => new AsideSeries(helper, file));
      server = new Server(options, guard, log, aside, await readSettings(configPath(process.env)));
      await server.table.adopt();
      await server.takeInJobs();
      server.#tellEarlierEnds();
      await server.#listener.listen();
      log("server.listened", { sessions: server.table.live().length });
      // a scope of the user's manager would take it out of its job's control group
      if (options.job === undefined) server.#scopes.enterServer(process.pid);
      server.#watchJobs();
      server.#aside.warm();
      server.#eventOutbox.resume();
      server.announcer.resume();
      server.#retention.begin();
      server.#deadlines.begin();
      server.usage.changed();
      server.parts.begin();
      server.roster.changed();
      if (server.config.retentionAge > 0) server.#partArchive.sweep(wall() - server.config.retentionAge);
      server.#considerIdle();
      return server;
    } catch (error) {
      log("server.failed", { reason: String(error), stack: error instanceof Error ? error.stack : undefined });
      guard.release();
      throw error;
    }
  }

  /** A database that cannot be written (a full disk) must not end a run: the row is written again with its next change. */
  #stored(write: () => void): void {
    try {
      write();
    } catch (error) {
      this.log("store.failed", { reason: String(error) });
    }
  }

  #accepted(socket: import("node:net").Socket): void {
    this.#guard.lookBeforeUse();
    if (this.#ending) return void socket.destroy();
    const fd = (socket as unknown as { _handle?: { fd?: number } })._handle?.fd ?? -1;
    const handshake = { fd, end: () => void socket.destroy() };
    this.#handshakes.began(handshake);
    const peer = new Peer(socket, {
      identified: () => this.#handshakes.finished(handshake),
      pid: process.pid,
      version: this.version,
      run: (call) => this.#run(call),
      foreign: (peer, hello) => this.#foreign(peer, hello),
      log: this.log,
    });
    this.#peers.add(peer);
    clearTimeout(this.#idle);
    void peer.gone.then(() => {
      this.#handshakes.finished(handshake);
      this.#peers.delete(peer);
      this.#considerIdle();
    });
  }

  /** The sessions of batch jobs that are over become ours. Nothing is done inside of a job. */
  takeInJobs(): Promise<void> {
    if (this.neighbours.place.job !== null || this.#ending) return Promise.resolve();
    this.#takingIn ??= this.#takeInJobs().finally(() => {
      this.#takingIn = undefined;
    });
    return this.#takingIn;
  }

  async #takeInJobs(): Promise<void> {
    const taken = takeInEndedJobs(this.home, {
      log: this.log,
      known: (id) => this.table.get(id) !== undefined,
      rowOf: (id, folder) => this.table.rowOf(id, folder),
    });
    await Promise.all(taken.map((one) => this.#takeIn(one)));
  }

  async #takeIn({ row, snapshot, job, written }: TakenIn): Promise<void> {
    row.facts.job = job;
    // its own server may have seen the holder go before Slurm said why
    const unexplained = row.state === "lost" && row.facts.batchEnd === undefined;
    if (isLive(row.state) || unexplained) {
      const pause = (ms: number) => delay(ms, undefined, { ref: false });
      const asked = finalJobEnd(job, new Slurm(row.environment), longestJobQuestion, pause);
      const end = await Promise.race([asked, pause(longestJobQuestion)]);
      if (end !== undefined) row.facts.batchEnd = end;
      row.ended ??= end?.time ?? written;
      if (unexplained) delete row.facts.outcome;
    }
    this.#stored(() => {
      this.store.save(row);
      if (snapshot !== undefined) this.store.saveSnapshot(row.id, snapshot);
    });
    const session = await this.table.takeIn(row);
    if (session.row.facts.untold === true) void this.#over(session);
    else if (unexplained) void this.#conclude(session, row.reason);
  }

  #watchJobs(): void {
    const { keeper, job } = this.#options;
    if (job === undefined) {
      this.#jobLook = setInterval(() => {
        void this.takeInJobs().catch((error) => this.log("job.import-failed", { reason: String(error) }));
      }, jobLook);
      this.#jobLook.unref();
    }
    if (keeper === undefined || job === undefined) return;
    this.#keeperKind = nameOf(keeper);
    this.#endWatch = watchJob(keeperFrom(keeper), {
      live: () => this.table.live(),
      stop: (session) => {
        session.setFact("batchEnd", { job: jobWords(job), what: job.includes(".") ? "step-end" : "other", time: wall() });
        stopGracefully(session, { by: "job", why: "its job is over" }, wall());
      },
      kill: (session) => session.signal(signalNumber("SIGKILL") ?? 9, 2, "job"),
      // a client that asks now is of the job's next run (Slurm ran it again) or step: it starts their server
      done: () => void this.#end("its job is over", (peer) => peer.reconnect()),
      steady: () => this.steady(),
      log: this.log,
    });
  }

  /** What is kept of a start for the end of its job, where no control group ends it. */
  jobFacts(caller: number): Record<string, unknown> {
    const keeper = this.#keeperKind === undefined ? undefined : keeperAbove(caller, this.#keeperKind);
    return keeper === undefined ? {} : { keeper };
  }

  /** Ends that an earlier server stored, and was killed before it told of them. */
  #tellEarlierEnds(): void {
    for (const session of this.table.all()) if (!session.live && session.row.facts.untold === true) void this.#over(session);
  }

  /** The end of a session: how far it came is kept, and whoever wants to know is told. */
  async #over(session: Session): Promise<void> {
    if (this.#overs.has(session)) return;
    this.#overs.add(session);
    await this.#conclude(session, session.row.state === "lost" ? session.row.reason : undefined);
    if (this.#ending) return;
    const progress = await this.progress.of(session);
    // what it did since the last tick comes before its end
    if (progress !== null) this.#lookAt(session, progress);
    const sentence = outcomeOf(session)?.sentence ?? session.row.reason;
    this.events.add(session, { kind: endEvent(session), ...aboutAll, sentence }, progress?.summary ?? "");
    session.setFact("untold", false);
    this.roster.changed();
    this.#considerIdle();
  }

  /** What is kept of an end: how far the run came, what its files say, and the outcome. Done once. */
  async #conclude(session: Session, lost: string | undefined): Promise<void> {
    if (session.row.facts.outcome !== undefined) return;
    const before = this.#conclusions.get(session);
    if (before !== undefined) return before;
    const conclusion = this.#makeConclusion(session, lost);
    this.#conclusions.set(session, conclusion);
    return conclusion;
  }

  #earlierCurves(session: Session): KeptCurve[][] {
    const part = partFact(session);
    return part === undefined ? [] : this.#partArchive.curvesBefore(part.of, part.n);
  }

  async #makeConclusion(session: Session, lost: string | undefined): Promise<void> {
    try {
      await this.#lastUsage(session);
      await this.#askHowJobEnded(session, lost !== undefined);
      await conclude(session, await this.progress.last(session), lost);
      this.log("session.concluded", { id: session.id, ...(session.row.facts.outcome ?? {}) });
    } catch (error) {
      this.log("session.conclude-failed", { id: session.id, reason: String(error) });
    }
    await this.parts.ended(session, lost);
    await this.#runAgain(session);
  }

  /** What it used, while its holder still knows. */
  async #lastUsage(session: Session): Promise<void> {
    const usage = await within(longestUsage, this.usage.finish(sampled(session)));
    if (usage !== undefined) session.row.facts.usage = usage;
  }

  /** Something about what a run uses is worth telling. */
  #found(id: string, { kind, sentence: what }: Finding): void {
    const session = this.table.get(id);
    if (session === undefined || this.#ending) return;
    this.log("session.finding-raised", { id, kind, what });
    this.events.add(session, { kind, ...aboutAll, sentence: what }, what);
    if (this.config.notify) session.notify(`${session.row.name}: ${what}`);
  }

  /** Of a session that did not end by its own will in this home's job: what became of the job, with the time of the event. */
  async #askHowJobEnded({ row }: Session, vanished: boolean): Promise<void> {
    const known = row.facts.batchEnd?.what;
    // that a job or step is over, which its own process tells, does not say why
    if (this.job?.system !== "slurm" || (known !== undefined && known !== "other" && known !== "step-end")) return;
    const stop = row.facts.stop;
    const fromOutside = stop !== undefined && ["caller", "batch", "job"].includes(stop.by);
    if (!vanished && row.waitStatus === 0 && !fromOutside) return;
    const asked = await jobEnd(path.basename(this.home), new Slurm(row.environment));
    // The job is being ended, and neither its limit nor its script, which still waits for us, is why. Slurm counts a restart when it preempts a
    // job to run it again (a grace, which alone sets PreemptTime, is seldom configured); else it was cancelled.
    const ending = asked.what === "other" && asked.said === "COMPLETING" && stop !== undefined;
    const again = (asked.restarts ?? 0) > Number(row.environment.SLURM_RESTART_COUNT ?? 0);
    const end: JobEnd = ending ? { ...asked, what: again ? "preempted" : "cancelled", time: stop.time } : asked;
    if (end.what === "other" || end.what === "step-end") await this.#whetherLimit(row);
    // the job goes on: the session's own end says more
    if (end.what === "other" || (end.what === "step-end" && !vanished)) return;
    row.facts.batchEnd = end;
    if (vanished && end.time !== null && end.time >= (row.started ?? row.created) && end.time <= wall()) row.ended = end.time;
  }

  /** A signal that stopped the run is the time limit's where the job's script asked Slurm for it before that. */
  async #whetherLimit({ facts, environment }: SessionRow): Promise<void> {
    const { outside, stop } = facts;
    if (stop?.by !== "caller" || outside === undefined || this.job === undefined) return;
    const { signal, time } = outside;
    if (await isLimitSignal(this.job.id, { signal, number: signalNumber(signal), time }, new Slurm(environment)))
      facts.stop = { ...stop, by: "deadline", why: `${signal} came before the time limit` };
  }

  /** `--requeue`: the job is to be run again, and its next part goes on where this one ended. */
  async #runAgain(session: Session): Promise<void> {
    const { row } = session;
    const { job } = this;
    if (row.facts.requeue !== true || row.facts.requeued !== undefined || job?.system !== "slurm") return;
    // one that an earlier run of the job left behind: it runs again already
    if ((process.env.SLURM_RESTART_COUNT ?? "0") !== (row.environment.SLURM_RESTART_COUNT ?? "0")) return;
    const outcome = row.facts.outcome;
    if (outcome === undefined) return;
    const signals = row.facts.signals ?? [];
    const stop = row.facts.stop;
    const part = partFact(session)?.n ?? 1;
    const before = partsOf(this.table.all(), session, realPath).findLast((earlier) => (partFact(earlier)?.n ?? 1) === part - 1);
    const failedBefore = before !== undefined && outcomeOf(before)?.kind === "failed";
    const why = whyNotAgain({ outcome, stop, killed: signals.at(-1)?.by === "kill", part, failedBefore });
    const told = (words: string) => {
      session.setFact("requeued", words);
      this.log("session.requeued", { id: session.id, words });
      session.tell(words);
    };
    if (why !== "") return told(`job ${job.id} is not run again: ${why}`);
    const slurm = new Slurm(row.environment);
    if ((await slurm.show(job.id).catch(() => undefined))?.Requeue === "0")
      return told(`job ${job.id} is not run again: Slurm was told not to`);
    try {
      // said first: Slurm ends this job's processes, ours among them, to run it again
      told(`job ${job.id} is asked to run again, and goes on with this run`);
      await slurm.requeue(job.id);
    } catch (error) {
      told(sentence(error));
    }
  }

  /** When the batch job of this home ends. All its sessions are told one answer. */
  #jobEnd(): Promise<number | null> | undefined {
    const { job } = this;
    if (job === undefined) return undefined;
    const now = performance.now();
    if (this.#jobAsked === undefined || now - this.#jobAsked.at > oneAnswer)
      this.#jobAsked = { at: now, end: timeLimit(job, process.env as Record<string, string>, wall) };
    return this.#jobAsked.end;
  }

  /** What is new in a run is told, each once; what stands in its terminals is what a person would act on. */
  #lookAt(session: Session, run: RunProgress): void {
    if (this.#ending) return;
    for (const { kind, sentence } of this.events.look(session, run)) {
      this.log("session.event-noticed", { id: session.id, kind, sentence });
      if (this.config.notify && (kind === "stalled" || kind === "nan")) session.notify(`${session.row.name}: ${sentence}`);
    }
  }

  /** A client that speaks another protocol: a newer one brings its own server; of an older one the request is read, and it becomes ours. */
  #foreign(peer: Peer, { version, protocol }: Hello): boolean {
    this.log("server.client-refused", { version, protocol, server: this.version });
    if (!isNewer(version, this.version)) return false;
    void this.upgradeServer(peer);
    return true;
  }

  async #run(call: Call): Promise<number | undefined> {
    const { request } = call;
    if (this.#ending) {
      // who came while this server was on its way out goes to the next one, with the others where they wait for it
      if (call instanceof Peer) this.handingOver ? call.announceNext() : call.reconnect();
      return undefined;
    }
    if (isNewer(request.version, this.version)) {
      this.log("server.upgrade-requested", { client: request.version, server: this.version });
      await this.upgradeServer(call instanceof Peer ? call : undefined);
      return undefined;
    }
    this.announcer.claim();
    if (await this.#uprooted()) {
      this.log("server.root-lost", { root: this.root, client: request.version });
      await this.upgradeServer(call instanceof Peer ? call : undefined);
      return undefined;
    }
    if (request.protocol !== clientProtocol) {
      call.exec(path.join(nativeFolder, "falcon"), [request.name, ...request.arguments]);
      return undefined;
    }
    return runCommand(call, this);
  }

  /** Whether what this server was installed from is gone, as an environment that was deleted: the client's own installation is there, and takes over. */
  async #uprooted(): Promise<boolean> {
    try {
      await fs.promises.access(path.join(this.root, "dist", "server.cjs"));
      return false;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === "ENOENT";
    }
  }

  async makeWay(call: Call): Promise<{ gone: boolean; lacks: readonly string[] }> {
    const { request } = call;
    const { lacks, callerIsBetter } = shortfall(request, systemAllowance);
    const again = request.sentBefore ?? 0;
    if (!callerIsBetter || again >= mostMakings || !(call instanceof Peer)) return { gone: false, lacks };
    this.log("server.restart-requested", { lacks, again });
    await this.upgradeServer(call);
    return { gone: true, lacks };
  }

  /** A session's state changed: one that runs gets a scope of its own. */
  #changed(session: Session): void {
    this.#deadlines.begin();
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
      peers: this.#peers.size,
    };
  }

  /** Looks for a deleted socket now instead of within the minute. */
  checkSocket(): void {
    if (!this.#ending) void this.#listener.check();
  }

  /**
   * The home is not the one that was opened. Who has it goes on: another server, or one that takes over from what we know. Everything that was opened is
   * opened anew that way, by the same path as at an upgrade.
   */
  async homeLost(verdict: Exclude<Verdict, "well">): Promise<void> {
    const renewing = verdict === "renew";
    const wanted = renewing && (this.table.live().length > 0 || this.#eventOutbox.pending || this.announcer.pending);
    const ended = this.#ended;
    this.#ended = () => {
      if (wanted && this.#peersAtEnd === 0) startSuccessor();
      ended();
    };
    await this.#end(`the home ${this.home} is not the one that was opened`, (peer) => peer.reconnect(), undefined, renewing);
  }

  /** A server that has nothing to do goes, after a pause in which the next command finds it still there. */
  #considerIdle(): void {
    clearTimeout(this.#idle);
    if (this.#ending || this.#peers.size > 0 || this.#retention.busy) return;
    if (this.#eventOutbox.pending || this.announcer.pending) return;
    if (this.table.live().length > 0) return;
    this.#idle = setTimeout(() => this.stopServer("nothing runs and nobody is attached"), this.config.serverIdle);
  }

  stopServer(reason: string): void {
    this.#stopping.abort();
    void this.#end(reason, (peer) => {
      peer.stderr("falcon: the session server was stopped; every session goes on\n");
      peer.exit(Status.ours);
    });
  }

  /**
   * A signal to the server. In a batch job it is the batch system's, and went to every process of the job: the server stays to see how the runs end.
   * Elsewhere, and the second time, it ends the server alone; SIGUSR1 makes it look after its home.
   */
  signalled(signal: "SIGTERM" | "SIGINT" | "SIGUSR1" | "SIGUSR2"): void {
    if (this.#hits.has(signal) || jobOfHome(this.home) === undefined) {
      if (signal === "SIGUSR1") this.#guard.look();
      else this.stopServer(signal);
      return;
    }
    this.#hits.add(signal);
    this.log("server.terminated", { signal, runs: this.table.live().map(({ id }) => id) });
    for (const session of this.table.live()) noteHit(session, signal, wall());
    setTimeout(() => void this.#askAfterHit(), hitDoubt).unref();
  }

  async #askAfterHit(): Promise<void> {
    for (const session of this.table.live()) {
      const run = await this.progress.of(session);
      if (!session.live || this.#ending) continue;
      const answer = orderAfterHit(session, run?.stopping === true, wall());
      this.log("session.terminated", { id: session.id, stopping: run?.stopping === true, answer });
      if (answer === "sent") session.tell("it goes on: asked to stop (one Ctrl+C)");
    }
  }

  /** @param first the client that brings the new version: it starts its server before the others, with older ones of their own, can. */
  async upgradeServer(first?: Peer): Promise<void> {
    await this.#end("a new version takes over", (peer) => peer.reconnect(), first);
  }

  async #end(reason: string, farewell: (peer: Peer) => void, first?: Peer, renewing = false): Promise<void> {
    if (this.#ending) return;
    this.#ending = true;
    this.log("server.end-requested", { reason });
    clearTimeout(this.#idle);
    this.#listener.close();
    this.#handshakes.dispose();
    // what was taken is noted, or it would be told twice
    const told = within(longestTelling, Promise.all([this.#eventOutbox.leave(), this.announcer.leave()]));
    this.tick.dispose();
    clearInterval(this.#jobLook);
    this.#endWatch();
    this.#deadlines.dispose();
    this.usage.dispose();
    clearInterval(this.#timeKeeper);
    this.#knownTime.keep();
    this.parts.dispose();
    this.#scopes.dispose();
    await Promise.all([this.roster.farewell(), this.masters.end()]);
    await Promise.all([this.table.leave(), this.#retention.dispose(), told]);
    this.#eventOutbox.dispose();
    this.announcer.dispose();
    // the database and the lock are free before a client that was sent away can start the next server
    if (renewing) this.#stored(() => this.store.copyTo(path.join(this.home, databaseName)));
    this.store.close();
    this.#guard.release();
    // commands that were told (`falcon server stop` itself, viewers) have answered by now
    await new Promise((resolve) => setImmediate(resolve));
    const peers = [...this.#peers];
    this.#peersAtEnd = peers.length;
    if (first !== undefined) {
      // the others read no more keys, and go when the new server listens
      for (const peer of peers) if (peer !== first) peer.announceNext();
      first.reconnect();
      const socket = path.join(this.home, "server.sock");
      for (let waited = 0; waited < longestHandOver && !fs.existsSync(socket); waited += handOverLook)
        await new Promise((resolve) => setTimeout(resolve, handOverLook));
    }
    for (const peer of peers) farewell(peer);
    await Promise.all(peers.map((peer) => peer.gone));
    await Promise.all([this.#screens.dispose(), this.archive.dispose()]);
    this.#aside.dispose();
    this.log("server.ended", { reason });
    this.#ended();
  }
}

/** Starts the server of this home that takes over where no client is there who would; it asks for nothing, and a client may be faster. */
function startSuccessor(): void {
  const ready = process.argv.indexOf("--ready");
  const words = process.argv.slice(1).filter((_, i) => ready < 0 || (i + 1 !== ready && i !== ready));
  spawn(process.execPath, words, { detached: true, stdio: "ignore", cwd: "/" }).unref();
}

/** The version in `root`'s package.json. @throws Failure when the installation is damaged. */
export function installedVersion(root: string): string {
  try {
    return JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8")).version;
  } catch (error) {
    throw new Failure(`the installation in ${root} is damaged: ${String(error)}; install it again`);
  }
}
