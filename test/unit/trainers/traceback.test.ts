// A traceback in the lines that matter.
import assert from "node:assert/strict";
import { test } from "node:test";
import { shortTraceback } from "../../../src/trainers/reading/traceback.ts";

const library = (n: number) => [
  `  File "/venv/lib/python3.11/site-packages/ray/worker.py", line ${n}, in get`,
  "    raise value.as_instanceof_cause()",
];

test("the exception and the user's own frames, without those of packages", () => {
  const traceback = [
    "Traceback (most recent call last):",
    ...library(1),
    "ray.exceptions.RayTaskError: inner",
    "",
    "The above exception was the direct cause of the following exception:",
    "",
    "Traceback (most recent call last):",
    ...library(10),
    '  File "/home/me/run/model.py", line 12, in simulate',
    "    return scale * table[column]",
    "                   ~~~~~^^^^^^^^",
    ...library(20),
    "KeyError: 'column'",
  ];
  assert.deepEqual(shortTraceback(traceback), {
    lines: ["KeyError: 'column'", '  File "/home/me/run/model.py", line 12, in simulate', "    return scale * table[column]"],
    left: traceback.length - 3,
  });
});

test("of a traceback of another process, inside the exception's text, what was raised there", () => {
  const remote = (...frames: string[]) => [
    "Traceback (most recent call last):",
    ...library(1),
    "",
    "The above exception was the direct cause of the following exception:",
    "",
    "Traceback (most recent call last):",
    ...library(10),
    "RuntimeError: Failed to initialize node 'x': The actor died because of an error raised in its creation task",
    ...library(20),
    "             ^^^^^^^^^^^^^^^^^^^^^^",
    ...frames,
    "ModuleNotFoundError: No module named 'nothing'",
  ];
  const own = ['  File "/home/me/run/simulator.py", line 3, in <module>', "    import nothing"];
  const reason = "ModuleNotFoundError: No module named 'nothing'";
  assert.deepEqual(shortTraceback(remote(...own)).lines, [reason, ...own]);
  // a long one is kept without its middle: the same frame may stand in what is left of both
  const cut = ["Traceback (most recent call last):", ...library(1), own[0] as string, ...remote(...own).slice(-8)];
  assert.deepEqual(shortTraceback(cut).lines, [reason, ...own]);
  assert.deepEqual(shortTraceback(remote()).lines, [reason, ...library(10), ...library(20)]);
});

test("without own frames the last ones of others; what is short or none stays whole", () => {
  const many = ["Traceback (most recent call last):", ...library(1), ...library(2), ...library(3), "ValueError: no"];
  assert.deepEqual(shortTraceback(many).lines, ["ValueError: no", ...library(2), ...library(3)]);
  const short = ["Traceback (most recent call last):", '  File "a.py", line 1, in <module>', "ValueError: no"];
  assert.deepEqual(shortTraceback(short), { lines: ["ValueError: no", '  File "a.py", line 1, in <module>'], left: 1 });
  assert.deepEqual(shortTraceback([]), { lines: [], left: 0 });
  assert.deepEqual(shortTraceback(["no traceback"]), { lines: ["no traceback"], left: 0 });
});
