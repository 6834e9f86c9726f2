// Which of the bytes for a program its terminal makes an interrupt of.

/**
 * Bytes for a program in pieces, in order: each interrupt character by itself, and what stands between.
 * @param interruptByte null: the terminal makes no interrupts.
 */
export function* atInterrupts(
  bytes: Uint8Array,
  interruptByte: number | null,
): Generator<{ bytes: Uint8Array; interrupt: boolean }> {
  let from = 0;
  while (from < bytes.length) {
    const found = interruptByte === null ? -1 : bytes.indexOf(interruptByte, from);
    const at = found < 0 ? bytes.length : found;
    if (at > from) yield { bytes: bytes.subarray(from, at), interrupt: false };
    if (found >= 0) yield { bytes: bytes.subarray(at, at + 1), interrupt: true };
    from = at + 1;
  }
}
