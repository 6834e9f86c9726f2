// The server is killed while it starts what was asked for: the next one is asked the same, and answers with
// the run that has begun, once.
import assert from "node:assert/strict";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { clientProtocol } from "../../../src/protocol/client.ts";
import { FrameReader } from "../../../src/protocol/frame.ts";
import { openDatabase } from "../../../src/store/sqlite.ts";
import { readIfThere, until } from "../../support/events.ts";
import { decodeServerFrame, encodeRequest } from "../../support/holder/client-codec.ts";
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
  socket.write(
    encodeRequest({
      protocol: clientProtocol,
      pid: process.pid,
      version: "0.0.1",
      name: "falcon",
      arguments: words,
      environment: { PATH: process.env.PATH ?? "" },
      directory: home.work,
      terminal: { stdin: false, stdout: false, stderr: false, cols: 0, rows: 0, filter: 0 },
      umask: 0o22,
      limits: [],
      token,
    }),
  );
  return new Promise((resolve) => socket.on("close", () => resolve(answer)));
}

describe("a start whose server is killed", () => {
  const home = new TestHome();
  after(() => home.dispose());
  const begun = () => {
    const folder = path.join(home.folder, "s");
    return fs.readdirSync(folder).filter((id) => /^start /m.test(readIfThere(path.join(folder, id, "record")) ?? ""));
  };

  test("relaunch and run answer with the session that has begun, and status 0", async () => {
    const first = await home.start(["/bin/sh", "-c", "true"], ["--name", "again"]);
    await home.untilState(first, "exited");
    const again = ["relaunch", "-d", first];
    const fresh = ["run", "-d", "--", "/bin/cat"];
    for (const command of [again, fresh, again, fresh]) {
      await home.sessions();
      const server = home.serverPid() as number;
      const known = begun();
      const asked = home.run(command);
      const [id] = await until(() => {
        const found = begun().filter((each) => !known.includes(each));
        return found.length > 0 && found;
      }, "a program to begin");
      process.kill(server, "SIGKILL");
      const { code, stdout, stderr } = await asked;
      assert.deepEqual([code, [...new Set(stdout.trim().split("\n"))]], [0, [id]], stderr);
      assert.equal(begun().length, known.length + 1);
    }
  });

  test("a program that has ended before a server heard that it had begun counts as begun: the same request does not run it again", async () => {
    const ran = path.join(home.work, "ran");
    const id = await home.start(["/bin/sh", "-c", `echo once >> ${ran}`]);
    await home.untilState(id, "exited");
    process.kill(home.serverPid() as number, "SIGKILL");
    // what a server that is killed in that moment leaves in its database
    const database = openDatabase(path.join(home.folder, "state.db"));
    const { token } = database.prepare("SELECT token FROM session WHERE id = ?").get(id) as { token: string };
    database
      .prepare("UPDATE session SET state = 'starting', started = NULL, ended = NULL, wait_status = NULL WHERE id = ?")
      .run(id);
    database.close();
    await home.untilState(id, "exited");
    const answer = await ask(home, token, ["run", "-d", "--", "/bin/sh", "-c", `echo once >> ${ran}`]);
    assert.deepEqual(answer, { code: 0, stdout: `${id}\n` });
    assert.equal(fs.readFileSync(ran, "utf8"), "once\n");
  });
});
