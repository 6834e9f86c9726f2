// A process that cannot be started, as Node does it: no pipes, and an error afterwards.
import { ChildProcess } from "node:child_process";
import type { TestContext } from "node:test";

/** No process is started from here on until the test is over; each `spawn` fails so. */
export function failSpawning(t: TestContext, code: "EMFILE" | "ENFILE"): void {
  const spawning = ChildProcess.prototype as unknown as { spawn(): number };
  t.mock.method(spawning, "spawn", function (this: ChildProcess) {
    process.nextTick(() => this.emit("error", Object.assign(new Error(`spawn ${code}`), { code })));
    return -24;
  });
}
