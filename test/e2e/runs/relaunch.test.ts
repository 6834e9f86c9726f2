// falcon relaunch resumes in the same run directory, and shows the display where somebody can see it,
// wherever it was started first.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { until } from "../../support/events.ts";
import { type SessionRow, TestHome } from "../../support/home.ts";
import { falcon, notBuilt, trainer } from "../../support/paths.ts";

before(() => assert.deepEqual(notBuilt([falcon, trainer]), [], "npm run build comes first"));

describe("falcon relaunch", () => {
  const home = new TestHome();
  after(() => home.dispose());
  const settings = ["samples=256", "rate=0", "epochs=3"];
  /** What stands behind the program: `launch` and its arguments. */
  const words = (row: SessionRow | undefined): string[] => {
    const command = (row?.command ?? []) as string[];
    return command.slice(command.indexOf("launch"));
  };

  const named = async (name: string) => (await home.sessions()).filter((row) => row.name === name);

  test("started without a terminal, relaunched from one: with the display, and the model that was saved", async () => {
    // so slow that a viewer comes while its display stands
    const settings = ["samples=256", "rate=5", "epochs=3"];
    assert.equal((await home.run(["launch", "--falcon", trainer, "-o", "run", ...settings])).code, 0);
    assert.deepEqual(words((await home.sessions())[0]), ["launch", "--no-interactive", "-o", "run", ...settings]);
    const [first] = await home.sessions();
    const terminal = home.terminal(["relaunch", String(first?.id)], { cols: 120, rows: 40 });
    assert.equal((await terminal.waitForExit()).code, 0);
    assert.match(terminal.received.toString(), /\[run\] resumes .*\/run from the saved model/);
    assert.match(terminal.received.toString(), /\[j\/k\] switch node/, "falcon's display");
    const second = (await home.sessions()).find(({ id }) => id !== first?.id);
    assert.deepEqual(words(second), ["launch", "-o", "run", ...settings]);
    const progress = second?.progress as { resumed: boolean; nodes: { epoch: number; epochsBefore: number }[] };
    assert.deepEqual([progress.resumed, progress.nodes[0]?.epoch, progress.nodes[0]?.epochsBefore], [true, 6, 3]);

    // and back: from a terminal first, then in a batch script
    const third = await home.run(["relaunch", String(second?.id)]);
    assert.equal(third.code, 0);
    assert.match(third.stdout, /Epoch|falcon launch completed/);
    assert.ok(!third.stdout.includes("[j/k]"), "plain lines");
  });

  test("what the user's own arguments say of the display stays", async () => {
    for (const own of ["--no-interactive", "-i"]) {
      const name = own.replaceAll("-", "");
      const terminal = home.terminal(["launch", "--falcon", trainer, own, "-o", name, ...settings]);
      assert.equal((await terminal.waitForExit()).code, 0);
      assert.equal((await home.run(["relaunch", name])).code, 0);
      const rows = await named(name);
      assert.equal(rows.length, 2);
      for (const row of rows) assert.deepEqual(words(row), ["launch", own, "-o", name, ...settings]);
    }
  });

  test("a run of several parts: its name and its directory mean the newest, and are never ambiguous", async () => {
    assert.equal((await home.run(["launch", "--falcon", trainer, "-o", "again", ...settings])).code, 0);
    assert.equal((await home.run(["relaunch", "again"])).code, 0);
    const [first, second] = await named("again");
    // what falcon writes over when it resumes
    const kept = path.join(home.folder, "archive", String(first?.id), "1");
    assert.ok(fs.readdirSync(path.join(kept, "graph"), { recursive: true }).some((file) => String(file).endsWith(".npz")));
    assert.ok(fs.existsSync(path.join(kept, "curves.json")));
    assert.match(await home.ok(["show", "again"]), /^part 1 .*completed.*\npart 2 .*completed/m);
    for (const wanted of ["again", path.join(home.work, "again")]) {
      assert.equal(JSON.parse(await home.ok(["show", "--json", wanted])).id, second?.id, wanted);
      await home.ok(["logs", "-n", "1", wanted]);
      assert.match(await home.ok(["export", "--format", "cast", wanted]), /falcon launch completed/);
    }
    // refused once, not for each part
    const wrong = await home.run(["logs", "again", "--since", "rubbish"]);
    assert.deepEqual([wrong.code, wrong.stdout, wrong.stderr.split("\n").length], [2, "", 2], wrong.stderr);
    assert.equal((await home.run(["relaunch", "again"])).code, 0);
    assert.equal((await named("again")).length, 3);
    // an id means what it names, whatever came after it
    assert.equal(JSON.parse(await home.ok(["show", "--json", String(first?.id)])).id, first?.id);
    await home.ok(["rename", "again", "renamed"]);
    assert.deepEqual([(await named("again")).length, (await named("renamed")).length], [0, 3]);
    await home.ok(["remove", "renamed"]);
    assert.deepEqual(await named("renamed"), []);
  });

  test("a run's directory that it makes silently, just before it ends, is found", async () => {
    const silent = path.join(home.work, "silent-falcon");
    const script = "mkdir -p output/run1; touch output/run1/config.yml; ln -s run1 output/latest; exit 1";
    fs.writeFileSync(silent, `#!/bin/sh\necho starting; sleep 1; ${script}\n`, { mode: 0o755 });
    fs.writeFileSync(path.join(home.work, "config.yml"), "graph: {}\n");
    await home.run(["launch", "--falcon", silent]);
    const row = await until(async () => (await named("run1"))[0], "the run's directory to be found");
    assert.equal(row.runDirectory, path.join(home.work, "output/run1"));
  });

  test("a run's directory that it makes behind its first words, and then goes on without any, is found", async () => {
    const silent = path.join(home.work, "slow-falcon");
    const made = path.join(home.work, "slow");
    fs.mkdirSync(made);
    const script = "sleep 0.3; mkdir -p output/run2; touch output/run2/config.yml; ln -s run2 output/latest; exec sleep 1000";
    fs.writeFileSync(silent, `#!/bin/sh\necho starting; ${script}\n`, { mode: 0o755 });
    fs.writeFileSync(path.join(made, "config.yml"), "graph: {}\n");
    const id = await home.ok(["launch", "-d", "--falcon", silent], { cwd: made });
    const row = await until(async () => (await named("run2"))[0], "the run's directory to be found");
    assert.deepEqual([row.id, row.runDirectory], [id, path.join(made, "output/run2")]);
    await home.ok(["kill", id, "--signal", "KILL"]);
  });

  const seesOpenFiles = fs.existsSync("/proc/self/fd");
  const unseen = { skip: seesOpenFiles ? false : "open files of a process are not to be seen here" };
  test("two launches of one directory at a time: each has its own run, whoever moved the link last", unseen, async () => {
    const made = path.join(home.work, "two");
    fs.mkdirSync(made);
    fs.writeFileSync(path.join(made, "config.yml"), "graph: {}\n");
    const launch = (name: string, meanwhile: string) => {
      const file = path.join(home.work, `falcon-${name}`);
      const log = `output/${name}/graph/driver/output.log`;
      const link = `mkdir -p output/${name}/graph/driver; touch output/${name}/config.yml; ln -sfn ${name} output/latest`;
      fs.writeFileSync(file, `#!/bin/sh\n${link}; ${meanwhile}; echo hi; sleep 2; exec 3> ${log}; echo more; exec sleep 1000\n`, {
        mode: 0o755,
      });
      return home.ok(["launch", "-d", "--falcon", file], { cwd: made });
    };
    // the first one says nothing, and is not looked at, until the second one has moved the link
    const ids = [await launch("a", "while [ ! -e output/b/config.yml ]; do sleep 0.05; done")];
    ids.push(await launch("b", "touch moved"));
    const rows = await until(async () => {
      const found = await Promise.all(ids.map(async (id) => JSON.parse(await home.ok(["show", "--json", id])) as SessionRow));
      return found.every(({ runDirectory }) => runDirectory !== null) && found;
    }, "both run directories to be found");
    for (const id of ids) await home.ok(["kill", id, "--signal", "KILL"]);
    assert.deepEqual(
      rows.map(({ runDirectory }) => runDirectory),
      ["a", "b"].map((name) => path.join(made, "output", name)),
    );
  });

  test("a run whose directory was named through a link goes on under its own name, whatever server comes meanwhile", async () => {
    fs.symlinkSync(".", path.join(home.work, "here"));
    await home.ok(["launch", "--falcon", trainer, "-o", "here/linked", ...settings]);
    await home.ok(["server", "stop"]);
    await home.ok(["launch", "--falcon", trainer, "-o", "linked", ...settings]);
    const parts = /^part 1 .*completed.*\npart 2 .*completed/m;
    assert.match(await home.ok(["show", "linked"]), parts);
    await home.ok(["server", "stop"]);
    assert.match(await home.ok(["show", "linked"]), parts, "with the next server");
  });

  test("asked for by several clients at once, a run goes on once: two would write into the same files", async () => {
    assert.equal((await home.run(["launch", "--falcon", trainer, "-o", "once", ...settings])).code, 0);
    const asked = await Promise.all([1, 2, 3].map(() => home.run(["relaunch", "-d", "once", "rate=0.01"])));
    assert.deepEqual(asked.map(({ code }) => code).sort(), [0, 2, 2]);
    const started = asked.find(({ code }) => code === 0)?.stdout.trim();
    for (const { code, stderr } of asked)
      if (code !== 0) assert.match(stderr, new RegExp(`^falcon: .*/once is being trained already, in session ${started} `));
    assert.equal((await named("once")).length, 2);
  });

  test("a directory that was given through a link is the same without it: a second training there is refused", async () => {
    fs.mkdirSync(path.join(home.work, "scratch"));
    fs.symlinkSync("scratch", path.join(home.work, "runs"));
    const launch = (directory: string) =>
      home.run([
        "launch",
        "-d",
        "--falcon",
        trainer,
        "-o",
        path.join(home.work, directory),
        ...settings,
        "rate=5",
        "epochs=100000",
      ]);
    const first = await launch("runs/a");
    assert.equal(first.code, 0, first.stderr);
    const second = await launch("scratch/a");
    assert.equal(second.code, 2, second.stderr);
    assert.match(second.stderr, /is being trained already/);
    const shown = JSON.parse(await home.ok(["show", "--json", path.join(home.work, "scratch/a")]));
    assert.equal(shown.id, first.stdout.trim());
    await home.ok(["kill", shown.id]);
  });

  test("a relaunched command that is no falcon run: its name means the newest; two commands of one name stay two", async () => {
    assert.equal((await home.run(["run", "--name", "twice", "true"])).code, 0);
    assert.equal((await home.run(["relaunch", "twice"])).code, 0);
    const [, second] = await named("twice");
    assert.equal(JSON.parse(await home.ok(["show", "--json", "twice"])).id, second?.id);
    assert.equal((await home.run(["run", "--name", "twice", "false"])).code, 1);
    const { code, stderr } = await home.run(["show", "twice"]);
    assert.equal(code, 1);
    assert.match(stderr, /'twice' fits 2 sessions, say which one/);
  });

  test("what was given to a run is its next part's too: how it is asked to stop, its labels", async () => {
    const script = 'trap "echo two; exit 0" USR2; echo ready; while :; do sleep 0.05; done';
    const command = ["run", "-d", "--stop-signal", "USR2", "--name", "given", "--", "/bin/bash", "-c", script];
    const first = await home.ok(command);
    await home.ok(["tag", "given", "lr=0.1"]);
    for (const id of [first, ""]) {
      const part = id || (await home.ok(["relaunch", "-d", "given"]));
      await until(async () => (await home.ok(["logs", part])).includes("ready"), "the program to be ready");
      const { stderr } = await home.run(["stop", "given"]);
      assert.match(stderr, /asked to stop \(SIGUSR2\)/);
      assert.match(await home.ok(["logs", part]), /two/);
    }
    const labelled = async (label: string) =>
      JSON.parse(await home.ok(["sessions", "--all", "--tag", label, "--json"])).map(({ id }: SessionRow) => id);
    assert.deepEqual(
      await labelled("lr=0.1"),
      (await named("given")).map(({ id }) => id),
    );

    // a second launch into a run's directory is its next part as well
    const launch = ["launch", "--falcon", trainer, "-o", "labelled", ...settings];
    await home.ok(launch);
    await home.ok(["tag", "labelled", "good"]);
    await home.ok(launch);
    assert.equal((await labelled("good")).length, 2);
  });

  test("show at 40 columns: no line of the progress is broken inside a fact", async () => {
    const [row] = await home.sessions();
    const terminal = home.terminal(["show", String(row?.id)], { cols: 40, rows: 400 });
    assert.equal((await terminal.waitForExit()).code, 0);
    const lines = terminal.lines();
    const from = lines.findIndex((line) => line.startsWith("progress  completed"));
    const part = lines.slice(
      from,
      lines.findIndex((line) => line.startsWith("next ")),
    );
    assert.ok(part.length > 4, terminal.picture());
    const facts = part.join("\n");
    for (const fact of [
      /done · epoch \d+\/\d+/,
      /val loss \S+/,
      /best \S+ \((?:the last one|\d+ epochs? ago)\)/,
      /\d+ samples/,
      /learning rate \S+/,
    ])
      assert.match(facts, fact);
    for (const line of part) assert.ok(line.length <= 40 && !/·$/.test(line.trimEnd()), line);
  });
});
