// What a person reads of events, on a phone or in a mailbox: name, what happened, how far it is, where, and
// how to get there. Facts only: no paths, no command line, no environment.
import { printable } from "../base/text/printable.ts";
import { localTime } from "../base/text/zone.ts";

/** One event as it is kept: the variables of `on_event`. */
export interface Happened {
  event: string;
  session: string;
  /** ms since 1970. */
  created: number;
  facts: Readonly<Record<string, string>>;
}

/** JSON-friendly; docs/guide/notify.md describes it. */
export interface MessageEvent {
  kind: string;
  time: string;
  session: { id: string; name: string; host: string; tags: string };
  node: string | null;
  metric: string | null;
  epoch: number | null;
  sentence: string;
  /** How far the run is. */
  summary: string;
}

/** One message about one or several events. */
export interface Message {
  /** The same at each attempt to send it. */
  id: string;
  title: string;
  text: string;
  /** A person should look now. */
  urgent: boolean;
  events: MessageEvent[];
  /** When the first of it happened, ms since 1970. */
  time: number;
}

/**
 * An event that is told later than this (ms) is said to be late: a phone shows when a message came, not when
 * it happened.
 */
const lateAfter = 600_000;
/** This fact of an event says that a machine without a way left it to another one: it is late. */
export const leftFact = "FALCON_EVENT_LEFT";
/** Events that a message tells singly; it counts the others. */
export const mostTold = 20;
/** Characters of one sentence: a service takes 2,000 (Discord) to 4,095 (ntfy) in all. */
const longestSentence = 300;
const longestTitle = 120;

const bad = ["failed", "nan", "stalled"];

/** @param environment whose time zone counts. */
export function messageOf(id: string, happened: readonly Happened[], now: number, environment: Record<string, string>): Message {
  const events = happened.map(eventOf);
  const [first] = events;
  const names = [...new Set(events.map(({ session }) => session.name))];
  const time = Math.min(...happened.map(({ created }) => created));
  const left = happened.some(({ facts }) => facts[leftFact] !== undefined);
  const late = left || now - time > lateAfter ? [`late: it happened at ${localTime(time, environment)}`] : [];
  const single = events.length === 1 && first !== undefined;
  const title = single
    ? `${first.session.name}: ${first.kind}`
    : `${events.length} events of ${names.length === 1 ? names[0] : `${names.length} runs`}`;
  const lines = single ? singly(first) : together(events);
  return {
    id,
    title: cut(title, longestTitle),
    text: [...lines, ...late].join("\n"),
    urgent: events.some(({ kind }) => bad.includes(kind)),
    events,
    time,
  };
}

/** What `falcon notify --test` sends. */
export function testMessage(id: string, host: string, now: number): Message {
  const text = `This is a test of falcon-sessions on ${host}: it works.`;
  return { id, title: "falcon: a test", text, urgent: false, events: [], time: now };
}

function singly({ kind, session, sentence, summary }: MessageEvent): string[] {
  const over = kind === "ended" || kind === "failed";
  // a name that a shell reads as one word is what one would type
  const word = /^[\w.+-]+$/.test(session.name) ? session.name : session.id;
  const further = summary === "" || sentence.includes(summary) ? [] : [summary];
  return [sentence, ...further, `on ${session.host}: falcon ${over ? "show" : "attach"} ${word}`].filter((line) => line !== "");
}

function together(events: readonly MessageEvent[]): string[] {
  const told = events
    .slice(0, mostTold)
    .map(({ kind, session, sentence }) => `${session.name} (${session.host}): ${kind}: ${sentence}`);
  const more = events.length - told.length;
  return [...told, ...(more > 0 ? [`and ${more} more`] : []), "falcon sessions"];
}

function eventOf({ event, created, session, facts }: Happened): MessageEvent {
  const fact = (name: string) => cut(printable(facts[`FALCON_${name}`] ?? ""), longestSentence);
  const epoch = fact("EVENT_EPOCH");
  return {
    kind: event,
    time: new Date(created).toISOString(),
    session: { id: session, name: fact("SESSION_NAME"), host: fact("SESSION_HOST"), tags: fact("SESSION_TAGS") },
    node: fact("EVENT_NODE") || null,
    metric: fact("EVENT_METRIC") || null,
    epoch: epoch === "" ? null : Number(epoch),
    sentence: fact("EVENT_SENTENCE"),
    summary: fact("SESSION_SUMMARY"),
  };
}

function cut(text: string, most: number): string {
  const characters = [...text];
  return characters.length <= most ? text : `${characters.slice(0, most - 1).join("")}…`;
}
