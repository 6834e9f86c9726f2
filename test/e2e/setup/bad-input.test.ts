// Bad input: one clear sentence, a status of its own, and every session as it was.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { type RunOptions, TestHome } from "../../support/home.ts";
import * as built from "../../support/paths.ts";
import { falcon, notBuilt, root } from "../../support/paths.ts";

before(() => assert.deepEqual(notBuilt(), [], "npm run build comes first"));

/**
 * One sentence on stderr, nothing on stdout, the status. Lines that list candidates may follow where `list`
 * says so.
 */
async function refuses(
  home: TestHome,
  args: string[],
  code: number,
  says: RegExp,
  options: RunOptions & { list?: boolean } = {},
): Promise<string> {
  const result = await home.run(args, options);
  assert.equal(result.code, code, `${args.join(" ")}: ${result.stderr}`);
  assert.match(result.stderr, says);
  assert.doesNotMatch(result.stderr, /\n\s+at |Error:/, "no stack trace");
  if (!options.list) assert.equal(result.stderr.trim().split("\n").length, 1, result.stderr);
  return result.stderr;
}

describe("bad input with a running server", () => {
  const home = new TestHome();
  let ids: string[];
  before(async () => {
    ids = [];
    for (const name of ["one", "two"]) ids.push(await home.start(["/bin/cat"], ["--name", name]));
    // two that share a first letter
    while (new Set(ids.map((id) => id[0])).size === ids.length) ids.push(await home.start(["/bin/cat"]));
  });
  afterEach(async () => {
    const rows = await home.sessions();
    for (const id of ids) assert.equal(rows.find((row) => row.id === id)?.state, "running");
    assert.equal(rows.filter((row) => row.state === "running").length, ids.length, "nothing was started");
  });
  after(() => home.dispose());

  test("no such session", async () => {
    for (const command of [["attach"], ["show"], ["kill"], ["stop"], ["wait"], ["remove"], ["sessions"]]) {
      await refuses(home, [...command, "nothere"], 1, /no session 'nothere'/);
    }
    await refuses(home, ["send", "nothere", "j"], 1, /no session 'nothere'/);
    await refuses(home, ["rename", "nothere", "there"], 1, /no session 'nothere'/);
  });

  test("an ambiguous prefix lists the candidates", async () => {
    const prefix = ids
      .map((id) => id[0] as string)
      .find((letter) => ids.filter((id) => id.startsWith(letter)).length > 1) as string;
    const said = await refuses(home, ["kill", prefix], 1, /fits \d+ sessions/, { list: true });
    for (const id of ids.filter((id) => id.startsWith(prefix))) assert.match(said, new RegExp(`^ +${id} `, "m"));
  });

  test("no session named where several run: they are listed", async () => {
    const said = await refuses(home, ["stop"], 1, /say which one/, { list: true });
    for (const id of ids) assert.match(said, new RegExp(id));
  });

  test("a command that is not found, not executable, or a folder", async () => {
    await refuses(home, ["run", "-d", "--", "no-such-command-here"], 127, /not found: no-such-command-here/);
    await refuses(home, ["run", "-d", "--", "./nor-this"], 127, /not found: \.\/nor-this/);
    const file = path.join(home.work, "plain-text");
    fs.writeFileSync(file, "#!/bin/sh\n", { mode: 0o644 });
    await refuses(home, ["run", "-d", "--", file], 126, /not executable/);
    await refuses(home, ["run", "-d", "--", home.work], 126, /folder/);
    await refuses(home, ["launch", "-d", "--falcon", "/no/such/falcon"], 127, /\/no\/such\/falcon/);
    await refuses(home, ["launch", "-d"], 127, /no Python falcon/, { env: { PATH: "/nowhere" } });
  });

  test("a program that the kernel refuses to execute ends with 126, and says why", async () => {
    const file = path.join(home.work, "no-interpreter");
    fs.writeFileSync(file, "#!/no/such/interpreter\n", { mode: 0o755 });
    const result = await home.run(["run", "--", file]);
    assert.ok([126, 127].includes(result.code), `${result.code}`);
    assert.match(result.stderr, /no-interpreter|interpreter|No such file/);
  });

  test("attach without a terminal", async () => {
    await refuses(home, ["attach", ids[0] as string], 2, /needs a terminal/);
  });

  test("an ended session: its last screen and how it ended", async () => {
    const id = await home.start(["/bin/sh", "-c", "echo its last words; exit 4"]);
    await home.untilState(id, "exited");
    const terminal = home.terminal(["attach", id]);
    assert.equal((await terminal.waitForExit()).code, 1);
    assert.match(terminal.text(), /its last words/);
    assert.match(terminal.text(), /is over: ended with status 4/);
    await refuses(home, ["send", id, "j"], 1, /is over/);
    await refuses(home, ["kill", id], 1, /is over/);
  });

  test("a current directory that was removed: nothing is written or started elsewhere", async () => {
    const id = ids[0] as string;
    for (const args of [`export ${id} --format text -o file.txt`, "run -d -- true", `share ${id} --to page`]) {
      const script = `mkdir gone; cd gone; rmdir ../gone; exec ${falcon} ${args}`;
      await refuses(home, ["-c", script], 125, /the current directory was removed: cd to one that is there/, { file: "/bin/sh" });
    }
    await refuses(home, ["-c", `mkdir gone; cd gone; rmdir ../gone; ${falcon} compare --run-dir 'output/*'`], 125, /removed/, {
      file: "/bin/sh",
    });
    const whole = path.join(home.work, "file.txt");
    await home.ok(["-c", `mkdir gone; cd gone; rmdir ../gone; ${falcon} export ${id} --format text -o ${whole}`], {
      file: "/bin/sh",
    });
    assert.ok(fs.existsSync(whole));
  });

  test("standard output on a full disk", async () => {
    for (const args of ["sessions", "--help", "sessions --json"])
      await refuses(
        home,
        ["-c", `${falcon} ${args} >/dev/full`],
        125,
        /^falcon: standard output cannot be written: No space left/,
        {
          file: "/bin/sh",
        },
      );
  });

  test("garbage on the server's socket closes that connection and nothing else", async () => {
    await home.ok(["server", "status"]);
    const server = home.serverPid();
    await new Promise<void>((resolve, reject) => {
      const socket = net.connect(path.join(home.folder, "server.sock"));
      socket.on("close", () => resolve());
      socket.on("error", reject);
      socket.resume();
      socket.write(Buffer.alloc(4096, 0xff));
    });
    await home.ok(["server", "status"]);
    assert.equal(home.serverPid(), server);
  });

  test("wrong usage", async () => {
    await refuses(home, ["run"], 2, /command/);
    await refuses(home, ["run", "--size", "80", "--", "/bin/cat"], 2, /--size 80/);
    await refuses(home, ["run", "--size", "1x1", "--", "/bin/cat"], 2, /--size 1x1/);
    await refuses(home, ["run", "-d", "--name", "a/b", "--", "/bin/cat"], 2, /--name/);
    await refuses(home, ["run", "-d", "--name", "one", "--", "/bin/cat"], 2, /'one' is running/);
    await refuses(home, ["kill", ids[0] as string, "--signal", "NOSUCH"], 2, /NOSUCH/);
    await refuses(home, ["send", ids[0] as string], 2, /keys/);
    await refuses(home, ["send", ids[0] as string, "NoSuchKey"], 2, /NoSuchKey/);
    await refuses(home, ["wait", ids[0] as string, "--timeout", "soon"], 2, /soon/);
    await refuses(home, ["stop", ids[0] as string, "--timeout", "-1"], 2, /-1/);
    await refuses(home, ["server", "dance"], 2, /dance/);
    await refuses(home, ["sessions", "--no-such-option"], 2, /--no-such-option/);
  });
});

describe("words, variables and directories that are not UTF-8", () => {
  const home = new TestHome();
  after(() => home.dispose());
  /** A Latin-1 name, and one that percent-coding must not touch. */
  const odd = Buffer.from("Jos\xe9-%41-\xc3\xa9", "latin1");
  /** Runs a shell's words with $ODD, in a directory of that name, which holds a program of that name. */
  const shell = (script: string) =>
    home.run(
      ["-c", `ODD="$(printf 'Jos\\351-%%41-\\303\\251')"; export ODD; mkdir -p "$ODD"; cd "$ODD"; ${script}`, built.falcon],
      { file: "/bin/sh" },
    );
  const hex = Buffer.from(`${odd.toString("latin1")}|`, "latin1").toString("hex");

  test("reach the program byte by byte, at the start and when it is started again by another server", async (context) => {
    const made = await shell("true");
    if (made.code !== 0) return context.skip("this file system takes no such name");
    const program = `#!/bin/sh\nprintf '%s|%s|%s|' "$1" "$ODD" "\${0##*/}" > seen; printf '%s' "\${PWD##*/}|" >> seen; basename "$(pwd -P)" >> seen\n`;
    fs.writeFileSync(path.join(home.work, "program"), program, { mode: 0o755 });
    const folder = Buffer.concat([Buffer.from(`${home.work}/`), odd]);
    const seen = Buffer.concat([folder, Buffer.from("/seen")]);
    const expected = hex.repeat(4) + Buffer.concat([odd, Buffer.from("\n")]).toString("hex");
    const first = await shell('cp ../program "./$ODD"; "$0" run -- "./$ODD" "$ODD"');
    assert.equal(first.code, 0, first.stderr);
    assert.equal(fs.readFileSync(seen).toString("hex"), expected);
    fs.rmSync(seen);
    const id = (await home.sessions())[0]?.id as string;
    await home.ok(["server", "stop"]);
    const again = (await home.ok(["relaunch", "-d", id])).split("\n").at(-1) as string;
    await home.untilState(again, "exited");
    assert.equal(fs.readFileSync(seen).toString("hex"), expected);
  });

  test("name the file of an export, and cannot be a session's name", async (context) => {
    if ((await shell("true")).code !== 0) return context.skip("this file system takes no such name");
    const result = await shell(
      '"$0" run -- echo hello && "$0" export --format text -o "$ODD.txt" "$("$0" sessions --all --json | sed -n \'s/.*"id": "\\(.*\\)".*/\\1/p\' | head -1)"',
    );
    assert.equal(result.code, 0, result.stderr);
    const names = fs.readdirSync(Buffer.concat([Buffer.from(`${home.work}/`), odd]), "buffer");
    assert.ok(names.some((name) => name.equals(Buffer.concat([odd, Buffer.from(".txt")]))));
    const refused = await shell('"$0" run --name "$ODD" -- true');
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /^falcon: --name .* characters of UTF-8 .*\n$/);
  });

  test("that are a home are refused, and nothing is made", async () => {
    const result = await shell('FALCON_SESSIONS_HOME="$HOME/h$ODD" "$0" sessions');
    assert.equal(result.code, 125);
    assert.match(result.stderr, /is not UTF-8: set FALCON_SESSIONS_HOME/);
    assert.ok(!fs.readdirSync(home.work).some((name) => name.startsWith("h")));
  });
});

describe("a home that cannot be used", () => {
  let home: TestHome;
  afterEach(() => home.dispose());

  test("open to others", async () => {
    home = new TestHome();
    fs.chmodSync(home.folder, 0o777);
    await refuses(home, ["sessions"], 125, new RegExp(home.folder));
    fs.chmodSync(home.folder, 0o700);
  });

  test("a symbolic link", async () => {
    home = new TestHome();
    const link = path.join(home.work, "link");
    fs.symlinkSync(home.folder, link);
    await refuses(home, ["sessions"], 125, /link/, { env: { FALCON_SESSIONS_HOME: link } });
  });

  test("owned by someone else", async (context) => {
    if (process.getuid?.() !== 0) return context.skip("only root can give a folder away");
    home = new TestHome();
    fs.chownSync(home.folder, 65534, 65534);
    await refuses(home, ["sessions"], 125, new RegExp(`${home.folder}|own`));
    fs.chownSync(home.folder, 0, 0);
  });

  test("a path too long for a Unix socket", async () => {
    home = new TestHome();
    const long = path.join(home.work, "x".repeat(100));
    fs.mkdirSync(long, { mode: 0o700 });
    await refuses(home, ["sessions"], 125, /too long|longest|bytes/, { env: { FALCON_SESSIONS_HOME: long } });
    assert.deepEqual(fs.readdirSync(long), [], "nothing was made");
  });

  test("not a folder", async () => {
    home = new TestHome();
    const file = path.join(home.work, "file");
    fs.writeFileSync(file, "");
    await refuses(home, ["sessions"], 125, /file/, { env: { FALCON_SESSIONS_HOME: file } });
  });
});

test("no compiler at install: one sentence with what helps", async (context) => {
  const check = path.join(root, "scripts/build-check/check.mjs");
  if (!fs.existsSync(check)) return context.skip("no build check");
  const child = spawn(
    process.execPath,
    ["-e", `import(${JSON.stringify(check)}).then((m) => console.log(m.missing() ?? "nothing"))`],
    {
      env: { PATH: "/nowhere" },
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  let said = "";
  child.stdout.on("data", (data) => {
    said += data;
  });
  await new Promise((resolve) => child.on("close", resolve));
  assert.match(said, /compiler/i);
});
