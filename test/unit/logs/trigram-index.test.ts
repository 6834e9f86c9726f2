import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { trigramQuery, trigramsOf } from "../../../src/logs/trigram-index.ts";
import { openDatabase } from "../../../src/store/sqlite.ts";

/** An index as the store has it: answers the texts (by position) that a query finds. */
function index(texts: readonly string[]): (query: string) => number[] {
  const db = openDatabase(":memory:");
  db.exec("CREATE VIRTUAL TABLE w USING fts5(words, content='', contentless_delete=1, detail=none, tokenize='ascii')");
  const insert = db.prepare("INSERT INTO w (rowid, words) VALUES (?, ?)");
  for (const [i, text] of texts.entries()) {
    insert.run(i, trigramsOf([text]));
  }
  const find = db.prepare("SELECT rowid FROM w WHERE w MATCH ? ORDER BY rowid");
  return (query) => find.all(query).map((row) => (row as { rowid: number }).rowid);
}

const texts = [
  "loss=nan in node z",
  "financing the banana",
  "Epoch 12/300 | loss=-2.911",
  "Traceback (most recent call last):",
  "漢字 kein naïve Übung",
  "a.b*c (x) [y] {z} \\d",
  "aab aaab",
  "",
  "na",
];

test("a query finds every text that its pattern matches, and far from all others", () => {
  const find = index(texts);
  const cases: [RegExp, number[]][] = [
    [/nan/, [0, 1]],
    [/loss=nan/, [0]],
    [/NAN/i, [0, 1]],
    [/Epoch \d+\/300/, [2]],
    [/Traceback|banana/, [1, 3]],
    [/(?:most|least) recent/, [3]],
    [/(most )?recent/, [3]],
    [/\bbanana$/, [1]],
    [/a\.b\*c/, [5]],
    [/\[y\] \{z\}/, [5]],
    [/\x6eode/, [0]],
    [/(?=loss)loss(?!x)/, [0, 2]],
    [/naïve/, [4]],
    [/a+b/, [6]],
    [/nosuchthing/, []],
  ];
  for (const [pattern, wanted] of cases) {
    const query = trigramQuery(pattern);
    const found = query === undefined ? texts.map((_, i) => i) : find(query);
    assert.deepEqual(
      found.filter((i) => pattern.test(texts[i] as string)),
      wanted,
      String(pattern),
    );
  }
  assert.deepEqual(find(trigramQuery(/loss=nan/) as string), [0]);
  assert.deepEqual(find(trigramQuery(/Traceback|banana/) as string), [1, 3]);
});

test("where nothing is certain there is no query", () => {
  for (const pattern of [/na/, /a.b/, /./, /x*/, /(abc)?/, /abc|d/, /[abc][def][ghi]/, /\d\d\d\d/, /ÜBUNG/iu, /a{0,3}bc/, /^$/])
    assert.equal(trigramQuery(pattern), undefined, String(pattern));
});

test("no match is ever missed (property)", () => {
  const letter = fc.constantFrom("a", "b", "c", "A", "é", "漢", ".", " ", "-", "1");
  const atom: fc.Arbitrary<string> = fc.oneof(
    letter.map((c) => c.replace(/[.]/g, "\\.")),
    fc.constantFrom(".", "[ab]", "\\d", "\\b", "(?:ab)", "(a|bc)", "(?=a)", "\\x61", "\\u0062"),
  );
  const quantified = fc
    .tuple(atom, fc.constantFrom("", "", "", "?", "*", "+", "{2}", "{0,1}", "{1,}", "+?"))
    .map(([a, q]) => (a.startsWith("(?=") || a === "\\b" ? a : a + q));
  const sequence = fc.array(quantified, { minLength: 1, maxLength: 8 }).map((parts) => parts.join(""));
  const pattern = fc.array(sequence, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("|"));
  const text = fc.array(letter, { maxLength: 30 }).map((parts) => parts.join(""));
  fc.assert(
    fc.property(pattern, fc.constantFrom("", "i"), fc.array(text, { minLength: 1, maxLength: 5 }), (source, flags, all) => {
      const regex = new RegExp(source, flags);
      const query = trigramQuery(regex);
      if (query === undefined) return;
      const found = new Set(index(all)(query));
      for (const [i, one] of all.entries())
        if (regex.test(one)) assert.ok(found.has(i), `/${source}/${flags} in ${JSON.stringify(one)}: ${query}`);
    }),
    { numRuns: 1500, seed: 7 },
  );
});
