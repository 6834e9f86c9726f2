// The home, its lock, its socket or its database removed or exchanged under a running server: one server at
// the end, the runs known and well.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { afterEach, before, beforeEach, describe, test } from "node:test";
import { alive, removeFolder, until, untilGone } from "../../support/events.ts";
import { TestHome } from "../../support/home.ts";
import * as built from "../../support/paths.ts";

before(() => assert.deepEqual(built.notBuilt(), [], "npm run build comes first"));

describe("under a server with a run", () => {
  let home: TestHome;
  let id: string;
  let program: number;
  beforeEach(async () => {
    home = new TestHome();
    id = await home.start(["/bin/cat"]);
    program = (await home.sessions()).find((row) => row.id === id)?.pid as number;
  });
  afterEach(() => home.dispose());

  /** Many ask at once; all are answered, by one server that knows the run. */
  async function oneServes(): Promise<void> {
    const answers = await Promise.all(Array.from({ length: 6 }, () => home.sessions()));
    for (const rows of answers) assert.equal(rows.find((row) => row.id === id)?.state, "running");
    assert.ok(alive(program));
    await until(() => home.servers().length === 1, "one server");
    const aside = fs.readdirSync(home.folder).filter((name) => /\.(locked|broken|foreign)-/.test(name));
    assert.deepEqual(aside, [], "no live database was set aside");
    const terminal = home.terminal(["attach", id]);
    await until(() => /\w/.test(terminal.text()) || terminal.received.length > 0, "the screen");
    terminal.type("echoed\r");
    await terminal.waitFor("echoed");
    terminal.closePty();
  }

  test("its lock and its socket: made again, by the same server", async () => {
    const server = home.serverPid();
    for (const name of ["server.lock", "server.sock"]) fs.rmSync(path.join(home.folder, name));
    await oneServes();
    assert.equal(home.serverPid(), server);
    assert.ok(fs.existsSync(path.join(home.folder, "server.lock")));
  });

  test("its lock, while it stands still: nobody else becomes the server", async () => {
    const server = home.serverPid() as number;
    process.kill(server, "SIGSTOP");
    try {
      for (const name of ["server.lock", "server.sock"]) fs.rmSync(path.join(home.folder, name));
      const asked = home.sessions();
      // the client starts one again and again
      const second = await until(() => home.servers().find(({ pid }) => pid !== server)?.pid, "a second server");
      await untilGone(second, "the second server to find the home taken");
      process.kill(server, "SIGCONT");
      assert.equal((await asked).find((row) => row.id === id)?.state, "running");
    } finally {
      process.kill(server, "SIGCONT");
    }
    await oneServes();
    assert.equal(home.serverPid(), server);
  });

  test("its database: a server takes over that knows the same, ended runs too", async () => {
    const ended = await home.start(["/bin/true"]);
    await home.ok(["wait", ended]);
    for (const name of fs.readdirSync(home.folder).filter((name) => name.startsWith("state.db"))) {
      fs.rmSync(path.join(home.folder, name));
    }
    await until(() => fs.existsSync(path.join(home.folder, "state.db")), "the database to be there again");
    await oneServes();
    assert.equal((await home.sessions()).find((row) => row.id === ended)?.state, "exited");
  });

  test("the whole home: it is there again, and the run is known", async () => {
    await removeFolder(home.folder);
    await until(() => fs.existsSync(path.join(home.folder, "state.db")), "the home to be there again");
    await oneServes();
  });

  test("the whole home, which another server has when it looks: it goes, and touches nothing of the other's", async () => {
    const first = home.serverPid() as number;
    process.kill(first, "SIGSTOP");
    try {
      fs.renameSync(home.folder, `${home.folder}-moved`);
      fs.mkdirSync(home.folder, { mode: 0o700 });
      const other = await home.start(["/bin/cat"]);
      assert.equal(home.servers().length, 2);
      process.kill(first, "SIGCONT");
      await until(() => !alive(first), "the first server to go");
      assert.deepEqual(
        (await home.sessions()).map((row) => row.id),
        [other],
      );
      assert.equal(home.servers().length, 1);
      process.kill(program, "SIGKILL");
      await home.ok(["kill", other]);
    } finally {
      if (alive(first)) process.kill(first, "SIGCONT");
      await removeFolder(`${home.folder}-moved`);
    }
  });
});
