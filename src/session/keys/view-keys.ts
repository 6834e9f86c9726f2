// The keys of our own views (history, replay) as names, from the bytes of a terminal in its usual modes.
import type { Binding, KeyName } from "../../base/keymap.ts";

const names: Record<string, KeyName> = {
  "\x1b[A": "up",
  "\x1bOA": "up",
  "\x1b[B": "down",
  "\x1bOB": "down",
  "\x1b[C": "right",
  "\x1bOC": "right",
  "\x1b[D": "left",
  "\x1bOD": "left",
  "\x1b[H": "home",
  "\x1bOH": "home",
  "\x1b[1~": "home",
  "\x1b[7~": "home",
  "\x1b[F": "end",
  "\x1bOF": "end",
  "\x1b[4~": "end",
  "\x1b[8~": "end",
  "\x1b[5~": "page-up",
  "\x1b[6~": "page-down",
  "\x1b": "escape",
  "\r": "enter",
  "\n": "enter",
  "\x7f": "backspace",
  "\x08": "backspace",
  "\x03": "interrupt",
  "\x15": "clear",
};

/**
 * The keys that leave a view of ours, as LEAVE_KEYS tells them: Ctrl+C, and those of its keymap that are one
 * byte.
 */
export function leaveBytes(bindings: readonly Binding[]): readonly number[] {
  const keys = bindings.find(({ action }) => action === "leave")?.keys ?? [];
  return [0x03, ...keys.flatMap((key) => (/^[!-~]$/.test(key) ? key.charCodeAt(0) : []))];
}

/**
 * Puts a terminal into the modes in which its keys are those above: no kitty, no modifyOtherKeys, no mouse,
 * no marked pastes.
 */
export const plainKeys = "\x1b[=0;1u\x1b[>4m\x1b[?1l\x1b>\x1b[?9;1000;1002;1003;1004;2004l";

// biome-ignore lint/suspicious/noControlCharactersInRegex: keys come as escape sequences
const sequence = /\x1b\[[0-?]*[ -/]*[@-~]|\x1bO[ -~]|\x1b[^[O]|[\s\S]/gu;
// biome-ignore lint/suspicious/noControlCharactersInRegex: keys come as escape sequences
const begun = /\x1b(?:\[[0-?]*[ -/]*|O)$/;

/** Characters of a sequence that is waited for; the longest that means anything here has four. */
const longestHeld = 64;

/** Takes what is typed, answers keys; a sequence that is cut by the end of a chunk waits for its rest. */
export class ViewKeys {
  readonly #decoder = new TextDecoder();
  #held = "";

  feed(chunk: Uint8Array): KeyName[] {
    const all = this.#held + this.#decoder.decode(chunk, { stream: true });
    const held = begun.exec(all)?.[0] ?? "";
    const whole = all.slice(0, all.length - held.length);
    // one that never ends is dropped
    this.#held = held.length > longestHeld ? "" : held;
    return [...whole.matchAll(sequence)].flatMap(([key]) => {
      const name = names[key];
      if (name !== undefined) return name;
      // other sequences and control characters mean nothing here
      return key.length === [...key][0]?.length && (key.codePointAt(0) as number) >= 0x20 ? key : [];
    });
  }
}
