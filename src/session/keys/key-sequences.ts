// What the sequences of a terminal mean, as far as the input parser must know: which is a key, which key, and
// which is a reply.

const Modifier = { shift: 1, ctrl: 4, locks: 64 | 128 } as const;

/** A key as the kitty protocol or modifyOtherKeys tells it. */
export interface KeyEvent {
  code: number;
  shifted: number;
  base: number;
  /** The character that it types, where told and a single one. */
  text: number;
  modifiers: number;
  /** 1 press, 2 repeat, 3 release. */
  event: number;
}

/**
 * What only a terminal says, never a key: DA, DSR, DECRPM, window reports, kitty's flags … Mode 2031's colour
 * scheme (CSI ? 997 n) and
 * mode 2048's size (CSI 48 t) are said unasked to a program that wanted them. A cursor report (CSI row ;
 * column R) in row 1 may be F3 with modifiers.
 */
export function isReply(body: string): boolean {
  if (/^[?>=]/.test(body)) return !/^\?997;\d+n$/.test(body);
  if (/^1;([2-9]|\d{2,3})(:\d)?R$|^1;1:\dR$/.test(body)) return false;
  return /^\d+;\d+R$|\$y$|^\d*n$|^[23];[\d;]*x$/.test(body) || /^(?!48;)\d[\d;]*t$/.test(body);
}

/** The terminal has got the focus, or lost it (mode 1004). */
export function isFocusReport(body: string): boolean {
  return body === "I" || body === "O";
}

/** The mouse's reports of SGR (1006) and of urxvt (1015). */
export function isMouseReport(body: string): boolean {
  return /^(<[\d;]*[Mm]|\d[\d;]*M)$/.test(body);
}

/**
 * Whether a read holds nothing but what a terminal says by itself: focus, the mouse, replies, what was
 * wanted.
 */
export function isReported(read: Buffer): boolean {
  const [before, ...bodies] = read.toString("latin1").split("\x1b[");
  const said = (body: string) => isFocusReport(body) || isMouseReport(body) || isReply(body) || isWantedReport(body);
  return before === "" && bodies.length > 0 && bodies.every(said);
}

/** Colour scheme and size, which modes 2031 and 2048 have a terminal say unasked. */
function isWantedReport(body: string): boolean {
  return /^\?997;\d+n$|^48;[\d;]*t$/.test(body);
}

/**
 * Whether a sequence that is no reply was typed for certain: a mode report, a size, or F3 that may be a
 * cursor report, was not.
 */
export function isTyped(body: string): boolean {
  return /^[\d;:]*[~uA-HPQSZ]$/.test(body);
}

/** Y, with Shift or without. */
export function isYes(key: KeyEvent): boolean {
  if ((key.modifiers & ~(Modifier.locks | Modifier.shift)) !== 0) return false;
  return [key.code, key.shifted, key.text].some((code) => code === 0x79 || code === 0x59);
}

/**
 * The key of a sequence in the kitty encoding (CSI code:shifted:base ; modifiers:event ; text u) or in that
 * of modifyOtherKeys.
 */
export function keyEvent(body: string): KeyEvent | null {
  const other = /^27;(\d+);(\d+)~$/.exec(body);
  if (other) return { code: Number(other[2]), shifted: 0, base: 0, text: 0, modifiers: Number(other[1]) - 1, event: 1 };
  const kitty = /^(\d+)(?::(\d*)(?::(\d*))?)?(?:;(\d*)(?::(\d*))?(?:;([\d:]*))?)?u$/.exec(body);
  if (kitty) {
    return {
      code: Number(kitty[1]),
      shifted: Number(kitty[2] || 0),
      base: Number(kitty[3] || 0),
      modifiers: Number(kitty[4] || 1) - 1,
      event: Number(kitty[5] || 1),
      text: Number(kitty[6] || 0),
    };
  }
  // keys with a letter or a number of their own tell their event in the same place
  const own = /^\d*;\d*:(\d)[~A-HP-S]$/.exec(body);
  return own ? { code: 0, shifted: 0, base: 0, text: 0, modifiers: 0, event: Number(own[1]) } : null;
}

/** Ctrl with the key whose control byte this is; Shift may be what reaches the character. */
export function isPrefix(key: KeyEvent, byte: number): boolean {
  const upper = byte + 0x40;
  const code = upper >= 0x41 && upper <= 0x5a ? upper + 0x20 : upper;
  const modifiers = key.modifiers & ~(Modifier.locks | Modifier.shift);
  return modifiers === Modifier.ctrl && (key.code === code || key.shifted === code || key.base === code);
}

/** The key types this character, by itself or with Shift; caps lock and num lock are ignored. */
export function isCharacter(key: KeyEvent, code: number): boolean {
  const modifiers = key.modifiers & ~Modifier.locks;
  if (modifiers === 0) return key.code === code || key.text === code;
  return modifiers === Modifier.shift && (key.shifted === code || key.text === code);
}

/**
 * Kitty's codes of Shift, Ctrl, Alt … themselves, and of the lock keys: pressing one is not yet typing
 * anything.
 */
export function isModifier(code: number): boolean {
  return (code >= 57441 && code <= 57454) || (code >= 57358 && code <= 57360);
}
