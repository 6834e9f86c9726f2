// How a channel of [notify] is told: when it may be, what goes as one message, and where what cannot be sent
// from here goes.
import type { Channel } from "../../base/config/channels.ts";
import { localTime } from "../../base/text/zone.ts";
import { messageOf, mostTold } from "../../notify/message.ts";
import type { Attempt } from "../../notify/web-send.ts";
import type { Delivery } from "../../store/deliveries.ts";
import type { Notices } from "../../store/notices.ts";
import type { Way } from "./event-outbox.ts";

export interface ChannelEffects {
  /** Sends it; never rejects. `session`: whose environment and losses belong to it. */
  send(message: ReturnType<typeof messageOf>, session: string): Promise<Attempt>;
  /**
   * Leaves these for a machine that has a way. Undefined: this one keeps them. @throws the file system's
   * error
   */
  leave: ((notices: readonly Delivery[]) => Promise<void>) | undefined;
  /** ms since 1970. */
  clock(): number;
  /** Whose time zone the quiet hours are of. */
  environment: Record<string, string>;
}

/** Events that one message takes: a service's limit of a message is reached before it. */
const mostTogether = 10 * mostTold;
/** After so long (ms) without a way an event is given up: it is no news, and `falcon sessions` tells it. */
export const longestLife = 7 * 86_400_000;

export function channelWay(channel: Channel, notices: Notices, effects: ChannelEffects): Way {
  const { environment, clock } = effects;
  return {
    name: channel.name,
    most: mostTogether,
    openAt(now) {
      const pause = (notices.lastSent() ?? Number.NEGATIVE_INFINITY) + channel.atMostEvery;
      // a clock that was set back makes no pause longer
      const next = pause > now + channel.atMostEvery ? now : Math.max(now, pause);
      return quietEnd(channel.quiet, next, environment);
    },
    async send(id, events) {
      const newest = events.at(-1) as Delivery;
      const message = messageOf(id, events, clock(), environment);
      const attempt = await effects.send(message, newest.session);
      if (attempt.unreachable !== true || effects.leave === undefined) return attempt;
      try {
        await effects.leave(events);
        return { ...attempt, handedOver: true };
      } catch (error) {
        return { ...attempt, problem: `${attempt.problem}; nor could it be left for another machine (${String(error)})` };
      }
    },
    isHopeless: ({ created }, now) => now - created > longestLife,
  };
}

/** The end of the quiet hours that this time lies in, or the time itself. */
export function quietEnd(quiet: Channel["quiet"], time: number, environment: Record<string, string>): number {
  if (quiet === null) return time;
  const [, hour = 0, minute = 0, second = 0] = (/(?<!\d)(\d+):(\d+):(\d+)$/.exec(localTime(time, environment)) ?? []).map(Number);
  const day = 24 * 60;
  const since = (hour * 60 + minute - quiet.from + day) % day;
  const length = (quiet.to - quiet.from + day) % day;
  return since < length ? time + (length - since) * 60_000 - second * 1000 : time;
}
