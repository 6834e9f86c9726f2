// `falcon doctor` on the built program: conditions that are really so are named with their remedies, by
// status, text and JSON.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { TestHome } from "../../support/home.ts";
import { Installation } from "../../support/installs/installation.ts";
import * as built from "../../support/paths.ts";

before(() => assert.deepEqual(built.notBuilt(), [], "npm run build comes first"));

interface Answer {
  problems: number;
  warnings: number;
  conditions: { name: string; findings: { id: string; severity: string; what: string; remedy: string }[] }[];
}

describe("falcon doctor", () => {
  const home = new TestHome();
  after(() => home.dispose());

  /** Asks through a shell that lowers its own limits first. */
  async function ask(limits: string, env: Record<string, string | undefined> = {}): Promise<{ code: number; ids: string[] }> {
    const result = await home.run(["-c", `${limits} exec "$0" doctor --json`, built.falcon], { file: "/bin/bash", env });
    const answer = JSON.parse(result.stdout) as Answer;
    const findings = answer.conditions.flatMap((c) => c.findings);
    for (const { what, remedy } of findings) assert.ok(what !== "" && remedy !== "", "each has a sentence and a remedy");
    assert.equal(answer.problems + answer.warnings, findings.length);
    assert.equal(result.code, answer.problems > 0 ? 1 : 0, result.stderr);
    return { code: result.code, ids: findings.map((f) => f.id) };
  }

  test("the caller's limits, locale, environment and configuration, not the server's", async () => {
    const python = path.join(home.work, "python-falcon");
    fs.writeFileSync(python, "#!/no/such/python\n", { mode: 0o755 });
    const well = { FALCON_BIN: python };
    const before = await ask("", well);
    // servers of tests that run beside this one come and go
    const fresh = (ids: string[]) => ids.filter((id) => !before.ids.includes(id) && id !== "another-server");
    assert.deepEqual(fresh((await ask("ulimit -t 3600;", well)).ids), ["cpu-limit"]);
    assert.deepEqual(fresh((await ask("ulimit -n 200;", well)).ids), ["open-files-limit"]);
    assert.deepEqual(fresh((await ask("ulimit -f 1000000;", well)).ids), ["file-size-limit"]);
    assert.deepEqual(fresh((await ask("", { ...well, LANG: "C" })).ids), ["locale"]);
    assert.deepEqual(fresh((await ask("", { PATH: "/nowhere" })).ids), ["python-falcon-missing"]);
    const config = path.join(home.work, "config", "falcon-sessions");
    fs.mkdirSync(config, { recursive: true });
    fs.writeFileSync(path.join(config, "config.toml"), 'detach_kye = "d"\n');
    assert.deepEqual(fresh((await ask("", { ...well, XDG_CONFIG_HOME: path.join(home.work, "config") })).ids), ["configuration"]);
  });

  const python = spawnSync("python3", ["-c", "import sys; print(sys.executable)"], { encoding: "utf8" }).stdout?.trim();
  test("another falcon first on PATH, whose Python has no blessed", { skip: python ? false : "no python3" }, async () => {
    const env = path.join(home.work, "env", "bin");
    fs.mkdirSync(env, { recursive: true });
    // an interpreter of which it is known that it has no blessed: this one without any packages of others
    fs.writeFileSync(path.join(env, "python3"), `#!/bin/sh\nexec ${python} -I -S "$@"\n`, { mode: 0o755 });
    fs.writeFileSync(path.join(env, "falcon"), `#!${env}/python3\n`, { mode: 0o755 });
    const { ids } = await ask("", { PATH: `${env}:/usr/bin:/bin` });
    assert.ok(ids.includes("shadowed") && ids.includes("blessed-missing"), ids.join(", "));
    assert.ok(!ids.includes("python-falcon-missing"));
  });

  test("a process limit, for a user who has one", (t) => {
    // root has no process limit in practice, but the number is what a run would inherit
    const result = spawnSync("/bin/bash", ["-c", `ulimit -u 500; exec "${built.falcon}" doctor`], {
      env: home.env,
      encoding: "utf8",
    });
    if (/cannot modify limit/.test(result.stderr)) return t.skip("the limit cannot be set here");
    assert.match(result.stdout, /problem {2}you may have 500 processes and threads \(ulimit -u\)/);
    assert.equal(result.status, 1);
  });

  test("a session's folder that others can enter, with the command that closes it", async () => {
    const id = await home.start(["/bin/cat"]);
    const folder = path.join(home.folder, "s", id);
    fs.chmodSync(folder, 0o755);
    const result = await home.run(["doctor"]);
    assert.equal(result.code, 1);
    assert.match(result.stdout, new RegExp(`problem .*${folder} \\(mode 755\\)`));
    const remedy = /mend: (chmod .*)/.exec(result.stdout)?.[1] ?? "false";
    assert.equal(spawnSync("/bin/sh", ["-c", remedy]).status, 0);
    assert.doesNotMatch((await home.run(["doctor"])).stdout, /mode 755/);
  });

  test("an unknown terminal, seen in it; and a second server of the same user", async () => {
    const other = new TestHome();
    try {
      await other.ok(["server", "status"]);
      const terminal = home.terminal(["doctor"], { env: { TERM: "no-such-terminal", NO_COLOR: "1" }, cols: 400, rows: 60 });
      await terminal.waitForExit();
      assert.match(terminal.text(), /warning {2}TERM is no-such-terminal, of which this machine knows nothing/);
      assert.match(
        terminal.text(),
        new RegExp(`another session server of yours \\(process \\d+\\) has its sessions in ${other.folder}`),
      );
      assert.match(terminal.text(), /^well .*kernel/m);
    } finally {
      await other.dispose();
    }
  });

  test("a server that is older than what is installed by now, and one whose installation is gone", async () => {
    const other = new TestHome();
    const installation = new Installation(path.join(path.dirname(other.folder), "installation"));
    const file = installation.falcon;
    try {
      await other.ok(["server", "status"], { file });
      installation.setVersion("99.0.0");
      const stale = await other.run(["doctor"], { file });
      assert.match(
        stale.stdout,
        /the session server is version [\d.]+, and 99\.0\.0 is installed\n +mend: falcon server upgrade/,
      );
      fs.rmSync(path.join(installation.folder, "package.json"));
      const gone = await other.run(["doctor"], { file });
      assert.equal(gone.code, 1);
      assert.match(gone.stdout, /problem .*was started from is gone/);
    } finally {
      await other.dispose();
    }
  });
});
