// Tells the channels of [notify]: one outbox each, so that a slow one keeps no other waiting; and what
// machines without a network have left for us.
import type { Channel } from "../../base/config/channels.ts";
import type { Log } from "../../base/log.ts";
import type { FigureTurn } from "../../export/render.ts";
import { leftFact, type Message, testMessage } from "../../notify/message.ts";
import type { SendEffects } from "../../notify/send.ts";
import type { Attempt } from "../../notify/web-send.ts";
import { channelWay } from "../../session/events/channel-way.ts";
import { EventOutbox } from "../../session/events/event-outbox.ts";
import { claimNotices, clearNotices, leaveNotices } from "../../session/machines/shared-notices.ts";
import type { Delivery } from "../../store/deliveries.ts";
import { type Notice, Notices, type UntoldNotice } from "../../store/notices.ts";
import type { SessionRow, SessionStore } from "../../store/session-store.ts";
import type { NodeCurves } from "../../trainers/run/curve.ts";
import { runEventCommand } from "./event-command.ts";

/**
 * HTTP and TLS are loaded when a message is sent: they are 3 ms of a server's start, for which a person
 * waits.
 */
const send = async (...message: Parameters<typeof import("../../notify/send.ts").send>) =>
  (await import("../../notify/send.ts")).send(...message);

export interface AnnouncerEffects {
  database: SessionStore["database"];
  row(session: string): SessionRow | undefined;
  curves(session: string): Promise<NodeCurves[]>;
  /** Draws it as PNG. */
  draw(turn: FigureTurn): Promise<Uint8Array>;
  host: string;
  ssh: readonly string[];
  /** Folder of notices for whichever machine has a way. */
  shared: string;
  /** Whose claims are ours. */
  home: string;
  /** A job's home goes with its job: what cannot be sent from there is left for another machine. */
  inJob: boolean;
  clock(): number;
  steady(): number;
  log: Log;
}

/** What others have left is looked for at commands, so often at the most (ms): a folder is read. */
const claimEvery = 10_000;

export class Announcer {
  readonly channels: readonly Channel[];
  readonly #effects: AnnouncerEffects;
  readonly #boxes: readonly { channel: Channel; notices: Notices; outbox: EventOutbox }[];
  #claimed = Number.NEGATIVE_INFINITY;
  #gone = false;

  constructor(channels: readonly Channel[], effects: AnnouncerEffects) {
    this.channels = channels;
    this.#effects = effects;
    this.#boxes = channels.map((channel) => this.#box(channel));
  }

  #box(channel: Channel): { channel: Channel; notices: Notices; outbox: EventOutbox } {
    const { database, inJob, clock, log } = this.#effects;
    const notices = new Notices(database, channel.name);
    const way = channelWay(channel, notices, {
      send: (message, session) => send(channel, message, this.#sendEffects(session)),
      leave: inJob ? (taken) => this.#leave(notices, taken) : undefined,
      environment: process.env as Record<string, string>,
      clock,
    });
    return { channel, notices, outbox: new EventOutbox(notices, way, clock, log) };
  }

  /** Keeps an event for the channels that want it. */
  tell(session: string, event: string, facts: Record<string, string>): void {
    for (const { channel, outbox } of this.#boxes) if (channel.events.includes(event)) outbox.tell(session, event, facts);
  }

  get pending(): boolean {
    return this.#boxes.some(({ outbox }) => outbox.pending);
  }

  /** Goes on with what an earlier server did not finish. */
  resume(): void {
    for (const { outbox } of this.#boxes) outbox.resume();
    this.claim();
  }

  /** Takes over what machines without a network have left, at a command of the user's. */
  claim(): void {
    const { inJob, steady, log } = this.#effects;
    if (inJob || this.#gone || this.channels.length === 0 || steady() - this.#claimed < claimEvery) return;
    this.#claimed = steady();
    this.#claim().catch((error) => log("notice.claim-failed", { reason: String(error) }));
  }

  async #claim(): Promise<void> {
    const { shared, home, clock, log } = this.#effects;
    const names = this.channels.map(({ name }) => name);
    const found = await claimNotices(shared, home, names);
    if (this.#gone || found.length === 0) return;
    for (const { channel, notices } of this.#boxes)
      for (const notice of found) if (notice.channel === channel.name) notices.takeIn(notice, clock());
    log("notice.claimed", { count: found.length });
    await clearNotices(
      shared,
      home,
      found.map(({ mark }) => mark),
    );
    for (const { outbox } of this.#boxes) outbox.resume();
  }

  async #leave(notices: Notices, taken: readonly Delivery[]): Promise<void> {
    const { shared, log } = this.#effects;
    const left = notices.of(taken).map((notice) => ({ ...notice, facts: { ...notice.facts, [leftFact]: "1" } }));
    await leaveNotices(shared, left);
    notices.remove(taken);
    log("notice.left", { count: taken.length });
  }

  /** Keeps what an ended job had still to tell, for unknown channels too; `resume` tells it. */
  takeOver(notices: readonly UntoldNotice[]): void {
    const { database, clock } = this.#effects;
    for (const notice of notices) new Notices(database, notice.channel).takeIn(notice, clock());
  }

  /** What waits and what went out, of a channel. */
  notices(channel: string): Notice[] {
    return this.#boxes.find((box) => box.channel.name === channel)?.notices.all() ?? [];
  }

  /** Sends a test by a channel, which the server need not know yet. */
  test(channel: Channel, id: string, environment: Record<string, string>): Promise<Attempt> {
    const { host, clock } = this.#effects;
    const message: Message = testMessage(id, host, clock());
    return send(channel, message, { ...this.#sendEffects(""), environment });
  }

  #sendEffects(session: string): SendEffects {
    const { row, curves, draw, host, ssh } = this.#effects;
    const known = row(session);
    const environment = known?.environment ?? (process.env as Record<string, string>);
    return {
      run: (command, variables) => runEventCommand(command, { ...environment, ...variables }, known?.directory ?? "/"),
      async picture() {
        try {
          const drawn = await curves(session);
          if (!drawn.some(({ training, validation }) => training.y.length + validation.y.length > 0)) return undefined;
          const options = { log: false, from: 0, learningRate: false };
          return await draw({ do: "figure", format: "png", curves: drawn, title: known?.name ?? session, options });
        } catch {
          // the words matter more
          return undefined;
        }
      },
      environment,
      host,
      ssh,
    };
  }

  /** Begins no attempt any more; in a job, what waits is left for another machine. */
  async leave(): Promise<void> {
    await Promise.all(this.#boxes.map(({ outbox }) => outbox.leave()));
    if (!this.#effects.inJob) return;
    for (const { notices } of this.#boxes) {
      const waiting = notices.all().filter(({ over }) => over === null);
      if (waiting.length > 0)
        await this.#leave(notices, waiting).catch((error) => this.#effects.log("notice.leave-failed", { reason: String(error) }));
    }
  }

  dispose(): void {
    this.#gone = true;
    for (const { outbox } of this.#boxes) outbox.dispose();
  }
}
