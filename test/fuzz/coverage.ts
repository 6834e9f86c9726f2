// Which blocks of src have run, and how often, as V8 counts them: what makes an input worth keeping, and how
// much work it was.
import inspector from "node:inspector";

interface Range {
  startOffset: number;
  endOffset: number;
  count: number;
}
interface ScriptCoverage {
  url: string;
  functions: { functionName: string; ranges: Range[] }[];
}

/** What ran since the last look. */
export interface Ran {
  /**
   * Each block with how often, in powers of two: three times and four times are the same, once and three
   * times are not.
   */
  blocks: Set<string>;
  /** Executed blocks in all: a measure of work that depends on no clock. */
  steps: number;
}

export class Coverage {
  readonly #session = new inspector.Session();
  #counting = false;

  constructor() {
    this.#session.connect();
    this.#session.post("Profiler.enable");
  }

  /** Counts from here on; everything is slower meanwhile. */
  start(): void {
    this.#session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
    this.#counting = true;
    this.take(false);
  }

  stop(): void {
    if (this.#counting) this.#session.post("Profiler.stopPreciseCoverage");
    this.#counting = false;
  }

  /** What ran since the last call. `counts`: tell blocks apart by how often they ran. */
  take(counts: boolean): Ran {
    const ran: Ran = { blocks: new Set(), steps: 0 };
    this.#session.post("Profiler.takePreciseCoverage", (error, answer) => {
      if (error !== null) throw new Error(`no coverage: ${JSON.stringify(error)}`);
      for (const script of answer.result as ScriptCoverage[]) if (isOurs(script.url)) add(ran, script, counts);
    });
    return ran;
  }
}

function add(ran: Ran, script: ScriptCoverage, counts: boolean): void {
  for (const { ranges } of script.functions) {
    for (const { startOffset, endOffset, count } of ranges) {
      if (count === 0) continue;
      ran.steps += count;
      const often = counts ? `*${Math.floor(Math.log2(count))}` : "";
      ran.blocks.add(`${script.url}:${startOffset}-${endOffset}${often}`);
    }
  }
}

function isOurs(url: string): boolean {
  // the oracles' blocks, too: they lead to inputs that matter to what they stand for, which is in C
  return (url.includes("/src/") || url.includes("/support/oracle/")) && !url.includes("/node_modules/");
}
