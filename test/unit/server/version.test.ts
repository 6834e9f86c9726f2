// Which version is newer.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isNewer } from "../../../src/server/version.ts";

test("versions are compared by number, a suffix is before its release", () => {
  assert.ok(isNewer("0.1.10", "0.1.9"));
  assert.ok(isNewer("1.0.0", "0.99.99"));
  assert.ok(isNewer("1.0.0", "1.0.0-rc.1"));
  assert.ok(isNewer("1.0.0-rc.2", "1.0.0-rc.1"));
  assert.equal(isNewer("1.0.0", "1.0.0"), false);
  assert.equal(isNewer("1.0.0-rc.1", "1.0.0"), false);
  assert.equal(isNewer("nonsense", "1.0.0"), false, "what is no version replaces nothing");
});
