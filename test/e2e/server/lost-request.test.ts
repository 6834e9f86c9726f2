// The server is killed while it starts what was asked for: the next one is asked the same, and answers with
// the run that has begun, once.
import assert from "node:assert/strict";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { FrameReader } from "../../../src/protocol/frame.ts";
import { openDatabase } from "../../../src/store/sqlite.ts";
import { readIfThere } from "../../support/events.ts";
import { decodeServerFrame, requestOf } from "../../support/holder/client-codec.ts";
import { TestHome } from "../../support/home.ts";
import { notBuilt } from "../../support/paths.ts";

before(() => assert.deepEqual(notBuilt(), [], "npm run build comes first"));

/** A client's request with a token of our choice; answers what it was told. */
function ask(home: TestHome, token: string, words: string[]): Promise<{ code: number | undefined; stdout: string }> {
  const answer: { code: number | undefined; stdout: string } = { code: undefined, stdout: "" };
  const reader = new FrameReader(1 << 20, (type, payload) => {
    const message = decodeServerFrame(type, payload);
    if (message?.frame === "stdout") answer.stdout += message.bytes.toString();
    if (message?.frame === "exit") answer.code = message.status;
  });
  const socket = net.connect(path.join(home.folder, "server.sock"));
  socket.on("data", (bytes) => reader.feed(bytes));
  socket.write(requestOf(words, { environment: { PATH: process.env.PATH ?? "" }, directory: home.work, token }));
  return new Promise((resolve) => socket.on("close", () => resolve(answer)));
}

describe("a start whose server is killed", () => {
  const home = new TestHome();
  after(() => home.dispose());
  /** Kills the server as if it had not heard yet that this program began; answers the request's token. */
  const killBefore = (id: string): string => {
    process.kill(home.serverPid() as number, "SIGKILL");
    const database = openDatabase(path.join(home.folder, "state.db"));
    const { token } = database.prepare("SELECT token FROM session WHERE id = ?").get(id) as { token: string };
    database
      .prepare("UPDATE session SET state = 'starting', started = NULL, ended = NULL, wait_status = NULL WHERE id = ?")
      .run(id);
    database.close();
    return token;
  };

  test("relaunch and run answer with the session that has begun, and status 0", async () => {
    const first = await home.start(["/bin/sh", "-c", "true"], ["--name", "again"]);
    await home.untilState(first, "exited");
    for (const command of [
      ["relaunch", "-d", first],
      ["run", "-d", "--", "/bin/cat"],
    ]) {
      const id = (await home.ok(command)).split("\n").at(-1) as string;
      const token = killBefore(id);
      const known = (await home.sessions()).length;
      const { code, stdout } = await ask(home, token, command);
      assert.deepEqual([code, stdout.split("\n").at(-2)], [0, id]);
      assert.equal((await home.sessions()).length, known);
    }
  });

  test("the client whose server is killed as the program begins answers with that session, and starts no other", async () => {
    const folder = path.join(home.folder, "s");
    const begun = () =>
      fs.readdirSync(folder).filter((id) => /^start /m.test(readIfThere(path.join(folder, id, "record")) ?? ""));
    await home.sessions();
    const server = home.serverPid() as number;
    const known = begun();
    const asked = home.run(["run", "-d", "--", "/bin/cat"]);
    // without a pause, in which the server would hear of it
    const patience = Date.now() + 60_000;
    let found: string[] = [];
    while (found.length === 0 && Date.now() < patience) found = begun().filter((each) => !known.includes(each));
    process.kill(server, "SIGKILL");
    const [id] = found;
    assert.ok(id, "a program begins");
    const { code, stdout, stderr } = await asked;
    assert.deepEqual([code, [...new Set(stdout.trim().split("\n"))]], [0, [id]], stderr);
    assert.equal(begun().length, known.length + 1);
  });

  test("a program that has ended before a server heard that it had begun counts as begun: the same request does not run it again", async () => {
    const ran = path.join(home.work, "ran");
    const id = await home.start(["/bin/sh", "-c", `echo once >> ${ran}`]);
    await home.untilState(id, "exited");
    const token = killBefore(id);
    await home.untilState(id, "exited");
    const answer = await ask(home, token, ["run", "-d", "--", "/bin/sh", "-c", `echo once >> ${ran}`]);
    assert.deepEqual(answer, { code: 0, stdout: `${id}\n` });
    assert.equal(fs.readFileSync(ran, "utf8"), "once\n");
  });

  test("what has begun is answered before its program is looked for, which may be gone by then", async () => {
    const script = path.join(home.work, "once");
    fs.writeFileSync(script, '#!/bin/sh\nrm "$0"\n', { mode: 0o755 });
    const id = await home.start([script]);
    await home.untilState(id, "exited");
    const token = killBefore(id);
    await home.untilState(id, "exited");
    assert.deepEqual(await ask(home, token, ["run", "-d", "--", script]), { code: 0, stdout: `${id}\n` });
  });

  test("what never began is started by the next server as the part of its run that it was to be", async () => {
    const first = await home.start(["/bin/sh", "-c", "true"], ["--name", "parted"]);
    await home.untilState(first, "exited");
    const second = await home.ok(["relaunch", "-d", first]);
    await home.untilState(second, "exited");
    const token = killBefore(second);
    // what a server leaves that is killed between the session's row and its program
    fs.rmSync(path.join(home.folder, "s", second, "record"));
    await home.untilState(second, "lost");
    const { code, stdout } = await ask(home, token, ["relaunch", "-d", first]);
    assert.equal(code, 0);
    const listed = await home.sessions();
    const row = listed.find(({ id }) => id === stdout.trim());
    assert.deepEqual([row?.run, row?.part], [first, 2]);
    assert.ok(!listed.some(({ id }) => id === second), "nothing ever ran in it");
  });
});
