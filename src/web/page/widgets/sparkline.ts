// A small curve beside a name: where the losses went.
import { svg } from "../dom.ts";

const width = 96;
const height = 28;

/** Beyond it the range of the values would be infinite: such a number is left out, as in all figures. */
const greatestDrawn = 1e300;
const drawable = (y: number) => Math.abs(y) <= greatestDrawn;

/** @param trend oldest first; fewer than two that can be drawn are no line. */
export function sparkline(trend: readonly number[]): Element | undefined {
  const drawn = trend.filter(drawable);
  if (drawn.length < 2) return undefined;
  const least = Math.min(...drawn);
  const room = Math.max(...drawn) - least || 1;
  const points = trend.flatMap((y, i) => {
    if (!drawable(y)) return [];
    const x = (i / (trend.length - 1)) * (width - 4) + 2;
    return `${x.toFixed(1)},${(height - 3 - ((y - least) / room) * (height - 6)).toFixed(1)}`;
  });
  return svg(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, class: "sparkline", "aria-hidden": "true", preserveAspectRatio: "none" },
    svg("polyline", { points: points.join(" "), fill: "none" }),
  );
}
