// Removing a session's folder: only what we made, nothing through a link, nothing of another user.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { removeFolder } from "../../../src/platform/removal.ts";
import { isSessionEntry } from "../../../src/store/session-entries.ts";
import { TestHome } from "../../support/home.ts";

const uid = process.getuid?.() ?? -1;

describe("a session's folder", () => {
  let base: string;
  before(() => {
    base = fs.mkdtempSync("/tmp/fs-");
  });
  after(() => fs.rmSync(base, { recursive: true, force: true }));
  const at = (name: string) => path.join(base, name);
  const remove = (name: string) => removeFolder(base, name, uid, isSessionEntry);
  const make = (name: string, ...entries: string[]) => {
    fs.mkdirSync(at(name));
    for (const entry of entries) fs.writeFileSync(at(`${name}/${entry}`), "");
  };

  test("goes with all that we make in it; one that is not there is none", () => {
    make(
      "whole",
      "output.log",
      "output.log~",
      "record",
      "times",
      ".session.json",
      "session.json",
      `seg-${"0".repeat(15)}-9-0123456789abcdef.br.tmp`,
    );
    fs.symlinkSync("/nowhere", at("whole/ssh-auth-sock"));
    assert.deepEqual(remove("whole"), []);
    assert.ok(!fs.existsSync(at("whole")));
    assert.deepEqual(remove("whole"), []);
    assert.deepEqual(removeFolder(at("nothing"), "x", uid, isSessionEntry), []);
  });

  test("goes with what a thread of ours makes in it meanwhile; with one that goes on for ever it is told", () => {
    make("busy", "output.log");
    let made = 0;
    const busyUntil = (most: number) => (name: string) => {
      if (made < most) fs.writeFileSync(at(`busy/seg-${++made}`), "");
      return isSessionEntry(name) || name.startsWith("seg-");
    };
    assert.deepEqual(removeFolder(base, "busy", uid, busyUntil(3)), []);
    assert.deepEqual([made, fs.existsSync(at("busy"))], [3, false]);
    make("busy", "output.log");
    assert.throws(() => removeFolder(base, "busy", uid, busyUntil(Number.POSITIVE_INFINITY)), { code: "ENOTEMPTY" });
  });

  test("keeps what we did not make, and stays with it", () => {
    const longest = "x".repeat(255);
    make("kept", "output.log", "notes.txt", "bytes-\xe9", longest);
    fs.mkdirSync(at("kept/folder"));
    assert.deepEqual(remove("kept").sort(), ["kept/bytes-Ã©", "kept/folder", "kept/notes.txt", `kept/${longest}`]);
    assert.deepEqual(fs.readdirSync(at("kept")).sort(), ["bytes-é", "folder", "notes.txt", longest]);
  });

  test("that is a link in its place is not followed, nor one that leads to its parent", () => {
    make("victim", "output.log");
    fs.symlinkSync(at("victim"), at("swapped"));
    assert.deepEqual(remove("swapped"), ["swapped"]);
    fs.symlinkSync(base, at("parent"));
    assert.throws(() => removeFolder(at("parent"), "victim", uid, isSessionEntry), { code: "ENOTDIR" });
    assert.deepEqual(fs.readdirSync(at("victim")), ["output.log"]);
    assert.throws(() => remove("victim/.."), /the name of an entry/);
  });

  test("of another user stays, and so does another's file in ours", {
    skip: uid !== 0 && "needs root, to give files away",
  }, () => {
    make("theirs", "output.log");
    fs.chownSync(at("theirs"), 12345, 12345);
    assert.deepEqual(remove("theirs"), ["theirs"]);
    make("mixed", "output.log", "record");
    fs.chownSync(at("mixed/record"), 12345, 12345);
    assert.deepEqual(remove("mixed"), ["mixed/record"]);
  });
});

test("a session that was removed leaves nothing, whatever was done with it", async () => {
  const home = new TestHome({ SSH_AUTH_SOCK: "/tmp/no-agent" });
  try {
    const id = await home.start(["/bin/sh", "-c", "seq 1000"]);
    await home.ok(["wait", id]);
    await home.ok(["logs", id]);
    await home.ok(["rm", id]);
    assert.deepEqual(fs.readdirSync(path.join(home.folder, "s")), []);
    assert.doesNotMatch(home.serverLog(), /entries-kept/);
  } finally {
    await home.dispose();
  }
});
