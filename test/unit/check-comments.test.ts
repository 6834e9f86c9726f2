// The lint rule on comments, words and named pages really refuses, and this tree keeps to it.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { root } from "../support/paths.ts";

const check = (...args: string[]) =>
  spawnSync(process.execPath, [path.join(root, "scripts/check-comments.mjs"), ...args], { encoding: "utf8" });

test("wide comments, words that were replaced and pages that are not there are refused, and an exception that is over is told", () => {
  const folder = fs.mkdtempSync("/tmp/fs-lint-");
  try {
    const put = (file: string, text: string) => {
      fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
      fs.writeFileSync(path.join(folder, file), text);
    };
    put("docs/guide/there.md", "# There\n");
    put("src/fine.ts", `// ${"a".repeat(107)}\nconst wide = "${"b".repeat(200)}"; // docs/guide/there.md\n`);
    put("src/wide.ts", `// ${"a".repeat(108)}\n`);
    put("native/wide.c", `\n/* ${"ä".repeat(120)} */\n`);
    put("src/old.ts", `// ${"a".repeat(120)}\n`);
    put("src/word.ts", "class Telling {}\n");
    put("src/page.ts", "// docs/none.md\n");
    put("src/long.ts", `// One thing.\n${"\n".repeat(400)}//\n`);
    put("src/table.ts", `// One table. Long: a row each.\n${"\n".repeat(400)}//\n`);
    put("docs/design/page.md", "`docs/guide/none.md`\n");
    put("scripts/check-comments.json", JSON.stringify({ width: ["src/old.ts", "src/fine.ts"] }));
    const { status, stderr } = check(folder);
    assert.equal(status, 1);
    for (const complaint of [
      /src\/wide\.ts:1: a comment of 111 columns; at most 110/,
      /native\/wide\.c:2: a comment of 126 columns/,
      /src\/word\.ts: "telling" is not to come back; the glossary's word is: event outbox/,
      /src\/long\.ts: 402 lines; at most 400, unless its head says "Long: " and why/,
      /src\/page\.ts names docs\/none\.md, which is not there/,
      /docs\/design\/page\.md names docs\/guide\/none\.md, which is not there/,
      /note: scripts\/check-comments\.json may lose under "width": src\/fine\.ts$/m,
    ])
      assert.match(stderr, complaint);
    assert.equal(stderr.trim().split("\n").length, 7, stderr);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

test("this tree keeps to it", () => {
  const { status, stderr } = check();
  assert.equal(status, 0, stderr);
});
