// What is used up is told in a sentence, by whatever words the error has for it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { shortageOf } from "../../../src/base/failure.ts";

const withCode = (message: string, code: string) => Object.assign(new Error(message), { code });

test("what is used up is one sentence that says what, and what to do", () => {
  const cases: [Error, RegExp][] = [
    [new Error("a folder cannot be read: Too many open files"), /no descriptor left.*ulimit -n/],
    [withCode("EMFILE: too many open files, open '/x'", "EMFILE"), /no descriptor left/],
    [withCode("spawn /usr/bin/python3 EAGAIN", "EAGAIN"), /no process or thread.*ulimit -u/],
    [withCode("Worker initialization failure: EAGAIN", "ERR_WORKER_INIT_FAILED"), /no process or thread/],
    [withCode("fork: Cannot allocate memory", "ENOMEM"), /no memory left/],
    [withCode("ENOSPC: no space left on device, write", "ENOSPC"), /is full/],
    [withCode("EDQUOT: disk quota exceeded", "EDQUOT"), /quota/],
  ];
  for (const [error, words] of cases) {
    const sentence = shortageOf(error) ?? "";
    assert.match(sentence, words);
    assert.doesNotMatch(sentence, /\n/);
  }
});

test("what is no shortage is not taken for one", () => {
  for (const error of [new Error("x is undefined"), withCode("ENOENT: no such file", "ENOENT"), "EMFILE", undefined])
    assert.equal(shortageOf(error), undefined);
});
