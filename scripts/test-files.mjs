// Which files of test/ hold the tests of the named folders and files.
import fs from "node:fs";
import path from "node:path";

const root = path.resolve(import.meta.dirname, "..");

/**
 * @param names folders and files of test/, with or without "test/" before them. Answers the files from the
 * root, sorted below each; a name that fits none ends the script.
 */
export function testsBelow(names) {
  return names.flatMap((name) => {
    const found = below(path.join(root, "test", name.replace(/^(\.\/)?test\//, "")));
    if (found.length === 0) {
      console.error(`no tests in ${name}: name a folder or a file of test/`);
      process.exit(2);
    }
    return found;
  });
}

function below(folder) {
  const stat = fs.statSync(folder, { throwIfNoEntry: false });
  if (stat === undefined) return [];
  if (stat.isFile()) return [path.relative(root, folder)];
  return fs
    .readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const full = path.join(folder, entry.name);
      if (entry.isDirectory()) return below(full);
      return entry.name.endsWith(".test.ts") ? [path.relative(root, full)] : [];
    })
    .sort();
}
