// What programs tell their terminal of their progress beside what they draw: OSC 9;4 (ConEmu's, of many
// package managers and build tools), and the marks of shells, OSC 133 (FinalTerm's).
import type { IParser } from "@xterm/headless";

/** What was told last, as it is stored with the screen. */
export interface KeptMarks {
  /** OSC 9;4: 1 normal, 2 error, 3 without an end, 4 paused, and 0 to 100 percent; undefined: none. */
  progress?: { state: number; percent: number } | undefined;
  /** OSC 133: a shell shows its prompt. */
  prompt: boolean;
}

/** Listens to a parser; what it hears is not for the emulator itself. `prompt: false`: a command begins. */
export function hearMarks(parser: IParser, hear: (change: Partial<KeptMarks>) => void): void {
  parser.registerOscHandler(9, (text) => {
    const found = /^4;([0-4])(?:;(\d{0,3}))?(?:;|$)/.exec(text);
    if (found === null) return false;
    const [state, percent] = [Number(found[1]), Math.min(100, Number(found[2] ?? "0"))];
    hear({ progress: state === 0 ? undefined : { state, percent } });
    return false;
  });
  parser.registerOscHandler(133, (text) => {
    const [mark] = text.split(";", 1);
    if (mark === "A" || mark === "B" || mark === "D") hear({ prompt: true });
    else if (mark === "C") hear({ prompt: false });
    return false;
  });
}
