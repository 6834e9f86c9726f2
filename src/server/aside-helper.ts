// A helper process: does the server's work on files of users, one piece at a time, and ends with the server.
// It may hang, and be killed for it.
import fs from "node:fs";
import { operationOf, thrownOf } from "../base/aside/aside.ts";
import { helperReady } from "../base/aside/aside-pool.ts";
import { removeUnfinished } from "../commands/output/export-writer.ts";
// whoever makes operations is imported for them
import "../base/config/config-file.ts";
import "../base/aside/usable-directory.ts";
import "../batch/leaving.ts";
import "../commands/compare/run-directories.ts";
import "../commands/start/program-file.ts";
import "../doctor/falcons.ts";
import "../doctor/python.ts";
import "../doctor/terminal.ts";
import "../session/life/agent-link.ts";
import "../doctor/places.ts";
import "../session/life/real-paths.ts";
import "../notify/secret.ts";
import "../session/machines/roster-files.ts";
import "../session/machines/shared-notices.ts";
import "../session/life/working-directory.ts";
import "../store/shared-archive.ts";
import "../trainers/reading/foreign-files.ts";
import "../trainers/registry.ts";
import "../trainers/run/surroundings.ts";

// the pool's thread is had before a word is said: where the limit of processes leaves none, Node aborts
const ready = new Promise<void>((resolve) => fs.access("/", () => resolve(void process.send?.(helperReady))));

process.on("message", async (asked: { id: number; name: string; args: never[] }) => {
  const { id, name, args } = asked;
  // work that hangs may keep the one thread for good, and would be taken for a start that does
  await ready;
  try {
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
