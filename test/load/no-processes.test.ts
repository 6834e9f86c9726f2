// A limit of processes and threads (`ulimit -u`) that leaves few or none: each command says so in one
// sentence, the server lives, and what runs goes on. The limit counts per user, and does not hold for root.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { after, before, describe, test } from "node:test";
import { until } from "../support/events.ts";
import { TestHome } from "../support/home.ts";
import * as built from "../support/paths.ts";

before(() => assert.deepEqual(built.notBuilt(), [], "npm run build comes first"));

/** A user that nobody is, another one each time: ended processes may be counted for a while. */
let users = 300_000 + process.pid * 40;
const cannotBecome = process.getuid?.() !== 0 || spawnSync("setpriv", ["--reuid", String(users), "prlimit", "true"]).status !== 0;
const skip = cannotBecome ? "only root can be another user, and prlimit is needed" : false;

/** All that may be said of it. */
const sentence = new RegExp(
  `^falcon: [^\\n]*(${[
    "there is no room for its processes and threads \\(your limit",
    "no process or thread could be started \\(your limit",
    "no process can be started to look at files: your limit of processes",
    "no process can be started for it \\(your limit",
  ].join("|")})[^\\n]*\\n$`,
);

const tasks = (pid: number) => fs.readdirSync(`/proc/${pid}/task`).length;

describe("a user with few processes", { skip }, () => {
  for (const limit of [3, 8, 12, 14, 17, 20, 23, 26]) {
    test(`${limit} in all: every command is answered, or told in one sentence why not`, async () => {
      const home = new TestHome({}, { user: users++ });
      const limited = (args: string[]) => home.run([`--nproc=${limit}`, built.falcon, ...args], { file: "prlimit" });
      try {
        let server: number | undefined;
        for (const args of [
          ["sessions"],
          ["run", "-d", "--", "/bin/cat"],
          ["sessions"],
          ["logs"],
          ["doctor"],
          ["show"],
          ["sessions"],
        ]) {
          const { code, stdout, stderr } = await limited(args);
          if (code !== 0 && stdout === "" && !/no session/.test(stderr)) {
            assert.match(stderr, sentence, args.join(" "));
            // 126: there was room for the holder, and none for the program
            assert.ok(code === 125 || code === 126, `${args.join(" ")}: ${code}`);
          }
          const now = home.serverPid();
          if (server !== undefined) assert.equal(now, server, `the server has ended: ${args.join(" ")}\n${stderr}`);
          server = now;
        }
      } finally {
        await home.dispose();
      }
    });
  }
});

describe("a server whose limit is lowered while it has sessions", { skip }, () => {
  const home = new TestHome({}, { user: users++ });
  after(() => home.dispose());

  test("goes on with them, and says why it starts nothing; raised again it does", async () => {
    const viewer = home.terminal(["run", "--name", "seen", "--", "/bin/cat"]);
    await until(async () => (await home.sessions())[0]?.state === "running", "the session");
    viewer.type("ready\r");
    await viewer.waitFor("ready");
    const server = home.serverPid() as number;
    // those of native/home/start.c (SERVER_TASKS) and its own first one; a session's thread beside them
    const helpers = fs
      .readFileSync(`/proc/${server}/task/${server}/children`, "utf8")
      .split(" ")
      .map(Number)
      .filter((pid) => pid > 0 && fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("aside-helper.cjs"));
    const all = tasks(server) - 1 + tasks(helpers[0] as number);
    assert.ok(all <= 17, `${tasks(server)} and ${helpers.map(tasks)} threads`);

    // its user may lower the soft limit, and raise it again
    const user = String(home.user);
    const limit = (...words: string[]) =>
      spawnSync("setpriv", ["--reuid", user, "--regid", user, "--clear-groups", "prlimit", "--pid", String(server), ...words], {
        encoding: "utf8",
      });
    const before = limit("--nproc", "-o", "SOFT", "--noheadings", "--raw").stdout.trim();
    assert.equal(limit("--nproc=1:").status, 0);
    // none can follow them; the server has noticed once it has waited for them: a zombie is still there
    for (const pid of helpers) process.kill(pid, "SIGKILL");
    for (const pid of helpers) await until(() => !fs.existsSync(`/proc/${pid}`), `the server to notice the end of helper ${pid}`);
    for (const args of [
      ["run", "-d", "--", "/bin/true"],
      ["logs", "seen"],
      ["launch", "-d"],
    ]) {
      const { code, stderr } = await home.run(args);
      assert.match(stderr, sentence, args.join(" "));
      assert.equal(code, 125);
    }
    assert.match(await home.ok(["sessions"]), /seen/);
    viewer.type("still here\r");
    await viewer.waitFor("still here");
    const second = home.terminal(["attach", "seen"]);
    await second.waitFor("still here");

    assert.equal(limit(`--nproc=${before}:`).status, 0);
    await home.ok(["run", "--", "/bin/true"]);
    assert.match(await home.ok(["logs", "seen"]), /still here/);
    assert.equal(home.serverPid(), server);
  });
});
