// Counts what a backtracking matcher does with a pattern and a text: so that work can be measured against
// length, where time would depend on the machine. Reads what the patterns of src are written with; throws at
// anything else.

type Node =
  | { is: "char"; fits(text: string): boolean }
  | { is: "all"; parts: Node[] }
  | { is: "one"; ways: Node[] }
  | { is: "group"; number: number; inner: Node }
  | { is: "look"; behind: boolean; not: boolean; inner: Node }
  | { is: "times"; least: number; most: number; lazy: boolean; inner: Node }
  | { is: "edge"; holds(before: string | undefined, after: string | undefined): boolean }
  | { is: "again"; number: number };

/** Characters that attacks are made of: letters, and whatever means something in what programs write. */
const alphabet = [..."a0. :/\\-_=,;'\"()[]{}<>|@#$%^&*+?!~`Azxe\t\n\r\x1b\x07\x00é漢\u200b"];

/** Text that is long where the pattern repeats something, and such that the end does not fit. */
export interface Attack {
  /** @param length of it, about. */
  text(length: number): string;
  /** For the failure's sentence. */
  what: string;
}

export class PatternSteps {
  readonly #flags: string;
  readonly #unicode: boolean;
  readonly #source: string;
  /** What each character of the pattern fits. */
  readonly #atoms: ((text: string) => boolean)[] = [];
  #at = 0;
  #groups = 0;
  readonly #pattern: Node;

  /** @throws Error for what this cannot read. */
  constructor(source: string, flags: string) {
    this.#source = source;
    this.#flags = flags;
    this.#unicode = /[uv]/.test(flags);
    this.#pattern = this.#ways();
    if (this.#at < source.length) throw new Error(`not understood at ${this.#at}: ${source}`);
  }

  // ---- what is written

  #take(pattern: RegExp): string | undefined {
    const sticky = new RegExp(pattern, "y");
    sticky.lastIndex = this.#at;
    const found = sticky.exec(this.#source)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #ways(): Node {
    const ways = [this.#all()];
    while (this.#take(/\|/)) ways.push(this.#all());
    return ways.length === 1 ? (ways[0] as Node) : { is: "one", ways };
  }

  #all(): Node {
    const parts: Node[] = [];
    while (this.#at < this.#source.length && !/[|)]/.test(this.#source[this.#at] as string)) {
      const part = this.#part();
      const times = this.#take(/[*+?]\??|\{\d+(?:,\d*)?\}\??/);
      parts.push(times === undefined ? part : repeated(part, times));
    }
    return parts.length === 1 ? (parts[0] as Node) : { is: "all", parts };
  }

  #part(): Node {
    if (this.#take(/\^/)) {
      const lines = this.#flags.includes("m");
      return { is: "edge", holds: (before) => before === undefined || (lines && before === "\n") };
    }
    if (this.#take(/\$/)) {
      const lines = this.#flags.includes("m");
      return { is: "edge", holds: (_, after) => after === undefined || (lines && after === "\n") };
    }
    const word = this.#take(/\\[bB]/);
    if (word !== undefined) {
      const isWord = (text = "") => /^\w/.test(text);
      return { is: "edge", holds: (before, after) => (isWord(before) !== isWord(after)) === (word === "\\b") };
    }
    const look = this.#take(/\(\?<?[=!]/);
    if (look !== undefined)
      return this.#closed({ is: "look", behind: look.includes("<"), not: look.endsWith("!"), inner: this.#ways() });
    if (this.#take(/\(\?:/)) return this.#closed(this.#ways());
    if (this.#take(/\((?:\?<\w+>)?/)) {
      const number = ++this.#groups;
      return this.#closed({ is: "group", number, inner: this.#ways() });
    }
    const again = this.#take(/\\[1-9]/);
    if (again !== undefined) return { is: "again", number: Number(again[1]) };
    const atom =
      this.#take(/\[(?:[^\]\\]|\\[\s\S])*\]/) ??
      this.#take(/\\(?:x[0-9a-fA-F]{2}|u\{[0-9a-fA-F]+\}|u[0-9a-fA-F]{4}|[pP]\{[^}]*\}|c[A-Za-z]|[^1-9kbB])/) ??
      this.#take(/[^\\()|*+?[]/u);
    if (atom === undefined) throw new Error(`not understood at ${this.#at}: ${this.#source}`);
    const known = new Map<string, boolean>();
    const pattern = new RegExp(`^(?:${atom})$`, this.#flags.replace(/[gy]/g, ""));
    const fits = (text: string) => {
      const answer = known.get(text) ?? pattern.test(text);
      known.set(text, answer);
      return answer;
    };
    this.#atoms.push(fits);
    return { is: "char", fits };
  }

  #closed(node: Node): Node {
    if (!this.#take(/\)/)) throw new Error(`no end of a group at ${this.#at}: ${this.#source}`);
    return node;
  }

  // ---- what is done

  /** Steps until the pattern is found in the text, with the flags g and y as often as it is there. */
  count(text: string, most = Number.POSITIVE_INFINITY): number {
    const characters = this.#unicode ? [...text] : text.split("");
    const groups: (string | undefined)[] = [];
    let steps = 0;

    const match = (node: Node, at: number, back: boolean, then: (at: number) => boolean): boolean => {
      if (++steps > most) throw new TooMany();
      const next = back ? at - 1 : at;
      switch (node.is) {
        case "char": {
          const character = characters[next];
          return character !== undefined && node.fits(character) && then(back ? at - 1 : at + 1);
        }
        case "edge":
          return node.holds(characters[at - 1], characters[at]) && then(at);
        case "all": {
          const parts = back ? [...node.parts].reverse() : node.parts;
          const from = (i: number, place: number): boolean =>
            i === parts.length ? then(place) : match(parts[i] as Node, place, back, (end) => from(i + 1, end));
          return from(0, at);
        }
        case "one":
          return node.ways.some((way) => match(way, at, back, then));
        case "group": {
          const before = groups[node.number];
          const fits = match(node.inner, at, back, (end) => {
            groups[node.number] = characters.slice(Math.min(at, end), Math.max(at, end)).join("");
            return then(end);
          });
          if (!fits) groups[node.number] = before;
          return fits;
        }
        case "look":
          return match(node.inner, at, node.behind, () => true) !== node.not && then(at);
        case "again": {
          const wanted = groups[node.number] ?? "";
          steps += wanted.length;
          return characters.slice(at, at + wanted.length).join("") === wanted && then(at + wanted.length);
        }
        case "times": {
          const once = (done: number, place: number): boolean => {
            const more = () =>
              done < node.most &&
              match(node.inner, place, back, (end) => (end !== place || done < node.least) && once(done + 1, end));
            if (done < node.least) return more();
            return node.lazy ? then(place) || more() : more() || then(place);
          };
          return once(0, at);
        }
      }
    };

    for (let start = 0; start <= characters.length; ) {
      let end = -1;
      const found = match(this.#pattern, start, false, (place) => {
        end = place;
        return true;
      });
      if (this.#flags.includes("y") && !found) break;
      if (found && !/[gy]/.test(this.#flags)) break;
      start = found ? Math.max(end, start + 1) : start + 1;
    }
    return steps;
  }

  // ---- what could make it do much

  /** For everything that it repeats without a bound: long texts of that, behind what comes before it. */
  attacks(): Attack[] {
    const pieces = new Map<string, Set<string>>();
    const add = (before: string, piece: string) => {
      if (piece !== "") pieces.set(before, (pieces.get(before) ?? new Set()).add(piece));
    };
    // those that no part of the pattern tells apart are one
    const kinds = new Map(
      alphabet.map((c) => [`${this.#atoms.map((atom) => Number(atom(c))).join("")}${/\w/.test(c)}${c === "\n"}`, c]),
    );
    const walk = (node: Node, before: string): void => {
      if (node.is === "all")
        node.parts.reduce((text, part) => {
          walk(part, text);
          return text + sample(part);
        }, before);
      else if (node.is === "one") for (const way of node.ways) walk(way, before);
      else if (node.is === "group" || node.is === "look") walk(node.inner, before);
      else if (node.is === "times") {
        if (node.most > manyTimes) {
          if (node.inner.is === "char") for (const c of kinds.values()) if (node.inner.fits(c)) add(before, c);
          add(before, sample(node.inner));
        }
        walk(node.inner, before);
      }
    };
    walk(this.#pattern, "");
    const whole = sample(this.#pattern);
    const attacks: Attack[] = [];
    const put = (what: string, text: (times: number) => string) => attacks.push({ what, text });
    const many = (piece: string, length: number) => piece.repeat(Math.max(1, Math.round(length / piece.length)));
    if (whole !== "") put(`${JSON.stringify(whole)} many times`, (length) => many(whole, length));
    for (const [before, all] of pieces)
      for (const piece of all)
        for (const end of ["", "\n\0"]) {
          const words = `${JSON.stringify(before)}, ${JSON.stringify(piece)} many times, ${JSON.stringify(end)}`;
          put(words, (length) => before + many(piece, length) + end);
          if (before !== "") put(`(${words}) many times`, (length) => many(before + piece, length) + end);
          if (before !== "") put(`${words}, behind the first many times`, (length) => many(before, length) + piece + end);
        }
    return attacks;
  }
}

/** More repetitions than this count as without a bound. */
const manyTimes = 30;

export class TooMany extends Error {}

function repeated(inner: Node, words: string): Node {
  const lazy = words.length > 1 && words.endsWith("?");
  const [, least, comma, most] = /^\{(\d+)(,?)(\d*)\}/.exec(words) ?? [];
  if (least !== undefined) {
    const low = Number(least);
    return {
      is: "times",
      least: low,
      most: comma === "" ? low : most === "" ? Number.POSITIVE_INFINITY : Number(most),
      lazy,
      inner,
    };
  }
  const high = words[0] === "?" ? 1 : Number.POSITIVE_INFINITY;
  return { is: "times", least: words[0] === "+" ? 1 : 0, most: high, lazy, inner };
}

/** A short text that fits; of what is repeated, once at least. */
function sample(node: Node): string {
  switch (node.is) {
    case "char":
      return alphabet.find((c) => node.fits(c)) ?? "";
    case "all":
      return node.parts.map(sample).join("");
    case "one":
      return sample(node.ways[0] as Node);
    case "group":
      return sample(node.inner);
    case "times":
      return sample(node.inner).repeat(Math.max(1, Math.min(node.least, manyTimes)));
    default:
      return "";
  }
}
