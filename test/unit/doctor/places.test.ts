// Places on disk: full, on the network, open to others; each made for real where a test can.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, type TestContext, test } from "node:test";
import { checkDisk, checkModes, checkNetwork, openPaths, type PlaceFacts, placeFacts } from "../../../src/doctor/places.ts";
import { rayFolder } from "../../../src/trainers/reading/ray-folder.ts";
import { program } from "../../support/compile.ts";

const base = fs.mkdtempSync("/tmp/fs-");
after(() => fs.rmSync(base, { recursive: true, force: true }));
const uid = process.getuid?.() ?? 0;
const gib = 2 ** 30;

function place(facts: Partial<PlaceFacts>): PlaceFacts {
  return {
    role: "the sessions",
    folder: "/state",
    disk: 1,
    network: false,
    freeBytes: 500 * gib,
    totalBytes: 1000 * gib,
    freeFiles: 1000,
    totalFiles: 2000,
    ...facts,
  };
}
const said = (facts: Partial<PlaceFacts>) => checkDisk([place(facts)]).map((f) => f.severity);

test("a disk that is nearly full, that fills up, that has no more room for files", () => {
  assert.deepEqual(said({}), []);
  assert.deepEqual(said({ freeBytes: gib / 2 }), ["problem"]);
  assert.deepEqual(said({ freeBytes: 5 * gib }), ["warning"]);
  assert.deepEqual(said({ freeBytes: 5 * gib, totalBytes: 20 * gib }), [], "a small disk with room");
  assert.deepEqual(said({ freeFiles: 3 }), ["problem"]);
  assert.deepEqual(said({ freeFiles: 0, totalFiles: 0 }), [], "a file system that does not count files");
});

test("a real full disk, and one disk is told of once", (t) => {
  const mount = path.join(base, "small");
  fs.mkdirSync(mount);
  if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", mount]).status !== 0) return t.skip("cannot mount");
  try {
    fs.writeFileSync(path.join(mount, "big"), Buffer.alloc(1 << 19));
    const facts = placeFacts("the sessions", path.join(mount, "not", "there", "yet"));
    assert.equal(facts.totalBytes, 1 << 20);
    // somebody writes to it between two looks
    const findings = checkDisk([facts, { ...facts, role: "this folder", freeBytes: facts.freeBytes - 4096 }]);
    assert.equal(findings.length, 1);
    assert.match(findings[0]?.what ?? "", /nearly full: 1 MiB of 1 MiB left|nearly full: 0 MiB of 1 MiB left/);
  } finally {
    spawnSync("umount", [mount]);
  }
});

/** Two empty disks of this size; undefined: nothing can be mounted here. */
function twoDisks(t: TestContext, size: string): [PlaceFacts, PlaceFacts] | undefined {
  const mounts = [1, 2].map((n) => path.join(base, `${size}-${n}`));
  for (const mount of mounts) {
    fs.mkdirSync(mount);
    if (spawnSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", mount]).status !== 0) return undefined;
    t.after(() => spawnSync("umount", [mount]));
  }
  return mounts.map((mount) => placeFacts("this folder", mount)) as [PlaceFacts, PlaceFacts];
}

test("two disks of the same size are two", (t) => {
  const disks = twoDisks(t, "4g");
  if (disks === undefined) return t.skip("cannot mount");
  const [room, full] = disks;
  const findings = checkDisk([room, { ...full, freeBytes: 0 }]);
  assert.deepEqual(
    findings.map(({ what }) => what.includes(full.folder)),
    [true],
  );
});

test("the same room under two numbers, as subvolumes of one btrfs have them, is told of once", (t) => {
  const disks = twoDisks(t, "512m");
  if (disks === undefined) return t.skip("cannot mount");
  assert.deepEqual(
    checkDisk(disks).map(({ what }) => what.includes(disks[0].folder)),
    [true],
  );
});

test("a network file system: under the sessions a problem, under the home a warning", () => {
  const remote = placeFacts("your home", base, () => true);
  assert.equal(remote.network, true);
  assert.deepEqual(
    checkNetwork(remote, undefined).map((f) => `${f.severity} ${f.id}`),
    ["problem network-folder"],
  );
  assert.deepEqual(
    checkNetwork(place({}), remote).map((f) => `${f.severity} ${f.id}`),
    ["warning network-home"],
  );
  assert.deepEqual(checkNetwork(place({}), place({})), []);
});

test("a real file system that another process serves", async (t) => {
  if (process.platform !== "linux") return t.skip("FUSE is Linux's here");
  const mount = path.join(base, "served");
  fs.mkdirSync(mount);
  const server = spawn(program("fuse-folder"), [mount], { stdio: ["ignore", "pipe", "ignore"] });
  const said = await new Promise<string>((resolve) => {
    server.stdout.on("data", (data) => resolve(String(data)));
    server.on("close", () => resolve(""));
  });
  if (said === "") return t.skip("cannot mount, or no /dev/fuse");
  try {
    const remote = placeFacts("the sessions", path.join(mount, "not", "there", "yet"));
    assert.equal(remote.network, true);
    assert.deepEqual(
      checkNetwork(remote, undefined).map((f) => `${f.severity} ${f.id}`),
      ["problem network-folder"],
    );
  } finally {
    spawnSync("umount", [mount]);
    server.kill();
  }
});

test("files and folders that others can reach are named with a command that closes them", () => {
  const home = path.join(base, "home");
  fs.mkdirSync(path.join(home, "s", "abc234"), { recursive: true, mode: 0o700 });
  fs.writeFileSync(path.join(home, "s", "abc234", "output.log"), "", { mode: 0o600 });
  fs.symlinkSync("/etc/passwd", path.join(home, "s", "abc234", "ssh-auth-sock"));
  for (const folder of [home, path.join(home, "s"), path.join(home, "s", "abc234")]) fs.chmodSync(folder, 0o700);
  assert.deepEqual(openPaths(home, uid), [], "a link's own mode means nothing");
  fs.chmodSync(path.join(home, "s", "abc234", "output.log"), 0o644);
  fs.chmodSync(path.join(home, "s"), 0o755);
  const open = openPaths(home, uid);
  const [finding] = checkModes(open, home, uid);
  assert.equal(finding?.severity, "problem");
  assert.match(finding?.what ?? "", /\/s \(mode 755\).*output\.log \(mode 644\)/);
  assert.equal(spawnSync("sh", ["-c", finding?.remedy ?? "false"]).status, 0, "the remedy is a command that works");
  assert.deepEqual(openPaths(home, uid), []);
});

test("what belongs to somebody else", () => {
  const [finding] = checkModes([{ file: "/state/s/x", mode: 0o600, uid: uid + 1 }], "/state", uid);
  assert.match(finding?.what ?? "", new RegExp(`of user ${uid + 1}`));
});

test("where Ray's files are", () => {
  assert.equal(rayFolder({}), "/tmp/ray");
  assert.equal(rayFolder({ TMPDIR: "/scratch" }), process.platform === "linux" ? "/scratch/ray" : "/tmp/ray");
  assert.equal(rayFolder({ TMPDIR: "/scratch", RAY_TMPDIR: "/fast" }), "/fast/ray");
});
