// What is taken out of a viewer's stream as a question, what is left, and that no disguise carries one past
// it. By the oracle; the filter in C is compared.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type ProgramSequences, sequenceKinds } from "../../../src/base/config/config.ts";
import { bothFiltered } from "../../support/oracle/both.ts";
import { QueryFilter } from "../../support/oracle/queries.ts";

const everything = Object.fromEntries(sequenceKinds.map((kind) => [kind, "pass"])) as unknown as ProgramSequences;

/** What comes out, in one piece and byte by byte: never a difference. */
function passed(text: string): string {
  const bytes = Buffer.from(text, "latin1");
  const whole = Buffer.from(new QueryFilter().feed(bytes)).toString("latin1");
  const filter = new QueryFilter();
  const pieces = [...bytes].map((byte) => Buffer.from(filter.feed(Buffer.from([byte]))));
  assert.equal(Buffer.concat(pieces).toString("latin1"), whole, "cuts make a difference");
  bothFiltered([bytes], everything, "program");
  bothFiltered(
    [...bytes].map((byte) => Buffer.from([byte])),
    everything,
    "program",
  );
  return whole;
}

/** Stands where a question stood. */
const inert = "\x1b\\";

describe("questions are taken out", () => {
  const questions = [
    "\x1b[c",
    "\x1b[0c",
    "\x1b[>c",
    "\x1b[=c",
    "\x1b[6n",
    "\x1b[?6n",
    "\x1b[?2026$p",
    "\x1b[>q",
    "\x1b[?u",
    "\x1b[18t",
    "\x1b[21t",
    "\x1b[x",
    "\x1b[?4m",
    "\x1b[1*y",
    "\x1bZ",
    "\x1b]11;?\x07",
    "\x1b]4;1;?\x1b\\",
    "\x1b]52;c;?\x07",
    "\x1b]21;foreground=?\x1b\\",
    "\x1b]22;?__current__\x1b\\",
    "\x1b]99;i=1:p=?;\x1b\\",
    "\x1b]5522;type=read;\x1b\\",
    "\x1b]1337;ReportCellSize\x07",
    "\x1bP$qm\x1b\\",
    "\x1bP+q544e\x1b\\",
    "\x1b_Gi=1;AAAA\x1b\\",
    "\xc2\x9bc",
    "\xc2\x9d11;?\xc2\x9c",
  ];
  for (const question of questions) {
    test(JSON.stringify(question), () => assert.equal(passed(`a${question}b`), `a${inert}b`));
  }

  test("what sets and asks at once only sets", () => {
    assert.equal(passed("\x1b]10;red;?\x07"), "\x1b]10;red\x07");
    assert.equal(passed("\x1b]4;1;red;2;?\x1b\\"), "\x1b]4;1;red\x1b\\");
  });

  test("ENQ", () => {
    assert.equal(passed("a\x05b"), "ab");
  });
});

describe("everything else is as it was", () => {
  const harmless = [
    "text \xe6\xbc\xa2 \xc2\xa0 \xf0\x9f\x98\x80",
    "\x1b[1;31mred\x1b[0m\x1b[2J\x1b[3;10r",
    "\x1b]0;a title\x07\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\",
    "\x1b]52;c;aGVsbG8=\x07",
    "\x1b]11;red\x1b\\\x1b]4;1;rgb:1/2/3\x07",
    "\x1bPq#0;2;0;0;0\x1b\\",
    "\x1b(0\x1b)B\x1b7\x1b8\x1bM",
    "\x1b[?1049h\x1b[?2026h\x1b[>1u\x1b[22;0t",
    "\x1b^private\x1b\\\x1bXstring\x1b\\",
  ];
  for (const text of harmless) test(JSON.stringify(text), () => assert.equal(passed(text), text));
});

describe("a question in disguise", () => {
  // a terminal that drops the broken byte, or reads a number behind zeros, would see a question
  const disguised: readonly [string, string][] = [
    ["\x1b\x80[c", inert],
    ["\x1b\x7f[c", inert],
    ["\x1b[\x80c", inert],
    ["\x1b\x1b\x80[c", inert],
    ["\x1b[5\x1b\x80c", "\x1bc"],
    ["\x1b[0018t", inert],
    [`\x1b[${"0".repeat(600)}c`, inert],
    ["\x1b]0011;?\x07", inert],
    ["\x1b]000000000011;?\x07", inert],
    ["\x1b]1\x801;?\x07", inert],
    ["\x1b]11;\x80?\x07", inert],
    ["\x1bP\x80$qm\x1b\\", inert],
    [`\x1bP${"0".repeat(600)}$qm\x1b\\`, inert],
    ["\x1b_\x01GAAAA\x1b\\", inert],
    ["\xc2\xc2\x9bc", inert],
    // what stands between the two bytes of a C1 control goes, and must not join them
    ["\xc2\x05\x9bc", "\x9bc"],
    ["\xc2\x1b\x9bc", "\x1bc"],
  ];
  for (const [text, left] of disguised) {
    test(JSON.stringify(text.slice(0, 20)), () => assert.equal(passed(`a${text}b`), `a${left}b`));
  }
});

test("within a sequence a broken byte is dropped, as the screen does, and a whole character breaks it off", () => {
  assert.equal(passed("a\x1b[3\xff1mb"), "a\x1b[31mb");
  assert.equal(passed("a\x1b[3\xe2\x941mb"), "a\x1b[31mb");
  assert.equal(passed("a\x1b[3\xe2\x94\xe2\x94\x801mb"), "a1mb");
  assert.equal(passed("a\x1b\xe2\x94\x807b"), "a7b");
  assert.equal(passed("a\x1b[3\xed\xa0\x801mb"), "a\x1b[31mb", "a surrogate is no character");
  assert.equal(passed("a\x1b[3\xef\xbb\xbf1mb"), "a\x1b[31mb", "nor is a byte order mark");
  // an intermediate before a parameter: only a final byte ends it
  assert.equal(passed("a\x1b[ 3\xe2\x94\x801mb"), "a\x1b[ 31mb");
});

test("a string that another sequence breaks off is ended, so that nothing of what follows belongs to it", () => {
  assert.equal(passed("\x1b]0;title\x1b[1mx"), "\x1b]0;title\x1b\\\x1b[1mx");
  assert.equal(passed("\x1b]11;red\x1b\x80x"), "\x1b]11;red\x1b\\\x1bx");
});
