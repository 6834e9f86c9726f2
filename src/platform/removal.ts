// Removing a folder that we made: by descriptors from its parent on, and of its entries only what is ours and
// known.
import { close, entryAt, namesIn, openFolder, openFolderAt, unlinkAt } from "./native.ts";

/**
 * Looks at a folder's entries while it is removed. A thread or program of ours that makes one meanwhile (of a
 * log that is compressed, its index, a stored screen) does so once.
 */
const mostLooks = 8;

/**
 * Removes `<parent>/<name>`, a folder of files. `parent` is opened once, links are nowhere followed. Answers
 * what was left, as names: entries of another
 * user, folders, and those that `known` does not know; then the folder stays with them. Nothing where there
 * is no such folder.
 * @throws Error with a code (EACCES, EROFS …) where an entry cannot be removed.
 */
export function removeFolder(parent: string, name: string, uid: number, known: (name: string) => boolean): string[] {
  let above: number;
  try {
    above = openFolder(parent);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  try {
    const found = entryAt(above, name);
    if (found === undefined) return [];
    if (found.kind !== "folder" || found.uid !== uid) return [name];
    const folder = openFolderAt(above, name);
    let left: string[] = [];
    try {
      for (let look = 1; ; look++) {
        left = removeEntries(folder, uid, known);
        if (left.length > 0 || removed(above, name, look === mostLooks)) break;
      }
    } finally {
      close(folder);
    }
    return left.map((entry) => `${name}/${entry}`);
  } finally {
    close(above);
  }
}

/** False where something was made in it meanwhile. @param last then that is an error. */
function removed(above: number, name: string, last: boolean): boolean {
  try {
    unlinkAt(above, name, true);
    return true;
  } catch (error) {
    if (last || (error as NodeJS.ErrnoException).code !== "ENOTEMPTY") throw error;
    return false;
  }
}

function removeEntries(folder: number, uid: number, known: (name: string) => boolean): string[] {
  return namesIn(folder).filter((name) => {
    const found = entryAt(folder, name);
    if (found === undefined) return false;
    if (found.kind === "folder" || found.uid !== uid || !known(name)) return true;
    unlinkAt(folder, name, false);
    return false;
  });
}
