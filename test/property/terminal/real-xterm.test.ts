// A real xterm under Xvfb: whatever modes and resets a program sends, leaving gives the terminal back with
// every mode as it was.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { defaultConfig } from "../../../src/base/config/config.ts";
import { modeRules } from "../../../src/platform/native.ts";
import { StreamFilter } from "../../../src/platform/stream-filter.ts";
import { enterTerminal, leaveTerminal } from "../../../src/session/viewers/viewer-terminal.ts";
import { root } from "../../support/paths.ts";
import { modesAndResets } from "./vocabulary.ts";

const lacks = ["xterm", "Xvfb"].filter((program) => spawnSync(program, ["-help"], { stdio: "ignore" }).error !== undefined);

test("a real xterm is given back as it was", { skip: lacks.length > 0 && `not installed: ${lacks.join(", ")}` }, async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "xterm-"));
  const display = spawn("Xvfb", ["-displayfd", "3", "-screen", "0", "640x480x8", "-nolisten", "tcp"], {
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  try {
    const [number] = (await once(display.stdio[3] as NodeJS.ReadableStream, "data")) as [Buffer];
    const alone = modeRules.flatMap(({ mode, dec }) => [..."hl"].map((final) => [`\x1b[${dec ? "?" : ""}${mode}${final}`]));
    const programs = [...alone, ...fc.sample(modesAndResets, { numRuns: 150, seed: 20261127 })];
    const outputs = programs.map((pieces) => {
      const filter = new StreamFilter(defaultConfig.programSequences, { of: "program" });
      const shown = Buffer.concat(pieces.map((piece) => Buffer.from(filter.feed(Buffer.from(piece)))));
      return Buffer.concat([enterTerminal({ title: "t", rows: 24 }), shown, leaveTerminal()]).toString("base64");
    });
    // what only acts (1048 saves a cursor) has no state to give back
    const modes = modeRules.filter(({ mode, dec }) => !(dec && mode === 1048)).map(({ mode, dec }) => [mode, dec]);
    const [input, result] = [path.join(folder, "input"), path.join(folder, "result")];
    fs.writeFileSync(input, JSON.stringify({ modes, outputs }));
    const probe = path.join(root, "test/support/programs/terminal-probe.mjs");
    const xterm = spawn("xterm", ["-e", process.execPath, probe, input, result], {
      env: { ...process.env, DISPLAY: `:${number.toString().trim()}`, LC_ALL: "C.UTF-8", XAUTHORITY: "/dev/null" },
      stdio: "ignore",
    });
    await once(xterm, "exit");
    const answers = JSON.parse(fs.readFileSync(result, "utf8")) as string[];
    assert.equal(answers.length, outputs.length + 1);
    const before = (answers[0] as string).split("\x1b");
    const changed = programs.flatMap((pieces, i) => {
      const others = (answers[i + 1] as string).split("\x1b").filter((part, j) => part !== before[j]);
      return others.length > 0 ? [{ pieces, others }] : [];
    });
    assert.deepEqual(changed.slice(0, 10), []);
  } finally {
    display.kill();
    fs.rmSync(folder, { recursive: true });
  }
});
