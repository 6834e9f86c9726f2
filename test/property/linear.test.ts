// What others wrote is read in time that grows with its length: each text here is so long that a reader which
// compares all of it with all of it would not come back for hours, and the runner's limit for a file ends it
// (scripts/test.mjs): a test's own limit ends nothing that does not wait.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import path from "node:path";
import { after, describe, test } from "node:test";
import { maskedEnvironment } from "../../src/commands/show/environment-text.ts";
import { Screen } from "../../src/terminal/model/screen.ts";
import { readYaml } from "../../src/trainers/falcon/config/yaml.ts";
import { failureOf } from "../../src/trainers/reading/last-traceback.ts";
import { compile } from "../support/compile.ts";
import { TestHome } from "../support/home.ts";
import { root } from "../support/paths.ts";

/** Four million: squared, days. */
const long = 4 << 20;

describe("the environment of a session, to be shown", () => {
  for (const [what, value] of Object.entries({
    letters: "a".repeat(long),
    "letters and dots": "a.".repeat(long / 2),
    "beginnings of addresses": "a://".repeat(long / 4),
    "addresses without an end": "a://b:".repeat(long / 6),
    colons: ":".repeat(long),
  }))
    test(what, () => {
      assert.ok(maskedEnvironment({ VALUE: value }).VALUE !== undefined);
    });

  test("still hides passwords in addresses", () => {
    const { URL: shown } = maskedEnvironment({ URL: "postgres://ann:open-sesame@host/db and git+ssh://bob:x@h" });
    assert.equal(shown, "postgres://ann:(hidden)@host/db and git+ssh://bob:(hidden)@h");
  });
});

describe("the sentence of an exception", () => {
  for (const [what, line] of Object.entries({
    "a name without an end": "a".repeat(long),
    dots: ".".repeat(long),
    "names and colons": "a:".repeat(long / 2),
    "words in front of brackets": ") ".repeat(long / 2),
  }))
    test(what, () => assert.ok(failureOf(`first\n${line}`).length > 0));

  test("is the last line where that is one", () => {
    assert.equal(failureOf("ray.task failed\n  at x\nValueError: no data"), "ValueError: no data");
    assert.equal(failureOf("RuntimeError: cuda\nhint without one"), "RuntimeError: cuda");
    assert.equal(failureOf("one\n...: dots"), "one");
  });
});

describe("a configuration that takes long to read is none", () => {
  const merges = Array.from({ length: 3000 }, (_, n) => `m${n}: &m${n}\n  <<: *m${Math.max(0, n - 1)}\n  k${n}: 1\n`).join("");
  for (const [what, text] of Object.entries({
    "merge keys": merges,
    "merge keys of a large map": `a: &a\n${"  k: 1\n".repeat(9000)}b:\n  <<: *a\n`,
    "keys in one map": Array.from({ length: 30_000 }, (_, n) => `k${n}: 1\n`).join(""),
    "keys in one line": `{${Array.from({ length: 30_000 }, (_, n) => `k${n}`).join(",")}}`,
    aliases: `a: &a [1]\nb: [${"*a ,".repeat(2000)}]`,
  }))
    test(what, () => assert.throws(() => readYaml(text), /too large to read/));

  test("and falcon's own are read, merge keys too", () => {
    assert.deepEqual(readYaml("base: &b\n  lr: 0.1\nz:\n  <<: *b\n  n: 2\n"), { base: { lr: 0.1 }, z: { lr: 0.1, n: 2 } });
    const large = Array.from({ length: 2000 }, (_, n) => `n${n}:\n  evidence: [x]\n`).join("");
    assert.equal(Object.keys(readYaml(large) as object).length, 2000);
    const numbers = Array.from({ length: 15_000 }, (_, n) => n / 2);
    assert.deepEqual(readYaml(`x: [${numbers.join(", ")}]\n`), { x: numbers });
    const times = Array.from({ length: 3_000 }, (_, n) => `k${n}: "a:b:${n}"\n`).join("");
    assert.equal(Object.keys(readYaml(times) as object).length, 3_000);
  });

  test("keys without a colon count as keys", () => {
    const names = Array.from({ length: 10_001 }, (_, n) => `k${n}`);
    for (const text of [`{${names.join(",")}}`, names.map((name) => `? ${name}\n`).join("")])
      assert.throws(() => readYaml(text), /too large to read/);
  });
});

describe("a program's question", () => {
  const home = new TestHome();
  after(() => home.dispose());
  const native = path.join(root, "native");
  const searches = (text: string) => {
    const file = compile(path.join(root, "test/support/programs/counted-searches.c"), home.work, [
      "-D_GNU_SOURCE",
      `-I${native}`,
    ]);
    const [answer, searched] = execFileSync(file, { input: text, encoding: "utf8" }).split(" ");
    return { answer, searched: Number(searched) };
  };

  for (const [what, parameters] of Object.entries({
    "actions of a notification": "a=".repeat(1 << 15),
    "actions, each by itself": "a=:".repeat(1 << 15),
    "colons of a notification": ":".repeat(1 << 16),
  }))
    test(what, () => {
      const { answer, searched } = searches(`99;${parameters}`);
      assert.equal(answer, "tells");
      assert.ok(searched <= 8 * parameters.length, `${searched} bytes were searched of ${parameters.length}`);
    });

  test("is still known as one", () => {
    for (const asks of ["a=focus,report", "i=1:a=x=a=report:d=0", "report:a=:a=report", "a=a=report"])
      assert.equal(searches(`99;${asks};text`).answer, "asks", asks);
    for (const tells of ["report", "a=focus:report", "reporta=", "a=repor:t", ""])
      assert.equal(searches(`99;${tells};a=report`).answer, "tells", tells);
  });
});

test("links, each of its own and all of them shown", () => {
  const screen = new Screen({ cols: 200, rows: 50, scrollback: 500 });
  const links = 40_000;
  screen.feed(Buffer.from(Array.from({ length: links }, (_, n) => `\x1b]8;;http://a/${n}\x07x\x1b]8;;\x07`).join("")));
  assert.match(screen.snapshot(0).first.toString("latin1"), new RegExp(`http://a/${links - 1}\\b`));
  screen.dispose();
});
