// What the input parser asks of a session, what it decides, and how long it waits for what is unfinished.
import type { Bindings } from "../../base/keymap.ts";

/** What the parser asks of the session at each chunk. */
export interface KeyPolicy {
  /** The detach key counts: a launch session whose terminal is not in line mode. */
  readonly plainDetach: boolean;
  /** One character, or null for none. */
  readonly detachKey: string | null;
  /** A control byte (0x1c is Ctrl-\), or null for none. */
  readonly prefix: number | null;
  /** The program has switched bracketed paste (2004) on. */
  readonly bracketedPaste: boolean;
  /** The program has switched focus reports (1004) on. */
  readonly focus: boolean;
  /** The program's terminal turns the interrupt character into SIGINT. */
  readonly isig: boolean;
  /** The terminal's interrupt character (VINTR), normally 0x03; null where it is switched off. */
  readonly interruptByte: number | null;
  /** The characters that open the history behind the prefix. */
  readonly historyCharacters: readonly number[];
  /** PageUp opens the history too. */
  readonly historyKey: boolean;
}

export type KeyAction =
  | { do: "send"; bytes: Buffer }
  /** The interrupt character: bytes for the program that will end as SIGINT. */
  | { do: "interrupt"; bytes: Buffer }
  | { do: "history" }
  /** What was typed after `ask()`. */
  | { do: "answer"; yes: boolean }
  | { do: "detach"; key: "plain" | "prefix" };

/**
 * How long the prefix waits for what may follow it (ms): long enough to press it twice, short enough to feel
 * like a key of its own.
 */
export const prefixTimeout = 300;
/**
 * How long an unfinished sequence is held back (ms): a terminal writes one at once, a line may tear it; a
 * person sees no 50 ms after Esc.
 */
export const escapeTimeout = 50;
/** After this silence (ms) an unfinished sequence was a person typing Alt+[, and is over. */
export const quietReset = 1000;
/** After this silence (ms) a paste whose end never came is over, so that the keys work again. */
export const pasteReset = 10_000;
/**
 * Longest CSI that is looked at (bytes); the longest key, a kitty one with text, has some 60. A longer one is
 * passed on as it comes.
 */
export const longestCsi = 256;
/** Longest OSC, DCS, APC, PM or SOS that is held back (bytes). A longer one is passed on as it comes. */
export const longestString = 4096;

/** The keymap's characters of the history behind the prefix. */
export function historyCharacters(bindings: Bindings<"prefix">): readonly number[] {
  return bindings.flatMap(({ keys }) => keys.map((key) => key.charCodeAt(0)));
}
