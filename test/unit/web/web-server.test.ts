// The page's server on a machine that has no more of something, and before peers that keep what they have.
import assert from "node:assert/strict";
import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import { type TestContext, test } from "node:test";
import { Access } from "../../../src/web/access.ts";
import { SessionServer } from "../../../src/web/server/session-server.ts";
import { WebServer } from "../../../src/web/server/web-server.ts";
import { until } from "../../support/events.ts";

/** Answers its port. */
function served(t: TestContext): Promise<number> {
  const home = fs.mkdtempSync("/tmp/fs-");
  t.after(() => fs.rmSync(home, { recursive: true }));
  const options = {
    names: [],
    origin: null,
    secure: false,
    base: "/",
    readOnly: false,
    version: "0",
    assets: new Map(),
    tls: null,
  };
  const server = new WebServer(options, new Access(home, Date.now), new SessionServer(home));
  t.after(() => server.close());
  return server.listen({ host: "127.0.0.1", port: 0 });
}

test("where no folder can be watched the page is served all the same", async (t) => {
  t.mock.method(fs, "watch", () => {
    throw Object.assign(new Error("ENOSPC: System limit for number of file watchers reached"), { code: "ENOSPC" });
  });
  assert.ok((await served(t)) > 0);
});

test("whoever is refused a WebSocket and keeps the connection open is let go of", async (t) => {
  const socket = net.connect({ port: await served(t), host: "127.0.0.1", allowHalfOpen: true });
  t.after(() => socket.destroy());
  let gone = false;
  socket.on("error", () => {
    gone = true;
  });
  const head = "GET /nothing HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://127.0.0.1";
  socket.write(`${head}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
  assert.match(String(await once(socket, "data")), /^HTTP\/1.1 404 /);
  await until(() => {
    socket.write("x");
    return gone;
  }, "the end of the connection");
});
