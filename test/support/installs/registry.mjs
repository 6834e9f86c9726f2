// A registry of npm that serves the archives of a folder, for as long as a command runs:
//     node registry.mjs FOLDER COMMAND...       (it finds the registry in npm_config_registry)
// Newest by its version; only what npm asks for to install a package is answered.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import http from "node:http";
import path from "node:path";

const [folder, command, ...args] = process.argv.slice(2);
/** By name, of each the manifests by version. */
const packages = new Map();
const server = http.createServer((request, response) => {
  const name = decodeURIComponent(request.url.slice(1));
  const file = path.join(folder, path.basename(name));
  if (packages.has(name)) response.end(JSON.stringify(packages.get(name)));
  else if (name.endsWith(".tgz") && fs.existsSync(file)) fs.createReadStream(file).pipe(response);
  else response.writeHead(404).end("{}");
});
server.listen(0, "127.0.0.1", () => {
  const at = `http://127.0.0.1:${server.address().port}/`;
  for (const name of fs.readdirSync(folder).filter((file) => file.endsWith(".tgz"))) add(path.join(folder, name), at);
  const child = spawn(command, args, { stdio: "inherit", env: { ...process.env, npm_config_registry: at } });
  child.on("exit", (code, signal) => process.exit(signal === null ? code : 1));
});

function add(file, at) {
  const read = spawnSync("tar", ["-xzOf", file, "package/package.json"], { encoding: "utf8" });
  const manifest = JSON.parse(read.stdout);
  const integrity = `sha512-${createHash("sha512").update(fs.readFileSync(file)).digest("base64")}`;
  const known = packages.get(manifest.name) ?? { name: manifest.name, "dist-tags": {}, versions: {} };
  known.versions[manifest.version] = { ...manifest, dist: { tarball: `${at}${path.basename(file)}`, integrity } };
  known["dist-tags"].latest = Object.keys(known.versions).sort().at(-1);
  packages.set(manifest.name, known);
}
