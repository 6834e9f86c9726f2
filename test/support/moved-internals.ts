// A bundled screen worker in which xterm.js' internals have moved, as they did in its 6.1 beta.

/**
 * The worker's code with a field of xterm.js renamed in xterm.js itself, not where `internals.ts` looks for
 * it.
 * @throws Error when the bundle has no such field.
 */
export function moveInternals(worker: string): string {
  const moved = worker.replace(/(?<!#core)\.coreMouseService/g, ".mouseStateService");
  if (moved === worker) throw new Error("the bundle has no coreMouseService: name another field of xterm.js");
  return moved;
}
