// npm run build:npm: the package that users install, as build/falcon-sessions-<version>.tgz. It holds
// bundles, prebuilt natives, and of the packages that are not bundled only what runs
// (docs/design/decisions/0006-npm-package.md); no sources but the natives', no tests, no fixtures.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { transform, transformSync } from "esbuild";
import { nativeSources } from "../native-sources.mjs";
import { broken, nativeFiles, olderSqlite, platformName, takesNapiSqlite } from "./natives.mjs";

const root = path.resolve(import.meta.dirname, "..", "..");
const stage = path.join(root, "build/npm");
/** Prebuilt natives of other platforms, one folder each, where `npm run build:platforms` has made them. */
const platforms = path.join(root, "build/platforms");
const faces = ["DejaVuSansMono", "DejaVuSansMono-Bold", "DejaVuSansMono-Oblique"];

const manifest = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8"));
run([process.execPath, path.join(root, "scripts/build.mjs")], root);
fs.rmSync(stage, { recursive: true, force: true });
copy("LICENSE", "README.md");
copySources();
copy(
  "scripts/build.mjs",
  "scripts/lazy-packages.mjs",
  "scripts/shared-packages.mjs",
  "scripts/build-check/check.mjs",
  "scripts/npm/install.mjs",
  "scripts/npm/natives.mjs",
);
await copyBundles();
const manual = copyManual();
trimmed("node-pty", (name) => /^LICENSE$|^lib\/(?!.*(\.test|[wW]indows|conpty|testUtils)).*\.js$/.test(name));
trimmed("better-sqlite3", (name) => /^LICENSE$|^lib\/(?!win32).*\.js$/.test(name));
trimmed("dejavu-fonts-ttf", (name) => name === "LICENSE" || faces.some((face) => name === `ttf/${face}.ttf`));
copy("older-node/package.json");
const carried = fs.readdirSync(path.join(stage, "node_modules"));
prebuilt();
placeholder();
writeManifest();
const packed = run(["npm", "pack", "--json", "--pack-destination", path.join(root, "build"), stage], root);
const [{ filename, size, unpackedSize }] = JSON.parse(packed);
console.log(`build/${filename}: ${megabytes(size)}, ${megabytes(unpackedSize)} unpacked`);

function copy(...names) {
  for (const name of names) {
    fs.mkdirSync(path.dirname(path.join(stage, name)), { recursive: true });
    fs.copyFileSync(path.join(root, name), path.join(stage, name));
  }
}

/** Compressed, as man reads them too. @returns {string[]} their places. */
function copyManual() {
  fs.mkdirSync(path.join(stage, "dist/man"), { recursive: true });
  return fs.readdirSync(path.join(root, "dist/man")).map((name) => {
    const place = `dist/man/${name}.gz`;
    fs.writeFileSync(path.join(stage, place), gzipSync(fs.readFileSync(path.join(root, "dist/man", name)), { level: 9 }));
    return place;
  });
}

/** What is compiled where no prebuilt runs, without the lines that are comments: a fifth of it. */
function copySources() {
  for (const name of nativeSources(root)) {
    const text = fs.readFileSync(path.join(root, "native", name), "utf8");
    const file = path.join(stage, "native", name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, text.replace(/^\s*\/\/.*\n/gm, ""));
  }
}

/** Made small: a stack of a report names places of the bundle, and the version. */
async function copyBundles() {
  fs.mkdirSync(path.join(stage, "dist"), { recursive: true });
  for (const name of fs.readdirSync(path.join(root, "dist")).filter((file) => file.endsWith(".cjs"))) {
    const text = fs.readFileSync(path.join(root, "dist", name), "utf8").replace(/^\/\/# sourceMappingURL=.*$/m, "");
    const { code } = await transform(text, {
      minifyWhitespace: true,
      minifySyntax: true,
      minifyIdentifiers: true,
      platform: "node",
      format: "cjs",
      target: "node20",
    });
    fs.writeFileSync(path.join(stage, "dist", name), code, { mode: name === "trainer.cjs" ? 0o755 : 0o644 });
  }
  fs.cpSync(path.join(root, "dist/web"), path.join(stage, "dist/web"), { recursive: true });
}

/**
 * A package that is carried along with those of its files that `wanted` takes, without comments, and without
 * install scripts: we bring what they would make.
 */
function trimmed(name, wanted, from = "node_modules", to = "node_modules") {
  from = path.join(root, from, name);
  to = path.join(stage, to, name);
  for (const file of fs.readdirSync(from, { recursive: true, encoding: "utf8" })) {
    if (!wanted(file) || !fs.statSync(path.join(from, file)).isFile()) continue;
    fs.mkdirSync(path.dirname(path.join(to, file)), { recursive: true });
    if (!file.endsWith(".js")) fs.copyFileSync(path.join(from, file), path.join(to, file));
    else
      fs.writeFileSync(
        path.join(to, file),
        transformSync(fs.readFileSync(path.join(from, file)), { minifyWhitespace: true }).code,
      );
  }
  const { version, license, main, exports, description, repository } = JSON.parse(
    fs.readFileSync(path.join(from, "package.json"), "utf8"),
  );
  fs.writeFileSync(
    path.join(to, "package.json"),
    JSON.stringify({ name, version, description, license, repository, main, exports }, null, 2),
  );
}

/** The natives of this machine, and of every platform for which all were built. */
function prebuilt() {
  const host = platformName();
  const made = fs.existsSync(platforms) ? fs.readdirSync(platforms) : [];
  // made anew where a source has changed since
  if (made.length > 0) run([process.execPath, path.join(root, "scripts/packages/platforms.mjs"), ...made], root);
  for (const platform of new Set([host, ...made])) {
    const to = path.join(stage, "prebuilds", platform);
    fs.mkdirSync(to, { recursive: true });
    for (const [name, place] of Object.entries(nativeFiles(platform))) {
      // those of build:platforms run on older systems than what was built here; where none is there, this
      // machine's, or what the package brings
      const candidates = [
        path.join(platforms, platform, name),
        ...(platform === host ? [path.join(root, place)] : []),
        path.join(root, "node_modules/node-pty/prebuilds", platform, name),
        ...(name === "better_sqlite3.node" ? [path.join(root, place)] : []),
      ];
      const file = candidates.find((candidate) => fs.existsSync(candidate));
      if (file === undefined) {
        if (platform === host) throw new Error(`${name} was not built`);
        console.log(`${platform}: no ${name}, so it is left out`);
        fs.rmSync(to, { recursive: true });
        break;
      }
      fs.copyFileSync(file, path.join(to, name));
      fs.chmodSync(path.join(to, name), 0o755);
      if (platform === host) stripped(path.join(to, name));
    }
  }
  if (!takesNapiSqlite) {
    const place = olderSqlite(host);
    const binary = "build/Release/better_sqlite3.node";
    trimmed(
      "better-sqlite3",
      (name) => /^LICENSE$|^lib\/.*\.js$/.test(name) || name === binary,
      "older-node/node_modules",
      place,
    );
    stripped(path.join(stage, place, "better-sqlite3", binary));
    for (const name of ["bindings", "file-uri-to-path"])
      trimmed(name, (file) => /^(LICENSE.*|index\.js|bindings\.js)$/.test(file), "older-node/node_modules", place);
  }
  const wrong = broken(root);
  if (wrong.length > 0) throw new Error(`${wrong.join(", ")}: what was built does not run here`);
}

/**
 * Without the tables for a debugger, where a strip is there; only that of the file's own platform knows them.
 */
function stripped(file) {
  spawnSync("strip", process.platform === "darwin" ? ["-S", file] : [file], { stdio: "ignore" });
}

/**
 * npm links a command only where its file exists, and then may not run our install script: this stands there
 * until it was run.
 */
function placeholder() {
  fs.mkdirSync(path.join(stage, "bin"), { recursive: true });
  fs.copyFileSync(path.join(root, "scripts/npm/placeholder.sh"), path.join(stage, "bin/falcon"));
  fs.chmodSync(path.join(stage, "bin/falcon"), 0o755);
}

/**
 * The package's own: what runs is bundled or carried, so that only resvg, which has a binary of each
 * platform, is left to npm.
 */
function writeManifest() {
  const { name, version, description, license, type, engines, os } = manifest;
  const text = {
    name,
    version,
    description,
    license,
    type,
    engines,
    os,
    bin: { falcon: "bin/falcon", "falcon-sessions": "bin/falcon" },
    man: manual,
    files: ["bin", "dist", "native", "older-node", "prebuilds", "scripts"],
    scripts: { install: "node scripts/npm/install.mjs" },
    dependencies: {
      "@resvg/resvg-js": manifest.dependencies["@resvg/resvg-js"],
      ...Object.fromEntries(carried.map((dependency) => [dependency, versionOf(dependency)])),
    },
    bundleDependencies: carried,
  };
  fs.writeFileSync(path.join(stage, "package.json"), `${JSON.stringify(text, null, 2)}\n`);
}

function versionOf(name) {
  return JSON.parse(fs.readFileSync(path.join(root, "node_modules", name, "package.json"), "utf8")).version;
}

function run([file, ...args], cwd) {
  const done = spawnSync(file, args, { cwd, encoding: "utf8", maxBuffer: 64 << 20, stdio: ["ignore", "pipe", "inherit"] });
  if (done.status !== 0) throw new Error(`${file} ${args.join(" ")} failed with status ${done.status}`);
  return done.stdout;
}

function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
