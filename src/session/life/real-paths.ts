// Where paths of users lead: asked aside before they are compared, since comparing itself must wait for no
// file system.
import fs from "node:fs";
import path from "node:path";
import { aside, isAside } from "../../base/aside/aside.ts";
import { within } from "../../base/clock.ts";
import { onDisk, textOf } from "../../base/text/bytes.ts";

/** The path with links resolved as far as it exists: a run makes its directory after it was asked for. */
function realPathHere(file: string): string {
  for (let there = file; ; there = path.dirname(there)) {
    try {
      return path.resolve(textOf(fs.realpathSync(onDisk(there), "buffer")), `./${file.slice(there.length)}`);
    } catch {
      if (there === path.dirname(there)) return path.normalize(file);
    }
  }
}

const ask = aside("realPath", realPathHere, ([file]) => file);

/** So long (ms) the others' file systems are waited for, all together: a command waits for them. */
export const othersPatience = 500;

/** More run directories than any table has; then it is begun anew. */
const mostKnown = 20_000;
const known = new Map<string, string>();
/** Of others, and not answered yet: each is asked for once at a time. */
const asking = new Map<string, Promise<void>>();

/** The path without links, as far as that was asked for; else as it is written. Asks nobody. */
export function realPath(file: string): string {
  return isAside() ? (known.get(file) ?? path.normalize(file)) : realPathHere(file);
}

/**
 * Asks where paths lead: `wanted` each time, `others` once, in their order. A path of `others` that does not
 * answer stays as it is written; what answers late is known the next time.
 * @throws NoAnswer where one that is wanted does not answer.
 */
export async function learnRealPaths(wanted: readonly string[], others: readonly string[]): Promise<void> {
  if (!isAside()) return;
  if (known.size > mostKnown) known.clear();
  const learn = async (file: string) => void known.set(file, await ask(file));
  const first = Promise.all(wanted.map(learn));
  const rest = [...new Set(others)]
    .filter((file) => !known.has(file))
    .map((file) => {
      const before = asking.get(file);
      if (before !== undefined) return before;
      const answer = learn(file)
        .catch(() => {})
        .finally(() => void asking.delete(file));
      asking.set(file, answer);
      return answer;
    });
  await first;
  // from then on: a helper that is only being started is no file system that is away
  await within(othersPatience, Promise.all(rest));
}
