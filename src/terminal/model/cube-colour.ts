// The colours of xterm's palette of 256 that have no names: a cube of 216, and 24 greys.

/** @param index 16 to 255. */
export function cubeColour(index: number): [number, number, number] {
  if (index >= 232) return Array(3).fill(8 + (index - 232) * 10) as [number, number, number];
  const level = (n: number) => (n === 0 ? 0 : 55 + n * 40);
  const i = index - 16;
  return [level(Math.floor(i / 36)), level(Math.floor(i / 6) % 6), level(i % 6)];
}
