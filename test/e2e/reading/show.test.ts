// falcon show as a person reads it: what matters first, a traceback once and short, the pager, times in the
// caller's zone; and relaunch's settings.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { TestHome } from "../../support/home.ts";
import * as built from "../../support/paths.ts";

before(() => assert.deepEqual(built.notBuilt([built.falcon, built.trainer]), [], "npm run build comes first"));

describe("falcon show", () => {
  const home = new TestHome();
  after(() => home.dispose());
  let failed = "";

  test("outcome, what to do next, the traceback once and short, then what is known; the last screen only with --screen", async () => {
    const script = path.join(home.work, "raises");
    const frames = Array.from(
      { length: 9 },
      (_, i) => `  File "/usr/lib/python3.11/ray/w.py", line ${i}, in get\\n    pass\\n`,
    ).join("");
    const words = `Traceback (most recent call last):\\n${frames}  File "/home/me/model.py", line 12, in run\\n    boom()\\nValueError: no such column\\n`;
    fs.writeFileSync(script, `#!/bin/sh\nprintf '${words}'\nexit 1\n`, { mode: 0o755 });
    failed = await home.ok(["launch", "-d", "--falcon", script, "--name", "raises"]);
    await home.untilState(failed, "exited");
    const shown = await home.ok(["show", failed]);
    const lines = shown.split("\n");
    assert.match(lines[0] ?? "", new RegExp(`^✗ failed {2}raises {2}${failed}$`));
    assert.match(lines[1] ?? "", /^state {5}ended with status 1 after .*: ValueError: no such column \(model\.py:12\)$/);
    assert.match(lines[2] ?? "", new RegExp(`^next {6}falcon relaunch ${failed}`));
    assert.equal(shown.match(/boom\(\)/g)?.length, 1);
    assert.doesNotMatch(shown, /ray\/w\.py|last screen/);
    assert.ok(shown.indexOf("traceback") < shown.indexOf("\ncommand "), "the failure stands before the facts");
    const full = await home.ok(["show", failed, "--full"]);
    assert.equal(full.match(/ray\/w\.py/g)?.length, 9);
    assert.match(await home.ok(["show", failed, "--screen"]), /its last screen:\n/);
  });

  test("longer than the terminal it goes to $PAGER, which gets all of it and leaves no file; a pager that is not there is none", async () => {
    const pager = path.join(home.work, "pager");
    fs.writeFileSync(pager, `#!/bin/sh\ncat > ${pager}.got\necho "LESS=$LESS paged"\n`, { mode: 0o755 });
    const terminal = home.terminal(["show", failed], { cols: 100, rows: 10, env: { PAGER: `${pager} -x` } });
    await terminal.waitForExit();
    assert.match(terminal.text(), /LESS=FRX paged/);
    assert.match(fs.readFileSync(`${pager}.got`, "utf8"), /raises[\s\S]*\noutput /);
    assert.deepEqual(
      fs.readdirSync(home.folder).filter((name) => name.startsWith(".page")),
      [],
    );
    for (const [args, rows, env] of [
      [[], 10, { PAGER: "/no/such/pager" }],
      [[], 10, { PAGER: "cat" }],
      [["--no-pager"], 10, { PAGER: pager }],
      [[], 60, { PAGER: pager }],
    ] as const) {
      const plain = home.terminal(["show", failed, ...args], { cols: 100, rows, env });
      assert.equal((await plain.waitForExit()).code, 0);
      assert.doesNotMatch(plain.text(), /paged/);
      assert.match(plain.text(), /\noutput /);
    }
  });

  test("times are those of the caller's zone, shown and said", async () => {
    const row = (await home.sessions()).find(({ id }) => id === failed);
    const inTokyo = (time: unknown) => new Date(new Date(String(time)).getTime() + 9 * 3_600_000).toISOString().slice(0, 19);
    const tokyo = inTokyo(row?.started);
    // its output may have begun in the second after the start
    const over = inTokyo(row?.ended);
    const env = { TZ: "Asia/Tokyo" };
    assert.match(await home.ok(["show", failed], { env }), new RegExp(`^started {3}${tokyo.replace("T", " ")}$`, "m"));
    const late = await home.run(["export", failed, "--format", "text", "--at", "2026-01-01T00:00"], { env });
    assert.match(late.stderr, new RegExp(`goes from ${tokyo.slice(0, 10)} `));
    assert.equal((await home.run(["export", failed, "--format", "text", "--at", over], { env })).code, 0);
    assert.equal((await home.run(["export", failed, "--format", "text", "--at", over], { env: { TZ: "UTC" } })).code, 2);
    const hour = (zone: string) => home.ok(["logs", failed, "--since", tokyo.replace("T", " ")], { env: { TZ: zone } });
    assert.match(await hour("Asia/Tokyo"), /boom/);
    assert.equal(await hour("UTC"), "", "nine hours from now");
  });
});

describe("relaunch with key=value", () => {
  const home = new TestHome();
  after(() => home.dispose());

  test("the settings are kept with the session, shown, and repeated by later relaunches; of one key the last counts", async () => {
    const first = await home.ok(["launch", "-d", "--falcon", built.trainer, "-o", "run", "samples=256", "epochs=2", "rate=0"]);
    await home.untilState(first, "exited");
    const again = async (...settings: string[]) => {
      const id = await home.ok(["relaunch", "-d", "run", ...settings]);
      await home.untilState(id, "exited");
      return JSON.parse(await home.ok(["show", id, "--json"])) as { command: string[]; changes: string[]; provenance: unknown };
    };
    const changed = await again("epochs=3", "seed=4");
    assert.deepEqual(changed.changes, ["epochs=3", "seed=4"]);
    assert.deepEqual(
      changed.command.filter((word) => /^(epochs|seed|samples)=/.test(word)),
      ["samples=256", "epochs=3", "seed=4"],
    );
    const later = await again("epochs=5");
    assert.deepEqual(later.changes, ["seed=4", "epochs=5"]);
    assert.deepEqual((await again()).changes, ["seed=4", "epochs=5"]);
    assert.ok(later.command.includes("seed=4") && later.command.includes("epochs=5") && !later.command.includes("epochs=3"));
    assert.match(await home.ok(["show", "run"]), /^changed {3}seed=4 epochs=5 by relaunch, kept for each further one$/m);
  });

  test("what is no setting, and settings for what is no falcon run, are refused and start nothing", async () => {
    const id = await home.start(["/bin/true"], ["--name", "plain"]);
    await home.untilState(id, "exited");
    const count = (await home.sessions()).length;
    const plain = await home.run(["relaunch", "-d", "plain", "a=1"]);
    assert.equal(plain.code, 2);
    assert.match(plain.stderr, /is no falcon launch: a=1 would mean nothing to it/);
    const stray = await home.run(["relaunch", "-d", "run", "epochs"]);
    assert.equal(stray.code, 2);
    assert.match(stray.stderr, /'epochs' is neither/);
    assert.equal((await home.sessions()).length, count);
  });
});
