// Several installations of several versions share one server: nobody is refused, and what one of them goes
// with loses nothing.
import assert from "node:assert/strict";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { FrameReader } from "../../../src/protocol/frame.ts";
import { alive, until } from "../../support/events.ts";
import { decodeServerFrame, requestOf, type ServerMessage } from "../../support/holder/client-codec.ts";
import { TestHome } from "../../support/home.ts";
import { Installation } from "../../support/installs/installation.ts";
import { falcon, notBuilt } from "../../support/paths.ts";

before(() => assert.deepEqual(notBuilt(), [], "npm run build comes first"));

describe("installations", () => {
  const home = new TestHome();
  const folder = path.join(path.dirname(home.folder), "environments");
  let number = 0;
  let one: Installation;
  let other: Installation;
  after(() => home.dispose());
  beforeEach(async () => {
    await home.run(["server", "stop"]);
    one = new Installation(path.join(folder, `one-${++number}`));
    other = new Installation(path.join(folder, `other-${number}`));
  });

  const versionOf = async (file: string) => (await home.ok(["server", "status"], { file })).match(/version ([\d.]+)/)?.[1];

  test("a server whose environment was deleted: its sessions go on, and the next client of another environment takes over", async () => {
    const id = await home.start(["sh", "-c", "echo begun; read -r x; echo got $x; read -r x"], [], { file: one.falcon });
    const { pid } = await home.untilState(id, "running");
    const server = home.serverPid();
    const attached = home.terminal(["attach", id], { file: one.falcon });
    await attached.waitFor("begun");
    one.remove();
    const next = await home.start(["sh", "-c", "read -r x"], [], { file: other.falcon });
    await home.nextServer(server);
    assert.ok(alive(pid as number), "the program lives");
    // the viewer whose own program is gone is taken over as well
    attached.type("still here\r");
    await attached.waitFor("got still here");
    assert.equal((await home.sessions()).find((row) => row.id === next)?.state, "running");
    attached.key("C-\\");
    assert.equal((await attached.waitForExit()).code, 0);
  });

  test("an older client is served by the server of a newer version, which a newer client brings", async () => {
    one.setVersion("0.0.1");
    const id = await home.start(["sh", "-c", "echo begun; read -r x"], [], { file: one.falcon });
    assert.equal(await versionOf(one.falcon), "0.0.1");
    assert.equal(await versionOf(other.falcon), other.version);
    assert.equal(await versionOf(one.falcon), other.version, "the older client is served, and brings nothing back");
    await home.untilState(id, "running");
    const viewer = home.terminal(["attach", id], { file: one.falcon });
    await viewer.waitFor("begun");
    viewer.key("C-\\");
    assert.equal((await viewer.waitForExit()).code, 0);
  });

  test("downgrade: after the newer server has gone, the older version goes on with the same sessions", async () => {
    other.setVersion("0.9.9");
    const id = await home.start(["sh", "-c", "read -r x"], [], { file: other.falcon });
    assert.equal(await versionOf(other.falcon), "0.9.9");
    await home.ok(["server", "stop"], { file: other.falcon });
    assert.equal(await versionOf(one.falcon), one.version);
    await home.untilState(id, "running");
  });

  test("the folder replaced under the running server: the next client of the new version takes over", async () => {
    const id = await home.start(["sh", "-c", "echo begun; read -r x"], [], { file: one.falcon });
    await home.untilState(id, "running");
    const { folder } = one;
    fs.renameSync(folder, `${folder}.old`);
    const replaced = new Installation(folder);
    replaced.setVersion("0.9.9");
    assert.equal(await versionOf(replaced.falcon), "0.9.9");
    await home.untilState(id, "running");
    assert.match(await home.ok(["logs", id], { file: replaced.falcon }), /begun/);
  });

  test("a client of an older protocol becomes the server's own client", async () => {
    await home.ok(["sessions"]);
    const socket = net.connect(path.join(home.folder, "server.sock"));
    const said: ServerMessage[] = [];
    const reader = new FrameReader(1 << 20, (type, payload) => {
      const message = decodeServerFrame(type, payload);
      if (message !== null) said.push(message);
    });
    socket.on("data", (bytes) => reader.feed(bytes));
    socket.write(requestOf(["show", "é w"], { protocol: 0 }));
    await until(() => said.some(({ frame }) => frame === "exec"), "the order to become another program");
    const order = said.find(({ frame }) => frame === "exec");
    assert.deepEqual(order, { frame: "exec", file: falcon, argv: ["falcon", "show", "é w"] });
    assert.equal(
      said.find(({ frame }) => frame === "exit" || frame === "stderr"),
      undefined,
    );
    socket.destroy();
  });

  test("a server finds what an earlier one compiled, and what it has itself is as good", async () => {
    // in a home of its own: servers of the others may be writing what they compiled
    const home = new TestHome();
    const cache = path.join(home.folder, "code-cache");
    try {
      const kept = () =>
        (fs.existsSync(cache) ? fs.readdirSync(cache) : []).filter((name) => /\.(start|\w+-program)$/.test(name)).sort();
      const startOne = async () => {
        const id = await home.start(["sh", "-c", "echo begun; read -r x"], [], { file: one.falcon });
        await home.untilState(id, "running");
      };
      const ofServer = (name: string) => /^server-program.*\.start$/.test(name);
      // the last one that a server writes, and each of its helper and its thread
      const last = /^yaml.*\.start$/;
      await startOne();
      // a server that is killed has no last words, so what it compiled is written before
      await until(() => kept().some((name) => last.test(name)), "the server's code");
      for (const program of ["aside-program", "screen-program"])
        await until(() => kept().some((name) => name.startsWith(program)), `the code of ${program}`);
      await home.ok(["server", "stop"], { file: one.falcon });
      const [server, yaml] = [kept().find(ofServer), kept().find((name) => last.test(name))] as [string, string];
      const { ino } = fs.statSync(path.join(cache, server));
      fs.rmSync(path.join(cache, yaml));
      await startOne();
      // it writes this one anew, behind those that did not fit
      await until(
        () => kept().includes(yaml),
        () => `the code that was lacking, ${yaml}; there is ${kept()}`,
      );
      assert.equal(fs.statSync(path.join(cache, server)).ino, ino, "the code of the first server fitted");
    } finally {
      await home.dispose();
    }
  });
});
