// The code that was compiled for an earlier server, in the code-cache of the host's home: by Node, and of our
// bundles by base/kept-code.ts. It is written while the server has nothing to do, since a server that is
// killed writes nothing at its end, and thrown away when it has grown.
import fs from "node:fs";
import * as module from "node:module";
import path from "node:path";

/** Files in it at most: each installation and each Node that was ever used leaves some thirty, 2 to 3 MB. */
export const mostCompiled = 200;

/** Node 22.10 and later; the types are those of Node 20. */
const flush = (module as { flushCompileCache?: () => void }).flushCompileCache;

/**
 * Writes what Node compiled, and empties the folder first when it holds more than {@link mostCompiled} files.
 * It is only a cache: nothing that goes
 * wrong with it is worth a word.
 * @param folder where the client told Node to keep it (native/home/start.c).
 */
export function keepCompiled(folder: string): void {
  try {
    const names = fs.existsSync(folder) ? fs.readdirSync(folder, { recursive: true, encoding: "utf8" }) : [];
    const files = names
      .map((name) => path.join(folder, name))
      .filter((file) => fs.statSync(file, { throwIfNoEntry: false })?.isFile());
    if (files.length > mostCompiled) for (const file of files) fs.rmSync(file, { force: true });
  } catch {
    // as it was
  }
  flush?.();
}
