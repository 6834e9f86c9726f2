// The user's configuration file: where it is, what it may say, and one sentence for everything in it that
// cannot be used.
// Long: every key stands beside what it may say and the sentence for what it may not.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { parse, TomlError } from "smol-toml";
import { aside, NoAnswer } from "./aside.ts";
import { type Channel, channelOf, WrongChannel } from "./channels.ts";
import { type Context, defaultKeymap, type Keymap, type KeyName, mayBind, rebound } from "./keymap.ts";
import { durationOf, sizeOf } from "./quantity.ts";
import { boolean, command, integer, isTable, milliseconds, oneOf, Unfit, type Value, words } from "./setting-values.ts";

/** What happens to one kind of escape sequence that a program sends to its viewers. */
export type Passage = "pass" | "block";

/** What programs may do to the terminals of their viewers (docs/design/security.md). */
export interface ProgramSequences {
  /** `ask`: the person at the terminal decides about each. */
  readonly clipboard: Passage | "ask";
  readonly title: Passage;
  readonly notification: Passage;
  readonly colours: Passage;
  readonly links: Passage;
  readonly images: Passage;
  /** What the terminal's own keys send or show. */
  readonly keys: Passage;
  /** Size, place and state of the window. */
  readonly window: Passage;
}

/** All settings, in the units that the code works in. */
export interface Config {
  /** The character that detaches when it is typed alone in a launch session; null: none does. */
  readonly detachKey: string | null;
  /** The control byte that detaches always (0x1c is Ctrl-\); null: none does. */
  readonly prefix: number | null;
  /** Lines of history that an attach puts into the terminal's own scrollback. */
  readonly history: number;
  /** Lines of history that the screen of a running session keeps in memory. */
  readonly scrollback: number;
  /** Bytes of output that are kept of one session; 0: all. */
  readonly retention: number;
  /** Ended sessions older than this many milliseconds are removed; 0: never. */
  readonly retentionAge: number;
  /** Program and arguments to start when a session ends, fails or stalls; null: none. */
  readonly onEvent: readonly string[] | null;
  /** A viewer's client reads the output from the holder itself (docs/design/protocol.md, DIRECT). */
  readonly directOutput: boolean;
  /** Attached viewers' terminals are told of an end, a failure or a stall (OSC 9 and 777). */
  readonly notify: boolean;
  /** Where else a person is told. */
  readonly channels: readonly Channel[];
  /**
   * Whether a session takes the size of the viewer that attached last, or keeps the size that it was started
   * with.
   */
  readonly sizePolicy: "last" | "fixed";
  readonly programSequences: ProgramSequences;
  /** What the keys of our own views do. */
  readonly keymap: Keymap;
  /** Milliseconds before its deadline at which a run is asked to stop; null: by its epochs. */
  readonly saveBefore: number | null;
  /** Folder of the archive of parts; null: beside the homes (docs/design/decisions/0004-homes.md). */
  readonly archive: string | null;
  /** Folder that this user's machines share, for what each tells the others; null: beside the homes. */
  readonly roster: string | null;
  /**
   * Machines that are asked for what they have, beside those that share the roster's folder; as ssh knows
   * them.
   */
  readonly hosts: readonly string[];
  /** The program that runs a command on another machine, with its arguments. */
  readonly ssh: readonly string[];
  /**
   * By a machine's name: the program that runs a command line there, which it is given as its last argument.
   */
  readonly reach: Readonly<Record<string, readonly string[]>>;
  /** Milliseconds that a server without sessions and clients waits before it goes. */
  readonly serverIdle: number;
}

export const defaultConfig: Config = {
  detachKey: "d",
  prefix: 0x1c,
  history: 2000,
  scrollback: 10_000,
  retention: 256 * 10 ** 6,
  retentionAge: 90 * 86_400_000,
  onEvent: null,
  directOutput: true,
  notify: true,
  channels: [],
  sizePolicy: "last",
  programSequences: {
    clipboard: "block",
    title: "pass",
    notification: "pass",
    colours: "pass",
    links: "pass",
    images: "block",
    keys: "block",
    window: "block",
  },
  keymap: defaultKeymap,
  saveBefore: null,
  archive: null,
  roster: null,
  hosts: [],
  ssh: ["ssh"],
  reach: {},
  serverIdle: 60_000,
};

/** A file longer than this is not a configuration that a person wrote. */
export const longestConfig = 256 << 10;
/** Lines with wrong syntax that are reported; a file with more of them is something else. */
const mostSyntaxErrors = 20;
/**
 * Unknown keys past so many sentences are passed over in silence: the file is something else, and each costs
 * a look through all of it.
 */
const mostProblems = 40;
/** A longer key is no slip of the finger. */
const longestKey = 64;
/** Machines that are asked, each by an ssh of its own: a person has fewer. */
const mostHosts = 20;
/** 2^53 - 1 would be a promise that no disk keeps; the holder takes 64 bits. */
const largestRetention = 2 ** 50;

/** One key of the file: the field that it fills and how its value is read. */
interface Setting {
  readonly key: string;
  readonly set: (config: Writable, value: Value, name: string) => void;
}
type Writable = { -readonly [K in keyof Config]: Config[K] };

/** What a rule is for, in the order of `enum sequence_kind` (native/sequence_rules.h). */
export const sequenceKinds: readonly (keyof ProgramSequences)[] = [
  "clipboard",
  "title",
  "notification",
  "colours",
  "links",
  "images",
  "keys",
  "window",
];

const settings: readonly Setting[] = [
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
  { key: "server_idle", set: (c, v) => (c.serverIdle = milliseconds(v, undefined)) },
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
const tables = ["program_sequences", "keys", "hosts", "reach", "notify"];
/** The tables whose keys are the user's own. */
const freeTables = ["reach", "notify"];

/** What a machine may be called, so that it can stand on a command line. */
export const hostPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/**
 * The file's place: `$XDG_CONFIG_HOME/falcon-sessions/config.toml`; a relative XDG_CONFIG_HOME counts as
 * unset, as its standard says.
 */
export function configPath(environment: Readonly<Record<string, string | undefined>>): string {
  const xdg = environment.XDG_CONFIG_HOME;
  const base = xdg && path.isAbsolute(xdg) ? xdg : path.join(environment.HOME || homeOfUser(), ".config");
  return path.join(base, "falcon-sessions", "config.toml");
}

/** The home that the user database knows; a user without an entry there (a container) has none. */
function homeOfUser(): string {
  try {
    return os.homedir();
  } catch {
    return "/nonexistent";
  }
}

/** What a file says, and what is wrong with it: each problem one sentence with file, line and key. */
export interface LoadedConfig {
  config: Config;
  problems: string[];
}

const readAside = aside("settings", loadConfig, ([file]) => file);

/** Reads the file as `loadConfig`, aside; one that does not answer is a problem among others. */
export async function readSettings(file: string): Promise<LoadedConfig> {
  try {
    return await readAside(file);
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    return { config: defaultConfig, problems: [`${error.message}; all settings have their defaults`] };
  }
}

/** Settings that name programs, whom one is run for, or where facts are sent. */
const programs: readonly [string, keyof Config][] = [
  ["ssh", "ssh"],
  ["reach", "reach"],
  ["hosts", "hosts"],
  ["on_event", "onEvent"],
  ["notify", "channels"],
];

/** Reads the file; one that does not exist says nothing and is no problem. Never throws. */
export function loadConfig(file: string): LoadedConfig {
  const nothing = (problem: string): LoadedConfig => ({
    config: defaultConfig,
    problems: [`${file}: ${problem}; all settings have their defaults`],
  });
  let text: string;
  let stat: fs.Stats;
  try {
    // not opened before it is known to be a plain file: opening a named pipe would wait for its writer
    stat = fs.statSync(file);
    if (!stat.isFile()) return nothing("it is not a plain file");
    if (stat.size > longestConfig) return nothing(`it has ${stat.size} bytes, more than the ${longestConfig} that are read`);
    text = fs.readFileSync(file, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") return { config: defaultConfig, problems: [] };
    return nothing(`it cannot be read (${code ?? String(error)})`);
  }
  const loaded = parseConfig(text, file);
  const stranger = stat.uid !== process.getuid?.() && stat.uid !== 0;
  if (!stranger && (stat.mode & 0o002) === 0) return loaded;
  // whoever can write these lines can run a program as the user
  const whose = stranger ? "belongs to another user" : "can be written by everyone (chmod o-w it)";
  for (const [key, field] of programs) {
    if (loaded.config[field] === defaultConfig[field]) continue;
    loaded.config = { ...loaded.config, [field]: defaultConfig[field] };
    loaded.problems.push(`${file}, line ${lineOf(text, key)}: ${key} is not used, because the file ${whose}`);
  }
  return loaded;
}

/** Reads the text of a configuration; `file` is only for the problems' sentences. */
export function parseConfig(text: string, file: string): LoadedConfig {
  const problems: string[] = [];
  const root = parseLeniently(text, file, problems);
  const config: Writable = { ...defaultConfig };
  for (const { key, value } of leaves(root)) {
    const setting = settings.find((s) => s.key === key) ?? settings.find((s) => s.key === freeKey(key));
    if (setting === undefined && problems.length >= mostProblems) continue;
    const at = `${file}, line ${lineOf(text, key)}: ${key}`;
    if (setting === undefined) {
      problems.push(`${at} ${unknownKey(key)}`);
      continue;
    }
    try {
      setting.set(config, value, key.slice(key.indexOf(".") + 1));
    } catch (error) {
      // what a channel has may be a secret, and is not shown
      if (error instanceof WrongChannel) {
        problems.push(`${at} ${error.message}; nothing is sent there`);
        continue;
      }
      if (!(error instanceof Unfit)) throw error;
      problems.push(`${at} must be ${error.message}, not ${shown(value)}; the default is used`);
    }
  }
  if (config.detachKey === null && config.prefix === null) {
    config.prefix = defaultConfig.prefix;
    problems.push(
      `${file}, line ${lineOf(text, "prefix")}: prefix cannot be off while detach_key is off too, since nothing would detach; Ctrl-\\ does`,
    );
  }
  if (config.history > config.scrollback && lineOf(text, "history") > 0) {
    problems.push(
      `${file}, line ${lineOf(text, "history")}: history is ${config.history} lines, more than the ${config.scrollback} that scrollback keeps; ${config.scrollback} are sent`,
    );
    config.history = config.scrollback;
  } else if (config.history > config.scrollback) config.history = config.scrollback;
  return { config, problems };
}

/** Parses; a line with wrong syntax is reported and left out, so that the others still count. */
function parseLeniently(text: string, file: string, problems: string[]): Record<string, Value> {
  const lines = text.replace(/^\uFEFF/, "").split("\n");
  for (let errors = 0; errors < mostSyntaxErrors; errors++) {
    try {
      return parse(lines.join("\n"));
    } catch (error) {
      if (!(error instanceof TomlError)) throw error;
      // the parser may name the line after the statement's last one: the wrong line is then the last that is
      // not empty
      let line = Math.min(error.line, lines.length);
      while (line > 1 && lines[line - 1]?.trim() === "") line--;
      const said = error.message.replace(/^Invalid TOML document: /, "").split("\n")[0];
      const key = /^\s*([\w."'-]+)\s*=/.exec(lines[line - 1] ?? "")?.[1];
      problems.push(`${file}, line ${line}:${key ? ` ${key}` : ""} this line is not TOML (${said}); it is ignored`);
      if (lines[line - 1]?.trim() === "") break;
      lines[line - 1] = "";
    }
  }
  problems.push(`${file}: too many lines with wrong syntax; all settings have their defaults`);
  return {};
}

/**
 * Every value with its full key; a table that we know is entered, any other is one value with an unknown key.
 */
function* leaves(root: Record<string, Value>): Generator<{ key: string; value: Value }> {
  for (const [key, value] of Object.entries(root)) {
    if (tables.includes(key) && isTable(value)) {
      for (const [inner, v] of Object.entries(value)) yield { key: `${key}.${inner}`, value: v };
    } else yield { key, value };
  }
}

/**
 * The line where `key` is given (1 is the first), or 0 when it is not. The parser keeps no positions, hence
 * this second look.
 */
function lineOf(text: string, key: string): number {
  const [first, second] = key.split(".");
  let table = "";
  let outer = 0;
  for (const [index, line] of text.split("\n").entries()) {
    const header = /^\s*\[\[?([^\]]*)\]/.exec(line);
    if (header) {
      table = bare((header[1] ?? "").trim());
      if (table === key || table === first) outer ||= index + 1;
      continue;
    }
    const given = /^\s*("[^"]*"|'[^']*'|[^=\s#"'.]+(?:\s*\.\s*[^=\s#]+)?)\s*(=|\.)/.exec(line);
    if (!given) continue;
    const name = bare(given[1] ?? "");
    if (table === "" ? name === key : table === first && name === second) return index + 1;
    if (table === "" && name === first) outer ||= index + 1;
  }
  return outer;
}

/** What stands for a key that the user has chosen. */
function freeKey(key: string): string | undefined {
  const table = freeTables.find((name) => key.startsWith(`${name}.`));
  return table === undefined ? undefined : `${table}.NAME`;
}

function bare(key: string): string {
  return key.replace(/["'\s]/g, "");
}

function unknownKey(key: string): string {
  if (key.length > longestKey) return "is not a setting; it is ignored";
  const scored = settings.map((s) => ({ key: s.key, distance: distance(s.key, key.toLowerCase().replaceAll("-", "_")) }));
  const best = scored.sort((a, b) => a.distance - b.distance)[0];
  // a third of the letters wrong is still a slip of the finger, more is another word
  if (best !== undefined && best.distance <= Math.max(1, Math.floor(best.key.length / 3)))
    return `is not a setting (did you mean ${best.key}?); it is ignored`;
  const group = key.includes(".")
    ? settings.filter((s) => s.key.startsWith(`${key.split(".")[0]}.`))
    : settings.filter((s) => !s.key.includes("."));
  return `is not a setting (there are ${group.map((s) => s.key).join(", ")}); it is ignored`;
}

/** Levenshtein's distance: letters to insert, remove or change. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next[j] = Math.min(changed, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1);
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

function shown(value: Value): string {
  const text = typeof value === "bigint" ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
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

function hostName(value: Value): string {
  if (typeof value === "string" && hostPattern.test(value)) return value;
  throw new Unfit("given for the name of a machine (letters, digits, dots, hyphens)");
}

function hostNames(value: Value): readonly string[] {
  const names = Array.isArray(value) ? value : undefined;
  if (
    names !== undefined &&
    names.length <= mostHosts &&
    names.every((name) => typeof name === "string" && hostPattern.test(name))
  )
    return [...new Set(names as string[])];
  throw new Unfit(`at most ${mostHosts} names of machines, as ssh knows them, such as ["workstation", "cluster"]`);
}
