// Every link of every page leads somewhere, to an anchor that is there. (Pages that sources name:
// scripts/check-comments.mjs.)
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { eventFacts } from "../../src/session/events/event-facts.ts";
import { root } from "../support/paths.ts";

// not by git: the tests also run in a copy of the tree that is no clone (scripts/with-node.sh)
const pages = [
  ...fs.readdirSync(root).filter((name) => name.endsWith(".md")),
  ...["docs", "examples"].flatMap((folder) =>
    fs
      .readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".md"))
      .map((name) => path.posix.join(folder, name)),
  ),
];
const read = (file: string) => fs.readFileSync(path.join(root, file), "utf8");

/** A page without what is code: links in examples are nobody's. */
function prose(text: string): string {
  return text
    .replace(/^(```|~~~)[\s\S]*?^\1/gm, "")
    .replace(/^ {4}.*$/gm, "")
    .replace(/`[^`\n]*`/g, (code) => (/^`[^`]*`$/.test(code) ? " " : code));
}

/** The anchors of a page, made from its headings as GitHub does. */
function anchors(text: string): Set<string> {
  const found = new Map<string, number>();
  const all = new Set<string>();
  for (const [, heading = ""] of text.replace(/^(```|~~~)[\s\S]*?^\1/gm, "").matchAll(/^#{1,6} +(.+?) *#*$/gm)) {
    const slug = heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-");
    const count = found.get(slug) ?? 0;
    found.set(slug, count + 1);
    all.add(count === 0 ? slug : `${slug}-${count}`);
  }
  return all;
}

/** What is wrong with the links of a page. */
function faults(page: string, text: string): string[] {
  const targets = [
    ...prose(text).matchAll(/\]\(<?([^)\s>]+)>?(?: "[^"]*")?\)/g),
    ...prose(text).matchAll(/^\[[^\]]+\]: (\S+)/gm),
    ...prose(text).matchAll(/<(?:img|a|source)\b[^>]*?\b(?:src|href|srcset)="([^"]+)"/g),
  ].map((match) => match[1] as string);
  return targets.flatMap((target) => {
    if (/^[a-z]+:/.test(target)) return [];
    const [file = "", anchor] = target.split("#");
    const full = file === "" ? page : path.posix.normalize(path.posix.join(path.posix.dirname(page), file));
    if (full.startsWith("..") || !fs.existsSync(path.join(root, full))) return [`${page}: ${target}: there is no ${full}`];
    if (anchor === undefined) return [];
    return anchors(full === page ? text : read(full)).has(anchor) ? [] : [`${page}: ${target}: no heading makes this anchor`];
  });
}

describe("links", () => {
  test("every link of every page leads somewhere", () => {
    assert.ok(pages.length >= 25, `${pages.length} pages`);
    assert.deepEqual(
      pages.flatMap((page) => faults(page, read(page))),
      [],
    );
  });

  test("a page of the guide or the design is found from its index", () => {
    for (const folder of ["docs/guide", "docs/design"]) {
      const index = read(`${folder}/README.md`);
      for (const name of fs.readdirSync(path.join(root, folder)).filter((file) => file.endsWith(".md") && file !== "README.md"))
        assert.ok(index.includes(`](${name})`), `${folder}/README.md does not link ${name}`);
    }
  });

  test("the check itself finds what is not there", () => {
    assert.match(faults("README.md", "[a](docs/none.md)")[0] ?? "", /there is no docs\/none.md/);
    assert.match(faults("docs/guide/list.md", "[a](#none)\n# Some")[0] ?? "", /no heading/);
    assert.match(faults("docs/guide/list.md", "[a](json.md#none)")[0] ?? "", /no heading/);
    assert.match(faults("docs/guide/list.md", '<img src="none.svg">')[0] ?? "", /there is no/);
    assert.deepEqual(faults("docs/guide/list.md", "[a](#some-or-other-x)\n## Some or `other`: x"), []);
    assert.deepEqual(faults("README.md", "`[a](b.md)` and\n\n    [c](d.md)\n"), []);
  });
});

test("docs/guide/hooks.md has every variable of on_event, and no other", () => {
  const session = { row: { state: "running", started: null, ended: null, runDirectory: null, facts: {} }, end: undefined };
  const ofEvent = ["", "_TIME", "_NODE", "_METRIC", "_EPOCH", "_SENTENCE"].map((part) => `FALCON_EVENT${part}`);
  const given = [...Object.keys(eventFacts(session as never, "")), ...ofEvent].sort();
  const documented = [...read("docs/guide/hooks.md").matchAll(/^\| `(FALCON_\w+)` \|/gm)].map(([, name]) => name as string);
  assert.deepEqual(documented.sort(), given);
});

test("the recording at README's top is an asciicast of four commands, and names nothing of the machine that it was made on", () => {
  const [header = "", ...events] = read("docs/guide/first-day.cast").trimEnd().split("\n");
  assert.equal(JSON.parse(header).version, 2);
  const written = events.map((line) => JSON.parse(line) as [number, string, string]);
  assert.ok(
    written.every(([time], i) => time >= (written[i - 1]?.[0] ?? 0)),
    "times do not go back",
  );
  const said = written.map(([, , text]) => text).join("");
  for (const words of ["falcon launch", "detached, running", "falcon sessions", "falcon attach"])
    assert.ok(said.includes(words), words);
  assert.doesNotMatch(`${said}${read("docs/guide/first-day.svg")}`, /\/(root|work|home|Users)\//);
});
