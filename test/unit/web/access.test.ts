// Tokens and links on disk: what lets in, until when, and how often.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { Access, mostGrants, TooManyGrants } from "../../../src/web/access.ts";

describe("access to the page", () => {
  let home = "";
  let now = 1_000_000;
  let access: Access;
  const owner = () => access.grant({ kind: "owner", name: "owner", session: null, life: 1000, once: false });
  const once = () => access.grant({ kind: "link", name: "a link", session: "abc123", life: 1000, once: true });

  beforeEach(() => {
    home = fs.mkdtempSync(path.join(os.tmpdir(), "fs-access-"));
    now = 1_000_000;
    access = new Access(home, () => now);
  });
  afterEach(() => fs.rmSync(home, { recursive: true }));

  test("a token lets in until it is over or revoked, another one never", () => {
    const { token, grant } = owner();
    assert.equal(access.find(token)?.id, grant.id);
    assert.equal(access.enter(token)?.token, token);
    assert.equal(access.find(`${token}x`), undefined);
    assert.equal(access.find(""), undefined);
    assert.ok(access.holds(grant));
    now += 1000;
    assert.equal(access.find(token), undefined);
    assert.equal(access.holds(grant), false);
    const second = owner();
    access.revoke(second.grant);
    assert.equal(access.find(second.token), undefined);
    assert.deepEqual(fs.readdirSync(access.folder), [], "nothing is left of either");
  });

  test("a link for one use is exchanged once, and what it was exchanged for ends with it", () => {
    const { token, grant } = once();
    assert.equal(access.find(token), undefined, "by itself it opens nothing");
    const entered = access.enter(token);
    assert.ok(entered !== undefined && entered.token !== token);
    assert.equal(access.enter(token), undefined);
    assert.equal(access.find(entered.token)?.session, "abc123");
    access.revoke(grant);
    assert.equal(access.find(entered.token), undefined);
  });

  test("the disk has no token, and files are the owner's alone", () => {
    const { token } = once();
    const entered = access.enter(token)?.token ?? "";
    for (const name of fs.readdirSync(access.folder)) {
      const text = fs.readFileSync(path.join(access.folder, name), "utf8");
      assert.ok(!text.includes(token) && !text.includes(entered));
      assert.equal(fs.statSync(path.join(access.folder, name)).mode & 0o077, 0);
    }
  });

  test("there are as many as there may be, and no more; broken files count for nothing", () => {
    fs.mkdirSync(access.folder);
    for (const text of ["", "{", "null", "[]", '{"id":"x"}']) {
      fs.writeFileSync(path.join(access.folder, "g-broken"), text);
      assert.deepEqual(access.list(), [], text);
    }
    for (let i = 0; i < mostGrants; i++) owner();
    assert.throws(owner, TooManyGrants);
    now += 1000;
    owner();
    assert.equal(access.list().length, 1);
  });
});
