// The plain beginning of output, as native/filter/plain_text_scan.c finds it, in JavaScript: what that is
// compared with.
import type { PlainTextScan } from "../../../src/terminal/model/skip.ts";

/** What a byte means to the scan. */
const Kind = { other: 0, text: 1, lineFeed: 2, escape: 3, c2: 4 } as const;

const kinds = new Uint8Array(256);
for (let byte = 0x20; byte < 0x100; byte++) kinds[byte] = byte === 0x7f ? Kind.other : Kind.text;
kinds[0x09] = Kind.text;
kinds[0x0d] = Kind.text;
kinds[0x0a] = Kind.lineFeed;
kinds[0x1b] = Kind.escape;
// C2 and a byte below A0 are a C1 control
kinds[0xc2] = Kind.c2;

/** The longest plain part that `bytes` begin with, in JavaScript. */
export const scanPlainText: PlainTextScan = (bytes, found) => {
  const { length } = bytes;
  let attributes = 0;
  let lineFeeds = 0;
  let at = 0;
  scan: while (at < length) {
    // most of it, in a loop of its own: this is what a flood costs
    while (at < length && kinds[bytes[at] as number] === Kind.text) at++;
    if (at === length) break;
    switch (kinds[bytes[at] as number]) {
      case Kind.lineFeed:
        lineFeeds++;
        at++;
        break;
      case Kind.c2: {
        // C2 and a byte below A0 are a C1 control; in front of any other it is none of a character
        const following = bytes[at + 1] ?? 0;
        if (following < 0xa0 || following > 0xbf) break scan;
        at += 2;
        break;
      }
      case Kind.escape: {
        const end = endOfSgr(bytes, at);
        if (end === 0) break scan;
        // CSI m and CSI 0 m undo everything that other SGRs do
        if (end - at === 3 || (end - at === 4 && bytes[at + 2] === 0x30)) attributes = at;
        at = end;
        break;
      }
      default:
        break scan;
    }
  }
  found[0] = at;
  found[1] = lineFeeds;
  found[2] = attributes;
};

/** Digits, colon and semicolon. */
const parameter = new Uint8Array(256).fill(1, 0x30, 0x3c);

/** A control sequence that is longer is left to whoever looks closer. */
const longestSgr = 64;

/** The end of the SGR sequence that begins at `at`; 0 where none does. */
function endOfSgr(bytes: Uint8Array, at: number): number {
  if (bytes[at + 1] !== 0x5b) return 0;
  const limit = Math.min(bytes.length, at + longestSgr);
  let end = at + 2;
  while (end < limit && parameter[bytes[end] as number] === 1) end++;
  return end < limit && bytes[end] === 0x6d ? end + 1 : 0;
}
