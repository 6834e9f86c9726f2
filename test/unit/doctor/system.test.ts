// The kernel, and session servers of another version or folder.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, test } from "node:test";
import { checkKernel, checkVersions, otherServers, type VersionFacts, versionOnDisk } from "../../../src/doctor/system.ts";

const base = fs.mkdtempSync("/tmp/fs-");
after(() => fs.rmSync(base, { recursive: true, force: true }));
const uid = process.getuid?.() ?? 0;

test("an old kernel", () => {
  assert.equal(checkKernel("3.10.0-1160.el7.x86_64", "linux")[0]?.id, "old-kernel");
  assert.equal(checkKernel("4.9.0", "linux").length, 1);
  assert.deepEqual(checkKernel("4.18.0-553.el8_10.x86_64", "linux"), []);
  assert.deepEqual(checkKernel("6.1.0", "linux"), []);
  assert.deepEqual(checkKernel("3.0.0", "darwin"), []);
});

test("versions: installed, asking and running ones that differ", () => {
  const ids = (facts: Partial<VersionFacts>) =>
    checkVersions({ running: "1.2.0", installed: "1.2.0", client: "1.2.0", others: [], ...facts }).map(
      (f) => `${f.severity} ${f.id}`,
    );
  assert.deepEqual(ids({}), []);
  assert.deepEqual(ids({ installed: "1.3.0" }), ["warning stale-server"]);
  assert.deepEqual(ids({ client: "1.1.0" }), ["warning two-installations"]);
  assert.deepEqual(ids({ installed: undefined }), ["problem installation-gone"]);
  assert.deepEqual(ids({ others: [{ pid: 7, home: "/other" }] }), ["warning another-server"]);
});

test("the version on disk", () => {
  fs.writeFileSync(path.join(base, "package.json"), '{"version":"9.9.9"}');
  assert.equal(versionOnDisk(base), "9.9.9");
  assert.equal(versionOnDisk(path.join(base, "gone")), undefined);
});

test("servers of other folders are found by their command line", () => {
  const proc = path.join(base, "proc");
  const put = (pid: string, words: string[]) => {
    fs.mkdirSync(path.join(proc, pid), { recursive: true });
    fs.writeFileSync(path.join(proc, pid, "cmdline"), `${words.join("\0")}\0`);
  };
  put("10", ["node", "/opt/x/dist/server.cjs", "--home", "/mine", "--ready", "3"]);
  put("11", ["node", "/opt/x/dist/server.cjs", "--home", "/other", "--ready", "3"]);
  put("12", ["node", "/opt/x/dist/another.cjs", "--home", "/other"]);
  put("self", ["node"]);
  assert.deepEqual(otherServers("/mine", uid, proc), [{ pid: 11, home: "/other" }]);
  assert.deepEqual(otherServers("/mine", uid + 1, proc), []);
  assert.deepEqual(otherServers("/mine", uid, path.join(base, "none")), []);
});
