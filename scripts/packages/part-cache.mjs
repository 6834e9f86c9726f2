// Built parts that are kept outside the clone by what went into them, so that a tree builds only what no tree
// has built.
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { cache } from "./tools.mjs";

/** So many results are kept of each part: those of a few branches, and of what is being changed. */
const mostKept = 6;

/**
 * Puts the files of a part into a folder: the kept ones, or those that `make` builds into a folder that is
 * given to it.
 * @param {string} part its name, of letters that a file may have.
 * @param {string[]} files whose contents it is made of.
 * @param {string[]} words what else decides what it becomes: versions, targets.
 * @param {string} into the folder.
 * @param {(folder: string) => Promise<void>} make
 */
export async function keptPart(part, files, words, into, make) {
  const sum = createHash("sha256");
  for (const item of [...words, ...files.flatMap((file) => [path.basename(file), fs.readFileSync(file)])])
    sum.update(`${item.length}:`).update(item);
  const place = path.join(cache, "parts", part, sum.digest("hex").slice(0, 16));
  if (!fs.existsSync(place)) {
    fs.mkdirSync(path.dirname(place), { recursive: true });
    const made = fs.mkdtempSync(`${place}.new-`);
    try {
      await make(made);
      fs.renameSync(made, place);
    } catch (error) {
      fs.rmSync(made, { recursive: true, force: true });
      // another run built the same meanwhile
      if (!fs.existsSync(place)) throw error;
    }
    forget(path.dirname(place));
  }
  fs.utimesSync(place, new Date(), new Date());
  for (const name of fs.readdirSync(place)) put(path.join(place, name), path.join(into, name));
}

/** Whoever reads the file at this moment, as another build does, has the old or the new one, whole. */
function put(from, to) {
  const fresh = `${to}.${process.pid}`;
  fs.copyFileSync(from, fresh);
  fs.renameSync(fresh, to);
}

/** Leaves what was used last. */
function forget(folder) {
  const places = fs.readdirSync(folder).map((name) => path.join(folder, name));
  const ages = new Map(places.map((place) => [place, fs.statSync(place, { throwIfNoEntry: false })?.mtimeMs ?? 0]));
  places.sort((a, b) => ages.get(b) - ages.get(a));
  for (const place of places.slice(mostKept)) fs.rmSync(place, { recursive: true, force: true });
}
