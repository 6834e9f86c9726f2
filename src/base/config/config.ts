// All settings that the user's configuration file may change, and their defaults.

import { defaultKeymap, type Keymap } from "../keymap.ts";
import type { Channel } from "./channels.ts";

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

/** What a rule is for, in the order of `enum sequence_kind` (native/filter/sequence_rules.h). */
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

/** What a machine may be called, so that it can stand on a command line. */
export const hostPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
