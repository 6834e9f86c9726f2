// A small curve beside a name: where the losses went.
import { drawable, greatest, least } from "../../../base/extremes.ts";
import { svg } from "../dom.ts";

const width = 96;
const height = 28;

/** @param trend oldest first; fewer than two that can be drawn are no line. */
export function sparkline(trend: readonly number[]): Element | undefined {
  const drawn = trend.filter(drawable);
  if (drawn.length < 2) return undefined;
  const low = least(drawn);
  const room = greatest(drawn) - low || 1;
  const points = trend.flatMap((y, i) => {
    if (!drawable(y)) return [];
    const x = (i / (trend.length - 1)) * (width - 4) + 2;
    return `${x.toFixed(1)},${(height - 3 - ((y - low) / room) * (height - 6)).toFixed(1)}`;
  });
  return svg(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, class: "sparkline", "aria-hidden": "true", preserveAspectRatio: "none" },
    svg("polyline", { points: points.join(" "), fill: "none" }),
  );
}
