// The version is in one place, package.json: what else needs it reads it, or is made from it.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { root } from "../support/paths.ts";

const read = (name: string) => fs.readFileSync(path.join(root, name), "utf8");
const { version } = JSON.parse(read("package.json")) as { version: string };

test("npm's lock has package.json's version, and the change log tells of it first", () => {
  const lock = JSON.parse(read("package-lock.json"));
  assert.deepEqual([lock.version, lock.packages[""].version], [version, version]);
  assert.match(read("CHANGELOG.md"), new RegExp(`^# .*\\n+## ${version.replaceAll(".", "\\.")}\\b`));
});

test("no source says which version this is", (t) => {
  const listed = spawnSync("git", ["ls-files", "src", "native", "scripts"], { cwd: root, encoding: "utf8" });
  if (listed.status !== 0) return t.skip("no clone");
  const word = new RegExp(`(?<![\\d.])${version.replaceAll(".", "\\.")}(?![\\d.])`);
  const saying = listed.stdout
    .trim()
    .split("\n")
    .filter((name) => fs.existsSync(path.join(root, name)) && word.test(read(name)));
  assert.deepEqual(saying, []);
});
