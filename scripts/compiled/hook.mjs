// A hook of Node's loader: a TypeScript file of the project is taken, under its own name, as sources.mjs has
// compiled it. The folder with what is compiled is in this module's own address.
import fs from "node:fs";

const root = new URL("../..", import.meta.url).href;
const from = new URL(import.meta.url).searchParams.get("from");

/** @param next the loader behind this one */
export function load(url, context, next) {
  const [file] = url.split("?");
  if (!file.startsWith(root) || !file.endsWith(".ts")) return next(url, context);
  const compiled = new URL(`${from}/${file.slice(root.length, -".ts".length)}.js`);
  if (!fs.existsSync(compiled)) throw new Error(`${file} is not among what was compiled when the tests began`);
  return { format: "module", shortCircuit: true, source: fs.readFileSync(compiled, "utf8") };
}
