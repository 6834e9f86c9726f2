// A screen as bytes to store, scrollback and hidden state included, and the way back: exact, and compressed.
import { deflateSync, inflateSync } from "../../base/endable-worker.ts";
import type { BufferView, SavedCursor, StoredLine, Which } from "../model/buffer-view.ts";
import { Bg, Content, type Link, type Pen, type Row, slots } from "../model/cells.ts";
import { Model, type Modes, type Mouse } from "../model/model.ts";
import type { Tracked } from "../model/tracked.ts";
import { Writer } from "./writer.ts";

/** First bytes of a stored screen; the last one is the version of all that follows. */
const magic = Buffer.from("FSCR\x02", "latin1");

/**
 * Bytes of an unpacked screen: a million lines of history take about 200 MB. What claims to be more is none,
 * and of a screen that is longer the oldest lines are left out.
 */
const largestStored = 1 << 28;
/** A longer screen is cut to this part of that: it is stored again soon, and lines are not of one length. */
const cutTo = 0.9;

/** Fast is what counts: a screen of 10,000 lines is stored every few seconds. */
const level = 1;

/** How a cell begins: what is not a plain character of one column needs more. */
const Token = { rightHalf: 0, character: 1, combined: 2, plain: 3 } as const;

interface StoredBuffer {
  base: number;
  count: number;
  x: number;
  y: number;
  top: number;
  bottom: number;
  tabs: number[];
  saved: SavedCursor;
}

interface Stored {
  cols: number;
  rows: number;
  active: Which;
  normal: StoredBuffer;
  alternate: StoredBuffer;
  pen: Pen;
  charsets: { designated: string[]; level: number; effective: string };
  modes: Modes;
  cursorHidden: boolean;
  insertMode: boolean;
  newLineMode: boolean;
  blinkMode: boolean;
  mouse: Mouse;
  joining: number;
  tracked: Tracked;
  links: Link[];
  /** Foreground, background, underline and link of the cells, numbered from 0. */
  attributes: [fg: number, bg: number, underline: number, link: number][];
}

/**
 * Stores a model and what the tracker knows.
 * @param most bytes before they are compressed. @throws RangeError where the screen without its scrollback is
 * longer.
 */
export function encodeScreen(model: Model, tracked: Tracked, most = largestStored): Buffer {
  const { base, length } = model.normal;
  for (let leftOut = 0; ; ) {
    const body = encodeBody(model, tracked, leftOut);
    if (body.length <= most) return Buffer.concat([magic, deflateSync(body, { level })]);
    if (leftOut === base) throw new RangeError("the screen is too long to be stored");
    leftOut = Math.min(base, length - Math.floor(((length - leftOut) * most * cutTo) / body.length));
  }
}

/** @param leftOut oldest lines that are not stored. */
function encodeBody(model: Model, tracked: Tracked, leftOut: number): Buffer {
  const { normal, alternate } = model;
  const cells = new CellEncoder(model);
  for (let i = leftOut; i < normal.length; i++) cells.line(normal.line(i));
  for (let i = 0; i < alternate.length; i++) cells.line(alternate.line(i));
  const pen = { ...model.pen, link: cells.linkIndex(model.pen.link) };
  const stored: Stored = {
    cols: model.cols,
    rows: model.rows,
    active: model.active,
    normal: { ...storeBuffer(normal), base: normal.base - leftOut, count: normal.length - leftOut },
    alternate: storeBuffer(alternate),
    pen,
    charsets: model.charsets,
    modes: model.modes,
    cursorHidden: model.cursorHidden,
    insertMode: model.insertMode,
    newLineMode: model.newLineMode,
    blinkMode: model.blinkMode,
    mouse: model.mouse,
    joining: model.joining,
    tracked,
    links: cells.links,
    attributes: cells.attributes,
  };
  const head = Buffer.from(JSON.stringify(stored), "utf8");
  const length = Buffer.alloc(4);
  length.writeUInt32LE(head.length);
  return Buffer.concat([length, head, cells.take()]);
}

/**
 * A fresh model with a stored screen.
 * @param scrollback lines that it keeps above the screen.
 * @throws RangeError when the bytes are no stored screen of this version; other errors where they are
 * damaged.
 */
export function decodeScreen(bytes: Uint8Array, scrollback: number): { model: Model; tracked: Tracked } {
  const { stored, cells } = unpack(bytes);
  const model = new Model(stored.cols, stored.rows, scrollback);
  const links = model.addLinks(stored.links);
  const linkNumber = (index: number) => (index === 0 ? 0 : (links[index - 1] ?? 0));
  const decoder = new CellDecoder(cells, stored.cols, stored.attributes, linkNumber);
  // the alternate buffer has lines only while it is shown
  if (stored.active === "alternate") model.activate("alternate");
  for (const [view, buffer] of [
    [model.normal, stored.normal],
    [model.alternate, stored.alternate],
  ] as const) {
    const lines = Array.from({ length: buffer.count }, () => decoder.line());
    if (buffer.count > 0) view.setLines(lines, buffer.base);
    view.setCursor(buffer.x, buffer.y);
    view.setRegion(buffer.top, buffer.bottom);
    view.setTabs(buffer.tabs);
    view.setSaved(buffer.saved);
  }
  model.pen = { ...stored.pen, link: linkNumber(stored.pen.link) };
  model.charsets = stored.charsets;
  // undefined does not survive JSON
  model.modes = {
    ...stored.modes,
    cursorStyle: stored.modes.cursorStyle ?? undefined,
    cursorBlink: stored.modes.cursorBlink ?? undefined,
  };
  model.cursorHidden = stored.cursorHidden;
  model.insertMode = stored.insertMode;
  model.newLineMode = stored.newLineMode;
  model.blinkMode = stored.blinkMode;
  model.mouse = stored.mouse;
  model.joining = stored.joining;
  return { model, tracked: stored.tracked };
}

function unpack(bytes: Uint8Array): { stored: Stored; cells: Buffer } {
  if (!magic.equals(bytes.subarray(0, magic.length))) throw new RangeError("not a stored screen of this version");
  // zlib's own checksum refuses what was damaged on the way: the cells and states in it are then as they were
  // written
  const body = inflateSync(bytes.subarray(magic.length), { maxOutputLength: largestStored });
  const length = body.readUInt32LE(0);
  const stored = JSON.parse(body.subarray(4, 4 + length).toString("utf8")) as Stored;
  return { stored, cells: body.subarray(4 + length) };
}

function storeBuffer(view: BufferView): StoredBuffer {
  const { base, length: count, x, y, top, bottom, tabs, saved } = view;
  return { base, count, x, y, top, bottom, tabs, saved };
}

class CellEncoder {
  readonly #model: Model;
  readonly #out = new Writer();
  readonly attributes: [number, number, number, number][] = [];
  readonly links: Link[] = [];
  readonly #attributeIndex = new Map<string, number>();
  readonly #linkIndex = new Map<number, number>();

  constructor(model: Model) {
    this.#model = model;
  }

  take(): Buffer {
    return this.#out.take();
  }

  linkIndex(number: number): number {
    if (number === 0) return 0;
    const known = this.#linkIndex.get(number);
    if (known !== undefined) return known;
    this.links.push(this.#model.link(number) ?? { id: "", uri: "" });
    this.#linkIndex.set(number, this.links.length);
    return this.links.length;
  }

  #varint(value: number): void {
    let left = value;
    while (left >= 0x80) {
      this.#out.byte((left & 0x7f) | 0x80);
      left >>>= 7;
    }
    this.#out.byte(left);
  }

  /** A line: flag and length in use, then runs of cells with the same attributes. */
  line(line: Row): void {
    const { data } = line;
    let used = line.length;
    while (
      used > 0 &&
      data[(used - 1) * slots] === 1 << Content.widthShift &&
      data[used * slots - 2] === 0 &&
      data[used * slots - 1] === 0
    )
      used--;
    this.#varint(used * 2 + (line.wrapped ? 1 : 0));
    for (let x = 0; x < used; ) {
      const index = this.#attributes(line, x);
      const fg = data[x * slots + 1];
      const bg = data[x * slots + 2] as number;
      let end = x + 1;
      if (bg & Bg.extended) while (end < used && this.#attributes(line, end) === index) end++;
      else while (end < used && data[end * slots + 1] === fg && data[end * slots + 2] === bg) end++;
      this.#varint(end - x);
      this.#varint(index);
      for (; x < end; x++) this.#cell(line, x);
    }
  }

  #attributes(line: Row, x: number): number {
    const fg = line.data[x * slots + 1] as number;
    const bg = line.data[x * slots + 2] as number;
    const underline = bg & Bg.extended ? line.underline(x) : 0;
    const link = bg & Bg.extended ? this.linkIndex(line.link(x)) : 0;
    const key = `${fg},${bg},${underline},${link}`;
    let index = this.#attributeIndex.get(key);
    if (index === undefined) {
      index = this.attributes.push([fg, bg, underline, link]) - 1;
      this.#attributeIndex.set(key, index);
    }
    return index;
  }

  #cell(line: Row, x: number): void {
    const content = line.data[x * slots] as number;
    const width = content >>> Content.widthShift;
    if (content & Content.combined) {
      const text = Buffer.from(line.combined(x), "utf8");
      this.#varint(Token.combined);
      this.#varint(width);
      this.#varint(text.length);
      this.#out.bytes(text);
    } else if (width === 1) this.#varint((content & Content.codePoint) + Token.plain);
    else if (content === 0) this.#varint(Token.rightHalf);
    else {
      this.#varint(Token.character);
      this.#varint(width);
      this.#varint(content & Content.codePoint);
    }
  }
}

class CellDecoder {
  readonly #bytes: Buffer;
  readonly #cols: number;
  readonly #attributes: [number, number, number, number][];
  readonly #link: (index: number) => number;
  #at = 0;

  constructor(bytes: Buffer, cols: number, attributes: [number, number, number, number][], link: (index: number) => number) {
    this.#bytes = bytes;
    this.#cols = cols;
    this.#attributes = attributes;
    this.#link = link;
  }

  #varint(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined || shift > 28) throw new RangeError("the stored screen is cut short");
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  }

  line(): StoredLine {
    const header = this.#varint();
    const used = Math.min(header >>> 1, this.#cols);
    const data = new Uint32Array(this.#cols * slots);
    const combined: StoredLine["combined"] = [];
    const extended: StoredLine["extended"] = [];
    let x = 0;
    while (x < used) {
      const end = Math.min(x + this.#varint(), used);
      const [fg, bg, underline, link] = this.#attributes[this.#varint()] ?? [0, 0, 0, 0];
      if (end === x) throw new RangeError("the stored screen has an empty run");
      for (; x < end; x++) {
        // nearly all are plain ASCII
        const next = this.#bytes[this.#at] as number;
        if (next < 0x80) this.#at++;
        const token = next < 0x80 ? next : this.#varint();
        const at = x * slots;
        if (token === Token.combined) {
          const width = this.#varint();
          const length = this.#varint();
          combined.push([x, this.#bytes.toString("utf8", this.#at, this.#at + length)]);
          this.#at += length;
          data[at] = Content.combined | (width << Content.widthShift);
        } else if (token === Token.character) {
          const width = this.#varint();
          data[at] = this.#varint() | (width << Content.widthShift);
        } else if (token !== Token.rightHalf) data[at] = (token - Token.plain) | (1 << Content.widthShift);
        data[at + 1] = fg;
        data[at + 2] = bg;
        if (bg & Bg.extended) extended.push([x, underline, this.#link(link)]);
      }
    }
    for (; x < this.#cols; x++) data[x * slots] = 1 << Content.widthShift;
    return { data, wrapped: (header & 1) === 1, combined, extended };
  }
}
