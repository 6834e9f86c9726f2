// Tests that need another kernel than this machine's (machine.sh): a test file is run under it, whole or in
// part.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import path from "node:path";
import { root } from "../paths.ts";

/** MiB: three hosts with servers and clients of Node. */
const memory = "3000";

const script = path.join(root, "test/support/machines/machine.sh");

/**
 * Why no such machine can be had here, in one line; false where it can. For `test(..., { skip: noMachine() },
 * ...)`.
 */
export function noMachine(): string | false {
  const check = spawnSync(script, ["check"], { encoding: "utf8", env: { ...process.env, FALCON_MACHINE_MEMORY: memory } });
  return check.status === 0 ? false : check.stdout.trim() || String(check.error ?? check.stderr);
}

export interface MachineTests {
  /** Those tests alone whose name fits. */
  names?: RegExp;
  /** How many have to pass: one that is skipped there has not. */
  passing: number;
  /** Modules of its kernel: "nfsv4". */
  modules?: string[];
}

/**
 * Its one processor takes some tens of milliseconds to start a program: a test of whole programs takes some
 * ten times as long as elsewhere (s).
 */
const longest = 540;

/** Runs the tests of this file there; fails with what they said unless so many pass and none fails. */
export async function passInMachine(file: string, { names, passing, modules = [] }: MachineTests): Promise<void> {
  const only = names === undefined ? [] : [`--test-name-pattern=${names.source}`];
  const args = ["run", process.execPath, "--import", "tsx", "--test", "--test-reporter=tap", ...only, file];
  const env = {
    ...process.env,
    FALCON_MACHINE_LIMIT: String(longest),
    FALCON_MACHINE_MEMORY: memory,
    FALCON_MACHINE_MODULES: modules.join(" "),
    FALCON_TEST_SLOWNESS: "6",
  };
  const child = spawn(script, args, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text) => {
      said += text;
    });
  const status = await new Promise((resolve) => child.on("close", resolve));
  assert.equal(status, 0, said);
  const passed = [...said.matchAll(/^ +ok \d+ - (?!.*# SKIP)(.*)$/gm)].filter(([, name = ""]) => names?.test(name) ?? true);
  assert.equal(passed.length, passing, said);
}
