// The user is told of ends and failures: by their own command with the facts in its environment, through
// deaths of the server, and by the terminal.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { openDatabase } from "../../../src/store/sqlite.ts";
import { readIfThere, until } from "../../support/events.ts";
import { TestHome } from "../../support/home.ts";
import { notBuilt } from "../../support/paths.ts";

before(() => assert.deepEqual(notBuilt(), [], "npm run build comes first"));

/** A program that ends with the status that is written into this pipe. */
const untilTold = (pipe: string) => ["/bin/sh", "-c", `read status < ${pipe}; exit $status`];

describe("on_event", () => {
  const home = new TestHome();
  const at = (name: string) => path.join(home.work, name);
  after(() => home.dispose());

  /**
   * Every delivery is a file of its own, complete when it has its name. While `block` exists the command does
   * not come to an end.
   */
  before(() => {
    const script = [
      `cd ${home.work}`,
      "if [ -e block ]; then echo $$ > held; exec sleep 1000; fi",
      "env | grep '^FALCON_' > told.$$.part",
      "mv told.$$.part told.$$",
    ].join("; ");
    fs.mkdirSync(at(".config/falcon-sessions"), { recursive: true });
    fs.writeFileSync(at(".config/falcon-sessions/config.toml"), `on_event = ${JSON.stringify(script)}\n`);
  });

  /** What was told of a session so far, as the command's environment had it. */
  const told = (id: string): Record<string, string>[] =>
    fs
      .readdirSync(home.work)
      .filter((name) => /^told\.\d+$/.test(name))
      .map((name) =>
        Object.fromEntries(
          fs
            .readFileSync(at(name), "utf8")
            .trim()
            .split("\n")
            .map((line) => line.split(/=(.*)/s, 2)),
        ),
      )
      .filter((facts) => facts.FALCON_SESSION_ID === id);
  const once = async (id: string): Promise<Record<string, string>> => {
    await until(() => told(id).length > 0, `${id} to be told`);
    return told(id)[0] as Record<string, string>;
  };
  const pipe = (name: string): string => {
    execFileSync("mkfifo", [at(name)]);
    return at(name);
  };
  const killServer = async (): Promise<void> => {
    const pid = home.serverPid() as number;
    process.kill(pid, "SIGKILL");
    await until(() => home.serverPid() === undefined, "the server to be gone");
  };
  /** The home's database, once its server is gone. */
  const stopped = async () => {
    await home.ok(["server", "stop"]);
    await until(() => home.serverPid() === undefined, "the server to be gone");
    return openDatabase(path.join(home.folder, "state.db"));
  };

  test("an end and a failure, with the facts in the environment", async () => {
    const good = await home.start(["/bin/sh", "-c", "exit 0"], ["--name", "good one"]);
    const facts = await once(good);
    const row = await home.untilState(good, "exited");
    assert.deepEqual(
      [facts.FALCON_EVENT, facts.FALCON_SESSION_NAME, facts.FALCON_SESSION_STATE, facts.FALCON_SESSION_EXIT_CODE],
      ["ended", "good one", "exited", "0"],
    );
    assert.deepEqual(
      [facts.FALCON_SESSION_DIRECTORY, facts.FALCON_SESSION_STATUS, facts.FALCON_SESSION_SIGNAL, facts.FALCON_SESSION_HOST],
      [home.work, "0", "", row.host],
    );
    assert.deepEqual([facts.FALCON_SESSION_STARTED, facts.FALCON_SESSION_ENDED], [row.started, row.ended]);
    const bad = await once(await home.start(["/bin/sh", "-c", "exit 3"]));
    assert.deepEqual(
      [facts.FALCON_SESSION_OUTCOME, bad.FALCON_SESSION_OUTCOME, bad.FALCON_SESSION_SAVED],
      ["completed", "failed", ""],
    );
    assert.deepEqual([bad.FALCON_EVENT, bad.FALCON_SESSION_EXIT_CODE, bad.FALCON_SESSION_STATUS], ["failed", "3", "3"]);
    const killed = await once(await home.start(["/bin/sh", "-c", "kill -9 $$"]));
    assert.deepEqual(
      [killed.FALCON_EVENT, killed.FALCON_SESSION_EXIT_CODE, killed.FALCON_SESSION_SIGNAL, killed.FALCON_SESSION_STATUS],
      ["failed", "", "SIGKILL", "137"],
    );
  });

  test("a server that is killed while the command runs: the next one tells it again", async () => {
    fs.writeFileSync(at("block"), "");
    const id = await home.start(["/bin/sh", "-c", "exit 5"]);
    await until(() => /^\d+\n/.test(readIfThere(at("held")) ?? ""), "the command to hang");
    await killServer();
    process.kill(Number(fs.readFileSync(at("held"), "utf8")), "SIGKILL");
    fs.unlinkSync(at("block"));
    assert.deepEqual(told(id), []);
    await home.sessions();
    assert.equal((await once(id)).FALCON_SESSION_EXIT_CODE, "5");
  });

  test("a program that ends while there is no server: the next one tells it", async () => {
    const way = pipe("way");
    const id = await home.start(untilTold(way));
    await home.untilState(id, "running");
    await killServer();
    fs.writeFileSync(way, "6\n");
    await home.untilState(id, "exited");
    assert.equal((await once(id)).FALCON_SESSION_EXIT_CODE, "6");
  });

  test("a server that was killed between the end and the telling: the next one tells it, and the one after that does not", async () => {
    const id = await home.start(["/bin/sh", "-c", "exit 7"]);
    await once(id);
    // stored as told, too: a server that is stopped before that tells it once more
    await until(() => new RegExp(`event.attempted session=${id} .*status=0`).test(home.serverLog()), "the telling to be noted");
    const before = told(id).length;
    // the row as it stands when the end is stored and nothing more
    const database = await stopped();
    const { facts } = database.prepare("SELECT facts FROM session WHERE id = ?").get(id) as { facts: string };
    assert.equal(JSON.parse(facts).untold, false);
    database.prepare("UPDATE session SET facts = ? WHERE id = ?").run(JSON.stringify({ ...JSON.parse(facts), untold: true }), id);
    database.close();
    await home.sessions();
    await until(() => told(id).length === before + 1, "the end to be told");
    const noted = () => home.logged("event.attempted").filter((line) => line.includes(`session=${id} `) && /status=0/.test(line));
    await until(() => noted().length === 2, "this telling to be noted");
    (await stopped()).close();
    // what comes later is told later: when this one was, nothing of the other was on its way
    await once(await home.start(["/bin/sh", "-c", "exit 0"]));
    assert.equal(told(id).length, before + 1);
  });

  /** The database refuses one such change, as a full disk does. */
  const refuseOne = (database: ReturnType<typeof openDatabase>, change: "INSERT" | "DELETE") =>
    database.exec(
      `CREATE TABLE refused_${change} (n); CREATE TRIGGER full_${change} BEFORE ${change} ON delivery
       WHEN NOT EXISTS (SELECT 1 FROM refused_${change})
       BEGIN INSERT INTO refused_${change} VALUES (1); SELECT RAISE(FAIL, 'database or disk is full'); END`,
    );

  test("an event that the database takes only later is told by the next server at the latest", async () => {
    const id = await home.start(["/bin/sh", "-c", "exit 8"]);
    await once(id);
    await until(() => new RegExp(`event.attempted session=${id} .*status=0`).test(home.serverLog()), "the telling to be noted");
    const before = told(id).length;
    const database = await stopped();
    database.prepare("UPDATE session SET facts = json_set(facts, '$.untold', json('true')) WHERE id = ?").run(id);
    refuseOne(database, "INSERT");
    database.close();
    await home.sessions();
    await until(() => home.serverLog().includes("event.store-failed"), "the event to be refused");
    (await stopped()).close();
    await home.sessions();
    await until(() => told(id).length === before + 1, "the end to be told");
  });

  test("what was taken, and could not be noted at first, is told no second time", async () => {
    const database = await stopped();
    refuseOne(database, "DELETE");
    database.close();
    const id = await home.start(["/bin/sh", "-c", "exit 9"]);
    await until(() => home.serverLog().includes(`event.attempted session=${id}`), "the telling to be over");
    (await stopped()).close();
    // what comes later is told later
    await once(await home.start(["/bin/sh", "-c", "exit 0"]));
    assert.equal(told(id).length, 1);
  });
});

describe("the terminal's own notification", () => {
  for (const notify of [true, false]) {
    test(`an attached terminal ${notify ? "is told of the end, as OSC 9 and OSC 777" : "is not told with notify = false"}`, async () => {
      const home = new TestHome();
      try {
        fs.mkdirSync(path.join(home.work, ".config/falcon-sessions"), { recursive: true });
        fs.writeFileSync(path.join(home.work, ".config/falcon-sessions/config.toml"), `notify = ${notify}\n`);
        const terminal = home.terminal(["run", "--name", "the one", "--", "/bin/sh", "-c", "echo ready; read line; exit 3"]);
        await terminal.waitFor("ready");
        terminal.type("\r");
        assert.equal((await terminal.waitForExit()).code, 3);
        const got = terminal.received.toString();
        const said = "the one: ended with status 3 after ";
        assert.equal(got.includes(`\x1b]9;${said}`), notify);
        assert.equal(got.includes(`\x1b]777;notify;falcon;${said}`), notify);
      } finally {
        await home.dispose();
      }
    });
  }
});
