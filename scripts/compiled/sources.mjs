// Compiles every TypeScript file of the project into a folder below build, and tells the options with which
// Node takes them from there. When tsx compiled them as they were loaded, that cost each process of the tests
// 0.15 s of a processor, and there are some 260.
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { buildSync } from "esbuild";

const root = path.resolve(import.meta.dirname, "../..");
const folders = ["src", "test", "scripts", path.join("examples", "trainer")];

const prefix = "compiled-";
/** No run of tests takes as long (ms). */
const longestRun = 24 * 3_600_000;

/** Node's options for a process that imports the project's TypeScript files, as they are at this moment. */
export function compiledSources() {
  const build = path.join(root, "build");
  fs.mkdirSync(build, { recursive: true });
  removeStale(build);
  const folder = fs.mkdtempSync(path.join(build, prefix));
  process.on("exit", () => fs.rmSync(folder, { recursive: true, force: true }));
  const entryPoints = folders.flatMap((name) =>
    fs
      .readdirSync(path.join(root, name), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts"))
      .map((file) => path.join(name, file)),
  );
  const options = { format: "esm", target: "es2022", sourcemap: "inline", write: false };
  for (const { path: file, contents } of compiled({ entryPoints, ...options })) {
    const place = path.join(folder, path.relative(root, file));
    fs.mkdirSync(path.dirname(place), { recursive: true });
    fs.writeFileSync(place, contents);
  }
  const register = new URL("register.mjs", import.meta.url);
  register.searchParams.set("from", pathToFileURL(folder).href);
  return ["--enable-source-maps", "--import", register.href];
}

/** As beside the sources, which their maps name so; what does not compile is told, and ends the process. */
function compiled(options) {
  try {
    return buildSync({ absWorkingDir: root, outdir: root, outbase: root, logLevel: "error", ...options }).outputFiles;
  } catch {
    process.exit(1);
  }
}

/** Removes what killed runs have left, as far as we may: others may run the tests of this tree, too. */
function removeStale(build) {
  for (const name of fs.readdirSync(build).filter((each) => each.startsWith(prefix))) {
    const folder = path.join(build, name);
    try {
      if (fs.statSync(folder).mtimeMs < Date.now() - longestRun) fs.rmSync(folder, { recursive: true });
    } catch {
      // it is another user's, or has just been removed
    }
  }
}
