// Text that the system hands out as bytes (names, arguments, variables): kept exactly where it is no UTF-8,
// as Python's surrogateescape does.
import { isUtf8 } from "node:buffer";

/** Where a byte that is no part of UTF-8 stands among the lone surrogates: U+DC80 to U+DCFF. */
const escapes = 0xdc00;

/** A lone surrogate that stands for a byte. */
const escaped = /[\udc80-\udcff]/u;

/**
 * The text of some bytes. A byte that is no UTF-8 becomes a lone surrogate, so that {@link bytesOf} gives the
 * same bytes back.
 */
export function textOf(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString();
  let text = "";
  let from = 0;
  for (let at = 0; at < bytes.length; ) {
    const length = characterAt(bytes, at);
    if (length === 0) {
      text += bytes.toString("utf8", from, at) + String.fromCharCode(escapes + (bytes[at] as number));
      from = ++at;
    } else at += length;
  }
  return text + bytes.toString("utf8", from);
}

/** Bytes of the UTF-8 character that `lead` begins; 0 where it begins none (RFC 3629). */
export function characterLength(lead: number): number {
  return lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
}

/** Bytes of the character at `at`; 0 where none begins. */
function characterAt(bytes: Buffer, at: number): number {
  const length = characterLength(bytes[at] as number);
  return length > 0 && at + length <= bytes.length && isUtf8(bytes.subarray(at, at + length)) ? length : 0;
}

/**
 * The bytes of a text; the inverse of {@link textOf}. Any other lone surrogate becomes U+FFFD, as everywhere
 * in Node.
 */
export function bytesOf(text: string): Buffer {
  if (isPlain(text)) return Buffer.from(text);
  return Buffer.concat(
    [...text].map((character) =>
      escaped.test(character) ? Buffer.from([character.charCodeAt(0) - escapes]) : Buffer.from(character),
    ),
  );
}

/** Whether a text holds no byte that is no UTF-8. */
export function isPlain(text: string): boolean {
  return !escaped.test(text);
}

/** A path as functions of node:fs take it: a string where that says the same. */
export function onDisk(path: string): string | Buffer {
  return isPlain(path) ? path : bytesOf(path);
}

/**
 * As text that survives where only UTF-8 does: each byte that is none, and `%`, as `%` and two hexadecimal
 * digits.
 */
export function percentCoded(text: string): string {
  return text.replace(/[%\udc80-\udcff]/gu, (character) => {
    const code = character === "%" ? 0x25 : character.charCodeAt(0) - escapes;
    return `%${code.toString(16).padStart(2, "0")}`;
  });
}
