// The palette of 256: sixteen colours that have names, a cube of 216, and 24 greys.

/** Those that have names, as `#rrggbb`. */
export const namedColours: readonly string[] = [
  "#2e3436",
  "#cc0000",
  "#4e9a06",
  "#c4a000",
  "#3465a4",
  "#75507b",
  "#06989a",
  "#d3d7cf",
  "#555753",
  "#ef2929",
  "#8ae234",
  "#fce94f",
  "#729fcf",
  "#ad7fa8",
  "#34e2e2",
  "#eeeeec",
];

/** @param index 16 to 255. */
export function cubeColour(index: number): [number, number, number] {
  if (index >= 232) return Array(3).fill(8 + (index - 232) * 10) as [number, number, number];
  const level = (n: number) => (n === 0 ? 0 : 55 + n * 40);
  const i = index - 16;
  return [level(Math.floor(i / 36)), level(Math.floor(i / 6) % 6), level(i % 6)];
}
