// Compiles every TypeScript file of the project into a folder below build, and tells the options with which
// Node takes them from there. When tsx compiled them as they were loaded, that cost each process of the tests
// 0.15 s of a processor, and there are some 260.
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { buildSync } from "esbuild";

const root = path.resolve(import.meta.dirname, "../..");
const folders = ["src", "test", "scripts", path.join("examples", "trainer")];

/** Node's options for a process that imports the project's TypeScript files, as they are at this moment. */
export function compiledSources() {
  const build = path.join(root, "build");
  fs.mkdirSync(build, { recursive: true });
  // each run has its own, and takes away what those left that were killed
  for (const name of fs.readdirSync(build)) {
    const pid = /^compiled-(\d+)$/.exec(name)?.[1];
    if (pid !== undefined && !runs(Number(pid))) fs.rmSync(path.join(build, name), { recursive: true, force: true });
  }
  const folder = path.join(build, `compiled-${process.pid}`);
  process.on("exit", () => fs.rmSync(folder, { recursive: true, force: true }));
  const entryPoints = folders.flatMap((name) =>
    fs
      .readdirSync(path.join(root, name), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts"))
      .map((file) => path.join(name, file)),
  );
  const options = { format: "esm", target: "es2022", sourcemap: "inline", write: false };
  // as beside the sources, which their maps name so
  const { outputFiles } = buildSync({ absWorkingDir: root, entryPoints, outdir: root, outbase: root, ...options });
  for (const { path: file, contents } of outputFiles) {
    const place = path.join(folder, path.relative(root, file));
    fs.mkdirSync(path.dirname(place), { recursive: true });
    fs.writeFileSync(place, contents);
  }
  const register = new URL("register.mjs", import.meta.url);
  register.searchParams.set("from", pathToFileURL(folder).href);
  return ["--enable-source-maps", "--import", register.href];
}

function runs(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
