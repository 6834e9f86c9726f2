// The channels of `[notify.NAME]`: where a person is told of events, which ones, and when. Secrets are named
// here and never stand here.
import path from "node:path";
import { boolean, command, isTable, milliseconds, oneOf, Unfit, type Value, words } from "./setting-values.ts";

/** Where a secret is: in a file, or in a variable of the environment. */
export type SecretPlace = { readonly file: string } | { readonly variable: string };

/** What the far side of a webhook takes. */
export const shapes = ["json", "slack", "mattermost", "discord", "matrix", "ntfy"] as const;
export type Shape = (typeof shapes)[number];

export type Destination =
  | { readonly kind: "command"; readonly command: readonly string[] }
  | {
      readonly kind: "webhook";
      readonly shape: Shape;
      /** An address without a secret in it, or where one with a secret is. */
      readonly address: string | SecretPlace;
      /** What is sent as `Authorization: Bearer`. */
      readonly token: SecretPlace | null;
      /** Matrix: the room. */
      readonly room: string | null;
      /** Certificates that are trusted beside the usual ones (PEM). */
      readonly authority: string | null;
    }
  | {
      readonly kind: "email";
      readonly to: readonly string[];
      readonly from: string | null;
      /** A program that takes a message as sendmail does; null: the system's. */
      readonly mailer: readonly string[] | null;
    };

/** One channel. Times are ms. */
export interface Channel {
  readonly name: string;
  readonly destination: Destination;
  readonly events: readonly string[];
  /** Minutes of the day between which nothing is sent; null: always. */
  readonly quiet: { readonly from: number; readonly to: number } | null;
  /** Between two messages: what happens meanwhile is one message. */
  readonly atMostEvery: number;
  /** The losses are sent as a picture where the channel takes one. */
  readonly picture: boolean;
}

/** Every kind of event (docs/guide/hooks.md). */
export const eventKinds = [
  "ended",
  "failed",
  "phase",
  "nan",
  "stalled",
  "no-improvement",
  "seam",
  "gpu-idle",
  "memory-growth",
] as const;

/** What a person would act on, or waits for. */
const usualEvents = ["ended", "failed", "nan", "stalled", "no-improvement", "gpu-idle", "memory-growth"];
const usualPause = 60_000;
/** A user with more has a program that writes the configuration. */
export const mostChannels = 16;
/** Addresses of one e-mail. */
export const mostAddresses = 10;

/** What is wrong with a channel; completes `notify.NAME …`, and shows no value, which may be a secret. */
export class WrongChannel extends Error {}

/** Services whose whole address is the secret. */
const secretAddresses: readonly Shape[] = ["slack", "mattermost", "discord"];

type Table = Readonly<Record<string, Value>>;

const keys = [
  ...["command", "webhook", "webhook_file", "webhook_env", "shape", "token_file", "token_env", "room", "ca_file"],
  ...["email", "from", "mailer", "events", "quiet", "at_most_every", "picture"],
];

/**
 * @param before how many channels there are already.
 * @throws WrongChannel
 */
export function channelOf(name: string, value: Value, before: number): Channel {
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/.test(name))
    throw new WrongChannel("has a name that is none (letters, digits, - and _)");
  if (!isTable(value)) throw new WrongChannel(`is no channel: write [notify.${name}] with command, webhook or email below it`);
  if (before >= mostChannels) throw new WrongChannel(`is one channel more than the ${mostChannels} that are read`);
  const unknown = Object.keys(value).find((key) => !keys.includes(key));
  if (unknown !== undefined)
    throw new WrongChannel(`has a key that is not known, ${unknown.slice(0, 40)} (there are ${keys.join(", ")})`);
  return {
    name,
    destination: destinationOf(value),
    events: given(value, "events", events) ?? usualEvents,
    quiet: given(value, "quiet", quietOf) ?? null,
    atMostEvery: given(value, "at_most_every", (v) => milliseconds(v, "never")) ?? usualPause,
    picture: given(value, "picture", boolean) ?? true,
  };
}

/** One key's value, or undefined where it is not given. */
function given<T>(table: Table, key: string, read: (value: Value) => T): T | undefined {
  if (table[key] === undefined) return undefined;
  try {
    return read(table[key]);
  } catch (error) {
    if (!(error instanceof Unfit)) throw error;
    throw new WrongChannel(`has a ${key} that cannot be used: it must be ${error.message}`);
  }
}

function destinationOf(table: Table): Destination {
  const webhook = ["webhook", "webhook_file", "webhook_env"].filter((key) => table[key] !== undefined);
  const kinds = [...["command", "email"].filter((key) => table[key] !== undefined), ...webhook];
  if (kinds.length === 0) throw new WrongChannel("has no destination: give command, webhook, webhook_file, webhook_env or email");
  if (kinds.length > 1)
    throw new WrongChannel(`has ${kinds.join(" and ")}: give one of them; another channel can have the other`);
  if (table.email !== undefined) {
    return {
      kind: "email",
      to: given(table, "email", addresses) as string[],
      from: given(table, "from", (v) => addresses(v)[0] as string) ?? null,
      mailer: given(table, "mailer", words) ?? null,
    };
  }
  if (table.command !== undefined) {
    const program = given(table, "command", command);
    if (program == null) throw new WrongChannel("has no command: give a program with its arguments, or leave the channel out");
    return { kind: "command", command: program };
  }
  return webhookOf(table);
}

function webhookOf(table: Table): Destination {
  const shape = given(table, "shape", (v) => oneOf(v, shapes)) ?? "json";
  const token = secretOf(table, "token");
  const room = given(table, "room", roomOf) ?? null;
  if (shape === "matrix" && (room === null || token === null))
    throw new WrongChannel("is of Matrix, which needs room and token_file (or token_env)");
  const address = secretOf(table, "webhook") ?? (given(table, "webhook", openAddress) as string);
  if (typeof address === "string" && secretAddresses.includes(shape))
    throw new WrongChannel(
      `has an address that is a secret, which must not stand in this file: put it in one of its own (webhook_file)`,
    );
  return { kind: "webhook", shape, address, token, room, authority: given(table, "ca_file", absolute) ?? null };
}

/** `NAME_file` or `NAME_env`. */
function secretOf(table: Table, name: string): SecretPlace | null {
  const file = given(table, `${name}_file`, absolute);
  const variable = given(table, `${name}_env`, variableName);
  if (file !== undefined && variable !== undefined)
    throw new WrongChannel(`has both ${name}_file and ${name}_env: give one of them`);
  return file !== undefined ? { file } : variable !== undefined ? { variable } : null;
}

function absolute(value: Value): string {
  if (typeof value === "string" && (path.isAbsolute(value) || value.startsWith("~/")) && !value.includes("\0")) return value;
  throw new Unfit('an absolute path, or one that begins with "~/"');
}

function variableName(value: Value): string {
  if (typeof value === "string" && /^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(value)) return value;
  throw new Unfit("the name of a variable of the environment");
}

function roomOf(value: Value): string {
  if (typeof value === "string" && /^[!#][^\s/?]{1,250}$/.test(value)) return value;
  throw new Unfit('a room, such as "!abc:example.org"');
}

/** What is wrong with the address of a webhook, as the end of a sentence; undefined: nothing. */
export function addressFault(text: string): string | undefined {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return "no address of a web server";
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") return "no https or http address";
  if (url.hash !== "") return "an address with a #, which no server is sent";
  return undefined;
}

/** Of a host that only this machine reaches, or is. */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

function openAddress(value: Value): string {
  if (typeof value !== "string" || addressFault(value) !== undefined)
    throw new Unfit('an https address, such as "https://ntfy.sh/a-topic-of-mine"');
  const { username, password, search } = new URL(value);
  if (username !== "" || password !== "" || search !== "")
    throw new Unfit(
      "an address without a name, a password and a query, which are secrets: put it in a file of its own (webhook_file)",
    );
  return value;
}

/** One address of a mailbox: no header and no option can be made of it. */
const mailbox = /^[A-Za-z0-9][^\s<>()[\]\\,;:"@]{0,63}@[A-Za-z0-9][A-Za-z0-9.-]{0,250}$|^[a-z_][a-z0-9_-]{0,31}$/;

function addresses(value: Value): string[] {
  const list = Array.isArray(value) ? value : [value];
  if (list.length > 0 && list.length <= mostAddresses && list.every((one) => typeof one === "string" && mailbox.test(one)))
    return list;
  throw new Unfit(`an address, such as "me@example.org", or a list of at most ${mostAddresses}`);
}

function events(value: Value): string[] {
  const list = Array.isArray(value) ? value : [value];
  if (list.length > 0 && list.every((kind) => (eventKinds as readonly unknown[]).includes(kind))) return list;
  throw new Unfit(`a list of kinds of events; there are ${eventKinds.join(", ")}`);
}

function quietOf(value: Value): { from: number; to: number } | null {
  if (value === false) return null;
  const match = typeof value === "string" ? /^(\d\d?):(\d\d)\s*-\s*(\d\d?):(\d\d)$/.exec(value) : null;
  const [fromHour = 99, fromMinute = 99, toHour = 99, toMinute = 99] = (match ?? []).slice(1).map(Number);
  if (fromHour > 23 || toHour > 23 || fromMinute > 59 || toMinute > 59 || (fromHour === toHour && fromMinute === toMinute))
    throw new Unfit('two times of a day, such as "22:00-07:00"');
  return { from: fromHour * 60 + fromMinute, to: toHour * 60 + toMinute };
}
