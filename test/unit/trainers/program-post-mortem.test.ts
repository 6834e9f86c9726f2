// Why a program ended that is no falcon: a Python traceback at the end of its output.
import assert from "node:assert/strict";
import { test } from "node:test";
import { programPostMortem } from "../../../src/trainers/program/post-mortem.ts";

const traceback = [
  "Traceback (most recent call last):",
  '  File "/home/u/train.py", line 12, in <module>',
  "    main()",
  '  File "/opt/lib/python3.12/site-packages/torch/x.py", line 3, in step',
  "    raise RuntimeError(what)",
  "RuntimeError: mat1 and mat2 shapes cannot be multiplied",
  "  (3x4 and 5x6)",
];
const end = { status: 1, signal: null, outOfMemory: false, lost: false };
const output = (...lines: string[]) => Buffer.from(`${lines.join("\r\n")}\r\n`);

test("the exception and the traceback, also with a few lines of its starter behind it", () => {
  for (const behind of [[], ["make: *** [train] Error 1"], ["srun: error: node1: task 0: Exited with exit code 1"]]) {
    const told = programPostMortem({ ...end, output: output("Epoch 3/10", ...traceback, ...behind) });
    assert.equal(told?.error?.startsWith("RuntimeError: mat1"), true, told?.error ?? "");
    assert.equal(told?.traceback?.[0], traceback[0]);
    assert.deepEqual([told?.ending, told?.saved, told?.summary], ["failed", null, null]);
  }
});

test("nothing where the output does not say why", () => {
  const later = Array.from({ length: 30 }, (_, i) => `line ${i}`);
  for (const facts of [
    { ...end, output: output("no such file") },
    { ...end, output: output(...traceback, ...later) },
    { ...end, status: 0, output: output(...traceback) },
    { ...end, status: null, signal: "SIGKILL", output: output(...traceback) },
    { ...end, lost: true, output: output(...traceback) },
  ])
    assert.equal(programPostMortem(facts), undefined);
});
