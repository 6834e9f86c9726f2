// Bytes that may go to a person's terminal as they are. All else that is written is prose, and loses what
// could act on a terminal (printable.ts).
declare const mayBeShown: unique symbol;

/**
 * What a filter let through, what we draw ourselves, or what goes to no terminal: a function that writes to a
 * caller's terminal takes only this, so that no byte of a program gets there past the filter.
 */
export type TerminalBytes = Uint8Array & { readonly [mayBeShown]: true };

/**
 * Says that these bytes may go to a terminal. Only for the filter, for what draws (a foreign text in it has
 * been made printable), and for what goes to a file or a pipe; test/unit/raw-writers.test.ts names them all.
 */
export function showable(bytes: Uint8Array | string): TerminalBytes {
  return (typeof bytes === "string" ? Buffer.from(bytes) : bytes) as TerminalBytes;
}
