// Lengths and places in a picture: a hundredth of a pixel is all that anybody sees.

export function round(pixels: number): number {
  return Math.round(pixels * 100) / 100;
}
