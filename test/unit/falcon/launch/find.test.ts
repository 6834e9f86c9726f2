// Finding the Python falcon: the order, what is never taken for it, and what the user is told.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { Failure } from "../../../../src/base/failure.ts";
import { findPythonFalcon, firstOnPath, isOurselves, pythonBehind } from "../../../../src/trainers/falcon/launch/find.ts";
import { withWatchedPipe } from "../../../support/watched-pipe.ts";

let home: string;
let root: string;
beforeEach(() => {
  home = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "find-")));
  root = path.join(home, "ours");
  write("ours/native/build/Release/falcon", Buffer.concat([Buffer.from("\x7fELF"), Buffer.from("... falcon-sessions ...")]));
  write("ours/package.json", '{"name": "falcon-sessions"}');
});
afterEach(() => fs.rmSync(home, { recursive: true, force: true }));

function write(name: string, content: string | Buffer, mode = 0o755): string {
  const file = path.join(home, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, content, { mode });
  return file;
}

const python = "#!/usr/bin/python3\nimport sys\nfrom falcon.cli import main\nsys.exit(main())\n";
const find = (environment: Record<string, string>, explicit?: string) =>
  findPythonFalcon({ environment: { PATH: "", ...environment }, directory: home, root, explicit });

test("the order: --falcon, $FALCON_BIN, $VIRTUAL_ENV, $CONDA_PREFIX, PATH", async () => {
  const all = {
    FALCON_BIN: write("bin/f", python),
    VIRTUAL_ENV: path.dirname(path.dirname(write("venv/bin/falcon", python))),
    CONDA_PREFIX: path.dirname(path.dirname(write("conda/bin/falcon", python))),
    PATH: path.dirname(write("path/falcon", python)),
  };
  const explicit = write("explicit/falcon", python);
  assert.deepEqual(await find(all, explicit), { command: [explicit] });
  assert.deepEqual(await find(all), { command: [all.FALCON_BIN] });
  const { FALCON_BIN, ...rest } = all;
  assert.deepEqual(await find(rest), { command: [path.join(home, "venv/bin/falcon")] });
  const { VIRTUAL_ENV, ...less } = rest;
  assert.deepEqual(await find(less), { command: [path.join(home, "conda/bin/falcon")] });
  assert.deepEqual(await find({ PATH: less.PATH }), { command: [path.join(home, "path/falcon")] });
});

test("relative names are the caller's", async () => {
  write("venv/bin/falcon", python);
  assert.deepEqual((await find({}, "venv/bin/falcon")).command, [path.join(home, "venv/bin/falcon")]);
  assert.deepEqual((await find({ PATH: "venv/bin" }, "falcon")).command, [path.join(home, "venv/bin/falcon")]);
});

test("ourselves on PATH are passed over, in every disguise", async () => {
  const own = path.join(root, "native/build/Release/falcon");
  fs.mkdirSync(path.join(home, "link"));
  fs.symlinkSync(own, path.join(home, "link/falcon"));
  write("copy/falcon", fs.readFileSync(own));
  write("sh/falcon", `#!/bin/sh\nexec "${own}" "$@"\n`);
  write("chain/falcon", `#!/bin/sh\nexec ${path.join(home, "sh/falcon")} "$@"\n`);
  write("name/falcon", '#!/bin/sh\nexec falcon-sessions "$@"\n');
  write("bücher/falcon", fs.readFileSync(own));
  write("umlaut/falcon", `#!/bin/sh\nexec ${path.join(home, "bücher/falcon")} "$@"\n`);
  write("ours/bin/falcon.js", "#!/usr/bin/env node\n");
  fs.mkdirSync(path.join(home, "npm"));
  fs.symlinkSync(path.join(root, "bin/falcon.js"), path.join(home, "npm/falcon"));
  const disguises = ["link", "copy", "sh", "chain", "name", "umlaut", "npm"];
  for (const folder of disguises) assert.equal(await isOurselves(path.join(home, folder, "falcon"), root), true, folder);
  write("last/falcon", python);
  const found = await find({ PATH: [...disguises, "last"].map((folder) => path.join(home, folder)).join(":") });
  assert.deepEqual(found, { command: [path.join(home, "last/falcon")] });
});

test("where falcon is our shim, the falcon-python beside it is meant, also through a link, and by its shim's word first", async () => {
  const shim = '#!/bin/sh\nexec falcon-sessions "$@"\n';
  for (const place of ["venv/bin", "other/bin"]) {
    write(`${place}/falcon`, shim);
    write(`${place}/falcon-python`, python);
  }
  const [venv, other] = ["venv", "other"].map((name) => path.join(home, name)) as [string, string];
  const behind = (prefix: string) => ({ command: [path.join(prefix, "bin/falcon-python")] });
  assert.deepEqual(await find({ VIRTUAL_ENV: venv }), behind(venv));
  assert.deepEqual(await find({ PATH: path.join(other, "bin") }), behind(other));
  assert.deepEqual(await find({ FALCON_BIN: path.join(venv, "bin/falcon") }), behind(venv));
  assert.deepEqual(await find({ VIRTUAL_ENV: venv, FALCON_SESSIONS_SHIM: path.join(other, "bin/falcon") }), behind(other));
  fs.mkdirSync(path.join(home, "pipx"));
  fs.symlinkSync(path.join(venv, "bin/falcon"), path.join(home, "pipx/falcon"));
  assert.deepEqual(await find({ PATH: path.join(home, "pipx") }), behind(venv));
  fs.rmSync(path.join(venv, "bin/falcon-python"));
  await assert.rejects(find({ VIRTUAL_ENV: venv }), Failure, "a shim alone is no Python falcon");
});

test("the falcon of a session that was started before a shim came or went", async () => {
  const file = write("venv/bin/falcon", python);
  const aside = path.join(home, "venv/bin/falcon-python");
  assert.equal(await pythonBehind(file, root), file);
  assert.equal(await pythonBehind(aside, root), file, "the shim is gone");
  fs.renameSync(file, aside);
  write("venv/bin/falcon", "#!/bin/sh\nexec falcon-sessions\n");
  assert.equal(await pythonBehind(file, root), aside);
  assert.equal(await pythonBehind(path.join(home, "nothing/falcon"), root), undefined);
});

test("a script that calls falcon is started once, and then what comes after it", async () => {
  const script = write("site/falcon", '#!/bin/sh\nmodule load falcon\nexec falcon "$@"\n');
  const last = write("path/falcon", python);
  const PATH = [path.dirname(script), path.dirname(last)].join(":");
  assert.deepEqual(await find({ PATH }), { command: [script], via: script });
  assert.deepEqual(await find({ PATH, FALCON_SESSIONS_VIA: script }), { command: [last] });
  assert.deepEqual(await find({ PATH, FALCON_BIN: script, FALCON_SESSIONS_VIA: script }), { command: [last] });
});

test("a Python falcon is never taken for us, wherever it lies", async () => {
  assert.equal(await isOurselves(write("ours/.venv/bin/falcon", python), root), false, "a virtual environment in our own folder");
  assert.equal(
    await isOurselves(write("x/falcon-sessions/bin/falcon", python.replace("/usr/bin", "/home/u/falcon-sessions/bin")), root),
    false,
  );
  const long = `#!/bin/sh\n'''exec' /very/long/falcon-sessions/bin/python3 "$0" "$@"\n' '''\nfrom falcon.cli import main\n`;
  assert.equal(await isOurselves(write("long/falcon", long), root), false, "pip's form for long interpreter paths");
  const target = write("real/bin/falcon", python);
  assert.equal(
    await isOurselves(write("wrap/falcon", `#!/bin/sh\nexec ${target} "$@"\n`), root),
    false,
    "a script that starts a Python falcon",
  );
  assert.equal(await isOurselves(path.join(home, "nowhere"), root), false);
});

test("a script's words are looked at, and what is no file among them is not opened", async () => {
  const fifo = path.join(home, "fifo");
  execFileSync("mkfifo", [fifo]);
  const script = write("site/falcon", `#!/bin/sh\necho started > ${fifo}\nexec /opt/falcon/bin/train "$@"\n`);
  assert.equal(await isOurselves(script, root), false);
});

test("a package of ours is looked for in the folders above a script; a pipe in its description's place stays shut", async () => {
  const script = write("site/bin/falcon", "#!/usr/bin/env node\n");
  const { answer, opened } = await withWatchedPipe(path.join(home, "site", "package.json"), () => isOurselves(script, root));
  assert.deepEqual({ answer, opened }, { answer: false, opened: false });
});

test("what --falcon and $FALCON_BIN name must be it: no silent second choice", async () => {
  const elsewhere = { PATH: path.dirname(write("path/falcon", python)) };
  await assert.rejects(
    find({ ...elsewhere, FALCON_BIN: "/nowhere/falcon" }),
    (e: Failure) => e.status === 127 && /does not exist/.test(e.message),
  );
  await assert.rejects(
    find({ ...elsewhere }, write("flat", python, 0o644)),
    (e: Failure) => e.status === 126 && /not executable/.test(e.message),
  );
  await assert.rejects(find({ ...elsewhere }, home), (e: Failure) => e.status === 126 && /folder/.test(e.message));
  await assert.rejects(
    find({ ...elsewhere }, path.join(root, "native/build/Release/falcon")),
    (e: Failure) => e.status === 127 && /falcon-sessions itself/.test(e.message),
  );
});

test("a trainer bundle is started by Node", async () => {
  const file = write("dist/trainer.cjs", "", 0o644);
  assert.deepEqual(await find({ FALCON_BIN: file }), { command: [process.execPath, file] });
});

test("none: status 127 and the two commands that help", async () => {
  await assert.rejects(find({ PATH: path.join(home, "empty") }), (error: unknown) => {
    assert.ok(error instanceof Failure);
    assert.equal(error.status, 127);
    assert.match(error.message, /pip install "falcon-sbi\[blessed\]"/);
    assert.match(error.message, /npm run demo/);
    return true;
  });
});

test("python3 -m falcon.cli, asked only when nothing else is there, and not for the web framework of that name", async () => {
  const answers = (status: number) =>
    write("py/python3", `#!/bin/sh\necho asked >> ${path.join(home, "asked")}\nexit ${status}\n`);
  const file = answers(0);
  assert.deepEqual(await find({ PATH: path.dirname(file) }), { command: [file, "-m", "falcon.cli"] });
  answers(1);
  await assert.rejects(find({ PATH: path.dirname(file) }), Failure);
  assert.equal(fs.readFileSync(path.join(home, "asked"), "utf8"), "asked\nasked\n");
  write("path/falcon", python);
  await find({ PATH: `${path.join(home, "path")}:${path.dirname(file)}` });
  assert.equal(fs.readFileSync(path.join(home, "asked"), "utf8"), "asked\nasked\n", "not asked where PATH has a falcon");
});

test("python3 is not asked again until a folder changes in which it looks for modules", async () => {
  const long = new Date(2020, 1, 1);
  const modules = path.join(home, "modules");
  fs.mkdirSync(modules);
  const file = write(
    "py/python3",
    `#!/bin/sh\necho asked >> ${path.join(home, "py/asked")}\necho '["", "${modules}"]'\ntest -e ${modules}/falcon\n`,
  );
  const asked = () => fs.readFileSync(path.join(home, "py/asked"), "utf8").length / "asked\n".length;
  const settle = () => {
    for (const changed of [file, modules, home]) fs.utimesSync(changed, long, long);
  };
  settle();
  await assert.rejects(find({ PATH: path.dirname(file) }), Failure);
  await assert.rejects(find({ PATH: path.dirname(file) }), Failure);
  assert.equal(asked(), 1);
  fs.mkdirSync(path.join(modules, "falcon"));
  // changed in this moment, however long the question takes to be asked
  fs.utimesSync(modules, long, new Date(Date.now() + 60_000));
  const found = { command: [file, "-m", "falcon.cli"] };
  assert.deepEqual(await find({ PATH: path.dirname(file) }), found, "installed meanwhile");
  assert.deepEqual(await find({ PATH: path.dirname(file) }), found, "a folder that changed just now is not trusted");
  assert.equal(asked(), 3);
  settle();
  assert.deepEqual(await find({ PATH: path.dirname(file) }), found);
  assert.deepEqual(await find({ PATH: path.dirname(file) }), found);
  assert.equal(asked(), 4);
  assert.deepEqual(await find({ PATH: path.dirname(file), PYTHONPATH: "/elsewhere" }), found, "another environment");
  assert.equal(asked(), 5);
});

test("who stands first on PATH", async () => {
  const own = path.join(root, "native/build/Release");
  const theirs = path.dirname(write("venv/bin/falcon", python));
  const first = (PATH: string) => firstOnPath({ environment: { PATH }, directory: home, root });
  assert.deepEqual(await first(`${theirs}:${own}`), { file: path.join(theirs, "falcon"), ourselves: false });
  assert.deepEqual(await first(`${own}:${theirs}`), { file: path.join(own, "falcon"), ourselves: true });
  assert.equal(await first(path.join(home, "empty")), undefined);
});
