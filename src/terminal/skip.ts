// Holds plain output back while it comes faster than it can be parsed, and drops what scrolls out of the scrollback before anyone can see it.
import type { Model } from "./internals.ts";
import { endOfParameters } from "./text-run.ts";

/** Output in pieces of at least this size is worth holding back: a program that talks to a person never writes so much at once. */
const flood = 1 << 14;

/** What is held at most: lines so long that they fill it are parsed. */
const mostHeld = 8 << 20;

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

/** A piece of plain output. */
interface Piece {
  bytes: Uint8Array;
  lineFeeds: number;
  /** Where the SGR sequences begin that count: what comes before is undone by the one that stands here. */
  attributes: number;
}

/**
 * Plain output is text, tabs, CR, LF and SGR. Lines of it that lie further back than the scrollback reaches leave nothing behind but the
 * attributes at their end, provided that the normal screen is shown and scrolls from its first row on. So of a flood only the last lines need be parsed.
 */
export class Backlog {
  readonly #model: Model;
  readonly #lines: number;
  #pieces: Piece[] = [];
  #bytes = 0;
  #lineFeeds = 0;

  /** @param scrollback lines that the model keeps above its screen. */
  constructor(model: Model, scrollback: number) {
    this.#model = model;
    this.#lines = scrollback;
  }

  /** Whether anything waits for `take`. */
  get waiting(): boolean {
    return this.#bytes > 0;
  }

  /**
   * Takes the plain beginning of output that begins and ends between sequences, where it is worth it; answers how many bytes.
   * The bytes must not change until they have been taken back.
   */
  hold(bytes: Uint8Array): number {
    if (this.#bytes === 0 && (bytes.length < flood || !this.#scrolls())) return 0;
    const piece = plainBeginning(bytes);
    if (piece.bytes.length === 0) return 0;
    this.#pieces.push(piece);
    this.#bytes += piece.bytes.length;
    this.#lineFeeds += piece.lineFeeds;
    this.#drop();
    return piece.bytes.length;
  }

  /** Whether it is time to parse in any case. */
  get full(): boolean {
    return this.#bytes > mostHeld;
  }

  /** All that is held, to be parsed now, in order. */
  take(): Uint8Array[] {
    const pieces = this.#pieces.map(({ bytes }) => bytes);
    this.#pieces = [];
    this.#bytes = 0;
    this.#lineFeeds = 0;
    return pieces;
  }

  /**
   * Lines that are pushed out at the top stay seen nowhere but in the scrollback; what stands below the scroll region, as falcon's footer, stays
   * as it is, because plain output that begins in the region does not leave it.
   */
  #scrolls(): boolean {
    const { active, normal } = this.#model;
    return active === "normal" && normal.top === 0 && normal.y <= normal.bottom;
  }

  /** Drops from the front what the rest of the output pushes out. */
  #drop(): void {
    const { rows } = this.#model;
    for (;;) {
      const [first, second] = this.#pieces;
      if (first === undefined || second === undefined) return;
      if (first.lineFeeds < rows || this.#lineFeeds - first.lineFeeds < this.#lines + rows) return;
      // behind a CR LF the cursor stands in the first column; in the last row that scrolls it stands when enough lines were fed before
      const cut = endOfLine(second.bytes);
      if (cut === 0) {
        // lines so long that a piece has no end of one
        this.#pieces.splice(0, 2, plainBeginning(Buffer.concat([first.bytes, second.bytes])));
        continue;
      }
      const head = plainBeginning(second.bytes.subarray(0, cut));
      if (this.#lineFeeds - first.lineFeeds - head.lineFeeds < this.#lines + rows) return;
      this.#model.parse(attributesOf(first));
      this.#model.parse(attributesOf(head));
      this.#model.standBelow();
      this.#pieces.shift();
      this.#pieces[0] = behind(second, head);
      this.#bytes -= first.bytes.length + cut;
      this.#lineFeeds -= first.lineFeeds + head.lineFeeds;
    }
  }
}

/** Behind the first CR LF; 0 without one. */
function endOfLine(bytes: Uint8Array): number {
  for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, at + 1))
    if (at > 0 && bytes[at - 1] === 0x0d) return at + 1;
  return 0;
}

/** A piece without its head. */
function behind({ bytes, lineFeeds, attributes }: Piece, head: Piece): Piece {
  const cut = head.bytes.length;
  return { bytes: bytes.subarray(cut), lineFeeds: lineFeeds - head.lineFeeds, attributes: Math.max(0, attributes - cut) };
}

/** What a piece leaves of its SGR sequences. */
function attributesOf({ bytes, attributes }: Piece): Uint8Array {
  const sequences: Uint8Array[] = [];
  // a Buffer finds a byte many times faster than an array does
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = view.indexOf(0x1b, attributes); at >= 0; at = view.indexOf(0x1b, at + 1))
    sequences.push(bytes.subarray(at, endOfSgr(bytes, at)));
  return Buffer.concat(sequences);
}

/** The longest plain part that `bytes` begin with. */
function plainBeginning(bytes: Uint8Array): Piece {
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
      case Kind.c2:
        if ((bytes[at + 1] ?? 0) < 0xa0) break scan;
        at += 2;
        break;
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
  return { bytes: at === bytes.length ? bytes : bytes.subarray(0, at), lineFeeds, attributes };
}

/** The end of the SGR sequence that begins at `at`; 0 where none does. */
function endOfSgr(bytes: Uint8Array, at: number): number {
  if (bytes[at + 1] !== 0x5b) return 0;
  const end = endOfParameters(bytes, at + 2, bytes.length);
  return bytes[end] === 0x6d ? end + 1 : 0;
}
