// Sizes and times as people write them: "256 MB", "2 GiB", "90s", "30d".

const sizeUnits: Record<string, number> = {
  "": 1,
  b: 1,
  k: 2 ** 10,
  kb: 1e3,
  kib: 2 ** 10,
  m: 2 ** 20,
  mb: 1e6,
  mib: 2 ** 20,
  g: 2 ** 30,
  gb: 1e9,
  gib: 2 ** 30,
  t: 2 ** 40,
  tb: 1e12,
  tib: 2 ** 40,
};

const timeUnits: Record<string, number> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
  y: 365 * 86_400_000,
};

/** Bytes of "256 MB" (decimal), "2 GiB" or "2G" (binary), "1.5 GB"; undefined when it is not a size. */
export function sizeOf(text: string): number | undefined {
  return quantity(text, sizeUnits);
}

/** Characters of the longest quantity that is looked at: "1y2w3d4h5m6s7ms" has 15. */
const longest = 100;

/**
 * Milliseconds of "90s", "12 h", "1.5d", "2w" and sums such as "1h30m"; undefined when it is not a time. A
 * bare number is none: of what?
 */
export function durationOf(text: string): number | undefined {
  if (text.length > longest) return undefined;
  const parts = text.trim().match(/(?<![\d.])[\d.]+\s*[a-z]+/gi);
  if (parts === null || parts.join("").replace(/\s/g, "") !== text.replace(/\s/g, "")) return undefined;
  let sum = 0;
  for (const part of parts) {
    const time = quantity(part, timeUnits);
    if (time === undefined) return undefined;
    sum += time;
  }
  return sum;
}

function quantity(text: string, units: Record<string, number>): number | undefined {
  if (text.length > longest) return undefined;
  const match = /^(\d+(?:\.\d+)?|\.\d+)\s*([a-z]*)$/i.exec(text.trim());
  const unit = match?.[2]?.toLowerCase();
  if (match === null || unit === undefined || !Object.hasOwn(units, unit)) return undefined;
  const value = Math.round(Number(match[1]) * (units[unit] ?? Number.NaN));
  return Number.isSafeInteger(value) ? value : undefined;
}
