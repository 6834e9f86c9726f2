// The server's own life: answers are quick, its log says what happened, it goes when it has nothing to do.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { openDatabase } from "../../../src/store/sqlite.ts";
import { alive, readIfThere, until, untilGone } from "../../support/events.ts";
import { TestHome } from "../../support/home.ts";
import { notBuilt } from "../../support/paths.ts";

before(() => assert.deepEqual(notBuilt(), [], "npm run build comes first"));

test("every change of a session's state is in the log, with its reason", async () => {
  const home = new TestHome();
  try {
    const id = await home.start(["/bin/sh", "-c", "exit 3"]);
    await home.untilState(id, "exited");
    const log = fs.readFileSync(path.join(home.folder, "server.log"), "utf8");
    const lines = log.split("\n").filter((line) => line.includes(id) && /session\.changed/.test(line));
    for (const state of ["running", "exited"]) {
      const line = lines.find((l) => l.includes(state));
      assert.ok(line, `${state} is not in the log:\n${log}`);
      assert.match(line, /reason=/);
    }
    assert.equal(fs.statSync(path.join(home.folder, "server.log")).mode & 0o077, 0);
  } finally {
    await home.dispose();
  }
});

test("the server goes when nothing runs and nobody is attached, and not before", async () => {
  const home = new TestHome();
  try {
    const folder = path.join(home.work, ".config/falcon-sessions");
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(path.join(folder, "config.toml"), 'server_idle = "1s"\n');
    const id = await home.start(["/bin/cat"]);
    const pid = home.serverPid() as number;
    await home.untilState(id, "running");
    await pause(1500); // longer than the idle time: it must still be there
    assert.ok(alive(pid));
    await home.ok(["kill", id, "--signal", "KILL"]);
    await until(() => !alive(pid), "the idle server to go");
    assert.ok(!fs.existsSync(path.join(home.folder, "server.sock")));
  } finally {
    await home.dispose();
  }
});

test("how the server and the holder are scheduled, and how they keep memory, is nothing that a program inherits", async () => {
  const home = new TestHome();
  try {
    const id = await home.start(["/bin/sh", "-c", "env; exec sleep 1000"]);
    const session = await home.untilState(id, "running");
    await until(
      () => fs.readFileSync(path.join(home.folder, "s", id, "output.log"), "utf8").includes("FALCON_SESSION="),
      "the environment",
    );
    assert.doesNotMatch(fs.readFileSync(path.join(home.folder, "s", id, "output.log"), "utf8"), /MALLOC_ARENA_MAX/);
    // Linux says in here how long a process may run at a time, where it was built to tell
    const slice = (pid: number | string) => /slice\s*:\s*(\d+)/.exec(readIfThere(`/proc/${pid}/sched`) ?? "")?.[1];
    assert.equal(slice(session.pid as number), slice("self"));
  } finally {
    await home.dispose();
  }
});

test("sessions and attached clients outlive a killed server; the next client adopts what runs", async () => {
  const home = new TestHome();
  try {
    const terminal = home.terminal(["run", "--", "/bin/cat"], { cols: 80, rows: 24 });
    await until(async () => (await home.sessions())[0]?.state === "running", "the session");
    terminal.type("before\r");
    await terminal.waitFor(() => terminal.lines().filter((line) => line === "before").length === 2, "the echo and the copy");
    const pid = home.serverPid() as number;
    process.kill(pid, "SIGKILL");
    await until(() => home.serverPid() !== undefined && home.serverPid() !== pid, "the attached client to start a new server");
    terminal.type("after\r");
    await terminal.waitFor(
      () => terminal.lines().filter((line) => line === "after").length === 2,
      "the echo and the copy after the crash",
    );
    assert.equal(terminal.lines().filter((line) => line === "before").length, 2);
    terminal.key("C-\\");
    assert.equal((await terminal.waitForExit()).code, 0);
  } finally {
    await home.dispose();
  }
});

test("a screen that the database refused counts as not stored: it is stored as soon as that takes it", async () => {
  const home = new TestHome();
  const stopServer = async () => {
    const pid = home.serverPid() ?? assert.fail("no server");
    await home.ok(["server", "stop"]);
    await untilGone(pid);
  };
  const inDatabase = <T>(work: (database: ReturnType<typeof openDatabase>) => T): T => {
    const database = openDatabase(path.join(home.folder, "state.db"));
    try {
      return work(database);
    } finally {
      database.close();
    }
  };
  try {
    const go = path.join(home.work, "go");
    const script = `until [ -e ${go} ]; do sleep 0.05; done; echo words; exec sleep 1000`;
    const id = await home.start(["/bin/sh", "-c", script], ["--name", "refused"]);
    await stopServer();
    inDatabase((database) =>
      database.exec(`CREATE TRIGGER refuse BEFORE INSERT ON snapshot
        WHEN (SELECT name FROM session WHERE id = NEW.session) = 'refused'
        BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END`),
    );
    await home.sessions();
    fs.writeFileSync(go, "");
    await until(() => /database or disk is full/.test(home.serverLog()), "the refusal");
    await home.ok(["rename", id, "taken"]);
    await stopServer();
    const stored = inDatabase((database) => database.prepare("SELECT offset FROM snapshot WHERE session = ?").get(id));
    assert.deepEqual(stored, { offset: "words\r\n".length });
  } finally {
    await home.dispose();
  }
});

test("at its prompt, a shell trains nothing behind a replaced server either", async () => {
  const home = new TestHome();
  try {
    const id = await home.start(["/bin/sh", "-c", "echo 'Epoch 10/10 loss 0.3'; printf '\\033]133;A\\007'; exec sleep 1000"]);
    const progress = async () => (await home.sessions()).find((session) => session.id === id)?.progress;
    const shown = async () => (await home.ok(["show", id, "--screen"])).includes("Epoch 10/10");
    await until(shown, "its words");
    assert.equal(await progress(), null);
    await home.ok(["server", "upgrade"]);
    assert.equal(await progress(), null, "at the first look");
    await until(shown, "its words again");
    assert.equal(await progress(), null);
  } finally {
    await home.dispose();
  }
});
