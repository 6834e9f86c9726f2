// A small curve beside a name: where the losses went.
import { svg } from "../dom.ts";

const width = 96;
const height = 28;

/** @param trend oldest first; fewer than two are no line. */
export function sparkline(trend: readonly number[]): Element | undefined {
  if (trend.length < 2) return undefined;
  const least = Math.min(...trend);
  const room = Math.max(...trend) - least || 1;
  const points = trend.map((y, i) => {
    const x = (i / (trend.length - 1)) * (width - 4) + 2;
    return `${x.toFixed(1)},${(height - 3 - ((y - least) / room) * (height - 6)).toFixed(1)}`;
  });
  return svg(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, class: "sparkline", "aria-hidden": "true", preserveAspectRatio: "none" },
    svg("polyline", { points: points.join(" "), fill: "none" }),
  );
}
