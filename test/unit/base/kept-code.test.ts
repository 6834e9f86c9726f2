// Bundles that run with what V8 compiled of them before.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { beforeEach, type TestContext, test } from "node:test";
import v8 from "node:v8";
import { codeFolder, KeptCode } from "../../../src/base/kept-code.ts";
import { until } from "../../support/events.ts";

// what this process compiled itself would be used before anything that is kept
v8.setFlagsFromString("--no-compilation-cache");

let folder = "";
let bundle = "";
const cache = () => path.join(folder, "cache");
const kept = () => (fs.existsSync(cache()) ? fs.readdirSync(cache()).sort() : []);
const inodes = () => kept().map((name) => fs.statSync(path.join(cache(), name)).ino);

beforeEach((t) => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "fs-"));
  (t as TestContext).after(() => fs.rmSync(folder, { recursive: true }));
  bundle = path.join(folder, "bundle.cjs");
  fs.writeFileSync(path.join(folder, "part.cjs"), "module.exports = { parts: [] };");
  fs.writeFileSync(
    bundle,
    `const path = require("node:path");
     exports.name = path.basename(__filename);
     exports.parts = require("./part.cjs").parts;
     exports.later = () => require("./part.cjs").parts;`,
  );
});

/** A process runs the bundle, and keeps its code. */
async function run(...purposes: [string, ...string[]]): Promise<{ name: string; parts: unknown; later(): unknown }> {
  const code = new KeptCode(cache(), purposes);
  const exported = code.run(bundle);
  await code.keep();
  return exported as Awaited<ReturnType<typeof run>>;
}

test("a bundle runs as by require, and one beside it once", async () => {
  const { name, parts, later } = await run("any");
  assert.equal(name, "bundle.cjs");
  assert.equal(later(), parts);
});

test("what is kept of a bundle is there for the next process, and is written once", async () => {
  await run("any");
  assert.equal(kept().length, 2);
  const before = inodes();
  await run("any");
  assert.deepEqual(inodes(), before);
});

test("a bundle that was replaced has code of its own", async () => {
  await run("any");
  const text = fs.readFileSync(bundle, "utf8");
  fs.rmSync(bundle);
  fs.writeFileSync(bundle, text.replace("exports.name", "exports.same"));
  assert.equal((await run("any")).name, undefined);
  assert.equal(kept().length, 3);
});

test("a bundle that is run after the others were kept is kept as well", async () => {
  const code = new KeptCode(cache(), ["any"]);
  code.run(path.join(folder, "part.cjs"));
  await code.keep();
  assert.equal(kept().length, 1);
  code.run(bundle);
  await until(() => kept().length === 2, "the later one's code");
});

test("who has none for its purpose takes another's, and keeps its own", async () => {
  await run("start");
  await run("server", "start");
  assert.deepEqual(
    kept().map((name) => path.extname(name)),
    [".server", ".start", ".server", ".start"],
  );
});

test("code is kept apart for each set of V8's flags, by those that it has when it is kept", async (t) => {
  const other = (on: boolean) => v8.setFlagsFromString(on ? "--expose-gc" : "--no-expose-gc");
  t.after(() => other(false));
  const code = new KeptCode(cache(), ["any"]);
  code.run(bundle);
  other(true);
  await code.keep();
  const first = inodes();
  await run("any");
  assert.deepEqual(inodes(), first, "it is taken");
  other(false);
  await run("any");
  const both = inodes();
  assert.equal(both.length, 2 * first.length);
  for (const on of [true, false]) {
    other(on);
    await run("any");
    assert.deepEqual(inodes(), both, "neither took the other's place");
  }
});

test("code that is no code is written anew, and is no harm", async () => {
  await run("any");
  for (const name of kept()) fs.writeFileSync(path.join(cache(), name), "no code");
  assert.equal((await run("any")).name, "bundle.cjs");
  for (const name of kept()) assert.ok(fs.statSync(path.join(cache(), name)).size > 100);
});

test("code with pages that were never written is written anew: V8 ends the process where it is given such", async () => {
  // a bundle of some pages
  const functions = Array.from({ length: 2000 }, (_, i) => `exports.f${i} = (a) => a + ${i};`).join("\n");
  fs.appendFileSync(bundle, functions);
  await run("any");
  const name = kept().find((each) => each.startsWith("bundle.cjs")) as string;
  const file = path.join(cache(), name);
  const whole = fs.readFileSync(file);
  fs.writeFileSync(file, Buffer.concat([whole.subarray(0, 8192), Buffer.alloc(4096), whole.subarray(12288)]));
  assert.equal((await run("any")).name, "bundle.cjs");
  assert.deepEqual(fs.readFileSync(file).subarray(8192, 12288).equals(Buffer.alloc(4096)), false);
});

test("code that others may have written is not taken", async () => {
  await run("any");
  const name = kept().find((each) => each.startsWith("bundle.cjs")) as string;
  fs.chmodSync(path.join(cache(), name), 0o666);
  const inode = fs.statSync(path.join(cache(), name)).ino;
  await run("any");
  assert.notEqual(fs.statSync(path.join(cache(), name)).ino, inode, "it was written anew");
});

test("where nothing can be kept a bundle runs all the same", async () => {
  fs.writeFileSync(cache(), "a file");
  assert.equal((await run("any")).name, "bundle.cjs");
  assert.equal((new KeptCode(undefined, ["any"]).run(bundle) as { name: string }).name, "bundle.cjs");
});

test("Node's switch for its own cache is one for ours", () => {
  assert.equal(codeFolder({ NODE_COMPILE_CACHE: "/c" }), "/c");
  assert.equal(codeFolder({ NODE_COMPILE_CACHE: "/c", NODE_DISABLE_COMPILE_CACHE: "1" }), undefined);
  assert.equal(codeFolder({}), undefined);
});
