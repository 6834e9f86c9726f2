// What a viewer is sent by the filter in C: the same as by the JavaScript ones, whatever the output and
// however it is cut; long plain output untouched.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type ProgramSequences, sequenceKinds } from "../../../src/base/config/config.ts";
import { StreamFilter } from "../../../src/platform/stream-filter.ts";
import { bothFiltered } from "../../support/oracle/both.ts";
import { stream } from "./vocabulary.ts";

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
const rules = fc
  .array(fc.constantFrom("pass", "block"), { minLength: sequenceKinds.length, maxLength: sequenceKinds.length })
  .map((passages) => Object.fromEntries(sequenceKinds.map((kind, i) => [kind, passages[i]])) as unknown as ProgramSequences);
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

test("the filter in C and the JavaScript ones say the same of every piece", () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 30_000 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(output, sizes, rules, fc.constantFrom("program", "screen"), (bytes, sizes, rules, of) => {
      const chunks: Buffer[] = [];
      for (let fed = 0; fed < bytes.length; ) {
        const chunk = bytes.subarray(fed, fed + (sizes[chunks.length % sizes.length] as number));
        chunks.push(chunk);
        fed += chunk.length;
      }
      bothFiltered(chunks, rules, of);
    }),
    {
      numRuns: Number(process.env.FALCON_PROPERTY_RUNS ?? 200),
      seed: process.env.FALCON_PROPERTY_SEED === "random" ? Date.now() : 20261124,
    },
  );
});

test("plain and coloured output is passed on as the buffer that it came in", () => {
  const filter = new StreamFilter(
    Object.fromEntries(sequenceKinds.map((kind) => [kind, "block"])) as unknown as ProgramSequences,
    { of: "program" },
  );
  const chunk = Buffer.from("epoch 3 \x1b[32mloss\x1b[0m 0.25 \x1b[?25l\x1b[10;1H\x1b[K日本\r\n");
  assert.equal(filter.feed(chunk), chunk);
});
