// Lines of a file of metrics as values by name: JSON lines, and CSV with a header.
import { numberOf } from "../reading/metric-words.ts";

/** One line: numbers (NaN and infinities included), and words such as the node's name. */
export type Row = ReadonlyMap<string, number | string>;

/** Values of one line that are taken: a row of a trainer has some tens. */
const mostValues = 500;

/** How deep an object in an object is read: `{"val": {"loss": 1}}` is "val/loss". */
const deepest = 3;

/** Reads lines in order; a CSV's first line names its columns. */
export class RowReader {
  #columns: string[] | undefined;
  #json: boolean | undefined;

  /** Undefined for a header, an empty line, and what is neither. */
  row(line: string): Row | undefined {
    if (line.trim() === "") return undefined;
    this.#json ??= line.trimStart().startsWith("{");
    if (this.#json) return jsonRow(line);
    if (this.#columns === undefined) {
      this.#columns = cells(line).map((name) => name.trim());
      return undefined;
    }
    const values = cells(line);
    const row = new Map<string, number | string>();
    this.#columns.slice(0, mostValues).forEach((name, i) => {
      const text = values[i]?.trim() ?? "";
      // sparse: what was not measured is empty
      if (name !== "" && text !== "") row.set(name, numberOf(text) ?? text);
    });
    return row.size > 0 ? row : undefined;
  }
}

/** RFC 4180, without line breaks in a cell. */
function cells(line: string): string[] {
  if (!line.includes('"')) return line.split(",");
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? "",
  );
}

/** Python writes NaN and Infinity where JSON has no number for them. */
const pythonNumbers = /([:[,]\s*)(NaN|-?Infinity)(?=\s*[,}\]])/g;

function jsonRow(line: string): Row | undefined {
  const read = parse(line) ?? parse(line.replace(pythonNumbers, '$1"$2"'));
  if (typeof read !== "object" || read === null || Array.isArray(read)) return undefined;
  const row = new Map<string, number | string>();
  const take = (values: object, before: string, depth: number): void => {
    for (const [name, value] of Object.entries(values)) {
      if (row.size >= mostValues) return;
      const key = before + name;
      if (typeof value === "number") row.set(key, value);
      else if (typeof value === "string") row.set(key, notFinite(value) ?? value);
      else if (typeof value === "object" && value !== null && !Array.isArray(value) && depth < deepest)
        take(value, `${key}/`, depth + 1);
    }
  };
  take(read, "", 1);
  return row.size > 0 ? row : undefined;
}

/** A text that is a number that JSON has no other way to write. */
function notFinite(text: string): number | undefined {
  const value = numberOf(text);
  return value !== undefined && !Number.isFinite(value) ? value : undefined;
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
