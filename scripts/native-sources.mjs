// Which files of native/ are sources: all of its rooms, and not what was built there.
import fs from "node:fs";
import path from "node:path";

/** The sources below `native` of a tree, relative to that folder, in a steady order. */
export function nativeSources(root) {
  return fs
    .readdirSync(path.join(root, "native"), { recursive: true, encoding: "utf8" })
    .filter((file) => /\.(c|h|gyp)$/.test(file) && !file.startsWith(`build${path.sep}`))
    .sort();
}
