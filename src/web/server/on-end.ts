// The signals that end a process of the web's.

/** @param outlivesTerminal its terminal's end is none of its. */
export function onEnd(outlivesTerminal: boolean, end: () => void): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, end);
  process.on("SIGHUP", outlivesTerminal ? () => {} : end);
}
