// What a viewer is sent: the same as through both filters alone, whatever the output and however it is cut; long plain output untouched.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ProgramSequences } from "../../../src/base/config.ts";
import { plainPart as native } from "../../../src/platform/native.ts";
import { plainPart } from "../../../src/terminal/plain-part.ts";
import { PolicyFilter } from "../../../src/terminal/policy.ts";
import { QueryFilter } from "../../../src/terminal/queries.ts";
import { ViewerStream } from "../../../src/terminal/viewer-stream.ts";
import { stream } from "./vocabulary.ts";

const rules: ProgramSequences = {
  clipboard: "block",
  title: "pass",
  notification: "block",
  colours: "block",
  links: "block",
  images: "block",
  keys: "pass",
  window: "block",
};

/** Text of some thousand bytes, in which a stream of anything may stand. */
const text = fc
  .array(fc.constantFrom("loss ", "\x1b[0;38;5;42m", "é", "日本", "\r\n", "\t", "😀", "²"), { minLength: 1, maxLength: 8 })
  .map((words) => Buffer.from(words.join("").repeat(700)));
const broken = fc
  .constantFrom(
    "\xc2",
    "\xc2\xc2\x9b6n",
    "\x9b5n",
    "\xe6\x97",
    "\x1b",
    "\x1b[",
    "\x1b]52;c;?\x07",
    "\x05",
    "\xf0\x9f\x98",
    "\x1b[c",
  )
  .map((bytes) => Buffer.from(bytes, "latin1"));
const output = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: text },
      { weight: 1, arbitrary: stream.map((bytes) => Buffer.from(bytes)) },
      { weight: 2, arbitrary: broken },
    ),
    {
      minLength: 1,
      maxLength: 8,
    },
  )
  .map((parts) => Buffer.concat(parts));

test("long plain output passes by the filters, and nothing changes for it", () => {
  let passedBy = 0;
  fc.assert(
    fc.property(output, fc.array(fc.integer({ min: 1, max: 30_000 }), { minLength: 1, maxLength: 6 }), (bytes, sizes) => {
      const [queries, policy] = [new QueryFilter(), new PolicyFilter(rules)];
      const expected: Buffer[] = [];
      const streams = [plainPart, native].map((find) => ({
        stream: new ViewerStream(new PolicyFilter(rules), find),
        passed: [] as Buffer[],
      }));
      for (let fed = 0, i = 0; fed < bytes.length; i++) {
        const chunk = bytes.subarray(fed, fed + (sizes[i % sizes.length] as number));
        fed += chunk.length;
        expected.push(Buffer.from(policy.feed(queries.feed(chunk))));
        for (const { stream, passed } of streams) {
          for (const part of stream.feed(chunk)) {
            if (part.buffer === bytes.buffer && part.length >= 4096) passedBy++;
            passed.push(Buffer.from(part));
          }
        }
      }
      for (const { passed } of streams) assert.ok(Buffer.concat(passed).equals(Buffer.concat(expected)));
    }),
    {
      numRuns: Number(process.env.FALCON_PROPERTY_RUNS ?? 200),
      seed: process.env.FALCON_PROPERTY_SEED === "random" ? Date.now() : 20261124,
    },
  );
  assert.ok(passedBy > 0, "nothing passed by: nothing was tested");
});
