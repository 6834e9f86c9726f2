// The server's socket is there from `listen` to `close`: who looks at the home before or behind that makes
// none, since nobody is to be answered then.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { Listener } from "../../../src/server/clients/listener.ts";

/** A listener in a folder of its own, the names there, and what removes its socket. */
function listening(t: TestContext) {
  const folder = fs.mkdtempSync("/tmp/fs-");
  t.after(() => fs.rmSync(folder, { recursive: true }));
  const entry = (name: string) => {
    const found = fs.statSync(path.join(folder, name), { throwIfNoEntry: false });
    return found && { kind: "socket", inode: found.ino };
  };
  const remove = (name: string) => fs.rmSync(path.join(folder, name), { force: true });
  const listener = new Listener(path.join(folder, "server.sock"), { accepted() {}, log() {}, uid: 0, home: { entry, remove } });
  t.after(() => listener.close());
  return { listener, names: () => fs.readdirSync(folder), forget: () => remove("server.sock") };
}

test("a look at the home makes no socket before the server listens, one where it was removed, none once it goes", async (t) => {
  const { listener, names, forget } = listening(t);
  await listener.check();
  assert.deepEqual(names(), []);
  await listener.listen();
  assert.deepEqual(names(), ["server.sock"]);
  forget();
  await listener.check();
  assert.deepEqual(names(), ["server.sock"]);
  listener.close();
  await listener.check();
  assert.deepEqual(names(), []);
});

test("a server that goes while it begins to listen has no socket afterwards", async (t) => {
  const { listener, names } = listening(t);
  const begun = listener.listen();
  listener.close();
  await assert.rejects(begun, /goes/);
  assert.deepEqual(names(), []);
});
