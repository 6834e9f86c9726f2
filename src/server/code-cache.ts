// The code that was compiled for an earlier server, in the code-cache of the host's home: by Node, and of our
// bundles by base/kept-code.ts. It is written while the server has nothing to do, since a server that is
// killed writes nothing at its end, and the oldest of it is thrown away when it has grown.
import fs from "node:fs";
import * as module from "node:module";
import path from "node:path";

/**
 * Files in it at most. Each installation leaves 2 to 3 MB for each Node, each kind of processor of a shared
 * home and each set of V8's flags that it was used with: a dozen files with Node 20, some thirty with later
 * ones, which keep modules themselves.
 */
export const mostCompiled = 200;

/** Node 22.10 and later; the types are those of Node 20. */
const flush = (module as { flushCompileCache?: () => void }).flushCompileCache;

/**
 * Writes what Node compiled, and removes the oldest files first where the folder holds more than
 * {@link mostCompiled}: what is still used of them is written anew. It is only a cache: nothing that goes
 * wrong with it is worth a word.
 * @param folder where the client told Node to keep it (native/home/start.c).
 */
export function keepCompiled(folder: string): void {
  try {
    const names = fs.existsSync(folder) ? fs.readdirSync(folder, { recursive: true, encoding: "utf8" }) : [];
    const files = names.flatMap((name) => {
      const file = path.join(folder, name);
      const stat = fs.statSync(file, { throwIfNoEntry: false });
      return stat?.isFile() ? [{ file, written: stat.mtimeMs }] : [];
    });
    files.sort((one, other) => one.written - other.written);
    for (const { file } of files.slice(0, Math.max(0, files.length - mostCompiled))) fs.rmSync(file, { force: true });
  } catch {
    // as it was
  }
  flush?.();
}
