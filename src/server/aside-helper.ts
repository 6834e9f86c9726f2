// A helper process: does the server's work on files of users, one piece at a time, and ends with the server. It may hang, and be killed for it.
import { operationOf, thrownOf } from "../base/aside.ts";
// whoever makes operations is imported for them
import "../commands/program-file.ts";
import "../doctor/places.ts";
import "../falcon/foreign-files.ts";
import "../falcon/launch-check.ts";
import "../falcon/model-files.ts";
import "../falcon/relaunch.ts";
import "../falcon/run-config.ts";
import "../falcon/run-directory.ts";
import "../session/real-paths.ts";
import "../session/working-directory.ts";

process.on("message", async (asked: { id: number; name: string; args: never[] }) => {
  const { id, name, args } = asked;
  try {
    const operation = operationOf(name);
    if (operation === undefined) throw new Error(`no operation ${name}`);
    process.send?.({ id, value: await operation(...args) });
  } catch (error) {
    process.send?.({ id, thrown: thrownOf(error) });
  }
});
process.on("disconnect", () => process.exit(0));
