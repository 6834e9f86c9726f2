// Finds where plain text ends in a stream: what a flood consists of is passed over here, at the speed of one
// look at each byte.

/** 1 for the bytes that may begin more than text: ENQ, ESC, and C2, which may begin a C1 control. */
const special = new Uint8Array(256);
for (const byte of [0x05, 0x1b, 0xc2]) special[byte] = 1;

/**
 * The next byte from `from` on that may be more than text: ESC, ENQ, a C1 control (C2 80 to C2 9F), or a C2
 * whose second byte is none or has not
 * come; the length where there is none.
 */
export function endOfText(chunk: Uint8Array, from: number): number {
  const { length } = chunk;
  let i = from;
  while (i < length) {
    while (i < length && special[chunk[i] as number] === 0) i++;
    if (chunk[i] !== 0xc2) return i;
    const following = chunk[i + 1] ?? 0;
    if (following < 0xa0 || following > 0xbf) return i;
    i += 2;
  }
  return length;
}

/** Digits, colon and semicolon. */
const parameter = new Uint8Array(256).fill(1, 0x30, 0x3c);

/**
 * The end of a control sequence's parameters, of which the first may stand at `from`; `limit` where they go
 * on until there.
 */
export function endOfParameters(bytes: Uint8Array, from: number, limit: number): number {
  let i = from;
  while (i < limit && parameter[bytes[i] as number] === 1) i++;
  return i;
}

/** Length of the part that ends with a whole UTF-8 character, or with what can be none. */
export function wholeCharacters(bytes: Uint8Array): number {
  const { length } = bytes;
  for (let back = 1; back <= 3 && back <= length; back++) {
    const byte = bytes[length - back] as number;
    if (byte < 0x80) return length;
    if (byte < 0xc0) continue;
    const size = byte >= 0xf8 ? 1 : byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return size > back ? length - back : length;
  }
  return length;
}
