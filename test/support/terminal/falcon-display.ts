// Reads falcon's interactive display off the screen: which nodes it shows and which one is selected. Nothing
// is guessed.

/** What falcon's footer shows. */
export interface FalconDisplay {
  /** Names of the tabs, in order; the last one is missing when the line was too short for it. */
  nodes: string[];
  selected: string | undefined;
  /** Texts behind the tabs: status, "5/300", "loss: -2.91e+00" ...; the last one may be cut off. */
  details: string[];
  /** First row of the footer (0-based): the rows above it scroll. */
  top: number;
}

/**
 * Finds the footer in the visible rows of a screen (plain text). Undefined where there is none: falcon is not
 * at its display, or
 * the display was spoilt by a resize.
 */
export function readDisplay(rows: readonly string[]): FalconDisplay | undefined {
  for (let row = rows.length - 3; row >= 0; row--) {
    if (!isRuler(rows[row]) || !isRuler(rows[row + 2])) continue;
    const tabs = rows[row + 1] as string;
    if (tabs.startsWith("[No nodes registered yet]")) return { nodes: [], selected: undefined, details: [], top: row };
    const bar = tabs.indexOf("  │  ");
    const names = (bar < 0 ? tabs : tabs.slice(0, bar)).split(" | ");
    const selected = names.find((name) => name.startsWith("▸ "));
    if (bar < 0 && selected === undefined) continue;
    return {
      nodes: names.map((name) => name.slice(2).trimEnd()).filter((name) => name !== ""),
      selected: selected?.slice(2).trimEnd(),
      details:
        bar < 0
          ? []
          : tabs
              .slice(bar + 5)
              .split(" | ")
              .map((part) => part.trimEnd()),
      top: row,
    };
  }
  return undefined;
}

function isRuler(row: string | undefined): boolean {
  return row !== undefined && /^─{10,}$/.test(row.trimEnd());
}
