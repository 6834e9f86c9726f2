// Numbers and texts as cells of a CSV file (RFC 4180).

/** An empty cell where there is none; what is not finite as numpy reads it. */
export function csvNumber(value: number | null): string {
  if (value === null) return "";
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

export function csvText(text: string): string {
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
