// The page's small curve, without a browser: what its points are.
import assert from "node:assert/strict";
import { test } from "node:test";
import { sparkline } from "../../src/web/page/widgets/sparkline.ts";

test("numbers beyond all drawing are left out, and the others stand where they stood", (t) => {
  let points = "";
  const createElementNS = () => ({
    setAttribute: (name: string, value: string) => {
      if (name === "points") points = value;
    },
    append: () => {},
  });
  Object.defineProperty(globalThis, "document", { value: { createElementNS }, configurable: true });
  t.after(() => Reflect.deleteProperty(globalThis, "document"));
  sparkline([1, 2, 3]);
  const [first, , last] = points.split(" ");
  sparkline([1, 1.2e308, 3]);
  assert.equal(points, `${first} ${last}`);
  assert.equal(sparkline([1, -1.2e308, Number.POSITIVE_INFINITY]), undefined);
});
