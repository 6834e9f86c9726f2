// Bytes that are no UTF-8 in texts: there and back without a change, and untouched by what only knows text.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { bytesOf, isPlain, onDisk, percentCoded, textOf } from "../../../src/base/text/bytes.ts";

test("any bytes come back, also through JSON and with others put before and behind", () => {
  const some = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.string({ unit: "binary" }).map((text) => Buffer.from(text)),
    fc
      .constantFrom("ed a0 80", "ed b2 80", "f4 90 80 80", "c0 80", "e9", "f0 9f 98 80", "f0 9f 98")
      .map((hex) => Buffer.from(hex.replaceAll(" ", ""), "hex")),
  );
  fc.assert(
    fc.property(fc.array(some, { maxLength: 4 }), (pieces) => {
      const bytes = Buffer.concat(pieces);
      const text = textOf(bytes);
      assert.deepEqual(bytesOf(text), bytes);
      assert.deepEqual(
        bytesOf(JSON.parse(JSON.stringify(`/a/${text}/b`))),
        Buffer.concat([Buffer.from("/a/"), bytes, Buffer.from("/b")]),
      );
      assert.equal(isPlain(text), Buffer.from(bytes.toString()).equals(bytes));
    }),
    { numRuns: 2_000, seed: 10 },
  );
});

test("plain text stays as it is, and a lone surrogate that is no byte is U+FFFD as everywhere", () => {
  for (const text of ["", "abc", "ünï 😀 \ufffd", "%41"]) {
    assert.equal(textOf(Buffer.from(text)), text);
    assert.equal(onDisk(text), text);
    assert.ok(isPlain(text));
  }
  assert.deepEqual(bytesOf("a\ud800\udcff"), Buffer.from("a\ud800\udcff"));
  assert.deepEqual(bytesOf("\ud800x\udce9"), Buffer.from([0xef, 0xbf, 0xbd, 0x78, 0xe9]));
});

test("percent-coding is UTF-8, and one to one", () => {
  assert.equal(percentCoded(textOf(Buffer.from("a%\xe9b\xc3\xa9%41", "latin1"))), "a%25%e9bé%2541");
});

test("names a file exactly", () => {
  const folder = fs.mkdtempSync("/tmp/fs-bytes-");
  try {
    const name = textOf(Buffer.from("na\xefve", "latin1"));
    fs.writeFileSync(onDisk(path.join(folder, name)), "x");
    assert.deepEqual(fs.readdirSync(folder, "buffer"), [Buffer.from("na\xefve", "latin1")]);
  } catch (error) {
    // a file system of UTF-8 only (APFS) refuses the name
    assert.equal((error as NodeJS.ErrnoException).code, "EILSEQ");
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});
