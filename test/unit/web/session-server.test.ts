// The session server as the web process asks it, with a server of the test's own: answers that are too long,
// and a line that is closed while another server is being reached.
import assert from "node:assert/strict";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { encodeExec, ServerFrame } from "../../../src/protocol/client.ts";
import { encodeFrame } from "../../../src/protocol/frame.ts";
import { AnswerTooLong, SessionServer } from "../../../src/web/server/session-server.ts";

/** A home whose server says this to everybody. */
async function home(t: TestContext, said: (socket: net.Socket) => void): Promise<string> {
  const folder = fs.mkdtempSync("/tmp/fs-");
  await listening(t, folder, said);
  t.after(() => fs.rmSync(folder, { recursive: true }));
  return folder;
}

async function listening(t: TestContext, folder: string, said: (socket: net.Socket) => void): Promise<void> {
  fs.mkdirSync(folder, { recursive: true });
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("data", () => said(socket));
  });
  await new Promise<void>((resolve) => server.listen(path.join(folder, "server.sock"), resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
}

test("an answer that is too long is told as that, and not as a server that was lost", async (t) => {
  const folder = await home(t, (socket) => socket.write(encodeFrame(ServerFrame.stdout, Buffer.alloc(2_000))));
  await assert.rejects(new SessionServer(folder).ask(["show"], 1_000), AnswerTooLong);
});

test("a line that is closed while the job's server is being reached is over", async (t) => {
  const folder = await home(t, (socket) => socket.write(encodeExec("falcon", ["falcon", "@job", "s7", "attach"])));
  await listening(t, path.join(folder, "j", "s7"), () => {});
  const over = new Promise<number | undefined>((resolve) => {
    void new SessionServer(folder).terminal(["attach"], 80, 24, { stdout() {}, stderr() {}, over: resolve }).then((line) => {
      // after the answer of the first server has been read, and before the second has answered
      const send = net.Socket.prototype.connect;
      t.mock.method(net.Socket.prototype, "connect", function (this: net.Socket, ...args: unknown[]) {
        line.close();
        return (send as (...given: unknown[]) => net.Socket).apply(this, args);
      });
    });
  });
  assert.equal(await over, undefined);
});
