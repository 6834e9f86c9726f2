// The folder below /var/tmp is one for all tests of a machine's user, those of another clone among them: one
// of them has it at a time.
import fs from "node:fs";
import { close, lockFolder, openFolder } from "../../src/platform/native.ts";
import { until } from "./events.ts";

/** Does the work while nobody else has /var/tmp for theirs. */
export async function withVarTmp(work: () => Promise<void>): Promise<void> {
  const folder = openFolder(fs.realpathSync("/var/tmp"));
  try {
    await until(() => lockFolder(folder), "the others that have /var/tmp");
    await work();
  } finally {
    close(folder);
  }
}
