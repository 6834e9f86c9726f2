// A helper process: does the server's work on files of users, one piece at a time, and ends with the server.
// It may hang, and be killed for it.
import fs from "node:fs";
import { operationOf, thrownOf } from "../base/aside/aside.ts";
import { helperReady } from "../base/aside/helper-process.ts";
// whoever makes operations is imported for them: here those that a start waits for
import "../base/config/config-file.ts";
import "../commands/start/program-file.ts";
import "../session/life/agent-link.ts";
import "../session/life/working-directory.ts";

/** So long (ms) after its start the first command has its answer. */
const calm = 1_000;

let removeUnfinished = () => {};

/**
 * All other operations, which are four fifths of the program: when one is asked for, or while nobody waits,
 * since the folder may be another version's later.
 */
async function loadOthers(): Promise<void> {
  ({ removeUnfinished } = await import("./aside-operations.ts"));
}
setTimeout(() => loadOthers().catch(() => {}), calm).unref(); // whoever asks is told why

// the pool's thread is had before a word is said: where the limit of processes leaves none, Node aborts
const ready = new Promise<void>((resolve) => fs.access("/", () => resolve(void process.send?.(helperReady))));

process.on("message", async (asked: { id: number; name: string; args: never[] }) => {
  const { id, name, args } = asked;
  // work that hangs may keep the one thread for good, and would be taken for a start that does
  await ready;
  try {
    if (operationOf(name) === undefined) await loadOthers();
    const operation = operationOf(name);
    if (operation === undefined) throw new Error(`no operation ${name}`);
    process.send?.({ id, value: await operation(...args) });
  } catch (error) {
    process.send?.({ id, thrown: thrownOf(error) });
  }
});
process.on("disconnect", () => {
  removeUnfinished();
  process.exit(0);
});
