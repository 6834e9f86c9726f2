// Where the sockets of our own ssh connections lie.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { SshMasters } from "../../../../src/commands/machines/ssh-masters.ts";

test("a folder whose sockets would have too long a path is passed over", async (t) => {
  const base = fs.mkdtempSync(path.join(os.tmpdir(), "fs-m-"));
  t.after(() => fs.rmSync(base, { recursive: true }));
  const [long, short] = [path.join(base, "l".repeat(40)), fs.mkdtempSync("/tmp/m-")];
  t.after(() => fs.rmSync(short, { recursive: true }));
  fs.mkdirSync(long);
  const masters = new SshMasters("home", [path.join(base, "none"), long, short]);
  assert.equal(path.dirname(masters.folder ?? ""), short);
  // %C, and what OpenSSH puts behind it while it makes the socket, within macOS' 104 bytes
  assert.ok(`${masters.folder}/${"c".repeat(40)}.${"x".repeat(16)}`.length < 104);
  assert.deepEqual(fs.readdirSync(long), []);
  await masters.end();
  assert.deepEqual(fs.readdirSync(short), []);
  assert.equal(new SshMasters("home", [long]).folder, undefined);
});

test("places are looked at only where a folder is asked for, and only until one is there", async (t) => {
  const { existsSync } = fs;
  const looked: string[] = [];
  t.mock.method(fs, "existsSync", (place: string) => {
    looked.push(place);
    return existsSync(place);
  });
  const base = fs.mkdtempSync("/tmp/m-");
  t.after(() => fs.rmSync(base, { recursive: true }));
  const masters = new SshMasters("home", ["/none", base, "/away"]);
  assert.deepEqual(looked, []);
  assert.equal(path.dirname(masters.folder ?? ""), base);
  assert.deepEqual(looked, ["/none", base]);
  await masters.end();
});
