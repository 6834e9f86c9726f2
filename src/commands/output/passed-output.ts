// What a caller is sent of a program's own bytes: to a file or a pipe all of them, to a terminal what the
// user's rules let pass.
import { showable, type TerminalBytes } from "../../base/text/terminal-bytes.ts";
import { StreamFilter } from "../../platform/stream-filter.ts";
import type { Call, Context } from "../dispatch/call.ts";

/**
 * Bytes for a file or a pipe are what they are; a terminal gets neither queries, which it would answer, nor
 * what the user's rules block.
 */
export function passedTo(call: Call, context: Context): (bytes: Buffer) => TerminalBytes {
  if (!call.request.terminal.stdout) return showable;
  const filter = new StreamFilter(context.config.programSequences, { of: "program" });
  return (bytes) => filter.feed(bytes);
}
