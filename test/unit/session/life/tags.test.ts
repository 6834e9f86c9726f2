// Labels: what is one, what sets and removes it, what a filter means.
import assert from "node:assert/strict";
import { test } from "node:test";
import { tagFilter, tagsText, withTags } from "../../../../src/session/life/tags.ts";

test("name=value sets, a name alone sets, name= removes; the last word counts", () => {
  assert.deepEqual(withTags({ a: "1" }, ["b=2", "good", "a=3"]), { a: "3", b: "2", good: "" });
  assert.deepEqual(withTags({ a: "1", good: "" }, ["a=", "good="]), {});
  assert.deepEqual(withTags({}, ["url=http://x/?a=b"]), { url: "http://x/?a=b" });
  // also a name that objects have of themselves
  const own = withTags({}, ["__proto__=1", "constructor"]);
  assert.deepEqual(Object.entries(own), Object.entries(JSON.parse('{"__proto__":"1","constructor":""}')));
  assert.ok(tagFilter(["__proto__=1"])(own));
  assert.deepEqual(Object.keys(withTags(own, ["__proto__="])), ["constructor"]);
  assert.equal(tagsText({ lr: "0.1", good: "" }), "lr=0.1 good");
});

test("a filter is a name, or a name with its value, and all of them", () => {
  assert.ok(tagFilter(["lr"])({ lr: "0.1" }) && tagFilter(["lr=0.1"])({ lr: "0.1" }) && tagFilter([])({}));
  assert.ok(!tagFilter(["lr=0.2"])({ lr: "0.1" }) && !tagFilter(["lr", "x"])({ lr: "0.1" }) && !tagFilter(["constructor"])({}));
});

test("what is no label is refused in a sentence", () => {
  for (const word of ["", "=x", "1a=2", "a b=c", "a=b c", `a=${"x".repeat(65)}`, `${"n".repeat(65)}=1`, "a=\x1b[31m", "-x"])
    assert.throws(() => withTags({}, [word]), /label/, word);
  assert.throws(
    () =>
      withTags(
        {},
        Array.from({ length: 33 }, (_, i) => `t${i}=1`),
      ),
    /at most 32 labels/,
  );
});
