// Every key of the configuration file: the field that it fills, and what it may say.
import path from "node:path";
import { longestTimer } from "../clock.ts";
import { type Context, defaultKeymap, type KeyName, mayBind, rebound } from "../keymap.ts";
import { durationOf, sizeOf } from "../text/quantity.ts";
import { channelOf } from "./channels.ts";
import { type Config, hostPattern, sequenceKinds } from "./config.ts";
import { boolean, command, integer, milliseconds, oneOf, Unfit, type Value, words } from "./setting-values.ts";

/** Machines that are asked, each by an ssh of its own: a person has fewer. */
const mostHosts = 20;

/** 2^53 - 1 would be a promise that no disk keeps; the holder takes 64 bits. */
const largestRetention = 2 ** 50;

/** One key of the file: the field that it fills and how its value is read. */
interface Setting {
  readonly key: string;
  readonly set: (config: Writable, value: Value, name: string) => void;
}

export type Writable = { -readonly [K in keyof Config]: Config[K] };

export const settings: readonly Setting[] = [
  { key: "detach_key", set: (c, v) => (c.detachKey = detachKey(v)) },
  { key: "prefix", set: (c, v) => (c.prefix = controlByte(v)) },
  { key: "history", set: (c, v) => (c.history = integer(v, 0, 1_000_000)) },
  { key: "scrollback", set: (c, v) => (c.scrollback = integer(v, 0, 1_000_000)) },
  { key: "retention", set: (c, v) => (c.retention = bytes(v)) },
  { key: "retention_age", set: (c, v) => (c.retentionAge = milliseconds(v, "never")) },
  { key: "on_event", set: (c, v) => (c.onEvent = command(v)) },
  { key: "direct_output", set: (c, v) => (c.directOutput = boolean(v)) },
  { key: "notify", set: (c, v) => (c.notify = boolean(v)) },
  { key: "notify.terminal", set: (c, v) => (c.notify = boolean(v)) },
  { key: "notify.NAME", set: (c, v, name) => (c.channels = [...c.channels, channelOf(name, v, c.channels.length)]) },
  { key: "size_policy", set: (c, v) => (c.sizePolicy = oneOf(v, ["last", "fixed"])) },
  { key: "save_before", set: (c, v) => (c.saveBefore = v === "auto" ? null : saveBefore(v)) },
  { key: "archive", set: (c, v) => (c.archive = folder(v, "falcon-archive")) },
  { key: "roster", set: (c, v) => (c.roster = folder(v, "falcon-roster")) },
  { key: "hosts.list", set: (c, v) => (c.hosts = hostNames(v)) },
  { key: "ssh", set: (c, v) => (c.ssh = words(v)) },
  { key: "reach.NAME", set: (c, v, name) => (c.reach = { ...c.reach, [hostName(name)]: words(v) }) },
  { key: "server_idle", set: (c, v) => (c.serverIdle = Math.min(longestTimer, milliseconds(v, undefined))) },
  ...sequenceKinds.map((name) => ({
    key: `program_sequences.${name}`,
    set: (c: Writable, v: Value) =>
      (c.programSequences = {
        ...c.programSequences,
        [name]: name === "clipboard" ? oneOf(v, ["pass", "block", "ask"]) : oneOf(v, ["pass", "block"]),
      }),
  })),
  ...(Object.keys(defaultKeymap) as Context[]).flatMap((context) =>
    defaultKeymap[context].map(({ action }) => ({
      key: `keys.${context}_${action.replaceAll("-", "_")}`,
      set: (c: Writable, v: Value) => (c.keymap = rebound(c.keymap, context, action, keyNames(v, context))),
    })),
  ),
];

export const tables = ["program_sequences", "keys", "hosts", "reach", "notify"];

/** The tables whose keys are the user's own. */
const freeTables = ["reach", "notify"];

/** What stands for a key that the user has chosen. */
export function freeKey(key: string): string | undefined {
  const table = freeTables.find((name) => key.startsWith(`${name}.`));
  return table === undefined ? undefined : `${table}.NAME`;
}

function detachKey(value: Value): string | null {
  if (value === false || value === "") return null;
  if (typeof value === "string" && /^[\x21-\x7e]$/.test(value)) return value;
  throw new Unfit('one printable ASCII character such as "d", or false for none');
}

/**
 * Bytes that cannot be a prefix, because terminals or people need them: Ctrl-C, Backspace, Tab, Enter
 * (twice), Esc.
 */
const taken = [0x03, 0x08, 0x09, 0x0a, 0x0d, 0x1b];

function controlByte(value: Value): number | null {
  if (value === false || value === "") return null;
  const letter = typeof value === "string" ? /^(?:C-|Ctrl-|Ctrl\+|\^)(.)$/i.exec(value)?.[1] : undefined;
  const byte = letter === undefined ? -1 : letter.toUpperCase().charCodeAt(0) - 0x40;
  if (byte < 0 || byte > 0x1f) throw new Unfit('a control key such as "C-\\\\" or "C-a", or false for none');
  if (taken.includes(byte)) throw new Unfit("a control key that is not Ctrl-C, Backspace, Tab, Enter or Esc");
  return byte;
}

function bytes(value: Value): number {
  if (value === "all" || value === false) return 0;
  const size =
    typeof value === "number" && Number.isSafeInteger(value) ? value : typeof value === "string" ? sizeOf(value) : undefined;
  // less than one screen's worth would leave a running session without anything to show
  if (size === undefined || size < 1 << 20 || size > largestRetention)
    throw new Unfit('a size of at least "1 MiB", such as "256 MB", or "all"');
  return size;
}

function saveBefore(value: Value): number {
  const time = typeof value === "string" ? durationOf(value) : undefined;
  if (time === undefined || time < 1000 || time > 100 * 86_400_000)
    throw new Unfit('a time of at least a second, such as "5m", or "auto"');
  return time;
}

function folder(value: Value, example: string): string | null {
  if (value === false || value === "") return null;
  if (typeof value === "string" && path.isAbsolute(value) && !value.includes("\0")) return path.normalize(value);
  throw new Unfit(`an absolute path, such as "/shared/ann/${example}", or false for the place beside the homes`);
}

function keyNames(value: Value, context: Context): readonly KeyName[] {
  const keys = Array.isArray(value) ? value : [value];
  if (keys.every(mayBind) && (context !== "prefix" || keys.every((key) => /^[!-~]$/.test(key)))) return keys;
  if (context === "prefix") throw new Unfit('characters of ASCII, such as ["["]');
  throw new Unfit('keys, such as ["j", "down", "page-up", "space", "enter", "escape", "home"]; Ctrl+C stays as it is');
}

function isHost(value: Value): value is string {
  return typeof value === "string" && hostPattern.test(value);
}

function hostName(value: Value): string {
  if (isHost(value)) return value;
  throw new Unfit("given for the name of a machine (letters, digits, dots, hyphens)");
}

function hostNames(value: Value): readonly string[] {
  if (Array.isArray(value) && value.length <= mostHosts && value.every(isHost)) return [...new Set(value)];
  throw new Unfit(`at most ${mostHosts} names of machines, as ssh knows them, such as ["workstation", "cluster"]`);
}
