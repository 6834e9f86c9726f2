// What happens to sessions, and who is told of it: the stream of events, the command of `on_event`, the
// channels of [notify], and the terminals of viewers.
import os from "node:os";
import { steady, wall } from "../../base/clock.ts";
import type { Config } from "../../base/config/config.ts";
import type { Log } from "../../base/log.ts";
import type { FigureTurn } from "../../export/render.ts";
import type { ShownRun } from "../../presentation/shown-run.ts";
import type { Finding } from "../../resources/findings.ts";
import { aboutAll } from "../../session/events/event-facts.ts";
import { commandWay, EventOutbox } from "../../session/events/event-outbox.ts";
import { EventStream } from "../../session/events/event-stream.ts";
import type { Session } from "../../session/life/session.ts";
import { noticesRoot } from "../../session/machines/shared-notices.ts";
import { archiveRoot } from "../../store/archive/part-archive.ts";
import { Deliveries, type Delivery } from "../../store/deliveries.ts";
import type { UntoldNotice } from "../../store/notices.ts";
import { SessionEvents } from "../../store/session-events.ts";
import type { SessionStore } from "../../store/session-store.ts";
import type { NodeCurves } from "../../trainers/run/curve.ts";
import { Announcer } from "./announcer.ts";
import { runEventCommand } from "./event-command.ts";

interface EventEffects {
  readonly config: Config;
  readonly database: SessionStore["database"];
  session(id: string): Session | undefined;
  curves(session: Session): Promise<NodeCurves[]>;
  /** Draws it as PNG. */
  draw(turn: FigureTurn): Promise<Uint8Array>;
  /** Whose claims on shared notices are ours. */
  readonly home: string;
  readonly inJob: boolean;
  /** Whether the server is on its way out, and notices nothing more. */
  ending(): boolean;
  readonly log: Log;
}

export class EventHub {
  readonly #effects: EventEffects;
  readonly #deliveries: Deliveries;
  /** Tells the command of `on_event`; undefined where the user has none: nothing is kept for it. */
  readonly #outbox: EventOutbox | undefined;
  /** Tells the channels of [notify]. */
  readonly announcer: Announcer;
  /** What happened to the sessions. */
  readonly events: EventStream;

  constructor(effects: EventEffects) {
    this.#effects = effects;
    const { config, database, log } = effects;
    const { onEvent } = config;
    this.#deliveries = new Deliveries(database);
    if (onEvent !== null) {
      const way = commandWay((variables) => {
        const row = effects.session(variables.FALCON_SESSION_ID ?? "")?.row;
        const environment = row?.environment ?? (process.env as Record<string, string>);
        return runEventCommand(onEvent, { ...environment, ...variables }, row?.directory ?? "/");
      });
      this.#outbox = new EventOutbox(this.#deliveries, way, wall, log);
    }
    this.announcer = new Announcer(config.channels, {
      database,
      row: (id) => effects.session(id)?.row,
      curves: async (id) => {
        const session = effects.session(id);
        return session === undefined ? [] : effects.curves(session);
      },
      draw: effects.draw,
      host: os.hostname(),
      ssh: config.ssh,
      shared: noticesRoot(archiveRoot(process.env)),
      home: effects.home,
      inJob: effects.inJob,
      clock: wall,
      steady,
      log,
    });
    this.events = new EventStream(new SessionEvents(database), {
      tell: (session, event, facts) => {
        this.#outbox?.tell(session, event, facts);
        this.announcer.tell(session, event, facts);
      },
      clock: wall,
      log,
    });
  }

  /** Something about what a run uses is worth telling. */
  found(id: string, { kind, sentence: what }: Finding): void {
    const session = this.#effects.session(id);
    if (session === undefined || this.#effects.ending()) return;
    this.#effects.log("session.finding-raised", { id, kind, what });
    this.events.add(session, { kind, ...aboutAll, sentence: what }, what);
    if (this.#effects.config.notify) session.audience.notify(`${session.row.name}: ${what}`);
  }

  /** What is new in a run is told, each once; what stands in its terminals is what a person would act on. */
  lookAt(session: Session, run: ShownRun): void {
    if (this.#effects.ending()) return;
    for (const { kind, sentence } of this.events.look(session, run)) {
      this.#effects.log("session.event-noticed", { id: session.id, kind, sentence });
      if (this.#effects.config.notify && (kind === "stalled" || kind === "nan"))
        session.audience.notify(`${session.row.name}: ${sentence}`);
    }
  }

  /** What another server could not tell any more is told from here. */
  takeOver({ deliveries, notices }: { deliveries: readonly Delivery[]; notices: readonly UntoldNotice[] }): void {
    if (this.#effects.config.onEvent !== null) for (const delivery of deliveries) this.#deliveries.takeIn(delivery, wall());
    this.announcer.takeOver(notices);
  }

  /** Whether somebody is still to be told of something. */
  get pending(): boolean {
    return this.#outbox?.pending === true || this.announcer.pending;
  }

  /** Tells what an earlier server could not. */
  resume(): void {
    this.#outbox?.resume();
    this.announcer.resume();
  }

  /** Waits for the word that what is being told was taken; begins nothing more. */
  async leave(): Promise<void> {
    await Promise.all([this.#outbox?.leave(), this.announcer.leave()]);
  }

  dispose(): void {
    this.#outbox?.dispose();
    this.announcer.dispose();
  }
}
