// What a terminal sends for a key that is named: xterm's encodings (invisible-island.net/xterm/ctlseqs,
// "PC-Style Function Keys").
import { Failure, Status } from "../../base/failure.ts";
import { bytesOf } from "../../base/text/bytes.ts";

const plain: Record<string, string> = {
  enter: "\r",
  return: "\r",
  tab: "\t",
  escape: "\x1b",
  esc: "\x1b",
  space: " ",
  backspace: "\x7f",
  bspace: "\x7f",
};

/** Keys whose encoding depends on DECCKM: the final byte behind CSI or SS3. */
const cursor: Record<string, string> = { up: "A", down: "B", right: "C", left: "D", home: "H", end: "F" };

/** Keys of the form CSI n ~. */
const tilde: Record<string, number> = {
  insert: 2,
  delete: 3,
  pageup: 5,
  pagedown: 6,
  f5: 15,
  f6: 17,
  f7: 18,
  f8: 19,
  f9: 20,
  f10: 21,
  f11: 23,
  f12: 24,
};

const functionKeys: Record<string, string> = { f1: "\x1bOP", f2: "\x1bOQ", f3: "\x1bOR", f4: "\x1bOS" };

/**
 * The bytes of a key: a single character, a name, `C-x` for Control, `M-x` for Alt.
 * @throws Failure 2 for a name that is not known.
 */
export function keyBytes(name: string, cursorKeys: "normal" | "application"): Buffer {
  return bytesOf(encode(name, cursorKeys));
}

function encode(name: string, cursorKeys: "normal" | "application"): string {
  if ([...name].length === 1) return name;
  const modified = /^([CM])-(.+)$/s.exec(name);
  if (modified?.[1] === "M") return `\x1b${encode(modified[2] ?? "", cursorKeys)}`;
  if (modified?.[1] === "C") return control(modified[2] ?? "", name);
  const lower = name.toLowerCase();
  const simple = named(plain, lower) ?? named(functionKeys, lower);
  if (simple !== undefined) return simple;
  const final = named(cursor, lower);
  if (final !== undefined) return cursorKeys === "application" ? `\x1bO${final}` : `\x1b[${final}`;
  const number = named(tilde, lower);
  if (number !== undefined) return `\x1b[${number}~`;
  throw new Failure(
    `no key is named '${name}': use a character, Enter, Tab, Escape, Up, F1 to F12, C-x, M-x, or --text '${name}' for the text itself`,
    Status.usage,
  );
}

/** A table's own entry: "constructor" is no key. */
function named<T>(table: Record<string, T>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

/** Control with a letter or one of @ [ \ ] ^ _ ? and space. */
function control(key: string, name: string): string {
  if (key === "?") return "\x7f";
  if (key.toLowerCase() === "space") return "\0";
  const code = key.toUpperCase().charCodeAt(0);
  if (key.length === 1 && code >= 0x40 && code <= 0x5f) return String.fromCharCode(code & 0x1f);
  throw new Failure(`no key is named '${name}': Control goes with a letter or one of @ [ \\ ] ^ _ ?`, Status.usage);
}
