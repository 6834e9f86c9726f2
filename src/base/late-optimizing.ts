// When V8 optimizes what it runs, which takes a thread of its own many times as long as running it does.
import v8 from "node:v8";

/** Bytes of a function's bytecode that run before it is optimized, where V8 would take 66 KiB. */
const budget = 1_000_000;

/**
 * So long (ms) after its start a server has loaded what it needs: Node's own compiled modules, and those that
 * are kept (kept-code.ts), are taken only with the flags that they were made with.
 */
export const loaded = 10_000;

/**
 * From here on what runs a few times a second stays as it is. Node 20 would optimize all of that within a
 * minute, which took a third of what a watch costs; later ones wait for 3,000 calls of each.
 */
export function optimizeLate(): void {
  if (process.version.startsWith("v20.")) v8.setFlagsFromString(`--interrupt-budget=${budget}`);
}
