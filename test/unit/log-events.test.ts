// Every event of server.log is a noun, a dot and what happened to it: `session.adopted`,
// `viewer.keys-granted`, `store.write-failed`.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";

const source = path.resolve(import.meta.dirname, "../../src");
/** A participle at the end: regular ones, and the irregular ones that are in use. */
const grammar = /^[a-z]+\.([a-z]+-)*([a-z]+ed|left|lost|sent|hung|kept|found|rebuilt|set-aside|timed-out)$/;

test("the events of the server's log are noun.verb", () => {
  const events = fs.readdirSync(source, { recursive: true, encoding: "utf8" }).flatMap((name) => {
    if (!name.endsWith(".ts")) return [];
    const text = fs.readFileSync(path.join(source, name), "utf8");
    return [...text.matchAll(/\blog\(\s*"([^"]+)"/g)].map((match) => match[1] as string);
  });
  assert.ok(events.length > 60, `only ${events.length} were found`);
  assert.deepEqual([...new Set(events)].filter((event) => !grammar.test(event)).sort(), []);
});
