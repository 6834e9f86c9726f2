// A program that is started by env(1) is the one that was named, with its words, directory and environment,
// byte for byte.
import assert from "node:assert/strict";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { execFileOutside, spawnOutside, wasMissing } from "../../../src/base/aside/outside-program.ts";

describe("a program from outside", () => {
  let folder: string;
  before(() => {
    folder = fs.realpathSync(fs.mkdtempSync("/tmp/outside-"));
  });
  after(() => fs.rmSync(folder, { recursive: true }));

  const ran = async (program: string, args: string[], env: Record<string, string>, cwd?: string) => {
    const child = spawnOutside(program, args, { env, cwd, stdio: ["ignore", "pipe", "pipe"] });
    let [said, complained] = ["", ""];
    child.stdout.on("data", (text: Buffer) => (said += text));
    child.stderr.on("data", (text: Buffer) => (complained += text));
    const [status] = (await once(child, "close")) as [number | null];
    return { status, said, complained };
  };

  test("is looked for in the PATH that it is given, and has its words, directory and variables as they are", async () => {
    const bin = path.join(folder, "bin of mine");
    fs.mkdirSync(bin);
    fs.writeFileSync(path.join(bin, "-tells"), '#!/bin/sh\npwd\nprintf "%s|" "$@"\nexec /usr/bin/env\n', { mode: 0o755 });
    const env = { PATH: bin, "BASH_FUNC_module%%": "() {  :\n}" };
    const { said } = await ran("-tells", ["--help", "A=1", "", "two words"], env, bin);
    assert.match(said, new RegExp(`^${bin}\n--help\\|A=1\\|\\|two words\\|`));
    assert.ok(said.includes(`PATH=${bin}\n`));
  });

  test("has a name with = like any other", async () => {
    const file = path.join(folder, "a=b");
    fs.writeFileSync(file, '#!/bin/sh\necho "$0 $1"\n', { mode: 0o755 });
    assert.equal((await ran(file, ["x"], {})).said, `${file} x\n`);
  });

  test("that is not there is told so, and not confused with what it starts itself", async () => {
    const none = await ran("no-such-program", [], { PATH: folder });
    assert.ok(wasMissing(none.status, none.complained), JSON.stringify(none));
    const script = path.join(folder, "script");
    fs.writeFileSync(script, "#!/bin/sh\nno-such-program\n", { mode: 0o755 });
    const other = await ran(script, [], { PATH: folder });
    assert.equal(other.status, 127);
    assert.ok(!wasMissing(other.status, other.complained));
    const unreadable = await ran(folder, [], {});
    assert.deepEqual([unreadable.status, wasMissing(126, unreadable.complained)], [126, false]);
    await new Promise<void>((done) =>
      execFileOutside("no-such-program", [], { env: { PATH: folder } }, (error, _, complained) => {
        assert.ok(wasMissing(error?.code as number, complained));
        done();
      }),
    );
  });
});
