// The words of an output whose display goes on being drawn into them: each line once, whole, without the
// display's.
import assert from "node:assert/strict";
import { test } from "node:test";
import { postMortem } from "../../../src/trainers/falcon/run/post-mortem.ts";
import { plainLines } from "../../../src/trainers/reading/plain-text.ts";

const rule = "─".repeat(120);
/**
 * One redraw of falcon 0.5.1's footer, as it was recorded after a missing observation file (it left its
 * display, and a thread went on drawing).
 */
const redraw = `\x1b[s\x1b[21;1H\x1b[K${rule}\x1b[22;1H\x1b[K[No nodes registered yet]\x1b[23;1H\x1b[K\x1b[90m${rule}\x1b[0m\x1b[24;1H\x1b[K\x1b[40;1H\x1b[K\x1b[90m[j/k] switch node\x1b[0m\x1b[u`;
const said = [
  "Traceback (most recent call last):",
  '  File "/env/bin/falcon", line 8, in <module>',
  "    sys.exit(main())",
  '  File "/home/me/project/model.py", line 479, in create_graph_from_config',
  '    raise FileNotFoundError(f"Observation file not found: {file_path}")',
  "FileNotFoundError: Observation file not found: ./data/observed.npz",
];
const output = `\x1b[?1049h${redraw}03:58:58 [INFO] falcon\r\n\x1b[?1049l\x1b[23;0;0t\x1b[20;1H03:58:58 [ERROR] Uncaught exception:\r\nTraceback (most recent call last):\r\n  File ...\r\n${redraw}${said
  .map((line) => `${line}\r\n\x1b[20;1H03:58:58 [ERROR] ${line.slice(0, 40)}...\r\n${redraw}`)
  .join("")}\x1b[0m`;

test("lines between redraws are whole, each once, in their order", () => {
  assert.deepEqual(
    plainLines(Buffer.from(output)).filter((line) => line !== ""),
    said,
  );
});

test("the end of such a run is its exception, and its traceback has no rules in it", () => {
  const end = postMortem({ status: 1, signal: null, output: Buffer.from(output), outOfMemory: false, lost: false });
  assert.equal(end.sentence, "failed: FileNotFoundError: Observation file not found: ./data/observed.npz");
  assert.deepEqual(end.traceback, said);
  assert.equal(end.error, said.at(-1));
});

test("also where what is kept of the log begins within a redraw", () => {
  const half = output.indexOf(redraw, output.indexOf("Traceback")) + 40;
  assert.equal(
    plainLines(Buffer.from(output.slice(half)))
      .filter((line) => line !== "")
      .at(-1),
    said.at(-1),
  );
});
