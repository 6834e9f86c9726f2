// Reads the part of YAML that falcon's config.yml is written in (what OmegaConf saves, and what people write by hand of it).

/** What a YAML text holds: maps are plain objects without a prototype's names, lists are arrays. */
export type YamlValue = string | number | boolean | null | YamlValue[] | { [key: string]: YamlValue };

interface Line {
  indent: number;
  text: string;
  number: number;
}

/** A text that this reader does not understand; `line` counts from 1. */
export class YamlError extends Error {
  readonly line: number;
  constructor(message: string, line: number) {
    super(`line ${line}: ${message}`);
    this.name = "YamlError";
    this.line = line;
  }
}

/**
 * Parses `text`: block maps and lists, flow maps and lists, quoted, plain and block scalars, anchors, aliases and merge keys.
 * Not read: several documents, tags, complex keys. Throws YamlError with the line.
 */
export function readYaml(text: string): YamlValue {
  return new Reader(text).document();
}

class Reader {
  #lines: Line[] = [];
  #raw: string[];
  #at = 0;
  #anchors = new Map<string, YamlValue>();

  constructor(text: string) {
    this.#raw = text.replace(/^\ufeff/, "").split(/\r?\n/);
    this.#raw.forEach((raw, index) => {
      const body = withoutComment(raw);
      if (body.trim() === "" || (body.startsWith("---") && body.trim() === "---") || body.startsWith("%")) return;
      const indent = body.length - body.trimStart().length;
      this.#lines.push({ indent, text: body.trim(), number: index + 1 });
    });
  }

  document(): YamlValue {
    if (this.#lines.length === 0) return null;
    const value = this.#block(this.#lines[0]?.indent ?? 0);
    const left = this.#lines[this.#at];
    if (left) throw new YamlError(`unexpected "${left.text}"`, left.number);
    return value;
  }

  #block(indent: number): YamlValue {
    const line = this.#lines[this.#at];
    if (!line) return null;
    if (isItem(line.text)) return this.#list(indent);
    if (keyOf(line.text)) return this.#map(indent);
    this.#at++;
    return this.#scalar(line.text, indent - 1, line.number);
  }

  #list(indent: number): YamlValue[] {
    const items: YamlValue[] = [];
    for (let line = this.#lines[this.#at]; line && line.indent === indent && isItem(line.text); line = this.#lines[this.#at]) {
      const rest = line.text.slice(1);
      const body = rest.trimStart();
      if (body === "") {
        this.#at++;
        items.push(this.#nested(indent));
      } else if (isItem(body) || (keyOf(body) && !"[{\"'".includes(body.charAt(0)))) {
        // "- - a" and "- key: value": the rest of the line opens a block of its own, indented to where it starts
        const inner = indent + 1 + (rest.length - body.length);
        this.#lines[this.#at] = { indent: inner, text: body, number: line.number };
        items.push(this.#block(inner));
      } else {
        this.#at++;
        items.push(this.#value(body, indent, line.number));
      }
    }
    return items;
  }

  #map(indent: number): { [key: string]: YamlValue } {
    const map: { [key: string]: YamlValue } = Object.create(null);
    for (let line = this.#lines[this.#at]; line && line.indent === indent; line = this.#lines[this.#at]) {
      const found = keyOf(line.text);
      if (!found) throw new YamlError(`expected "key: value", found "${line.text}"`, line.number);
      this.#at++;
      const value = this.#value(found.rest, indent, line.number);
      if (found.key === "<<" && value !== null && typeof value === "object") {
        for (const source of Array.isArray(value) ? value : [value]) {
          if (source && typeof source === "object" && !Array.isArray(source))
            for (const k in source) map[k] ??= source[k] as YamlValue;
        }
      } else map[found.key] = value;
    }
    return map;
  }

  /** What stands after "key:" or "- ". */
  #value(rest: string, indent: number, number: number): YamlValue {
    const anchor = /^&(\S+)\s*/.exec(rest);
    if (anchor) {
      const value = this.#value(rest.slice(anchor[0].length), indent, number);
      this.#anchors.set(anchor[1] as string, value);
      return value;
    }
    if (rest.startsWith("*")) {
      const name = rest.slice(1).trim();
      if (!this.#anchors.has(name)) throw new YamlError(`unknown alias *${name}`, number);
      return this.#anchors.get(name) as YamlValue;
    }
    if (rest === "") return this.#nested(indent);
    const block = /^([|>])([+-]?)(\d?)$/.exec(rest);
    if (block) return this.#blockScalar(block[1] as string, block[2] as string, indent, number);
    return this.#scalar(rest, indent, number);
  }

  #nested(indent: number): YamlValue {
    const next = this.#lines[this.#at];
    // PyYAML writes the items of a list at the indent of its key
    if (next && (next.indent > indent || (next.indent === indent && isItem(next.text)))) {
      if (next.indent === indent && !isItem(next.text)) return null;
      return this.#block(next.indent);
    }
    return null;
  }

  #blockScalar(style: string, chomp: string, indent: number, number: number): string {
    const taken: string[] = [];
    let inner = -1;
    let row = number;
    for (; row < this.#raw.length; row++) {
      const raw = this.#raw[row] as string;
      const own = raw.length - raw.trimStart().length;
      if (raw.trim() !== "" && own <= indent) break;
      if (inner < 0 && raw.trim() !== "") inner = own;
      taken.push(raw.slice(Math.max(inner, 0)));
    }
    while ((this.#lines[this.#at]?.number ?? Number.POSITIVE_INFINITY) <= row) this.#at++;
    const text = taken.join("\n").replace(/\n+$/, "");
    const folded = style === ">" ? text.replace(/([^\n])\n(?=[^\n])/g, "$1 ") : text;
    return chomp === "-" ? folded : `${folded}\n`;
  }

  /** A scalar or a flow collection; it goes on over the following lines that are indented deeper. */
  #scalar(first: string, indent: number, number: number): YamlValue {
    let text = first;
    const open = () => unfinished(text);
    const quoted = "\"'[{".includes(text.charAt(0));
    for (let next = this.#lines[this.#at]; next && (quoted ? open() : next.indent > indent); next = this.#lines[this.#at]) {
      text += text.endsWith("\\") && text.startsWith('"') ? next.text : ` ${next.text}`;
      this.#at++;
    }
    if (quoted) {
      const flow = new Flow(text, number, this.#anchors);
      return flow.whole();
    }
    return plain(text);
  }
}

/** Flow style: [a, b], {k: v}, and quoted scalars. */
class Flow {
  #text: string;
  #number: number;
  #anchors: Map<string, YamlValue>;
  #at = 0;

  constructor(text: string, number: number, anchors: Map<string, YamlValue>) {
    this.#text = text;
    this.#number = number;
    this.#anchors = anchors;
  }

  whole(): YamlValue {
    const value = this.#value("");
    this.#space();
    if (this.#at < this.#text.length) throw new YamlError(`unexpected "${this.#text.slice(this.#at)}"`, this.#number);
    return value;
  }

  #space(): void {
    while (this.#text[this.#at] === " " || this.#text[this.#at] === "\t") this.#at++;
  }

  #value(stops: string): YamlValue {
    this.#space();
    const c = this.#text[this.#at];
    if (c === "[") return this.#sequence();
    if (c === "{") return this.#mapping();
    if (c === '"' || c === "'") return this.#quoted(c);
    const word = this.#word(stops);
    if (word.startsWith("*") && this.#anchors.has(word.slice(1))) return this.#anchors.get(word.slice(1)) as YamlValue;
    return plain(word);
  }

  #word(stops: string): string {
    const from = this.#at;
    while (this.#at < this.#text.length && !stops.includes(this.#text[this.#at] as string)) {
      if (stops.includes(":") === false && this.#text[this.#at] === ":" && /[\s,}\]]/.test(this.#text[this.#at + 1] ?? " "))
        break;
      this.#at++;
    }
    return this.#text.slice(from, this.#at).trim();
  }

  #sequence(): YamlValue[] {
    const items: YamlValue[] = [];
    this.#at++;
    for (;;) {
      this.#space();
      const c = this.#text[this.#at];
      if (c === undefined) throw new YamlError("a list without its ]", this.#number);
      if (c === "]") {
        this.#at++;
        return items;
      }
      if (c === ",") this.#at++;
      else items.push(this.#value(",]"));
    }
  }

  #mapping(): { [key: string]: YamlValue } {
    const map: { [key: string]: YamlValue } = Object.create(null);
    this.#at++;
    for (;;) {
      this.#space();
      const c = this.#text[this.#at];
      if (c === undefined) throw new YamlError("a map without its }", this.#number);
      if (c === "}") {
        this.#at++;
        return map;
      }
      if (c === ",") {
        this.#at++;
        continue;
      }
      const key = c === '"' || c === "'" ? this.#quoted(c) : this.#word(",}");
      this.#space();
      if (this.#text[this.#at] === ":") {
        this.#at++;
        map[String(key)] = this.#value(",}");
      } else map[String(key)] = null;
    }
  }

  #quoted(quote: string): string {
    let out = "";
    for (this.#at++; this.#at < this.#text.length; this.#at++) {
      const c = this.#text[this.#at] as string;
      if (c === quote) {
        if (quote === "'" && this.#text[this.#at + 1] === "'") {
          out += "'";
          this.#at++;
          continue;
        }
        this.#at++;
        return out;
      }
      if (c === "\\" && quote === '"') out += this.#escape();
      else out += c;
    }
    throw new YamlError(`a text without its closing ${quote}`, this.#number);
  }

  #escape(): string {
    const c = this.#text[++this.#at] ?? "";
    const digits = { x: 2, u: 4, U: 8 }[c];
    if (digits) {
      const hex = this.#text.slice(this.#at + 1, this.#at + 1 + digits);
      if (!/^[0-9a-fA-F]+$/.test(hex) || hex.length < digits) throw new YamlError(`bad escape \\${c}${hex}`, this.#number);
      this.#at += digits;
      return String.fromCodePoint(Number.parseInt(hex, 16));
    }
    return { n: "\n", t: "\t", r: "\r", "0": "\0", a: "\x07", b: "\b", e: "\x1b", f: "\f", v: "\v", _: "\u00a0" }[c] ?? c;
  }
}

function isItem(text: string): boolean {
  return text === "-" || text.startsWith("- ");
}

/** Splits "key: rest"; undefined where the text is no such thing. */
function keyOf(text: string): { key: string; rest: string } | undefined {
  const quoted = /^("(?:[^"\\]|\\.)*"|'(?:[^']|'')*')\s*:(?:\s+(.*)|$)/.exec(text);
  if (quoted) return { key: String(new Flow(quoted[1] as string, 0, new Map()).whole()), rest: quoted[2] ?? "" };
  if (/^["'[{]/.test(text)) return undefined;
  const plainKey = /^([^\s#].*?)\s*:(?:\s+(.*)|$)/.exec(text);
  return plainKey ? { key: plainKey[1] as string, rest: plainKey[2] ?? "" } : undefined;
}

/** Cuts a comment off: a # at the start or after white space, outside of quotes. */
function withoutComment(line: string): string {
  let quote = "";
  for (let i = 0; i < line.length; i++) {
    const c = line[i] as string;
    if (quote) {
      if (c === "\\" && quote === '"') i++;
      else if (c === quote) quote = "";
    } else if ((c === '"' || c === "'") && (i === 0 || /[\s[{,:]/.test(line[i - 1] as string))) quote = c;
    else if (c === "#" && (i === 0 || /\s/.test(line[i - 1] as string))) return line.slice(0, i).trimEnd();
  }
  return line.trimEnd();
}

/** Whether a quoted text or a flow collection is still open at the end of `text`. */
function unfinished(text: string): boolean {
  let quote = "";
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text[i] as string;
    if (quote) {
      if (c === "\\" && quote === '"') i++;
      else if (c === quote) quote = "";
    } else if (c === '"' || c === "'") quote = c;
    else if (c === "[" || c === "{") depth++;
    else if (c === "]" || c === "}") depth--;
  }
  return quote !== "" || depth > 0;
}

/** A plain scalar's type, as PyYAML resolves it. */
function plain(text: string): YamlValue {
  if (text === "" || text === "~" || /^(null|Null|NULL)$/.test(text)) return null;
  if (/^(true|True|TRUE)$/.test(text)) return true;
  if (/^(false|False|FALSE)$/.test(text)) return false;
  if (/^[-+]?\d[\d_]*$/.test(text)) return Number(text.replace(/_/g, ""));
  if (/^[-+]?(\d[\d_]*)?\.?\d*([eE][-+]?\d+)?$/.test(text) && /\d/.test(text)) return Number(text.replace(/_/g, ""));
  if (/^[-+]?\.(inf|Inf|INF)$/.test(text)) return text.startsWith("-") ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (/^\.(nan|NaN|NAN)$/.test(text)) return Number.NaN;
  return text;
}
