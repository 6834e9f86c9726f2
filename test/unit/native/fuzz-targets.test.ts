// The fuzz targets in C include the client's and the holder's own sources: one that no longer compiles would
// fuzz nothing.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { faultsOf, nativeTargets } from "../../fuzz/native.ts";

const cc = process.env.CC ?? "cc";
const skip = spawnSync(cc, ["--version"]).status === 0 ? false : `no ${cc}`;

for (const target of nativeTargets())
  test(`the fuzz target ${target.name} compiles with what it includes`, { skip }, () => assert.equal(faultsOf(target), ""));
