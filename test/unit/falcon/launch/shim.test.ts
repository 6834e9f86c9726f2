// The shim in folders whose names are no UTF-8, as in homes of the time of Latin-1.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { bytesOf, textOf } from "../../../../src/base/text/bytes.ts";
import { installShim, makeShim, removeShim, shimFolder } from "../../../../src/trainers/falcon/launch/shim.ts";

const base = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "shim-")));
after(() => fs.rmSync(base, { recursive: true, force: true }));

const home = path.join(base, "m\udcfcller");
const client = path.join(home, "falcon-sessions/falcon");

function write(file: string, text: string): void {
  fs.mkdirSync(bytesOf(path.dirname(file)), { recursive: true });
  fs.writeFileSync(bytesOf(file), text, { mode: 0o755 });
}

test("an environment's falcon is ours, and the Python one again", async () => {
  const environment = path.join(home, "venv");
  const [file, python] = [path.join(environment, "bin/falcon"), path.join(environment, "bin/falcon-python")];
  const text = (name: string) => textOf(fs.readFileSync(bytesOf(name)));
  write(path.join(environment, "pyvenv.cfg"), "");
  write(file, "#!/usr/bin/python3\nimport falcon\n");
  assert.deepEqual(await installShim(client, environment), { file, python, changed: true });
  assert.ok(text(file).includes(`client='${client}'`));
  assert.match(text(python), /import falcon/);
  assert.equal((await installShim(client, environment)).changed, false, "it is there already");
  assert.equal((await removeShim(environment)).changed, true);
  assert.match(text(file), /import falcon/);
});

test("a folder of its own, and one that was chosen, are found again", async () => {
  const environment = { HOME: home };
  const own = await makeShim(client, environment, base, undefined);
  assert.equal(await shimFolder(environment), own);
  const chosen = path.join(home, "shims");
  assert.equal(await makeShim(client, environment, base, chosen), chosen);
  assert.equal(await shimFolder(environment), chosen);
});
