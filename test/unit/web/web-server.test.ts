// The page's server on a machine that has no more of something.
import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { Access } from "../../../src/web/access.ts";
import { SessionServer } from "../../../src/web/server/session-server.ts";
import { WebServer } from "../../../src/web/server/web-server.ts";

test("where no folder can be watched the page is served all the same", async (t) => {
  const home = fs.mkdtempSync("/tmp/fs-");
  t.after(() => fs.rmSync(home, { recursive: true }));
  t.mock.method(fs, "watch", () => {
    throw Object.assign(new Error("ENOSPC: System limit for number of file watchers reached"), { code: "ENOSPC" });
  });
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
  assert.ok((await server.listen({ host: "127.0.0.1", port: 0 })) > 0);
});
