// Where the client looks for its server, and which folders it refuses.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { encodeExit } from "../../../src/protocol/client.ts";
import { client, FakeServer } from "../../support/holder/fake-server.ts";
import { TestHome } from "../../support/home.ts";
import { emulated } from "../../support/installs/emulated.ts";
import { withVarTmp } from "../../support/var-tmp.ts";

const host = os.hostname();
const root = process.getuid?.() === 0;

let home: TestHome;
before(() => {
  assert.ok(fs.existsSync(client), `${client} is not built`);
  home = new TestHome();
});
after(() => home.dispose());

const run = (folder: string | undefined, env: Record<string, string | undefined> = {}) =>
  home.run(["x"], { file: client, env: { FALCON_SESSIONS_HOME: folder, ...env } });

/** Asserts that a server in this folder is found by a client with this environment. */
async function found(folder: string, env: Record<string, string | undefined>, cwd = home.work): Promise<void> {
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  const server = await FakeServer.listen(folder);
  try {
    const ended = home.run(["x"], { file: client, cwd, env: { FALCON_SESSIONS_HOME: undefined, ...env } });
    const peer = await Promise.race([server.peer(), ended.then((result) => assert.fail(JSON.stringify(result)))]);
    peer.send(encodeExit(42));
    assert.equal((await ended).code, 42);
  } finally {
    server.dispose();
    fs.rmSync(server.socketPath, { force: true });
  }
}

async function refused(folder: string | undefined, why: RegExp, env: Record<string, string | undefined> = {}): Promise<void> {
  const { code, stdout, stderr } = await run(folder, env);
  assert.equal(code, 125);
  assert.equal(stdout, "");
  assert.match(stderr, why);
  assert.match(stderr, /^falcon: [^\n]+\n$/, "one sentence");
}

describe("the folder", () => {
  const at = (name: string) => path.join(home.work, name);

  test("is FALCON_SESSIONS_HOME, relative to the working folder too", async () => {
    await found(at("set"), { FALCON_SESSIONS_HOME: `${at("set")}/` });
    await found(at("relative/deep"), { FALCON_SESSIONS_HOME: "relative/deep" });
    fs.mkdirSync(at("in"));
    await found(at("set"), { FALCON_SESSIONS_HOME: "." }, at("set"));
  });

  test("is below XDG_STATE_HOME, else below HOME, with the host's name", async () => {
    await found(path.join(at("state"), "falcon-sessions", host), { XDG_STATE_HOME: at("state") });
    await found(path.join(at("h"), ".local/state/falcon-sessions", host), { HOME: at("h") });
    // the specification has relative paths ignored
    await found(path.join(at("h"), ".local/state/falcon-sessions", host), { HOME: at("h"), XDG_STATE_HOME: "state" });
  });

  test("is below /var/tmp where the home is too long for a socket, or not there", () =>
    withVarTmp(async () => {
      const fallback = `/var/tmp/falcon-sessions-${process.getuid?.()}`;
      const mine = path.join(fallback, host);
      const existed = fs.existsSync(fallback);
      try {
        await found(mine, { HOME: at("long".repeat(20)) });
        fs.writeFileSync(at("file"), "");
        await found(mine, { XDG_STATE_HOME: at("file/below") });
      } finally {
        if (!existed) fs.rmSync(fallback, { recursive: true });
      }
    }));

  test("is made with its parents, for the owner alone whatever the umask is", async () => {
    const folder = at("new/er/home");
    for (const mask of ["000", "077", "777"]) {
      const result = await home.run(["-c", `umask ${mask}; exec ${client} x`], {
        file: "/bin/sh",
        env: { FALCON_SESSIONS_HOME: folder, FALCON_NODE: "/no/such/node" },
      });
      assert.equal(result.code, 125);
      for (const part of [at("new"), at("new/er"), folder])
        assert.equal(fs.statSync(part).mode & 0o7777, 0o700, `${part} with umask ${mask}`);
      fs.rmSync(at("new"), { recursive: true });
    }
  });

  test("open to others is refused, and not mended", async () => {
    for (const mode of [0o755, 0o750, 0o701, 0o720, 0o777]) {
      fs.mkdirSync(at("open"));
      fs.chmodSync(at("open"), mode);
      await refused(at("open"), new RegExp(`is open to other users \\(mode 0${mode.toString(8)}\\): chmod 700 `));
      assert.equal(fs.statSync(at("open")).mode & 0o777, mode);
      fs.rmdirSync(at("open"));
    }
  });

  test("that is a symbolic link is refused, also a dangling one or with a slash behind it", async () => {
    fs.mkdirSync(at("real"), { mode: 0o700 });
    fs.symlinkSync(at("real"), at("link"));
    fs.symlinkSync(at("nothing"), at("dangling"));
    await refused(at("link"), /is a symbolic link/);
    await refused(`${at("link")}//`, /is a symbolic link/);
    await refused(at("dangling"), /is a symbolic link/);
    assert.ok(!fs.existsSync(at("nothing")));
  });

  test("that is no folder is refused", async () => {
    fs.writeFileSync(at("plain"), "", { mode: 0o600 });
    await refused(at("plain"), /is not a folder/);
  });

  test("below one that others can write is refused, unless it is sticky", async () => {
    fs.mkdirSync(at("shared"));
    fs.chmodSync(at("shared"), 0o777);
    await refused(at("shared/mine"), /can be written by others/);
    fs.mkdirSync(at("shared/mine/deep"), { recursive: true, mode: 0o700 });
    await refused(at("shared/mine/deep"), /can be written by others/);
    fs.chmodSync(at("shared"), 0o1777);
    await found(at("shared/mine"), { FALCON_SESSIONS_HOME: at("shared/mine") });
    // other members of a group could exchange what is in it just as well
    fs.chmodSync(at("shared"), 0o3775);
    await found(at("shared/mine"), { FALCON_SESSIONS_HOME: at("shared/mine") });
  });

  test("of another user, or below another user's, is refused", {
    skip: !root && "needs root, to give a folder away",
  }, async () => {
    fs.mkdirSync(at("theirs"), { mode: 0o700 });
    fs.chownSync(at("theirs"), 12345, 12345);
    await refused(at("theirs"), /theirs belongs to another user \(12345\)/);
    fs.mkdirSync(at("theirs/mine"), { mode: 0o700 });
    await refused(at("theirs/mine"), /theirs belongs to another user \(12345\), who could replace/);
    fs.mkdirSync(at("group"));
    fs.chownSync(at("group"), 0, 12345);
    fs.chmodSync(at("group"), 0o775);
    await refused(at("group/mine"), /group can be written by others/);
  });

  const canHaveAccounts = root && spawnSync("unshare", ["-m", "setpriv", "--reuid", "1", "true"]).status === 0;
  test("below one that its own group can write is refused, unless that group is its user's alone", {
    skip: !canHaveAccounts && "needs root, to have other accounts in a mount namespace",
  }, () => {
    const base = fs.mkdtempSync("/tmp/fs-");
    try {
      for (const part of [base, path.join(base, "folder")]) {
        fs.mkdirSync(part, { recursive: true });
        fs.chownSync(part, 4711, 4712);
      }
      fs.chmodSync(path.join(base, "folder"), 0o775);
      const tried = (groups: string, more = "") => {
        fs.writeFileSync(path.join(base, "group"), `root:x:0:\n${groups}\n`);
        fs.writeFileSync(path.join(base, "passwd"), `root:x:0:0::/root:/bin/sh\nann:x:4711:4712::/:/bin/sh\n${more}`);
        fs.rmSync(path.join(base, "folder/h"), { recursive: true, force: true });
        const script =
          'mount --bind "$0/passwd" /etc/passwd && mount --bind "$0/group" /etc/group && exec setpriv --reuid 4711 --regid 4712 --clear-groups "$1" x';
        const { stderr } = spawnSync("unshare", ["-m", "sh", "-c", script, base, client], {
          encoding: "utf8",
          env: { ...home.env, FALCON_SESSIONS_HOME: path.join(base, "folder/h"), FALCON_NODE: "/bin/false" },
        });
        const made = fs.existsSync(path.join(base, "folder/h"));
        assert.equal(made, !/can be written by others/.test(stderr), stderr);
        return made;
      };
      assert.equal(tried("ann:x:4712:"), true, "a group of the user's name, without members");
      assert.equal(tried("ann:x:4712:ann"), true, "or with no other member");
      assert.equal(tried("ann:x:4712:ann,bob"), false, "with another member");
      assert.equal(tried("project:x:4712:"), false, "a group of another name");
      assert.equal(tried("ann:x:4712:", "bob:x:4713:4712::/:/bin/sh\n"), false, "another account has it as its own");
      assert.equal(tried(""), false, "a group that nobody knows");
    } finally {
      fs.rmSync(base, { recursive: true, force: true });
    }
  });

  test("is made only below what has been checked: root with a user's HOME leaves nothing in it, and is told of sudo -H", {
    skip: !root && "needs root",
  }, async () => {
    fs.mkdirSync(at("user"), { mode: 0o755 });
    fs.chownSync(at("user"), 12345, 12345);
    await refused(undefined, /user belongs to another user \(12345\) and you are root with that user's HOME: use 'sudo -H'/, {
      HOME: at("user"),
    });
    assert.deepEqual(fs.readdirSync(at("user")), []);
    fs.mkdirSync(at("open-parent"));
    fs.chmodSync(at("open-parent"), 0o777);
    await refused(at("open-parent/new/er/home"), /open-parent can be written by others/);
    assert.deepEqual(fs.readdirSync(at("open-parent")), []);
  });

  test("with a path too long for a socket is refused, with both lengths", async () => {
    const folder = path.join(at("a".repeat(60)), "b".repeat(60));
    const length = Buffer.byteLength(folder);
    await refused(
      folder,
      new RegExp(`has ${length} bytes, but a Unix socket in it leaves room for 83: set FALCON_SESSIONS_HOME to a shorter one`),
    );
    const longest = path.join(home.work, "c".repeat(83 - home.work.length - 1));
    assert.equal(longest.length, 83);
    await found(longest, { FALCON_SESSIONS_HOME: longest });
    await refused(`${longest}c`, /has 84 bytes/);
  });

  test("whose path is no UTF-8 is refused: a server would be started for another one", () => {
    const base = fs.mkdtempSync("/tmp/fs-");
    try {
      for (const [bytes, fine] of [
        ["\\351", false],
        ["\\355\\240\\200", false],
        ["\\364\\220\\200\\200", false],
        ["\\360\\237\\230", false],
        ["\\303\\251\\360\\237\\230\\200", true],
      ] as const) {
        const script = `FALCON_SESSIONS_HOME="$(printf '%s/h${bytes}' "$0")" FALCON_NODE=/bin/false exec "$1" x`;
        const said = spawnSync("/bin/sh", ["-c", script, base, client], { encoding: "utf8", env: home.env });
        assert.equal(said.status, 125);
        assert.equal(/is not UTF-8: set FALCON_SESSIONS_HOME/.test(said.stderr), !fine, said.stderr);
        assert.equal(fs.readdirSync(base).length, fine ? 1 : 0, "made only where it can be used");
      }
    } finally {
      fs.rmSync(base, { recursive: true });
    }
  });

  test("that cannot be made is told with the reason", async () => {
    await refused("/proc/falcon", /cannot be made: No such file or directory/);
    await refused("/", /cannot be the folder of the sessions/);
  });

  test("a socket that is served by another user gets nothing", {
    skip: root
      ? emulated && "the other user cannot put the emulated program beside its script"
      : "needs root, to become another user",
  }, async () => {
    // a server of another user in a folder of ours can only be made by root; the check must not depend on the
    // folder's alone
    const folder = at("s");
    fs.mkdirSync(folder, { mode: 0o700 });
    const server = await FakeServer.listen(folder);
    try {
      fs.chmodSync(server.socketPath, 0o777);
      for (const part of [path.dirname(home.work), home.work]) fs.chmodSync(part, 0o755);
      const other = path.join(home.work, "other");
      fs.mkdirSync(other, { mode: 0o700 });
      fs.chownSync(other, 12345, 12345);
      fs.linkSync(server.socketPath, path.join(other, "server.sock"));
      const copy = path.join(home.work, "client");
      fs.copyFileSync(client, copy);
      fs.chmodSync(copy, 0o755);
      const child = spawn(copy, ["x"], { uid: 12345, gid: 12345, cwd: "/", env: { ...home.env, FALCON_SESSIONS_HOME: other } });
      const said: Buffer[] = [];
      child.stderr.on("data", (data) => said.push(data));
      const [code] = await once(child, "close");
      assert.equal(code, 125);
      assert.match(String(said), /^client: .*other\/server\.sock is served by another user, so nothing is sent to it\n$/);
      assert.equal(
        server.peers.every((peer) => peer.request === undefined),
        true,
      );
    } finally {
      server.dispose();
      fs.rmSync(path.join(home.work, "other"), { recursive: true, force: true });
      fs.rmSync(server.socketPath, { force: true });
    }
  });
});
