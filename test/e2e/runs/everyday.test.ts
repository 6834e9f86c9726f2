// Everyday commands as a person says them: near misses, parts of names, several sessions at once, falcon's
// own options in the help.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { TestHome } from "../../support/home.ts";
import * as built from "../../support/paths.ts";

before(() => assert.deepEqual(built.notBuilt(), [], "npm run build comes first"));

/** A Python falcon as falcon 0.5.1 says its usage, which notes each start. */
function writeFalcon(home: TestHome): string {
  const file = path.join(home.work, "python-falcon");
  const usage =
    "falcon v9.8.7\n\nUsage:\n  falcon launch [--output DIR] [key=value ...]\n  falcon sample prior\n  falcon atach HARD\n\nOptions:\n  --log-lines N          Number of log lines";
  fs.writeFileSync(
    file,
    `#!/usr/bin/env python3\nimport sys\nopen(${JSON.stringify(`${file}.starts`)}, "a").write(" ".join(sys.argv[1:]) + "\\n")\nprint("started:", *sys.argv[1:]) if sys.argv[1:2] in (["sample"], ["atach"], ["launch"]) else print('''${usage}''')\n`,
    { mode: 0o755 },
  );
  return file;
}

describe("words that are no command of ours", () => {
  const home = new TestHome();
  after(() => home.dispose());

  test("a near miss is answered with status 2 and not handed to Python; what the Python falcon knows goes to it", async () => {
    const file = writeFalcon(home);
    const env = { FALCON_BIN: file };
    for (const [word, meant] of [
      ["status", "sessions"],
      ["list", "sessions"],
      ["ps", "sessions"],
      ["log", "logs"],
      ["session", "sessions"],
      ["shwo", "show"],
    ]) {
      const said = await home.run([word as string], { env });
      assert.equal(said.code, 2, word);
      assert.equal(said.stderr, `falcon: no command '${word}': did you mean 'falcon ${meant}'?\n`);
      assert.equal(said.stdout, "");
    }
    const unknown = await home.run(["frobnicate"], { env });
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /no command 'frobnicate', of ours or of the Python falcon's \(launch, sample, atach\)/);
    assert.match((await home.run(["sample", "prior"], { env })).stdout, /started: sample prior/);
    assert.match((await home.run(["atach", "x"], { env })).stdout, /started: atach x/, "this falcon knows it");
    const starts = fs.readFileSync(`${file}.starts`, "utf8").split("\n");
    assert.equal(starts.filter((line) => line === "").length - 1, 1, "its usage is asked for once");
    assert.match(
      (await home.run(["atach"], { env: { PATH: "/nowhere" } })).stderr,
      /did you mean 'falcon attach'/,
      "without any falcon",
    );
  });

  test("launch --help shows falcon's own options, and launches nothing", async () => {
    const file = writeFalcon(home);
    const said = await home.ok(["launch", "--help"], { env: { FALCON_BIN: file } });
    assert.match(said, /Python falcon's own, of version 9\.8\.7/);
    assert.match(said, /--log-lines N +Number of log lines/);
    assert.doesNotMatch(fs.readFileSync(`${file}.starts`, "utf8"), /help|launch/);
    assert.match(await home.ok(["launch", "--help"], { env: { PATH: "/nowhere" } }), /own options go on to it unchanged/);
  });
});

describe("several sessions", () => {
  const home = new TestHome();
  after(() => home.dispose());

  test("stop, kill, wait and remove take several names, --running and --all", async () => {
    const ids: string[] = [];
    for (const name of ["one", "two", "three", "four"]) ids.push(await home.start(["/bin/cat"], ["--name", name]));
    const stopped = await home.run(["stop", "one", "two"]);
    assert.equal(stopped.code, 0, stopped.stderr);
    assert.match(stopped.stderr, /\[one\] .*\[two\] /s);
    const late = await home.run(["wait", "--running", "--timeout", "0.1"]);
    assert.deepEqual([late.code, late.stderr], [124, `falcon: still running after 0.1 s: ${ids[2]}, ${ids[3]}\n`]);
    const waiting = home.run(["wait", "three", "four"]);
    await home.ok(["kill", "--all", "--signal", "KILL"]);
    assert.equal((await waiting).code, 137);
    assert.match((await waiting).stderr, /\[three\].*\[four\]/s);
    assert.equal((await home.sessions()).filter((row) => row.state === "running").length, 0);
    await home.start(["/bin/cat"], ["--name", "five"]);
    for (const [args, sentence] of [
      [["kill", "--all", "five"], /--all goes without names/],
      [["kill"], /name a session, or say --all/],
      [["wait"], /name a session/],
      [["remove"], /name a session/],
    ] as const) {
      const refused = await home.run([...args]);
      assert.equal(refused.code, 2);
      assert.match(refused.stderr, sentence);
    }
    await home.ok(["remove", "one", "two"]);
    await home.ok(["remove", "--all"]);
    assert.deepEqual(
      (await home.sessions()).map((row) => row.name),
      ["five"],
    );
  });

  test("a kill of several of which one is over does nothing", async () => {
    const over = await home.start(["/bin/true"], ["--name", "over"]);
    await home.untilState(over, "exited");
    const refused = await home.run(["kill", "five", "over"]);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /\(over\) is over: .*; no signal was sent/);
    assert.equal((await home.sessions()).find((row) => row.name === "five")?.state, "running");
  });
});

describe("names", () => {
  const home = new TestHome();
  after(() => home.dispose());

  test("a run directory's letters stay in the name", async () => {
    const env = { FALCON_BIN: writeFalcon(home) };
    await home.ok(["launch", "-o", "my run ü"], { env });
    await home.ok(["launch", "-o", "ヒッグス/µ→e"], { env });
    assert.deepEqual(
      (await home.sessions()).map((row) => row.name),
      ["my-run-ü", "µ-e"],
    );
    assert.match(await home.ok(["show", "my-run"]), /my-run-ü/, "a prefix is enough");
  });

  test("show, logs and export without a name take the newest of this directory; several fits are told on a terminal and listed in a script", async () => {
    const folder = path.join(home.work, "folder");
    fs.mkdirSync(folder);
    for (const name of ["first", "second"]) {
      const id = await home.start(["/bin/echo", `I am ${name}`], ["--name", name], { cwd: folder });
      await home.untilState(id, "exited");
    }
    await home.start(["/bin/cat"], ["--name", "elsewhere"]);
    assert.match(await home.ok(["show"], { cwd: folder }), /second/);
    assert.match(await home.ok(["logs"], { cwd: folder }), /I am second/);
    await home.start(["/bin/cat"], ["--name", "pair-a"]);
    await home.start(["/bin/cat"], ["--name", "pair-b"], { cwd: folder });
    const script = await home.run(["show", "pair"], { cwd: folder });
    assert.equal(script.code, 1);
    assert.match(script.stderr, /'pair' fits 2 sessions, say which one:\n.*pair-a {2}running {2}for .*\n.*pair-b/);
    const terminal = home.terminal(["show", "pair"], { cwd: folder, cols: 160, rows: 60 });
    await terminal.waitForExit();
    assert.match(terminal.text(), /'pair' fits 2 sessions; the one that runs here is taken: [a-z0-9]{6} \(pair-b\)/);
    const harm = home.terminal(["stop", "pair"], { cwd: folder, cols: 160 });
    assert.equal((await harm.waitForExit()).code, 1);
    assert.match(harm.text(), /'pair' fits 2 sessions, say which one/);
  });
});

describe("the list", () => {
  const home = new TestHome();
  after(() => home.dispose());

  test("filters, order and limit, the same for --json; an end is told from a time that it took", async () => {
    for (const [name, command] of [
      ["good", ["/bin/true"]],
      ["bad", ["/bin/sh", "-c", "exit 3"]],
    ] as const) {
      const id = await home.start([...command], ["--name", name]);
      await home.untilState(id, "exited");
    }
    await home.start(["/bin/cat"], ["--name", "alive"]);
    const names = async (...options: string[]) =>
      (JSON.parse(await home.ok(["sessions", "--json", ...options])) as { name: string }[]).map((row) => row.name);
    assert.deepEqual(await names("--running"), ["alive"]);
    assert.deepEqual(await names("--failed"), ["bad"]);
    assert.deepEqual(await names("--ended", "1h"), ["good", "bad"]);
    assert.deepEqual(await names("--ended", "1h", "--failed"), ["bad"]);
    assert.deepEqual(await names("--sort", "name"), ["alive", "bad", "good"]);
    assert.deepEqual(await names("--sort", "name", "--limit", "2"), ["alive", "bad"]);
    assert.deepEqual(await names(), ["good", "bad", "alive"], "programs get them in the order of their start");
    const shown = (await home.ok(["sessions"])).split("\n");
    assert.match(shown[1] as string, /^● running +alive +\w{6} +\d+s$/);
    assert.match(shown[2] as string, /^✗ failed +status 3 · ran \d+s +bad +\w{6} +\d+s ago$/);
    assert.match(shown[3] as string, /^✓ completed +ran \d+s +good +\w{6} +\d+s ago$/);
    for (const [options, sentence] of [
      [["--sort", "size"], /--sort size: say started, ended, name or status/],
      [["--limit", "0"], /--limit 0: give a number/],
      [["--ended", "soon"], /--ended soon: give a duration/],
      [["--running", "--failed"], /--running goes with neither/],
    ] as const) {
      const refused = await home.run(["sessions", ...options]);
      assert.equal(refused.code, 2);
      assert.match(refused.stderr, sentence);
    }
    assert.match((await home.run(["sessions", "--failed", "--ended", "2030-01-01"])).stderr, /no session fits/);
  });
});

describe("a launch that cannot go well", () => {
  const home = new TestHome();
  after(() => home.dispose());

  test("is one sentence and status 2, and leaves no session; --no-check starts it", async () => {
    const falcon = path.join(home.work, "falcon");
    fs.writeFileSync(falcon, "#!/bin/sh\n# from falcon.cli import main\necho launched\n", { mode: 0o755 });
    const env = { FALCON_BIN: falcon };
    const refused = await home.run(["launch"], { env });
    assert.equal(refused.code, 2);
    assert.equal(
      refused.stderr,
      `falcon: there is no config.yml in ${home.work}; -c names another one (--no-check starts it all the same)\n`,
    );
    assert.deepEqual(await home.sessions(), []);
    assert.match((await home.run(["launch", "--no-check"], { env })).stdout, /launched/);
    assert.deepEqual((await home.sessions())[0]?.command, [falcon, "launch", "--no-interactive"], "falcon does not see the word");
  });
});
