// Looks of one moment at several runs: one piece of work, and who does not answer holds up no others.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { NoAnswer } from "../../../src/base/aside/aside.ts";
import type { FileStat, FileToStat } from "../../../src/base/aside/stat-files.ts";
import { sharedLooks } from "../../../src/trainers/reading/shared-looks.ts";

const file = (name: string): FileToStat => ({ file: name, from: 0, known: 0 });
const seen = (files: readonly FileToStat[]): FileStat[] =>
  files.map((one) => ({ error: 0, regular: true, inode: one.file.length, size: 1, modified: 1, bytes: undefined }));

/** Looks that tell how they were asked for; what is in `hangs` gets no answer. */
function looks(hangs: ReadonlySet<string> = new Set()) {
  const asked: string[] = [];
  const hung = (files: readonly FileToStat[]) => files.some((one) => hangs.has(one.file));
  const look = sharedLooks({
    one: async (files) => {
      asked.push(files.map((one) => one.file).join(","));
      if (hung(files)) throw new NoAnswer("does not answer");
      return seen(files);
    },
    many: (runs) => {
      asked.push(runs.map((files) => files.map((one) => one.file).join(",")).join(" + "));
      return runs.some(hung) ? new Promise(() => {}) : Promise.resolve(runs.map(seen));
    },
  });
  return { look, asked };
}

describe("looks at the files of runs", () => {
  test("of one moment are one piece of work, each with its own answer", async () => {
    const { look, asked } = looks();
    const answers = await Promise.all([look([file("/a"), file("/bb")]), look([file("/ccc")])]);
    assert.deepEqual(
      answers.map((files) => files.map(({ inode }) => inode)),
      [[2, 3], [4]],
    );
    assert.deepEqual(asked, ["/a,/bb + /ccc"]);
  });

  test("alone are asked as ever", async () => {
    const { look, asked } = looks();
    assert.equal((await look([file("/a")])).length, 1);
    assert.deepEqual(asked, ["/a"]);
  });

  test("that get no answer hold up no others, and are asked by themselves from then on", async () => {
    const hangs = new Set(["/away"]);
    const { look, asked } = looks(hangs);
    const [well, away] = await Promise.allSettled([look([file("/a")]), look([file("/away")])]);
    assert.equal(well.status, "fulfilled");
    assert.match(String((away as PromiseRejectedResult).reason), /does not answer/);
    assert.deepEqual(asked, ["/a + /away", "/a", "/away"]);

    asked.length = 0;
    await Promise.allSettled([look([file("/a")]), look([file("/away")]), look([file("/b")])]);
    assert.deepEqual(asked, ["/away", "/a + /b"]);

    hangs.clear();
    await look([file("/away")]);
    asked.length = 0;
    await Promise.all([look([file("/a")]), look([file("/away")])]);
    assert.deepEqual(asked, ["/a + /away"]);
  });

  test("of many runs go in pieces", async () => {
    const { look, asked } = looks();
    await Promise.all(Array.from({ length: 70 }, (_, i) => look([file(`/${i}`)])));
    assert.deepEqual(
      asked.map((one) => one.split(" + ").length),
      [32, 32, 6],
    );
  });
});
