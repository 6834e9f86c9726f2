// Holds plain output back while it comes faster than it can be parsed, and drops what scrolls out of the
// scrollback before anyone can see it.
import { BlockPool } from "./block-pool.ts";
import type { Model } from "./model.ts";

/**
 * Looks for the longest plain part that `bytes` begin with: text, tabs, CR, LF and SGR. Answers in `found`:
 * its length (bytes), its line feeds, and where the SGR sequences begin that count in it: what comes before
 * is undone by the one that stands there. (native/filter/plain_text_scan.c)
 */
export type PlainTextScan = (bytes: Uint8Array, found: Uint32Array) => void;

/**
 * Output in pieces of at least this size is worth holding back: a program that talks to a person never writes
 * so much at once.
 */
const flood = 1 << 14;

/** What is held, of whichever screen: floods follow each other. 4 MiB are kept for the next one. */
export const heldBlocks = new BlockPool(64 << 10, 64);

/** What is held at most: lines so long that they fill it are parsed. */
const mostHeld = 8 << 20;

/** What a viewer is sent of it at most: a screenful of long lines. */
const mostShown = 64 << 10;

/** A piece of plain output. */
interface Piece {
  bytes: Uint8Array;
  lineFeeds: number;
  /** Where the SGR sequences begin that count: what comes before is undone by the one that stands here. */
  attributes: number;
}

/**
 * Plain output is text, tabs, CR, LF and SGR. Lines of it that lie further back than the scrollback reaches
 * leave nothing behind but the
 * attributes at their end, provided that the normal screen is shown and scrolls from its first row on. So of
 * a flood only the last lines need be parsed.
 */
export class Backlog {
  readonly #model: Model;
  readonly #lines: number;
  readonly #find: PlainTextScan;
  /** What was found last. */
  readonly #found = new Uint32Array(3);
  #pieces: Piece[] = [];
  #bytes = 0;
  #lineFeeds = 0;

  /**
   * @param scrollback lines that the model keeps above its screen.
   * @param find finds the plain beginning of output.
   */
  constructor(model: Model, scrollback: number, find: PlainTextScan) {
    this.#model = model;
    this.#lines = scrollback;
    this.#find = find;
  }

  /** Whether anything waits to be parsed. */
  get waiting(): boolean {
    return this.#bytes > 0;
  }

  /**
   * Takes the plain beginning of output that begins and ends between sequences, where it is worth it; answers
   * how many bytes.
   */
  hold(bytes: Uint8Array): number {
    if (this.#bytes === 0 && (bytes.length < flood || !this.#scrolls())) return 0;
    const piece = this.#piece(bytes);
    if (piece.bytes.length === 0) return 0;
    const copy = heldBlocks.room(piece.bytes.length);
    copy.set(piece.bytes);
    this.#keep({ ...piece, bytes: copy });
    return piece.bytes.length;
  }

  #keep(piece: Piece): void {
    this.#pieces.push(piece);
    this.#bytes += piece.bytes.length;
    this.#lineFeeds += piece.lineFeeds;
    this.#drop();
  }

  /** Whether plain output may be held, in pieces of any size. */
  get ready(): boolean {
    return !this.full && (this.waiting || this.#scrolls());
  }

  /**
   * Holds plain lines that are read to where they are held. Only where it is {@link ready} and what comes
   * next begins between sequences.
   * @param read fills the memory with what comes next; answers how many bytes that were.
   * @returns how many bytes were taken; 0 where what comes next is not plain up to the end of a line.
   */
  fetch(read: (into: Uint8Array) => number): number {
    const room = heldBlocks.room(heldBlocks.blockSize);
    const lines = endOfLines(room.subarray(0, read(room)));
    let piece = this.#piece(room.subarray(0, lines));
    if (piece.bytes.length < lines) piece = this.#piece(room.subarray(0, endOfLines(piece.bytes)));
    if (piece.bytes.length === 0) heldBlocks.giveBack(room.buffer);
    else this.#keep(piece);
    return piece.bytes.length;
  }

  /** Whether it is time to parse in any case. */
  get full(): boolean {
    return this.#bytes > mostHeld;
  }

  /**
   * What a terminal with the model's state has to be sent to show what the model would show once it had
   * parsed all that is held: of plain lines those that
   * are still visible. Undefined where that is too much: then parsing is better.
   */
  shown(): Uint8Array[] | undefined {
    const shown = this.#lastScreen() ?? this.#pieces.map(({ bytes }) => bytes);
    return shown.reduce((sum, part) => sum + part.length, 0) <= mostShown ? shown : undefined;
  }

  /**
   * A screenful of lines at the end, with the attributes that they begin with; undefined where the screen may
   * hold more than those.
   */
  #lastScreen(): Uint8Array[] | undefined {
    const { rows, normal } = this.#model;
    const begin = this.#lastLines(rows);
    if (begin === undefined) return undefined;
    const pieces = this.#pieces.slice(0, begin.piece);
    const { bytes } = this.#pieces[begin.piece] as Piece;
    pieces.push(this.#piece(bytes.subarray(0, begin.at)));
    // as in #drop: so many lines before, and the cursor stands in the last row that scrolls
    if (pieces.reduce((sum, { lineFeeds }) => sum + lineFeeds, 0) < rows) return undefined;
    const reset = pieces.findLastIndex(({ attributes }) => attributes > 0);
    const attributes = pieces.slice(Math.max(0, reset)).map(attributesOf);
    const place = Buffer.from(`\x1b[${normal.bottom + 1};1H`);
    return [...attributes, place, bytes.subarray(begin.at), ...this.#pieces.slice(begin.piece + 1).map((piece) => piece.bytes)];
  }

  /**
   * Where, behind a CR LF, at least `count` lines at the end begin; undefined where there is no such place.
   */
  #lastLines(count: number): { piece: number; at: number } | undefined {
    let left = count;
    for (let piece = this.#pieces.length - 1; piece >= 0; piece--) {
      const { bytes } = this.#pieces[piece] as Piece;
      for (let at = bytes.lastIndexOf(0x0a); at > 0; at = bytes.lastIndexOf(0x0a, at - 1))
        if (left-- <= 0 && bytes[at - 1] === 0x0d) return { piece, at: at + 1 };
    }
    return undefined;
  }

  /**
   * Parses all that is held, in order.
   * @throws whatever xterm.js throws; nothing is held any more then.
   */
  parse(): void {
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#bytes = 0;
    this.#lineFeeds = 0;
    for (const { bytes } of pieces) {
      this.#model.parse(bytes);
      heldBlocks.giveBack(bytes.buffer);
    }
  }

  /**
   * Lines that are pushed out at the top stay seen nowhere but in the scrollback; what stands below the
   * scroll region, as falcon's footer, stays
   * as it is, because plain output that begins in the region does not leave it.
   */
  #scrolls(): boolean {
    const { active, normal } = this.#model;
    return active === "normal" && normal.top === 0 && normal.y <= normal.bottom;
  }

  /** The longest plain part that `bytes` begin with. */
  #piece(bytes: Uint8Array): Piece {
    this.#find(bytes, this.#found);
    const [length, lineFeeds, attributes] = this.#found as unknown as [number, number, number];
    return { bytes: length === bytes.length ? bytes : bytes.subarray(0, length), lineFeeds, attributes };
  }

  /** Drops from the front what the rest of the output pushes out. */
  #drop(): void {
    const { rows } = this.#model;
    for (;;) {
      const [first, second] = this.#pieces;
      if (first === undefined || second === undefined) return;
      if (this.#lineFeeds - first.lineFeeds < this.#lines + rows) return;
      // behind a CR LF the cursor stands in the first column; in the last row that scrolls it stands when
      // enough lines were fed before
      const cut = endOfLine(second.bytes);
      if (cut === 0 || first.lineFeeds < rows) {
        // lines so long that a piece has no end of one, or a piece so short
        this.#pieces.splice(0, 2, this.#piece(Buffer.concat([first.bytes, second.bytes])));
        continue;
      }
      const head = this.#piece(second.bytes.subarray(0, cut));
      if (this.#lineFeeds - first.lineFeeds - head.lineFeeds < this.#lines + rows) return;
      this.#model.parse(attributesOf(first));
      this.#model.parse(attributesOf(head));
      this.#model.standBelow();
      this.#pieces.shift();
      heldBlocks.giveBack(first.bytes.buffer);
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

/** Behind the last CR LF; 0 without one. */
function endOfLines(bytes: Uint8Array): number {
  for (let at = bytes.lastIndexOf(0x0a); at > 0; at = bytes.lastIndexOf(0x0a, at - 1)) if (bytes[at - 1] === 0x0d) return at + 1;
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
  // a Buffer finds a byte many times faster than an array does; all sequences of a piece are SGRs, which end
  // with the first `m`
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = view.indexOf(0x1b, attributes); at >= 0; at = view.indexOf(0x1b, at + 1))
    sequences.push(bytes.subarray(at, view.indexOf(0x6d, at) + 1));
  return Buffer.concat(sequences);
}
