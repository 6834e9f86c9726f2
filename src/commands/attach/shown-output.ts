// What a terminal was shown before its connection was lost: told to its client as it goes, so that the next
// connection brings the lines along that went by meanwhile.
import type { Session } from "../../session/life/session.ts";
import type { ViewerTerminal } from "../../session/viewers/terminal-effects.ts";
import { viewerCredit } from "../../session/viewers/viewer.ts";

/** Scrollback lines that a terminal is sent at most: a screen keeps no more. */
export const longestHistory = 10_000;

/**
 * A client is told so often (ms) at most: what it was shown since it was told last stands twice in its
 * scrollback.
 */
const tellEvery = 100;

export interface ShownOutput extends ViewerTerminal {
  stop(): void;
}

/**
 * The same terminal; after what is written `tell` is called with the offset that its client is to know.
 * @param shown the output that it was sent, as Viewer has it.
 */
export function tellShown(
  terminal: ViewerTerminal,
  shown: () => number | undefined,
  tell: (offset: number) => void,
): ShownOutput {
  let told: number | undefined;
  let pause: NodeJS.Timeout | undefined;
  let stopped = false;
  const look = () => {
    const offset = shown();
    if (stopped || pause !== undefined || offset === undefined || offset === told) return;
    told = offset;
    tell(offset);
    pause = setTimeout(() => {
      pause = undefined;
      look();
    }, tellEvery);
  };
  return {
    ...terminal,
    write: (bytes) => {
      terminal.write(bytes);
      look();
    },
    stop: () => {
      stopped = true;
      clearTimeout(pause);
    },
  };
}

/**
 * How many lines of scrollback a terminal lacks that was shown the output before `shown`: those that ended
 * since. None where that is more than a viewer is ever sent, or where a full screen is drawn, which has no
 * lines.
 */
export async function linesSince(session: Session, shown: number): Promise<number> {
  const length = session.offset - shown;
  if (!(length > 0 && length <= viewerCredit) || session.inputModes().alternate) return 0;
  const log = session.openLog();
  try {
    let lines = 0;
    for (let at = shown; at < shown + length; ) {
      const bytes = await log.read(at, shown + length - at);
      if (bytes.length === 0) break;
      at += bytes.length;
      for (let next = bytes.indexOf(10); next >= 0; next = bytes.indexOf(10, next + 1)) lines++;
    }
    return Math.min(lines, longestHistory);
  } finally {
    log.close();
  }
}
