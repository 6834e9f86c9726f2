// The line of a failure that matters.
import assert from "node:assert/strict";
import { test } from "node:test";
import { failureText, runFailure } from "../../../src/trainers/run/failure.ts";

const traceback = [
  "Traceback (most recent call last):",
  '  File "/env/bin/falcon", line 8, in <module>',
  "    sys.exit(main())",
  '  File "/env/lib/python3.11/site-packages/falcon/cli.py", line 998, in main',
  '  File "/home/me/project/simulator.py", line 12, in simulate_batch',
  "    return self.readings(theta)",
  '  File "/home/me/project/model/net.py", line 40, in readings',
  '  File "/env/lib/python3.11/site-packages/numpy/core.py", line 3, in dot',
  "ValueError: shapes (3,) and (4,) not aligned",
];

test("the exception, what it says, and the last frame in a file of one's own", () => {
  const failure = runFailure({ error: "ValueError: shapes (3,) and (4,) not aligned", traceback });
  assert.deepEqual(failure, {
    kind: "ValueError",
    message: "shapes (3,) and (4,) not aligned",
    file: "/home/me/project/model/net.py",
    line: 40,
  });
  assert.equal(failureText(failure as NonNullable<typeof failure>), "ValueError: shapes (3,) and (4,) not aligned (net.py:40)");
});

test("with a module before its class, without a message, without a traceback, with none of one's own files", () => {
  assert.deepEqual(runFailure({ error: "ray.exceptions.ActorDiedError: The actor died: it fell", traceback: null }), {
    kind: "ActorDiedError",
    message: "The actor died: it fell",
    file: null,
    line: null,
  });
  assert.deepEqual(runFailure({ error: "AssertionError", traceback: traceback.slice(0, 4) }), {
    kind: "AssertionError",
    message: "",
    file: null,
    line: null,
  });
  const words = runFailure({ error: "the disk is full: nothing was written", traceback: null });
  assert.deepEqual([words?.kind, words?.message], ["", "the disk is full: nothing was written"]);
  assert.equal(runFailure({ error: null, traceback }), undefined);
  assert.equal(runFailure(undefined), undefined);
});
