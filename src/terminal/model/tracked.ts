// What a tracker knows (tracker.ts), as plain data: that of a terminal to which nothing has been said, and
// settings that are kept in the order of their last change.
import type { Link } from "./cells.ts";
import type { KeptMarks } from "./progress-marks.ts";

/** What DECSC saves and xterm.js does not. */
export interface SavedExtra {
  origin: boolean;
  /** The cursor stood past the last column. */
  pending: boolean;
  designated: string[];
  level: number;
  underline: number;
  link: Link | null;
  protected: boolean;
}

/** Kitty's keyboard protocol on one screen: the flags in force and those pushed below them. */
export interface KeyboardStack {
  flags: number;
  stack: number[];
}

/** One XTWINOPS 22: the title, the icon's, or both. */
export interface TitleEntry {
  title?: string;
  icon?: string;
}

/** A scroll region that a smaller terminal had no room for: first row, and rows below it. */
export interface SqueezedRegion {
  top: number;
  footer: number;
}

/** Everything that the tracker knows; plain data. Indices 0 and 1 are the normal and the alternate screen. */
export interface Tracked {
  /** DEC modes that xterm.js does not know, in the order of their last change. */
  privateModes: [mode: number, on: boolean][];
  ansiModes: [mode: number, on: boolean][];
  /** Mouse protocols and encodings in the order of their last change: the last one set is in force. */
  mouseModes: [mode: number, on: boolean][];
  /** The mode that entered the alternate screen; 0 while it is not shown. */
  enteredBy: 0 | 47 | 1047 | 1049;
  saved: [SavedExtra | null, SavedExtra | null];
  designated: string[];
  /** `4;index` or `5;index` and the colour. */
  palette: [key: string, colour: string][];
  /** OSC 10 to 19. */
  dynamicColours: [number: number, colour: string][];
  pointer: string;
  directory: string;
  keyboards: [KeyboardStack, KeyboardStack];
  modifyKeys: [resource: number, value: number][];
  title: string;
  icon: string;
  titles: TitleEntry[];
  /** DEC mode 12 where the program said anything about it. */
  blink: boolean | null;
  /** All tab stops were cleared: those right of the edge too. */
  tabsCleared: boolean;
  tabsTouched: boolean;
  coloursTouched: boolean;
  /** The terminal was reset by RIS: what a viewer's terminal remembers from before is to be reset, too. */
  wasReset: boolean;
  squeezed: [SqueezedRegion | null, SqueezedRegion | null];
  /** DEC mode 2048: the program wants to be told of each new size. */
  inBandResize: boolean;
  /** What was told of the progress; undefined: nothing, or stored by a version that did not keep it. */
  marks?: KeptMarks | undefined;
}

/** More modes than any terminal has: a program that sets them all must not make us grow. */
const mostModes = 256;

export function untouched(): Tracked {
  return {
    privateModes: [],
    ansiModes: [],
    mouseModes: [],
    enteredBy: 0,
    saved: [null, null],
    designated: ["B", "B", "B", "B"],
    palette: [],
    dynamicColours: [],
    pointer: "",
    directory: "",
    keyboards: [
      { flags: 0, stack: [] },
      { flags: 0, stack: [] },
    ],
    modifyKeys: [],
    title: "",
    icon: "",
    titles: [],
    blink: null,
    tabsCleared: false,
    tabsTouched: false,
    coloursTouched: false,
    wasReset: false,
    squeezed: [null, null],
    inBandResize: false,
  };
}

/** A list of pairs as a map in order of last change. */
export class Settings<K, V> {
  readonly map: Map<K, V>;

  constructor(entries: Iterable<readonly [K, V]>) {
    this.map = new Map(entries);
  }

  set(key: K, value: V): void {
    this.map.delete(key);
    this.map.set(key, value);
    if (this.map.size > mostModes) this.map.delete(this.map.keys().next().value as K);
  }
}
