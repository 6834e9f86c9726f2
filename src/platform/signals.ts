// Signal numbers of this machine by name, and back.
import os from "node:os";

/** The number of "SIGTERM", "TERM", "term" or "15", or undefined. */
export function signalNumber(name: string): number | undefined {
  if (/^\d+$/.test(name)) {
    const n = Number(name);
    return n >= 1 && n <= 64 ? n : undefined;
  }
  const upper = name.toUpperCase();
  const full = upper.startsWith("SIG") ? upper : `SIG${upper}`;
  return (os.constants.signals as Record<string, number>)[full];
}

/** The name of signal `n`: "SIGTERM"; "signal 40" for one without a name. */
export function signalName(n: number): string {
  for (const [name, number] of Object.entries(os.constants.signals)) if (number === n && name !== "SIGIOT") return name;
  return `signal ${n}`;
}
