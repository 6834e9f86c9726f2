// The Python falcon: missing, without blessed; with a real Python.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, test } from "node:test";
import type { Caller } from "../../../src/doctor/condition.ts";
import { checkPython, interpreterOf, pythonFacts } from "../../../src/doctor/python.ts";

const base = fs.mkdtempSync("/tmp/fs-");
after(() => fs.rmSync(base, { recursive: true, force: true }));
const python = spawnSync("python3", ["-c", "import sys; print(sys.executable)"], { encoding: "utf8" }).stdout?.trim();

function caller(environment: Record<string, string>): Caller {
  return { environment, directory: base, limits: [], onTerminal: false, version: "1.0.0" };
}
function script(name: string, text: string): string {
  const file = path.join(base, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text, { mode: 0o755 });
  return file;
}
const ids = async (environment: Record<string, string>) =>
  checkPython(await pythonFacts(caller(environment), base)).map((f) => `${f.severity} ${f.id}`);

test("no Python falcon at all", async () => {
  assert.deepEqual(await ids({ PATH: path.join(base, "nothing") }), ["problem python-falcon-missing"]);
});

test("with and without blessed", { skip: python ? false : "no python3" }, async () => {
  const folder = path.dirname(script("env/bin/falcon", `#!${python} -I\n`));
  // an interpreter of which we know that it has no blessed: this one without any packages of others
  const bare = script("bare/python3", `#!/bin/sh\nexec ${python} -I -S "$@"\n`);
  script("env/bin/falcon", `#!${bare}\n`);
  assert.deepEqual(await ids({ PATH: folder }), ["warning blessed-missing"]);
  fs.mkdirSync(path.join(base, "packages"));
  fs.writeFileSync(path.join(base, "packages", "blessed.py"), "");
  script("env/bin/falcon", `#!${python}\n`);
  assert.deepEqual(await ids({ PATH: folder, PYTHONPATH: path.join(base, "packages") }), []);
});

test("found by $FALCON_BIN while ours stands first on PATH: nothing to say", async () => {
  const theirs = script("theirs/falcon", "#!/no/such/python\n");
  const ours = path.dirname(script("ours/falcon", "#!/bin/sh\nexec falcon-sessions\n"));
  assert.deepEqual(await ids({ PATH: ours, FALCON_BIN: theirs }), [], "an interpreter that does not run tells nothing");
});

test("the interpreter of a console script", () => {
  assert.equal(interpreterOf([script("a", "#!/opt/env/bin/python3.11\nimport sys\n")]), "/opt/env/bin/python3.11");
  assert.equal(interpreterOf([script("b", "#!/usr/bin/env python3\n")]), "python3");
  assert.equal(interpreterOf([script("c", "#!/bin/sh\n'''exec' \"/a long/python3\" \"$0\" \"$@\"\n' '''\n")]), "/a long/python3");
  assert.equal(interpreterOf(["/usr/bin/python3", "-m", "falcon.cli"]), "/usr/bin/python3");
  assert.equal(interpreterOf([script("d", "#!/usr/bin/env node\n")]), undefined);
  assert.equal(interpreterOf([path.join(base, "not there")]), undefined);
});
