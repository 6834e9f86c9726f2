// What the search index knows of a text: its runs of three characters, written as words; and which of them a
// pattern cannot do without.

/** Letters are folded as far as ASCII goes: the index is a sieve, the pattern itself decides. */
function folded(unit: number): number {
  return unit >= 0x41 && unit <= 0x5a ? unit + 0x20 : unit;
}

/**
 * Three UTF-16 units as one word of letters and digits: at most 5 of them for ASCII, 11 for anything else.
 */
function word(a: number, b: number, c: number): string {
  if ((a | b | c) < 0x80) return ((a << 14) | (b << 7) | c).toString(36);
  return `x${((a * 0x10000 + b) * 0x10000 + c).toString(36).padStart(10, "0")}`;
}

/**
 * Which of the words of ASCII were seen: one mark for each, since a set of numbers costs five times as much.
 * Empty between two uses.
 */
const marks = new Uint8Array(1 << 21);

/** All words of many lines, each once, separated by blanks. */
export function trigramsOf(lines: Iterable<string>): string {
  const seen: number[] = [];
  const others = new Set<string>();
  for (const line of lines) {
    let a = 0x80;
    let b = 0x80;
    let key = 0;
    for (let i = 0; i < line.length; i++) {
      const c = folded(line.charCodeAt(i));
      key = ((key << 7) | (c & 0x7f)) & 0x1fffff;
      if (i > 1) {
        if ((a | b | c) >= 0x80) others.add(word(a, b, c));
        else if (marks[key] === 0) {
          marks[key] = 1;
          seen.push(key);
        }
      }
      a = b;
      b = c;
    }
  }
  let out = "";
  for (const key of seen) {
    marks[key] = 0;
    out += `${key.toString(36)} `;
  }
  for (const other of others) out += `${other} `;
  return out;
}

/** What must be there: a word, all of several, or one of several. */
type Need = string | { all: Need[] } | { any: Need[] };

/**
 * A query in FTS5's language that every text answers in which `pattern` matches; undefined where nothing is
 * certain and all texts have
 * to be looked at.
 */
export function trigramQuery(pattern: RegExp): string | undefined {
  if (pattern.flags.includes("v") || pattern.flags.includes("u")) return undefined;
  const parser = new PatternParser(pattern.source, pattern.ignoreCase);
  const need = parser.alternatives();
  return need === undefined ? undefined : written(need);
}

function written(need: Need): string {
  if (typeof need === "string") return need;
  if ("all" in need) return `(${[...new Set(need.all.map(written))].join(" AND ")})`;
  return `(${need.any.map(written).join(" OR ")})`;
}

/** FTS5 reads no query that is nested deeper than this. */
const deepest = 16;

/** Reads the source of a valid pattern as far as it says what must be there. */
class PatternParser {
  readonly #source: string;
  readonly #ignoreCase: boolean;
  #at = 0;
  #depth = 0;

  constructor(source: string, ignoreCase: boolean) {
    this.#source = source;
    this.#ignoreCase = ignoreCase;
  }

  /** Up to the end or the closing parenthesis, which is left standing. */
  alternatives(): Need | undefined {
    this.#depth++;
    const needs: (Need | undefined)[] = [this.#sequence()];
    while (this.#source[this.#at] === "|") {
      this.#at++;
      needs.push(this.#sequence());
    }
    this.#depth--;
    if (needs.length === 1) return needs[0];
    const certain = needs.filter((need) => need !== undefined);
    // one alternative without a need makes all of them optional
    return certain.length === needs.length && this.#depth < deepest ? { any: certain } : undefined;
  }

  #sequence(): Need | undefined {
    const needs: Need[] = [];
    let run: number[] = [];
    const end = () => {
      for (let i = 2; i < run.length; i++) needs.push(word(run[i - 2] as number, run[i - 1] as number, run[i] as number));
      run = [];
    };
    while (this.#at < this.#source.length) {
      const c = this.#source[this.#at] as string;
      if (c === "|" || c === ")") break;
      if (c === "^" || c === "$") {
        this.#at++;
        continue;
      }
      if (c === "(") {
        end();
        const need = this.#group();
        if (this.#least() > 0 && need !== undefined) needs.push(need);
        continue;
      }
      const unit = this.#atom();
      if (unit === "nothing") continue;
      const at = this.#at;
      const least = this.#least();
      if (unit === undefined) {
        end();
        continue;
      }
      if (least > 0) run.push(unit);
      // without a quantifier
      if (this.#at === at) continue;
      end();
      // the last one of several stands before what follows
      if (least > 0) run.push(unit);
    }
    end();
    return needs.length === 0 || this.#depth > deepest ? undefined : { all: needs };
  }

  /** A group; its need, where it is one that takes text. */
  #group(): Need | undefined {
    const kind = /^\((?:\?(?:[:=!]|<[=!]|<[^>]*>|[a-z-]*:))?/i.exec(this.#source.slice(this.#at))?.[0] ?? "(";
    this.#at += kind.length;
    const need = this.alternatives();
    this.#at++; // the closing parenthesis
    const looksAround = /^\(\?<?[=!]/.test(kind);
    // modifiers such as (?i: change what a letter means
    const modifies = /^\(\?[a-z-]+:/i.test(kind);
    return looksAround || modifies ? undefined : need;
  }

  /**
   * One atom that is no group: the character that it is, undefined for one of several, "nothing" for what
   * takes no text.
   */
  #atom(): number | undefined | "nothing" {
    const c = this.#source[this.#at++] as string;
    if (c === ".") return undefined;
    if (c === "[") {
      while (this.#at < this.#source.length && this.#source[this.#at] !== "]")
        this.#at += this.#source[this.#at] === "\\" ? 2 : 1;
      this.#at++;
      return undefined;
    }
    if (c !== "\\") return this.#letter(c.charCodeAt(0));
    const e = this.#source[this.#at++] as string;
    if (e === "b" || e === "B") return "nothing";
    const hex = /^(?:x([0-9a-f]{2})|u([0-9a-f]{4}))/i.exec(this.#source.slice(this.#at - 1));
    if (hex !== null) {
      this.#at += hex[0].length - 1;
      return this.#letter(Number.parseInt((hex[1] ?? hex[2]) as string, 16));
    }
    if (e === "k" && this.#source[this.#at] === "<") {
      this.#at = this.#source.indexOf(">", this.#at) + 1 || this.#source.length;
      return undefined;
    }
    if (e >= "0" && e <= "9") {
      while (/[0-9]/.test(this.#source[this.#at] ?? "")) this.#at++;
      return undefined;
    }
    if (e === "c") {
      this.#at++;
      return undefined;
    }
    // letters have meanings, or none (then `\q` is q, which is not worth knowing)
    return /[a-z]/i.test(e) ? undefined : this.#letter(e.charCodeAt(0));
  }

  /** A character, as the index writes it; undefined where ignoring case may turn it into several. */
  #letter(unit: number): number | undefined {
    return this.#ignoreCase && unit > 0x7f ? undefined : folded(unit);
  }

  static readonly #quantifier = /^(?:[*+?]|\{(\d+)(?:,\d*)?\})\??/;

  /** Reads a quantifier; how often its atom is there at least. 1 without one. */
  #least(): number {
    const found = PatternParser.#quantifier.exec(this.#source.slice(this.#at, this.#at + 40));
    if (found === null) return 1;
    this.#at += found[0].length;
    return found[1] === undefined ? (found[0].startsWith("+") ? 1 : 0) : Number(found[1]);
  }
}
