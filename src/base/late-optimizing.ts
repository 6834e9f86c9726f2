// When V8 optimizes what it runs, which takes a thread of its own many times as long as running it does.
import v8 from "node:v8";

/** Bytes of a function's bytecode that run before it is optimized: as V8 has it, and as it is to be. */
const budgets = { usual: 66 << 10, late: 1_000_000 };

/**
 * So long (ms) after it has kept its code (kept-code.ts) a server has loaded what it needs, and after its
 * start a thread: Node's own compiled modules, and kept code, are taken only with the flags that they were
 * made with.
 */
const loaded = 10_000;

/** Runs out when all is loaded; undefined in a process that optimizes as usual. */
let loading: NodeJS.Timeout | undefined;

/**
 * From here on what runs a few times a second stays as it is. Node 20 would optimize all of that within a
 * minute, which took a third of what a watch costs; later ones wait for 3,000 calls of each.
 */
export function optimizeLate(): void {
  wait(budgets.late);
}

/** … once this process, and each thread that it starts, has loaded what it needs. */
export function optimizeLateOnceLoaded(): void {
  loading = setTimeout(optimizeLate, loaded).unref();
}

/** A thread is about to be started: it loads with the flags that V8 had at the start of the process. */
export function threadStarts(): void {
  if (loading === undefined) return;
  wait(budgets.usual);
  loading.refresh();
}

function wait(budget: number): void {
  if (process.version.startsWith("v20.")) v8.setFlagsFromString(`--interrupt-budget=${budget}`);
}
