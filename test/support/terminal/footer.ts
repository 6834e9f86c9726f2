// What a viewer is shown of the program `footer` (test/support/programs): only some of its messages, where
// the machine is slow.
import type { UserTerminal } from "./terminal.ts";

/** Resolves when this message or a later one stands on the screen. */
export async function footerReaches(terminal: UserTerminal, message: number): Promise<void> {
  const shown = () => [...terminal.text().matchAll(/driver message (\d+)/g)].map(([, n]) => Number(n));
  await terminal.waitFor(() => shown().some((n) => n >= message), `driver message ${message} or a later one`);
}
