// Watches the sequences whose effect xterm.js does not keep (palette, keyboard protocols, unknown modes,
// origin of saved cursors …) and keeps it.
import { Bg } from "./cells.ts";
import type { Model } from "./model.ts";
import type { KeptMarks } from "./progress-marks.ts";
import { type KeyboardStack, Settings, type SqueezedRegion, type TitleEntry, type Tracked, untouched } from "./tracked.ts";

/** DEC modes that the model keeps, or that are handled by name. */
const kept = new Set([1, 2, 6, 7, 12, 25, 45, 47, 66, 1004, 1047, 1048, 1049, 2004, 2026]);

const mouse = new Set([9, 1000, 1001, 1002, 1003, 1005, 1006, 1015, 1016]);

/**
 * DEC modes that are never replayed: 3 and 40 resize or clear, 38 turns a terminal into a Tektronix, 1045
 * excludes 45 on some, and 2048 makes
 * each viewer's terminal report its own size to the program: the screen answers for that one.
 */
const neverReplayed = new Set([3, 38, 40, 1045, 2048]);

/**
 * DEC modes that are on until a program switches them off: key repeat, alternate scroll, and xterm's keys
 * with Meta and Alt.
 */
const onByDefault = new Set([8, 1007, 1034, 1035, 1036, 1039, 1041]);

/** xterm and xterm.js keep ten titles. */
const mostTitles = 10;

/** Kitty keeps fewer; more can only come from a fault. */
const mostKeyboards = 16;

/** Longest title, colour or path that is kept. */
const longestText = 4096;

type Parameters = (number | number[])[];

export class Tracker {
  readonly #model: Model;
  #state: Tracked = untouched();
  #privateModes = new Settings<number, boolean>([]);
  #ansiModes = new Settings<number, boolean>([]);
  #mouseModes = new Settings<number, boolean>([]);
  #palette = new Settings<string, string>([]);
  #dynamicColours = new Settings<number, string>([]);
  #modifyKeys = new Settings<number, number>([]);
  readonly #onTitle: (title: string) => void;

  /** @param onTitle told of each change of the window's title. */
  constructor(model: Model, onTitle: (title: string) => void = () => {}) {
    this.#model = model;
    this.#onTitle = onTitle;
    this.#watchModes();
    this.#watchCursor();
    this.#watchColours();
    this.#watchKeyboard();
    this.#watchTitles();
    this.#watchResets();
  }

  /** A copy of all that is known. */
  get state(): Tracked {
    return structuredClone({
      ...this.#state,
      privateModes: [...this.#privateModes.map],
      ansiModes: [...this.#ansiModes.map],
      mouseModes: [...this.#mouseModes.map],
      palette: [...this.#palette.map],
      dynamicColours: [...this.#dynamicColours.map],
      modifyKeys: [...this.#modifyKeys.map],
    });
  }

  set state(state: Tracked) {
    this.#state = structuredClone(state);
    this.#privateModes = new Settings(state.privateModes);
    this.#ansiModes = new Settings(state.ansiModes);
    this.#mouseModes = new Settings(state.mouseModes);
    this.#palette = new Settings(state.palette);
    this.#dynamicColours = new Settings(state.dynamicColours);
    this.#modifyKeys = new Settings(state.modifyKeys);
  }

  /** What was told of the progress, which a terminal that is reset shows as before. */
  get marks(): KeptMarks {
    return this.#state.marks ?? { progress: undefined, prompt: false };
  }

  mark(change: Partial<KeptMarks>): void {
    this.#state.marks = { ...this.marks, ...change };
  }

  get title(): string {
    return this.#state.title;
  }

  /** The last value of a DEC mode that only the tracker knows; undefined where the program never set it. */
  privateMode(mode: number): boolean | undefined {
    return this.#privateModes.map.get(mode);
  }

  get keyboardFlags(): number {
    return this.#keyboard().flags;
  }

  modifyKey(resource: number): number | undefined {
    return this.#modifyKeys.map.get(resource);
  }

  /** A colour that the program set: `4;index`, or the number of an OSC 10 to 19. */
  colour(which: string | number): string | undefined {
    return typeof which === "number" ? this.#dynamicColours.map.get(which) : this.#palette.map.get(which);
  }

  /** Titles pushed and not popped. */
  get titleCount(): number {
    return this.#state.titles.length;
  }

  get coloursTouched(): boolean {
    return this.#state.coloursTouched;
  }

  get inBandResize(): boolean {
    return this.#state.inBandResize;
  }

  squeezed(index: 0 | 1): SqueezedRegion | null {
    return this.#state.squeezed[index];
  }

  setSqueezed(index: 0 | 1, region: SqueezedRegion | null): void {
    this.#state.squeezed[index] = region;
  }

  /** Within one sequence of several modes the model is behind: it sees them after the tracker. */
  #index(): 0 | 1 {
    return this.#state.enteredBy !== 0 ? 1 : 0;
  }

  #keyboard(): KeyboardStack {
    return this.#state.keyboards[this.#index()];
  }

  #csi(
    id: { prefix?: string; intermediates?: string; final: string },
    watch: (numbers: number[], all: Parameters) => void,
  ): void {
    this.#model.terminal.parser.registerCsiHandler(id, (parameters) => {
      watch(
        parameters.filter((p): p is number => typeof p === "number"),
        parameters,
      );
      return false;
    });
  }

  #osc(number: number, watch: (text: string) => void): void {
    this.#model.terminal.parser.registerOscHandler(number, (text) => {
      if (text.length <= longestText) watch(text);
      return false;
    });
  }

  #esc(id: { intermediates?: string; final: string }, watch: () => void): void {
    this.#model.terminal.parser.registerEscHandler(id, () => {
      watch();
      return false;
    });
  }

  #watchModes(): void {
    for (const [final, on] of [
      ["h", true],
      ["l", false],
    ] as const) {
      this.#csi({ prefix: "?", final }, (modes) => {
        for (const mode of modes) this.#privateModeSet(mode, on);
      });
      this.#csi({ final }, (modes) => {
        for (const mode of modes) if (mode !== 4 && mode !== 20) this.#ansiModes.set(mode, on);
      });
    }
  }

  #privateModeSet(mode: number, on: boolean): void {
    if (mouse.has(mode)) this.#mouseModes.set(mode, on);
    else if (mode === 2048) this.#state.inBandResize = on;
    else if (!kept.has(mode) && !neverReplayed.has(mode)) this.#privateModes.set(mode, on);
    if (mode === 12) this.#state.blink = on;
    else if (mode === 2 && on) this.#state.designated = ["B", "B", "B", "B"];
    else if (mode === 1048) {
      if (on) this.#save();
      else this.#restore();
    } else if (mode === 47 || mode === 1047 || mode === 1049) {
      if (on && mode === 1049) this.#save();
      this.#state.enteredBy = on ? mode : 0;
      this.#state.squeezed[1] = null;
      if (!on && mode === 1049) {
        const saved = this.#state.saved[0];
        if (saved !== null) this.#state.designated = [...saved.designated];
      }
    }
  }

  #watchCursor(): void {
    this.#esc({ final: "7" }, () => this.#save());
    this.#csi({ final: "s" }, () => this.#save());
    this.#esc({ final: "8" }, () => this.#restore());
    this.#csi({ final: "u" }, () => this.#restore());
    this.#csi({ final: "r" }, () => {
      this.#state.squeezed[this.#index()] = null;
    });
    this.#csi({ final: "g" }, ([what = 0]) => {
      this.#state.tabsTouched = true;
      if (what === 3) this.#state.tabsCleared = true;
    });
    this.#esc({ final: "H" }, () => {
      this.#state.tabsTouched = true;
    });
    const levels: Record<string, number> = { "(": 0, ")": 1, "*": 2, "+": 3, "-": 1, ".": 2 };
    for (const [intermediates, level] of Object.entries(levels)) {
      for (const final of "0AB4C5RQKYE6ZH7=") {
        this.#esc({ intermediates, final }, () => {
          this.#state.designated[level] = final;
        });
      }
    }
    for (const final of "@G") {
      this.#esc({ intermediates: "%", final }, () => {
        this.#state.designated[0] = "B";
      });
    }
  }

  #save(): void {
    const model = this.#model;
    this.#state.saved[this.#index()] = {
      origin: model.modes.origin,
      pending: model.screen.x >= model.cols,
      designated: [...this.#state.designated],
      level: model.charsets.level,
      underline: model.pen.underline,
      link: model.link(model.pen.link) ?? null,
      protected: (model.pen.bg & Bg.protected) !== 0,
    };
  }

  #restore(): void {
    const saved = this.#state.saved[this.#index()];
    if (saved !== null) this.#state.designated = [...saved.designated];
  }

  #watchColours(): void {
    for (const number of [4, 5]) {
      this.#osc(number, (text) => {
        const parts = text.split(";");
        for (let i = 0; i + 1 < parts.length; i += 2) {
          const colour = parts[i + 1];
          if (colour !== undefined && colour !== "" && colour !== "?") this.#palette.set(`${number};${parts[i]}`, colour);
        }
        this.#state.coloursTouched = true;
      });
      this.#osc(100 + number, (text) => {
        const keys =
          text === ""
            ? [...this.#palette.map.keys()].filter((key) => key.startsWith(`${number};`))
            : text.split(";").map((i) => `${number};${i}`);
        for (const key of keys) this.#palette.map.delete(key);
      });
    }
    for (let number = 10; number <= 19; number++) {
      this.#osc(number, (text) => {
        for (const [i, colour] of text.split(";").entries()) {
          if (colour !== "" && colour !== "?" && number + i <= 19) this.#dynamicColours.set(number + i, colour);
        }
        this.#state.coloursTouched = true;
      });
      this.#osc(100 + number, () => this.#dynamicColours.map.delete(number));
    }
    this.#osc(22, (text) => {
      this.#state.pointer = text;
    });
    this.#osc(7, (text) => {
      this.#state.directory = text;
    });
  }

  #watchKeyboard(): void {
    this.#csi({ prefix: ">", final: "u" }, ([flags = 0]) => {
      const keyboard = this.#keyboard();
      keyboard.stack.push(keyboard.flags);
      if (keyboard.stack.length > mostKeyboards) keyboard.stack.shift();
      keyboard.flags = flags;
    });
    this.#csi({ prefix: "<", final: "u" }, ([count]) => {
      const keyboard = this.#keyboard();
      for (let left = count || 1; left > 0; left--) {
        const below = keyboard.stack.pop();
        keyboard.flags = below ?? 0;
        if (below === undefined) break;
      }
    });
    this.#csi({ prefix: "=", final: "u" }, ([flags = 0, how = 1]) => {
      const keyboard = this.#keyboard();
      keyboard.flags = how === 3 ? keyboard.flags & ~flags : how === 2 ? keyboard.flags | flags : flags;
    });
    this.#csi({ prefix: ">", final: "m" }, ([resource = 0, value], all) => {
      if (all.length === 0 || (all.length === 1 && resource === 0)) this.#modifyKeys.map.clear();
      else if (value === undefined || value < 0) this.#modifyKeys.map.delete(resource);
      else this.#modifyKeys.set(resource, value);
    });
    this.#csi({ prefix: ">", final: "n" }, ([resource]) => this.#modifyKeys.map.delete(resource || 2));
  }

  #watchTitles(): void {
    const set = (title: string | undefined, icon: string | undefined) => {
      if (icon !== undefined) this.#state.icon = icon;
      if (title === undefined) return;
      this.#state.title = title;
      this.#onTitle(title);
    };
    this.#osc(0, (text) => set(text, text));
    this.#osc(1, (text) => set(undefined, text));
    this.#osc(2, (text) => set(text, undefined));
    this.#csi({ final: "t" }, ([operation, what = 0]) => {
      if (what > 2) return;
      if (operation === 22) this.#pushTitle(what);
      else if (operation === 23) {
        const title = what !== 1 ? this.#popTitle("title") : undefined;
        const icon = what !== 2 ? this.#popTitle("icon") : undefined;
        set(title, icon);
      }
    });
  }

  #pushTitle(what: number): void {
    const { titles } = this.#state;
    const entry: TitleEntry = {};
    if (what !== 1) entry.title = this.#state.title;
    if (what !== 2) entry.icon = this.#state.icon;
    titles.push(entry);
    for (const part of ["title", "icon"] as const) {
      const holding = titles.filter((e) => e[part] !== undefined);
      if (holding.length > mostTitles) delete holding[0]?.[part];
    }
    this.#state.titles = titles.filter((e) => e.title !== undefined || e.icon !== undefined);
  }

  /** Titles and icon titles are popped apart, as xterm.js does. */
  #popTitle(part: "title" | "icon"): string | undefined {
    const { titles } = this.#state;
    const entry = titles.findLast((e) => e[part] !== undefined);
    const text = entry?.[part];
    if (entry !== undefined) delete entry[part];
    this.#state.titles = titles.filter((e) => e.title !== undefined || e.icon !== undefined);
    return text;
  }

  #watchResets(): void {
    this.#esc({ final: "c" }, () => this.#fullReset());
    this.#csi({ intermediates: "!", final: "p" }, () => {
      this.#state.designated = ["B", "B", "B", "B"];
      this.#state.saved[this.#index()] = null;
      this.#state.squeezed[this.#index()] = null;
    });
  }

  /** RIS: titles stay, and modes that were on are known to be off now. */
  #fullReset(): void {
    const { title, icon, titles, blink, marks } = this.#state;
    const { tabsTouched, coloursTouched } = this.#state;
    this.#state = { ...untouched(), title, icon, titles, blink, marks, tabsTouched, coloursTouched, wasReset: true };
    for (const settings of [this.#privateModes, this.#ansiModes, this.#mouseModes]) {
      for (const [mode, on] of settings.map) {
        const reset = settings === this.#privateModes && onByDefault.has(mode);
        if (on === reset) settings.map.delete(mode);
        else settings.map.set(mode, reset);
      }
    }
    this.#palette.map.clear();
    this.#dynamicColours.map.clear();
    this.#modifyKeys.map.clear();
  }
}
